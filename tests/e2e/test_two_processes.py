"""Two servers and the commands on one database: every execution and every mail exactly once, one
of the servers runs the schedules, and the other takes over when that one is killed."""

import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from tests.cast import create_order
from tests.e2e.ledger import fates
from tests.e2e.postgres import postgres_cluster
from tests.e2e.server import Server, environment, flask, wait_for
from tests.e2e.world import create_recent_cast, inside, select

#: In each of the two due minutes.
SCHEDULES = 6
#: A dead holder's lease lasts 30 s, the other looks every 5 s.
TAKE_OVER_WITHIN = 60

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "postgresql":
            yield stack.enter_context(postgres_cluster(tmp_path))
        else:
            yield f"sqlite:///{tmp_path / 'e2e.db'}"


@pytest.fixture
def settings(database_url, smtp):
    return {"DATABASE_URL": database_url, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp.port}


class Commands:
    """`flask reports due-check` and `deliver`, by turns, in a loop beside the servers."""

    def __init__(self, env):
        self.env = env
        self.planned = self.sent = self.rounds = 0
        self.trouble = None
        self._done = Event()
        self._thread = Thread(target=self._run)

    def _run(self):
        try:
            while not self._done.is_set():
                self.planned += flask(self.env, "reports", "due-check", "--json")["executions"]
                self.sent += flask(self.env, "reports", "deliver", "--json")["sent"]
                self.rounds += 1
                # Each start of a command takes a processor for a second: not all the time, but
                # whenever a minute's runs may be due.
                self._done.wait(0.5 if (time.time() + 3) % 60 < 15 else 8)
        except BaseException as error:
            self.trouble = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        assert self.trouble is None, self.trouble


def make_schedules(env, first_due: datetime) -> None:
    """Six schedules for the minute `first_due`, six for the one after; each for Tom and Pia."""
    with inside(env):
        cast = create_recent_cast()
        for number in range(2 * SCHEDULES):
            due = first_due + timedelta(minutes=number // SCHEDULES)
            create_order(
                cast.tom,
                cast.tom,
                cast.pia,
                now=first_due - timedelta(seconds=30),
                frequency="weekly" if number % 2 else "daily",
                day_of_week=due.isoweekday(),
                time=f"{due:%H:%M}",
                time_zone="UTC",
                export_format=("csv", "xlsx")[number % 2],
            )


def lease_holder(env, servers) -> Server | None:
    """The server that holds the lease now."""
    rows = select(env, "SELECT holder, expires_at FROM scheduler_lease")
    assert len(rows) <= 1
    holders = [each for each in servers for row in rows if each.owns(int(row.holder.split(":")[1]))]
    assert len(holders) <= 1
    return holders[0] if holders else None


def finished(env) -> int:
    """How many executions have ended."""
    sql = "SELECT count(*) FROM report_schedule_execution WHERE status <> 'started'"
    return select(env, sql)[0][0]


def test_everything_happens_once_with_two_servers_and_the_commands_also_when_one_is_killed(
    tmp_path, settings, smtp
):
    env = environment(tmp_path, settings)
    flask(env, "db", "upgrade")
    servers = [Server(tmp_path, name, **settings) for name in ("one", "two")]
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        holder = wait_for(lambda: lease_holder(env, servers), "a lease holder")
        (other,) = [server for server in servers if server is not holder]

        now = datetime.now(UTC)
        first_due = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if first_due - now < timedelta(seconds=6):
            first_due += timedelta(minutes=1)
        make_schedules(env, first_due)
        assert finished(env) == 0

        commands = stack.enter_context(Commands(env))
        wait_for(lambda: finished(env) >= SCHEDULES, "the first minute's runs", 150, pause=0.2)
        assert datetime.now(UTC) >= first_due
        assert "runs the schedules" in holder.said
        assert "runs the schedules" not in other.said
        assert lease_holder(env, servers) is holder

        killed = time.monotonic()
        holder.kill()
        wait_for(
            lambda: lease_holder(env, servers) is other, "the other to take over", TAKE_OVER_WITHIN
        )
        taken_over = time.monotonic() - killed
        wait_for(lambda: finished(env) >= 2 * SCHEDULES, "the second minute's", 150, pause=0.2)
        wait_for(lambda: len(smtp.arrived) >= 4 * SCHEDULES, "the last mails")
    print(
        f"taken over after {taken_over:.1f} s; the commands planned {commands.planned} of "
        f"{2 * SCHEDULES} executions and sent {commands.sent} of {4 * SCHEDULES} mails in "
        f"{commands.rounds} rounds"
    )

    rows = select(env, "SELECT id, schedule_id, trigger FROM report_schedule_execution")
    assert {row.trigger for row in rows} == {"schedule"}
    once = Counter(dict.fromkeys((row.schedule_id for row in rows), 1))
    assert Counter(row.schedule_id for row in rows) == once
    assert len(once) == 2 * SCHEDULES
    counts = fates(env, [row.id for row in rows], smtp.arrived)
    # The holder was killed when the first minute's runs had ended: nothing was in its hands.
    assert counts == {"sent": 4 * SCHEDULES}
    assert len(smtp.arrived) == 4 * SCHEDULES
    assert servers[0].complaints == servers[1].complaints == []
