"""Making, changing, switching and deleting schedules, and when they run after that."""

from collections import UserDict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from reportapp.constants import Frequency, Role
from reportapp.delivery import plan_due
from reportapp.documents import planned_day
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ReportSchedule, ReportScheduleRecipient
from reportapp.recurrence import Rule, next_run_after, next_runs
from reportapp.schedules.edit import delete_schedule, switch_schedule, update_schedule
from reportapp.schedules.find import get_schedule, list_schedules
from reportapp.schedules.runs import get_execution, run_now
from reportapp.schedules.subscriptions import find_subscription, my_subscriptions
from reportapp.schedules.timing import LEAST_GAP, LastRun, first_run_after, rule_of
from tests.cast import NOW, create_order
from tests.schedules.help import DOMAIN, count, executions, row_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: 09:00 in Berlin on the Monday of the cast, half an hour after NOW.
DUE = NOW + HOUR / 2


def test_a_new_schedule_belongs_to_its_maker_and_has_its_first_run(cast):
    schedule = create_order(cast.tom, time="09:00")
    assert schedule.created_by_id == cast.tom.id
    assert (schedule.created_at, schedule.updated_at) == (NOW, NOW)
    assert schedule.next_scheduled == DUE
    assert count(ReportScheduleRecipient) == 0


def test_a_schedule_made_switched_off_has_no_run(cast):
    assert create_order(cast.tom, is_active=False).next_scheduled is None


def test_a_run_at_this_very_moment_is_for_the_next_time(cast):
    # "Strictly after": nobody expects a mail while still pressing the button.
    assert create_order(cast.tom, now=DUE).next_scheduled == DUE + 7 * DAY


def test_fields_that_are_nobodys_to_set_are_ignored(cast):
    schedule = create_order(cast.tom)
    hidden = {
        "id": 999,
        "created_by_id": cast.tea.id,
        "next_scheduled": NOW,
        "last_sent": NOW,
        "deleted_at": NOW,
        "created_at": NOW - DAY,
    }
    update_schedule(cast.tom, schedule.id, hidden, NOW)
    assert (schedule.created_by_id, schedule.next_scheduled) == (cast.tom.id, DUE)
    assert (schedule.last_sent, schedule.deleted_at, schedule.created_at) == (None, None, NOW)


def test_a_change_is_judged_together_with_what_is_kept(cast):
    daily = create_order(cast.tom, frequency="daily")
    with pytest.raises(InvalidInput) as caught:
        update_schedule(cast.tom, daily.id, {"frequency": "weekly"}, NOW)
    assert list(caught.value.fields) == ["day_of_week"]
    update_schedule(cast.tom, daily.id, {"frequency": "weekly", "day_of_week": 2}, NOW)
    assert daily.next_scheduled == DUE + DAY


def test_an_admins_change_is_judged_by_what_the_author_may_order(cast):
    schedule = create_order(cast.tom)
    with pytest.raises(InvalidInput) as caught:
        update_schedule(cast.ada, schedule.id, {"report_type": "tutor_weekly_report"}, NOW)
    assert caught.value.fields == {"report_type": ["A teacher cannot order this report."]}
    update_schedule(cast.ada, schedule.id, {"name": "By Ada"}, NOW)
    assert (schedule.name, schedule.created_by_id) == ("By Ada", cast.tom.id)


@pytest.mark.parametrize(
    ("change", "next_run"),
    [
        ({"time": "08:45"}, DUE - HOUR / 4),
        ({"time": "09:30"}, DUE + HOUR / 2),
        ({"time": "08:30"}, DUE + DAY - HOUR / 2),
        ({"time_zone": "Europe/London"}, DUE + HOUR),
        ({"time_zone": "Asia/Tokyo"}, DUE + DAY - 8 * HOUR),
        ({"frequency": "weekly", "day_of_week": 1}, DUE),
        ({"frequency": "weekly", "day_of_week": 7}, DUE + 6 * DAY),
        ({"frequency": "monthly", "day_of_month": 23}, DUE),
        ({"name": "New"}, DUE),
    ],
)
def test_before_todays_run_a_change_keeps_it_where_its_new_time_is_still_to_come(
    cast, change, next_run
):
    schedule = create_order(cast.tom, frequency="daily")
    update_schedule(cast.tom, schedule.id, change, NOW)
    assert schedule.next_scheduled == next_run


@pytest.mark.parametrize(
    ("change", "next_run"),
    [
        ({"time": "10:30"}, DUE + DAY + 1.5 * HOUR),
        ({"time": "08:00"}, DUE + DAY - HOUR),
        ({"time_zone": "America/New_York"}, DUE + DAY + 6 * HOUR),
        ({"frequency": "weekly", "day_of_week": 1, "time": "10:30"}, DUE + 7 * DAY + 1.5 * HOUR),
        ({"frequency": "weekly", "day_of_week": 2}, DUE + DAY),
        ({"frequency": "monthly", "day_of_month": 23, "time": "23:00"}, DUE + 30 * DAY + 14 * HOUR),
        ({"export_format": "pdf"}, DUE + DAY),
    ],
)
def test_after_todays_run_a_change_does_not_bring_it_again(cast, change, next_run):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    plan_due(DUE)
    update_schedule(cast.tom, schedule.id, change, DUE + HOUR / 4)
    assert schedule.next_scheduled == next_run
    assert len(executions()) == 1


def test_a_new_time_just_past_midnight_waits_until_an_hour_has_gone_by(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", time="23:50")
    late = schedule.next_scheduled
    plan_due(late)
    update_schedule(cast.tom, schedule.id, {"time": "00:49"}, late)
    assert schedule.next_scheduled == late + 59 * HOUR / 60 + DAY
    update_schedule(cast.tom, schedule.id, {"time": "00:50"}, late)
    assert schedule.next_scheduled == late + HOUR


@pytest.mark.parametrize("change", [{"name": "New", "time": "9:00"}, {"time": "08:59"}])
def test_a_change_keeps_a_run_that_is_already_due(cast, change):
    schedule = create_order(cast.tom, cast.tom)
    update_schedule(cast.tom, schedule.id, change, DUE + HOUR)
    assert schedule.next_scheduled == DUE
    assert plan_due(DUE + HOUR).executions == 1
    assert schedule.next_scheduled == next_run_after(rule_of(schedule), DUE + HOUR)


@pytest.mark.parametrize(
    ("at", "zone"), [("00:30", "America/New_York"), ("23:30", "Pacific/Kiritimati")]
)
def test_moving_to_another_zone_reports_every_day_once(cast, at, zone):
    # The run's instant is another date over there: neither is that day's report sent twice, nor
    # is the next day's left out.
    schedule = create_order(cast.tom, cast.tom, frequency="daily", time=at)
    ran = schedule.next_scheduled
    plan_due(ran)
    update_schedule(cast.tom, schedule.id, {"time_zone": zone}, ran + HOUR)
    plan_due(schedule.next_scheduled)
    first, second = executions()
    assert (first.period_end, second.period_end) == (second.period_start, first.period_end + DAY)


class MeanwhileDeleted(UserDict):
    """Fields during whose reading the schedule is deleted, as by a second window."""

    def __iter__(self):
        db.session.commit()
        with db.engine.begin() as other:
            gone = {"deleted_at": NOW, "is_active": False, "next_scheduled": None}
            other.execute(update(ReportSchedule).values(gone))
        return super().__iter__()


def test_a_change_does_not_bring_back_what_was_deleted_at_the_same_time(cast):
    schedule = create_order(cast.tom)
    with pytest.raises(NotFound):
        update_schedule(cast.tom, schedule.id, MeanwhileDeleted(name="New"), NOW)
    assert (schedule.deleted_at, schedule.is_active, schedule.next_scheduled) == (NOW, False, None)


def test_what_its_author_may_no_longer_order_can_only_be_switched_off(cast):
    schedule = create_order(cast.uma, report_type="tutor_weekly_report")
    with transaction():
        cast.uma.role = Role.TEACHER
    switch_schedule(cast.uma, schedule.id, False, NOW)
    assert (schedule.is_active, schedule.next_scheduled) == (False, None)
    with pytest.raises(InvalidInput):
        switch_schedule(cast.uma, schedule.id, True, NOW)


def test_another_zone_does_not_send_the_same_days_again(cast):
    """In Auckland it is Monday long before it is in New York."""
    schedule = create_order(cast.tom, cast.tom, time_zone="Pacific/Auckland")
    monday = schedule.next_scheduled
    plan_due(monday)
    update_schedule(cast.tom, schedule.id, {"time_zone": "America/New_York"}, monday + HOUR)
    assert schedule.next_scheduled == DUE + 14 * DAY + 6 * HOUR
    plan_due(schedule.next_scheduled)
    first, second = executions()
    assert first.period_end <= second.period_start


def test_an_overdue_run_survives_a_change_of_its_time_and_comes_once(cast):
    """The scheduler stood still when the time was changed."""
    schedule = create_order(cast.tom, cast.tom)
    update_schedule(cast.tom, schedule.id, {"time": "09:05"}, DUE + HOUR)
    assert schedule.next_scheduled == DUE
    assert plan_due(DUE + HOUR).executions == 1
    assert [run.error_message for run in executions()] == [None]
    assert schedule.next_scheduled == DUE + 7 * DAY + HOUR / 12
    assert plan_due(DUE + 6 * DAY).executions == 0


def test_a_run_that_a_person_asked_for_is_not_todays_run(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    run_now(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    update_schedule(cast.tom, schedule.id, {"time": "11:00"}, NOW)
    assert schedule.next_scheduled == DUE + 2 * HOUR


def test_switching_on_does_not_send_what_was_due_while_off(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    switch_schedule(cast.tom, schedule.id, False, NOW)
    assert (schedule.is_active, schedule.next_scheduled) == (False, None)
    assert plan_due(DUE + 3 * DAY).executions == 0
    switch_schedule(cast.tom, schedule.id, True, DUE + 3 * DAY + HOUR)
    assert schedule.next_scheduled == DUE + 4 * DAY
    assert plan_due(DUE + 3 * DAY + HOUR).executions == 0


def test_switching_off_and_on_drops_a_run_that_was_due_and_not_planned(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    switch_schedule(cast.tom, schedule.id, False, DUE + HOUR)
    switch_schedule(cast.tom, schedule.id, True, DUE + HOUR)
    assert schedule.next_scheduled == DUE + DAY


def test_switching_on_what_is_on_changes_nothing(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily")
    switch_schedule(cast.tom, schedule.id, True, DUE + HOUR)
    assert schedule.next_scheduled == DUE


def test_changing_the_time_of_a_schedule_that_is_off_does_not_start_it(cast):
    schedule = create_order(cast.tom, is_active=False)
    update_schedule(cast.tom, schedule.id, {"time": "11:00"}, NOW)
    assert (schedule.is_active, schedule.next_scheduled) == (False, None)


def test_a_deleted_schedule_is_gone_for_everybody_but_its_ledger_and_its_links_stay(cast):
    schedule = create_order(cast.tom, cast.tom, cast.pia)
    run = run_now(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    token = row_of(schedule, cast.pia).unsubscribe_token
    delete_schedule(cast.tom, schedule.id, NOW)
    for person in (cast.tom, cast.ada):
        with pytest.raises(NotFound):
            get_schedule(person, schedule.id)
        with pytest.raises(NotFound):
            update_schedule(person, schedule.id, {"is_active": True}, NOW)
        with pytest.raises(NotFound):
            delete_schedule(person, schedule.id, NOW)
    assert list_schedules(cast.tom) == list_schedules(cast.ada, everybody=True) == ([], 0)
    assert list(my_subscriptions(cast.pia)) == []
    assert plan_due(DUE + 30 * DAY).schedules_due == 0
    assert len(get_execution(cast.tom, run)[1]) == 2
    assert find_subscription(token).recipient_id == cast.pia.id


# Any order of changes. The oracle knows no "next run": it walks minute by minute through the days
# and runs where the wish of the moment says so, at most once a local day and once an hour.

KOLKATA = ZoneInfo("Asia/Kolkata")  # its days begin at 18:30 UTC
START = datetime(2026, 11, 23, tzinfo=KOLKATA)
DAYS = 4
_minutes = st.integers(0, 24 * 60 - 1)
_wishes = st.one_of(
    st.fixed_dictionaries({"minute": _minutes}),
    st.fixed_dictionaries({"is_active": st.booleans()}),
    st.fixed_dictionaries({"day_of_week": st.none() | st.integers(1, 4)}),
)
_edits = st.dictionaries(st.integers(0, DAYS * 24 * 60 - 1), _wishes, max_size=6)


def oracle(first_minute, edits):
    wish = {"minute": first_minute, "is_active": True, "day_of_week": None}
    runs = []
    for now in range(DAYS * 24 * 60):
        day, minute = divmod(now, 24 * 60)
        wanted = (
            wish["is_active"]
            and minute == wish["minute"]
            and wish["day_of_week"] in (None, day + 1)  # START is a Monday
            and now > 0  # the schedule is made in minute 0
        )
        if wanted and not (runs and (now - runs[-1] < 60 or runs[-1] // (24 * 60) == day)):
            runs.append(now)
        wish |= edits.get(now, {})
    return [(START + timedelta(minutes=run)).astimezone(UTC) for run in runs]


def as_fields(wish):
    if "minute" in wish:
        return {"time": f"{wish['minute'] // 60:02}:{wish['minute'] % 60:02}"}
    if "day_of_week" in wish:
        weekly = wish["day_of_week"] is not None
        return {"frequency": "weekly" if weekly else "daily", **wish}
    return wish


@settings(
    max_examples=40,
    deadline=None,
    # The examples share the cast only: each has a schedule of its own, deleted at its end.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first_minute=_minutes, edits=_edits)
def test_whatever_is_changed_and_when_each_wanted_day_runs_once(cast, first_minute, edits):
    fields = {"frequency": "daily", "time_zone": "Asia/Kolkata"}
    schedule = create_order(cast.tom, now=START, **fields | as_fields({"minute": first_minute}))
    before = len(executions())
    for minute in [*sorted(edits), DAYS * 24 * 60 - 1]:
        now = START + timedelta(minutes=minute)
        while schedule.next_scheduled is not None and schedule.next_scheduled <= now:
            plan_due(schedule.next_scheduled)
        if minute in edits:
            update_schedule(cast.tom, schedule.id, as_fields(edits[minute]), now)
            assert schedule.next_scheduled is None or schedule.next_scheduled > now
    planned = [execution.scheduled_for for execution in executions()[before:]]
    delete_schedule(cast.tom, schedule.id, NOW)
    assert planned == oracle(first_minute, edits)


_rules = st.builds(
    Rule,
    st.sampled_from(Frequency),
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    # A usual zone, one whose gap is at midnight, one that skipped 30 December 2011 altogether.
    st.sampled_from([ZoneInfo(z) for z in ("Europe/Berlin", "America/Nuuk", "Pacific/Apia")]),
    st.integers(1, 7),
    st.integers(1, 31),
)
_instants = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_rules, _rules, _instants, st.timedeltas(timedelta(0), 2 * DAY))
def test_a_new_rhythm_begins_with_the_first_run_that_repeats_nothing(old, rule, instant, later):
    ran = next_run_after(old, instant)
    last = LastRun(ran, planned_day(ran, old.zone, old.time))
    now = ran + later
    run = first_run_after(rule, now, last)

    def repeats(instant):
        day = planned_day(instant, rule.zone, rule.time)
        return day <= last.day or instant - ran < LEAST_GAP

    assert run > now
    assert not repeats(run)
    skipped = [early for early in next_runs(rule, now, 4) if early < run]
    assert all(repeats(early) for early in skipped)
    assert len(skipped) < 4


def test_the_oracle_is_not_blind():
    """What the property above compares with: a plain case, worked out by hand."""
    nine = 9 * 60
    edits = {nine + 10: {"minute": 11 * 60}, 24 * 60 + 12 * 60: {"is_active": False}}
    assert oracle(nine, edits) == [
        datetime(2026, 11, 23, 3, 30, tzinfo=UTC),
        datetime(2026, 11, 24, 5, 30, tzinfo=UTC),
    ]
