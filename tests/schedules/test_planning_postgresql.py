"""Planning once more, on PostgreSQL: every test of `test_planning`."""

import pytest
from sqlalchemy import text

from reportapp.delivery import due, plan_due
from tests.cast import create_order
from tests.schedules.test_planning import *  # noqa: F403
from tests.schedules.test_planning import DUE, planned

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql


def test_a_connection_that_breaks_while_one_is_planned_does_not_stop_the_next(cast, monkeypatch):
    broken, *_ = [create_order(cast.tom, cast.tom) for _ in range(3)]
    plan, trouble = due.plan_owed_run, broken.id

    def cut_off(session, schedule_id, now, **more):
        if schedule_id == trouble:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return plan(session, schedule_id, now, **more)

    monkeypatch.setattr(due, "plan_owed_run", cut_off)
    assert plan_due(DUE).executions == len(planned()) == 2
