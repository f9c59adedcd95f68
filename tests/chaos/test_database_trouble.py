"""The database fails in the middle of sending: nothing is sent twice, what cannot be written down
is called unknown in the end, and the rest goes on when the database is well again."""

import os
import resource
import time
from collections import Counter
from datetime import timedelta
from itertools import count
from threading import Event, Lock, Timer
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from reportapp import clock
from reportapp.delivery import deliver, produce, recover, send, work
from reportapp.extensions import db
from reportapp.models import ReportDelivery
from reportapp.schedules.runs import run_now
from tests.cast import create_order
from tests.chaos.conftest import LONG
from tests.chaos.world import School, compare
from tests.e2e.world import create_many_families

RECIPIENTS = 40
#: Mails that have arrived when the trouble begins.
BEFORE = 15
#: Milliseconds that SQLite waits for a lock; the application's own are 30 s.
PATIENCE = 200
AT = clock.now()
LATER = AT + timedelta(hours=1)


class Trouble:
    """One way in which the database fails, from `begin` to `end`."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.on = False

    def begin(self) -> None:
        self.on = True

    def end(self) -> None:
        self.on = False


class DiskFull(Trouble):
    """No file may grow beyond what SQLite's log has come to."""

    def begin(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = os.stat(f"{self.engine.url.database}-wal").st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self.before[1]))
        super().begin()

    def end(self) -> None:
        if self.on:
            resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
        super().end()


class ReadOnly(Trouble):
    def __init__(self, engine) -> None:
        super().__init__(engine)
        event.listen(engine, "begin", self._set)

    def _set(self, connection) -> None:
        connection.connection.execute(f"PRAGMA query_only = {int(self.on)}")

    def end(self) -> None:
        super().end()
        self.engine.dispose()


class Locked(Trouble):
    """Another program holds the write lock for longer than we wait."""

    def begin(self) -> None:
        self.other = create_engine(self.engine.url, connect_args={"check_same_thread": False})
        self.connection = self.other.raw_connection()
        self.connection.isolation_level = None
        self.connection.execute("PRAGMA busy_timeout = 60000")
        self.connection.execute("BEGIN IMMEDIATE")
        super().begin()

    def end(self) -> None:
        if self.on:
            self.connection.execute("ROLLBACK")
            self.connection.close()
            self.other.dispose()
        super().end()


class CommitFails(Trouble):
    def __init__(self, engine) -> None:
        super().__init__(engine)
        event.listen(engine, "commit", self._fail)

    def _fail(self, _connection) -> None:
        if self.on:
            raise OperationalError("COMMIT", {}, Exception("the commit failed"))


class CutOff(CommitFails):
    """PostgreSQL ends all our sessions, and takes no new ones."""

    def __init__(self, engine) -> None:
        super().__init__(engine)
        event.listen(engine, "do_connect", lambda *_: self._fail(None))

    def begin(self) -> None:
        super().begin()
        with psycopg.connect(self.engine.url.set(drivername="postgresql").render_as_string()) as it:
            it.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


class Stop(Event):
    """Between two attempts to write down what was sent, the trouble ends."""

    def __init__(self, trouble: Trouble | None) -> None:
        super().__init__()
        self.trouble = trouble

    def wait(self, timeout=None) -> bool:
        if self.trouble is not None:
            self.trouble.end()
        return super().wait(0)


@pytest.fixture(params=[1, 4], ids=["1 session", "4 sessions"])
def settings(request, server):
    return {"DELIVERY_WORKERS": request.param, "MAIL_PORT": server.port}


@pytest.fixture
def school(app, cast, settings, monkeypatch):
    """The school, whose run by hand waits to be sent."""
    monkeypatch.setattr(send, "_WRITE_AGAIN", (1, 1, 0))
    guardians = create_many_families(cast, cast.tom, RECIPIENTS)
    schedule = create_order(cast.tom, *guardians, frequency="daily", is_active=False, now=AT)
    env = {"DATABASE_URL": app.config["DATABASE_URL"]}
    run_now(cast.tom, schedule.id, AT, message_domain="lindenhof.example")
    return School(env, cast.tom.id, [schedule.id])


def send_with_trouble(trouble, server, stop):
    """Sends; the trouble begins when a mail has arrived, before its sender is told."""
    once = Lock()

    def begin(_mail):
        if len(server.kept) >= BEFORE and once.acquire(blocking=False):
            trouble.begin()

    server.on_kept = begin
    try:
        with pytest.raises(SQLAlchemyError):
            deliver(clock.fixed(AT), stop, wall=clock.fixed(AT))
    finally:
        trouble.end()
    db.session.rollback()
    assert trouble.on is False
    assert BEFORE <= len(server.kept) < RECIPIENTS


def run_ids():
    return sorted({row.execution_id for row in db.session.query(ReportDelivery)})


def send_the_rest():
    recover(LATER, clock.fixed(LATER))
    deliver(clock.fixed(LATER), wall=clock.fixed(LATER))


KINDS = {"disk full": DiskFull, "read-only": ReadOnly, "locked": Locked, "commit": CommitFails}


class TestOnSqlite:
    @pytest.fixture(params=KINDS)
    def trouble(self, app, request):
        event.listen(
            db.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        )
        db.engine.dispose()
        return KINDS[request.param](db.engine)

    def test_what_was_sent_is_written_down_if_the_database_heals_in_time(
        self, school, trouble, server
    ):
        send_with_trouble(trouble, server, Stop(trouble))
        sent = db.session.query(ReportDelivery).filter_by(status="sent").count()
        assert sent == len(server.kept)
        send_the_rest()
        found = compare(school, run_ids(), server)
        assert found.statuses == {"sent": RECIPIENTS}
        assert (found.arrived, found.repeated) == (RECIPIENTS, 0)

    def test_what_could_not_be_written_down_is_unknown_and_not_sent_again(
        self, app, school, trouble, server, settings
    ):
        send_with_trouble(trouble, server, Stop(None))
        sending = db.session.query(ReportDelivery).filter_by(status="sending", phase="data").count()
        assert 1 <= sending <= settings["DELIVERY_WORKERS"]
        send_the_rest()
        found = compare(school, run_ids(), server)
        assert found.statuses == {"sent": RECIPIENTS - sending, "unknown": sending}
        assert (found.repeated, found.lost, found.forgotten) == (0, 0, 0)
        again = len(server.kept)
        for hours in (2, 10, 30):
            at = clock.fixed(AT + timedelta(hours=hours))
            recover(at(), at)
            deliver(at, wall=at)
        assert len(server.kept) == again


@pytest.mark.xdist_group("postgresql")
class TestOnPostgresql:
    @pytest.fixture
    def database_url(self, postgresql):
        return postgresql

    @pytest.fixture(params=[CutOff, CommitFails])
    def trouble(self, app, request):
        return request.param(db.engine)

    def test_after_an_outage_nothing_is_sent_twice(self, school, trouble, server, settings):
        send_with_trouble(trouble, server, Stop(None))
        db.session.remove()
        send_the_rest()
        found = compare(school, run_ids(), server)
        assert found.statuses["unknown"] <= settings["DELIVERY_WORKERS"]
        assert (found.repeated, found.lost, found.forgotten) == (0, 0, 0)

    def test_what_was_not_begun_goes_back_although_reading_was_cut_off(
        self, app, school, server, monkeypatch
    ):
        """All sessions read over one connection, and so does what is written at the end."""
        plainly, calls = produce.access_version, count(1)

        def cut_off(session):
            if next(calls) == 5:
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return plainly(session)

        monkeypatch.setattr(produce, "access_version", cut_off)
        monkeypatch.setattr(work, "FRESH", 0)
        with pytest.raises(OperationalError, match="terminating connection"):
            deliver(clock.fixed(AT), wall=clock.fixed(AT))
        statuses = Counter(row.status for row in db.session.query(ReportDelivery))
        assert statuses == {"sent": len(server.kept), "pending": RECIPIENTS - len(server.kept)}


@pytest.mark.skipif(not LONG, reason="takes the application's own 30 s: `make chaos`")
@pytest.mark.parametrize("seconds", [25, 35], ids=["waited for", "not waited for"])
def test_a_lock_held_for_about_as_long_as_we_wait_for_it(app, school, server, seconds):
    trouble = Locked(db.engine)
    begun = SimpleNamespace(at=0.0)

    def lock(_mail):
        if len(server.kept) == BEFORE:
            trouble.begin()
            begun.at = time.monotonic()
            Timer(seconds, trouble.end).start()

    server.on_kept = lock
    if seconds < 30:
        assert deliver(clock.fixed(AT))["sent"] == RECIPIENTS
    else:
        with pytest.raises(OperationalError, match="locked"):
            deliver(clock.fixed(AT))
        send_the_rest()
    assert time.monotonic() - begun.at >= seconds
    found = compare(school, run_ids(), server)
    assert found.statuses == {"sent": RECIPIENTS}
    assert (found.arrived, found.repeated) == (RECIPIENTS, 0)
