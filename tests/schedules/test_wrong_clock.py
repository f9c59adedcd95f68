"""Runs that come too late, and clocks that are wrong for a while: each period at most once."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from reportapp.constants import ExecutionStatus, NoticeKind, Trigger
from reportapp.delivery import plan_due
from reportapp.extensions import db, transaction
from reportapp.models import (
    Notice,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
)
from tests.cast import NOW, create_order

MISSED = ExecutionStatus.MISSED
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DUE = NOW + HOUR / 2


def runs():
    query = select(ReportScheduleExecution).order_by(ReportScheduleExecution.scheduled_for)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def sent():
    """The planned instants of the runs that were sent, or are being sent."""
    return [run.scheduled_for for run in runs() if run.status is not MISSED]


def missed():
    return [run.scheduled_for for run in runs() if run.status is MISSED]


@pytest.mark.parametrize(
    ("late", "is_sent"), [(HOUR, True), (DAY, True), (DAY + MINUTE, False), (6 * DAY, False)]
)
def test_a_run_at_most_a_day_late_is_sent_once_and_an_older_one_is_missed(cast, late, is_sent):
    schedule = create_order(cast.tom, cast.tom)
    for _ in range(2):
        plan_due(DUE + late)
    (run,) = runs()
    assert (run.scheduled_for, run.status is not MISSED) == (DUE, is_sent)
    assert len(db.session.scalars(select(ReportDelivery)).all()) == is_sent
    assert schedule.next_scheduled == DUE + 7 * DAY
    if not is_sent:
        assert run.error_message == (
            "Nothing was running at its time nor in the day after, so it was not sent."
        )
        assert run.completed_at == DUE + late
        assert schedule.last_sent is None
        people = db.session.scalars(select(Notice).order_by(Notice.user_id)).all()
        assert [(each.user, each.kind) for each in people] == [
            (cast.ada, NoticeKind.MISSED_RUN),
            (cast.tom, NoticeKind.MISSED_RUN),
        ]


def test_missed_runs_name_the_earlier_ones_and_do_not_count_for_the_highest_number(cast):
    schedule = create_order(cast.tom, cast.tom, days_of_week="12", max_runs=1)
    plan_due(DUE + 5 * DAY)
    assert (missed(), sent()) == ([DUE + DAY], [])
    assert runs()[0].error_message.endswith(
        "1 earlier run was missed while nothing was running and will not be sent."
    )
    plan_due(DUE + 7 * DAY)
    assert sent() == [DUE + 7 * DAY]
    assert schedule.next_scheduled is None


@pytest.mark.parametrize("frequency", ["daily", "weekly"])
@pytest.mark.parametrize("ahead", [HOUR, DAY, 40 * DAY])
def test_a_clock_that_was_ahead_for_a_while_loses_and_repeats_nothing(cast, frequency, ahead):
    schedule = create_order(cast.tom, cast.tom, frequency=frequency)
    step = DAY if frequency == "daily" else 7 * DAY
    plan_due(DUE)
    plan_due(DUE + HOUR + ahead)
    # Put right; from now on somebody looks every few hours.
    for hours in range(2, 50 * 24, 8):
        plan_due(DUE + hours * HOUR)
    expected = {DUE + number * step for number in range(50 * DAY // step + 1)}
    expected = {instant for instant in expected if instant < DUE + 50 * DAY}
    assert len(sent()) == len(set(sent()))
    assert (set(sent()), missed()) == (expected, [])
    assert schedule.next_scheduled == max(expected) + step


@pytest.mark.parametrize("behind", [HOUR, DAY, 40 * DAY])
def test_a_clock_that_was_behind_for_a_while_loses_and_repeats_nothing(cast, behind):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    for day in range(45):
        plan_due(DUE + day * DAY)
    for day in range(3):
        plan_due(DUE + 44 * DAY - behind + day * HOUR)
    plan_due(DUE + 45 * DAY)
    assert sent() == [DUE + day * DAY for day in range(46)]
    assert (missed(), schedule.next_scheduled) == ([], DUE + 46 * DAY)


def test_what_a_wrong_clock_called_missed_is_not_told_once_it_is_put_right(cast):
    create_order(cast.tom, cast.tom)
    plan_due(DUE + 40 * DAY)
    assert missed() == [DUE + 35 * DAY]
    plan_due(DUE + HOUR)
    assert (sent(), missed()) == ([], [])
    assert db.session.scalars(select(Notice)).all() == []
    plan_due(DUE + 7 * DAY)
    assert sent() == [DUE + 7 * DAY]


def test_an_ended_rhythm_goes_on_when_the_clock_is_put_right(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", end_date="2026-11-26")
    plan_due(DUE)
    plan_due(DUE + 40 * DAY)
    assert schedule.next_scheduled is None
    for day in (1, 2, 3, 4):
        plan_due(DUE + day * DAY)
    assert (sent(), missed()) == ([DUE + day * DAY for day in range(4)], [])


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.sampled_from([HOUR / 3, HOUR, -HOUR, DAY, -DAY, 3 * DAY, 40 * DAY, -40 * DAY]),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["daily", "weekly"]),
)
def test_whatever_the_clock_does_no_period_is_sent_twice(cast, steps, frequency):
    with transaction() as session:
        for model in (Notice, ReportDelivery, ReportScheduleExecution, ReportScheduleRecipient):
            session.query(model).delete()
        session.query(ReportSchedule).delete()
    create_order(cast.tom, cast.tom, frequency=frequency)
    instant = DUE
    for step in steps:
        plan_due(instant)
        instant += step
    days = [run.planned_day for run in runs() if run.trigger is Trigger.SCHEDULE]
    assert len(days) == len(set(days))
    # It is not silent: as the clock stands now, it comes within its rhythm.
    plan_due(max(instant, NOW))
    (schedule,) = db.session.scalars(select(ReportSchedule))
    ahead = {run.scheduled_for for run in runs() if run.scheduled_for > max(instant, NOW)}
    gap = (schedule.next_scheduled - max(instant, NOW)) / (DAY if frequency == "daily" else 7 * DAY)
    assert gap <= 1 + len(ahead)
