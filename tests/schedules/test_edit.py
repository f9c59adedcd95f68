"""Making, changing, switching and deleting schedules, and when they run after that."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from reportapp.constants import Frequency, MonthMode, Role
from reportapp.delivery import plan_due
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ReportSchedule, ReportScheduleRecipient
from reportapp.recurrence import (
    LEAST_GAP,
    NOTHING_CLOSED,
    Rule,
    next_run_after,
    next_runs,
    parse_cron,
    run_at_or_before,
)
from reportapp.schedules import edit
from reportapp.schedules.edit import delete_schedule, switch_schedule, update_schedule
from reportapp.schedules.find import get_schedule, list_schedules
from reportapp.schedules.runs import get_execution, run_now
from reportapp.schedules.subscriptions import find_subscription, my_subscriptions
from reportapp.schedules.timing import Timing, rule_of
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


def test_fields_that_are_nobodys_to_set_are_refused_by_their_names(cast):
    schedule = create_order(cast.tom)
    hidden = {
        "id": 999,
        "created_by_id": cast.tea.id,
        "next_scheduled": NOW,
        "last_sent": NOW,
        "deleted_at": NOW,
        "created_at": NOW - DAY,
    }
    with pytest.raises(InvalidInput) as caught:
        update_schedule(cast.tom, schedule.id, hidden, NOW)
    assert caught.value.fields == {key: ["There is no such field."] for key in hidden}
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
        ({"time": "08:30"}, DUE - HOUR / 2),
        ({"time": "00:00"}, DUE - 9 * HOUR),
        ({"time_zone": "Europe/London"}, DUE + HOUR),
        ({"time_zone": "Asia/Tokyo"}, DUE - 8 * HOUR),
        ({"frequency": "cron", "cron": "0 8 * * *"}, DUE - HOUR),
        ({"frequency": "cron", "cron": "0 7,8,20 * * *"}, DUE + 11 * HOUR),
        ({"frequency": "cron", "cron": "0 8 * * 2-5"}, DUE + DAY - HOUR),
        ({"paused_until": "2026-11-25", "time": "08:00"}, DUE + 2 * DAY - HOUR),
        ({"start_date": "2026-11-24", "time": "08:00"}, DUE + DAY - HOUR),
        ({"end_date": "2026-11-23", "time": "08:00"}, DUE - HOUR),
        ({"frequency": "weekly", "day_of_week": 1}, DUE),
        ({"frequency": "weekly", "day_of_week": 7}, DUE + 6 * DAY),
        ({"frequency": "monthly", "day_of_month": 23}, DUE),
        ({"name": "New"}, DUE),
    ],
)
def test_before_todays_run_a_change_keeps_it_and_it_comes_at_once_where_its_new_time_has_gone_by(
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
        ({"frequency": "cron", "cron": "0 8 * * *"}, DUE + DAY - HOUR),
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


@pytest.mark.parametrize(
    ("minute", "comes"), [("00:05", HOUR), ("00:15", HOUR), ("00:50", HOUR), ("01:20", 1.5 * HOUR)]
)
def test_a_change_just_after_midnight_keeps_todays_run_an_hour_after_yesterdays(
    cast, minute, comes
):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", time="23:50")
    late = schedule.next_scheduled
    plan_due(late)
    update_schedule(cast.tom, schedule.id, {"time": minute}, late + HOUR / 3)
    assert schedule.next_scheduled == late + comes
    plan_due(late + comes)
    first, second = executions()
    assert (second.planned_day, second.period_start) == (first.planned_day + DAY, first.period_end)
    later = schedule.next_scheduled.astimezone(ZoneInfo("Europe/Berlin"))
    assert (f"{later:%H:%M}", later.date()) == (minute, second.planned_day + DAY)


@pytest.mark.parametrize(
    ("changed", "next_run"),
    [
        ("0 9,13 * * *", DUE + 4 * HOUR),
        ("0 8,13 * * *", DUE + 4 * HOUR),
        ("0 8,9 * * *", DUE + DAY - HOUR),
        ("30 9 * * *", DUE + DAY + HOUR / 2),
        ("30 9,14 * * *", DUE + 5.5 * HOUR),
    ],
)
def test_no_hour_of_a_day_that_has_begun_to_be_sent_is_made_up_for(cast, changed, next_run):
    schedule = create_order(cast.tom, cast.tom, frequency="cron", cron="0 9,12 * * *")
    plan_due(DUE)
    update_schedule(cast.tom, schedule.id, {"cron": changed}, DUE + HOUR / 4)
    assert schedule.next_scheduled == next_run
    assert plan_due(next_run).executions == 1
    assert schedule.next_scheduled > next_run


def test_in_a_zone_where_today_is_over_the_day_that_is_owed_comes_at_once_and_the_next_in_time(
    cast,
):
    """08:00 on Tuesday in New York is Wednesday in Auckland."""
    tuesday = NOW + DAY + 5.5 * HOUR
    schedule = create_order(
        cast.tom, cast.tom, now=tuesday, frequency="daily", time_zone="America/New_York"
    )
    update_schedule(cast.tom, schedule.id, {"time_zone": "Pacific/Auckland"}, tuesday)
    plan_due(tuesday)
    plan_due(schedule.next_scheduled)
    days = [(run.planned_day.day, run.period_start.day) for run in executions()]
    assert days == [(24, 23), (25, 24)]
    assert schedule.next_scheduled == datetime(2026, 11, 25, 20, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"name": "New", "time": "9:00"}, {"time": "08:59"}])
def test_a_change_makes_a_run_that_is_already_due_before_anything_else(cast, change):
    schedule = create_order(cast.tom, cast.tom)
    update_schedule(cast.tom, schedule.id, change, DUE + HOUR)
    assert [run.scheduled_for for run in executions()] == [DUE]
    assert schedule.next_scheduled == next_run_after(rule_of(schedule), DUE + HOUR)
    assert plan_due(DUE + HOUR).executions == 0


def test_a_refused_change_leaves_a_run_that_is_already_due_to_the_due_check(cast):
    schedule = create_order(cast.tom, cast.tom)
    with pytest.raises(InvalidInput):
        update_schedule(cast.tom, schedule.id, {"end_date": "2026-11-22"}, DUE + HOUR)
    assert (executions(), schedule.next_scheduled, schedule.end_date) == ([], DUE, None)
    assert plan_due(DUE + HOUR).executions == 1


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


def test_a_change_does_not_bring_back_what_was_deleted_at_the_same_time(cast, monkeypatch):
    schedule = create_order(cast.tom)

    def found_and_then_deleted_in_a_second_window(actor, schedule_id):
        found = get_schedule(actor, schedule_id)
        db.session.commit()
        with db.engine.begin() as other:
            gone = {"deleted_at": NOW, "is_active": False, "next_scheduled": None}
            other.execute(update(ReportSchedule).values(gone))
        return found

    monkeypatch.setattr(edit, "get_schedule", found_and_then_deleted_in_a_second_window)
    with pytest.raises(NotFound):
        update_schedule(cast.tom, schedule.id, {"name": "New", "is_active": True}, NOW)
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
    assert [(run.scheduled_for, run.error_message) for run in executions()] == [(DUE, None)]
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
    switch_schedule(cast.tom, schedule.id, True, NOW)
    assert schedule.next_scheduled == DUE
    switch_schedule(cast.tom, schedule.id, True, DUE + HOUR)
    assert (len(executions()), schedule.next_scheduled) == (1, DUE + DAY)


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
    assert list(my_subscriptions(cast.pia, NOW)) == []
    assert plan_due(DUE + 30 * DAY).schedules_due == 0
    assert get_execution(cast.tom, run).total_recipients == 2
    assert find_subscription(token).recipient_id == cast.pia.id


# Any order of changes. The oracle knows no "next run": it walks minute by minute through the days
# and runs where the wish of the moment says so, at most once a local day and once an hour. A change
# that moves a run of today, still to come, to a time that has gone by brings it at once, or when an
# hour has passed since the last one.

KOLKATA = ZoneInfo("Asia/Kolkata")  # its days begin at 18:30 UTC
START = datetime(2026, 11, 23, tzinfo=KOLKATA)
DAYS = 4
A_DAY = 24 * 60
_minutes = st.integers(0, A_DAY - 1)
_wishes = st.one_of(
    st.fixed_dictionaries({"minute": _minutes}),
    st.fixed_dictionaries({"is_active": st.booleans()}),
    st.fixed_dictionaries({"day_of_week": st.none() | st.integers(1, 4)}),
)
_edits = st.dictionaries(st.integers(0, DAYS * A_DAY - 1), _wishes, max_size=6)


def oracle(first_minute, edits):
    wish = {"minute": first_minute, "is_active": True, "day_of_week": None}
    runs, delayed = [], None

    def wants_today():
        # START is a Monday.
        return wish["is_active"] and wish["day_of_week"] in (None, day + 1)

    def allowed(minute):
        return not runs or (minute - runs[-1] >= 60 and runs[-1] // A_DAY < day)

    for now in range(DAYS * A_DAY):
        day = now // A_DAY
        regular = day * A_DAY + wish["minute"]
        # The schedule is made in minute 0.
        if now == delayed or (wants_today() and now == regular > 0 and allowed(now)):
            runs.append(now)
            delayed = None
        if now not in edits:
            continue
        owed = delayed is not None or (wants_today() and regular > now and allowed(regular))
        wish |= edits[now]
        regular, delayed = day * A_DAY + wish["minute"], None
        if owed and wants_today() and not (regular > now and allowed(regular)):
            made_up_for = max(regular, runs[-1] + 60) if runs else regular
            if made_up_for <= now:
                runs.append(made_up_for)
            else:
                delayed = made_up_for
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
    # The examples share the cast only: each has a schedule of its own, deleted at its end.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first_minute=_minutes, edits=_edits)
@example(23 * 60 + 50, {A_DAY + 10: {"minute": 5}})
@example(23 * 60 + 50, {A_DAY + 10: {"minute": 5}, A_DAY + 20: {"minute": 90}})
@example(9 * 60, {8 * 60: {"minute": 7 * 60}, 10 * 60: {"minute": 11 * 60}})
def test_whatever_is_changed_and_when_each_wanted_day_runs_once(cast, first_minute, edits):
    fields = {"frequency": "daily", "time_zone": "Asia/Kolkata"}
    schedule = create_order(cast.tom, now=START, **fields | as_fields({"minute": first_minute}))
    before = len(executions())
    for minute in [*sorted(edits), DAYS * A_DAY - 1]:
        now = START + timedelta(minutes=minute)
        while schedule.next_scheduled is not None and schedule.next_scheduled <= now:
            plan_due(schedule.next_scheduled)
        if minute in edits:
            update_schedule(cast.tom, schedule.id, as_fields(edits[minute]), now)
    while schedule.next_scheduled is not None and schedule.next_scheduled <= now:
        plan_due(schedule.next_scheduled)
    planned = executions()[before:]
    delete_schedule(cast.tom, schedule.id, NOW)
    assert [execution.scheduled_for for execution in planned] == oracle(first_minute, edits)
    assert len({execution.planned_day for execution in planned}) == len(planned)


def test_the_oracle_is_not_blind():
    """What the property above compares with: plain cases, worked out by hand."""
    nine = 9 * 60
    edits = {nine + 10: {"minute": 11 * 60}, A_DAY + 12 * 60: {"is_active": False}}
    assert oracle(nine, edits) == [
        datetime(2026, 11, 23, 3, 30, tzinfo=UTC),
        datetime(2026, 11, 24, 5, 30, tzinfo=UTC),
    ]
    edits = {8 * 60: {"minute": 7 * 60}, nine: {"is_active": False}}
    assert oracle(nine, edits) == [datetime(2026, 11, 23, 1, 30, tzinfo=UTC)]
    late = 23 * 60 + 50
    edits = {A_DAY + 10: {"minute": 5}, A_DAY + nine: {"is_active": False}}
    assert oracle(late, edits) == [
        datetime(2026, 11, 23, 18, 20, tzinfo=UTC),
        datetime(2026, 11, 23, 19, 20, tzinfo=UTC),
    ]


# The decision alone, for rules of every kind


@st.composite
def rules(draw):
    """A usual zone, those whose days are the furthest apart, one whose gap is at midnight, one that
    skipped 30 December 2011 altogether."""
    zones = "Europe/Berlin", "America/Nuuk", "Pacific/Apia", "Pacific/Niue", "Pacific/Kiritimati"
    frequency = draw(st.sampled_from(Frequency))
    at = draw(st.builds(time, st.integers(0, 23), st.sampled_from([0, 5, 30, 55])))
    hours = draw(st.sets(st.integers(0, 23), min_size=1, max_size=4))
    days = draw(st.sets(st.integers(1, 7), min_size=1, max_size=7))
    mode = draw(st.sampled_from(MonthMode)) if frequency is Frequency.MONTHLY else MonthMode.DAY
    text = f"{at.minute} {','.join(map(str, hours))} * * {draw(st.sampled_from(['*', '1-5', '2']))}"
    return Rule(
        frequency,
        time(0) if frequency is Frequency.CRON else at,
        ZoneInfo(draw(st.sampled_from(zones))),
        (min(days),) if mode is MonthMode.WEEKDAY else tuple(sorted(days)),
        draw(st.integers(1, 31)),
        draw(st.integers(1, 3)) if frequency is Frequency.WEEKLY else 1,
        mode,
        cron=parse_cron(text) if frequency is Frequency.CRON else None,
    )


_instants = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)) | (
    st.integers(0, 7 * 24 * 60).map(lambda n: datetime(2011, 12, 27, tzinfo=UTC) + n * HOUR / 60)
)


def hours_of(rule):
    return len(rule.cron.times) if rule.cron else 1


def repeats(timing, run):
    """Whether it is of a day that has been sent or within an hour of it; a further hour of a cron
    rule's day is no repetition."""
    last, day = timing.last, timing.day_of(run)
    return (
        run - last.instant < LEAST_GAP
        or day < last.day
        or (day == last.day and hours_of(timing.rule) == 1)
    )


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(rules(), rules(), _instants, st.timedeltas(timedelta(0), 2 * DAY))
def test_a_new_rhythm_begins_with_the_first_run_that_repeats_nothing(old, rule, instant, later):
    ran = next_run_after(old, instant)
    timing = Timing(rule, NOTHING_CLOSED, Timing(old, NOTHING_CLOSED).after(ran).last)
    now = ran + later
    run = timing.next_run(now)
    assert run > now
    assert not repeats(timing, run)
    skipped = [early for early in next_runs(rule, now, 24) if early < run]
    assert all(repeats(timing, early) for early in skipped)
    assert len(skipped) < 24


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(rules(), rules(), _instants, st.booleans())
def test_a_change_around_now_neither_loses_todays_run_nor_repeats_one(old, rule, now, has_run):
    before = Timing(old, NOTHING_CLOSED)
    if has_run:
        ran = run_at_or_before(old, now)
        before = before.after(ran)
    owed = before.next_run(now)
    day = before.day_of(owed)
    after = Timing(rule, NOTHING_CLOSED, before.last)
    found = after.next_after_change(now, owed, day)
    assert not (has_run and repeats(after, found))
    on_its_day = [run for run in next_runs(rule, now - 4 * DAY, 250) if after.day_of(run) == day]
    soonest = max(now, ran + LEAST_GAP) if has_run else now
    # Of a day that has begun to be sent nothing is made up for; in a zone a day away, waiting for
    # an hour after the last run can take longer than the day.
    begun = has_run and (before.last.day >= day or after.day_of(ran + LEAST_GAP) > day)
    if after.day_of(now) >= day and on_its_day and not begun:
        assert after.day_of(found) == day
        to_come = [run for run in on_its_day if run > soonest or run == soonest > now]
        assert found == to_come[0] if to_come else found <= soonest
    else:
        assert found == after.next_run(now)
