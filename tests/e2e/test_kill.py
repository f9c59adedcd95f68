"""Killed in the middle of an execution of 200 mails: nothing is sent twice, nothing is lost."""

import time
from datetime import UTC, datetime

import pytest

from reportapp.extensions import db
from reportapp.models import User
from reportapp.schedules.runs import run_now
from tests.cast import create_order
from tests.e2e.ledger import deliveries, fates, wait_until_ended
from tests.e2e.server import Server, flask, wait_for
from tests.e2e.world import create_many_families, create_recent_cast, inside, select

RECIPIENTS = 200
#: The mail server's pace: slow enough that a kill lands in the middle.
SECONDS_PER_MAIL = 0.015


@pytest.fixture
def server(tmp_path, smtp):
    """A server, not yet started, whose mail server takes its time."""
    smtp.on_data = lambda address: time.sleep(SECONDS_PER_MAIL)
    server = Server(tmp_path, MAIL_SERVER="127.0.0.1", MAIL_PORT=smtp.port)
    flask(server.env, "db", "upgrade")
    return server


@pytest.fixture
def order(server):
    """(author, schedule): one schedule for 200 guardians, each with a child of their own."""
    with inside(server.env):
        cast = create_recent_cast()
        guardians = create_many_families(cast, cast.tom, RECIPIENTS)
        schedule = create_order(
            cast.tom, *guardians, frequency="daily", is_active=False, now=datetime.now(UTC)
        )
        return cast.tom.id, schedule.id


def run_by_hand(server, order) -> int:
    """What the button "Run now" does; the execution's id."""
    author_id, schedule_id = order
    with inside(server.env):
        author = db.session.get_one(User, author_id)
        return run_now(author, schedule_id, datetime.now(UTC), message_domain="lindenhof.example")


def wait_for_mails(smtp, number: int) -> None:
    wait_for(lambda: len(smtp.arrived) >= number, f"{number} mails", pause=0.01)


def test_after_a_kill_everybody_has_the_mail_once_and_at_most_one_is_called_unknown(
    server, order, smtp
):
    execution_id = run_by_hand(server, order)
    with server:
        wait_for_mails(smtp, 70)
        server.kill()
        before = len(smtp.arrived)
        assert before < RECIPIENTS - 20, "the kill came too late to be in the middle"
        assert "sending" in {row.status for row in deliveries(server.env, execution_id)}

        server.start()
        ended = wait_until_ended(server.env, execution_id)
        counts = fates(server.env, [execution_id], smtp.arrived)
        print(f"arrived before the kill: {before}, in the end: {len(smtp.arrived)}, {counts}")

        assert counts["unknown"] <= 1
        assert counts["sent"] + counts["unknown"] == RECIPIENTS
        assert counts["sent"] <= len(smtp.arrived) <= RECIPIENTS
        assert ended.status == ("partial" if counts["unknown"] else "completed")

        # The same database, asked to end politely this time: nothing remains uncertain.
        smtp.arrived.clear()
        execution_id = run_by_hand(server, order)
        wait_for_mails(smtp, 70)
        assert server.stop() == 0
        rows = deliveries(server.env, execution_id)
        sent = sum(row.status == "sent" for row in rows)
        assert {row.status for row in rows} == {"sent", "pending"}, "claims were not given back"
        assert sent == len(smtp.arrived) < RECIPIENTS
        held = "SELECT * FROM scheduler_lease WHERE expires_at > '2000-01-01'"
        assert select(server.env, held) == [], "the lease was not given back"

        server.start()
        ended = wait_until_ended(server.env, execution_id)
        assert fates(server.env, [execution_id], smtp.arrived) == {"sent": RECIPIENTS}
        assert len(smtp.arrived) == RECIPIENTS
        assert (ended.status, ended.successful_sends) == ("completed", RECIPIENTS)
    assert server.complaints == []
