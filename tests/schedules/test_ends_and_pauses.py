"""Rules that end, pause, never run or follow the school's calendar, and what is announced."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp import clock
from reportapp.constants import AttendanceStatus, Frequency, MonthMode, PeriodKind
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Period
from reportapp.errors import InvalidInput
from reportapp.extensions import db, transaction
from reportapp.models import ReportSchedule
from reportapp.recurrence import SchoolCalendar, Span
from reportapp.schedules import timing, timing_after_calendar
from reportapp.schedules.edit import delete_schedule, switch_schedule, update_schedule
from reportapp.schedules.runs import resend, run_now, send_test
from reportapp.schedules.timing import covered_now, sentence_of
from reportapp.schedules.timing_after_calendar import calendar_changed
from reportapp.schedules.upcoming import next_runs_of, upcoming_runs
from tests.cast import NOW, create_attendance, create_order
from tests.schedules.help import DOMAIN, count, executions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: 09:00 in Berlin on the Monday of the cast, half an hour after NOW.
DUE = NOW + HOUR / 2
AUTUMN = Span(date(2026, 9, 7), date(2026, 12, 18), "autumn term")
SPRING = Span(date(2027, 1, 11), date(2027, 3, 26), "spring term")
CALENDAR = SchoolCalendar(
    closed=(
        Span(date(2026, 11, 25), date(2026, 11, 25), "teachers' day"),
        Span(date(2026, 11, 30), date(2026, 12, 6), "snow"),
    ),
    exams=(Span(date(2026, 12, 7), date(2026, 12, 8), "exams"),),
    terms=(AUTUMN, SPRING),
)


@pytest.fixture
def calendar(monkeypatch):
    """What the cast's school has said; a test may say something else."""
    said = {}

    def change(found):
        said["calendar"] = found

    monkeypatch.setattr(timing, "load_calendar", lambda session, school_id: said["calendar"])
    monkeypatch.setattr(
        timing_after_calendar, "load_calendar", lambda session, school_id: said["calendar"]
    )
    change(CALENDAR)
    return change


def run_all(schedule, most=20):
    """Let the schedule run until it ends; the instants."""
    while schedule.next_scheduled is not None and len(executions()) < most:
        plan_due(schedule.next_scheduled)
    return [run.scheduled_for for run in executions()]


def send_until(now):
    deliver(clock.fixed(now))


def days(first, end):
    return Period(date.fromisoformat(first), date.fromisoformat(end))


def period_of(run):
    return Period(run.period_start, run.period_end)


# The end


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_schedule_ends_after_its_highest_number_of_runs(cast, most):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=most)
    assert run_all(schedule) == [DUE + n * DAY for n in range(most)]
    assert (schedule.next_scheduled, schedule.is_active) == (None, True)
    assert plan_due(DUE + 90 * DAY).schedules_due == 0
    assert next_runs_of(schedule, DUE + 90 * DAY) == []


def test_only_runs_of_its_own_are_counted(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=2)
    send_test(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    run_now(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    assert run_all(schedule)[2:] == [DUE, DUE + DAY]


def test_a_highest_number_can_be_raised_and_not_put_below_what_has_been(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=3)
    run_all(schedule)
    later = DUE + 10 * DAY
    update_schedule(cast.tom, schedule.id, {"name": "Still ended"}, later)
    assert schedule.next_scheduled is None
    for change in ({"max_runs": 2}, {"time": "10:00"}):
        with pytest.raises(InvalidInput) as caught:
            update_schedule(cast.tom, schedule.id, change, later)
        assert caught.value.fields == {
            "max_runs": ["It has been sent 3 times already. Give a higher number."]
        }
    update_schedule(cast.tom, schedule.id, {"max_runs": 4}, later)
    assert run_all(schedule)[3:] == [DUE + 11 * DAY]


def test_a_highest_number_holds_when_today_is_moved_to_a_time_that_has_gone_by(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=5)
    plan_due(DUE)
    with pytest.raises(InvalidInput):
        update_schedule(cast.tom, schedule.id, {"max_runs": 1, "time": "08:00"}, NOW + DAY)
    assert schedule.next_scheduled == DUE + DAY


def test_what_was_missed_is_one_run_and_counts_once(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=3)
    plan_due(DUE + 5 * DAY)
    assert [run.scheduled_for for run in executions()] == [DUE + 5 * DAY]
    assert executions()[0].error_message.startswith("5 earlier runs were missed")
    assert run_all(schedule)[1:] == [DUE + 6 * DAY, DUE + 7 * DAY]
    assert schedule.next_scheduled is None


def test_the_last_day_is_the_last_on_which_it_runs(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", end_date="2026-11-25")
    assert run_all(schedule) == [DUE, DUE + DAY, DUE + 2 * DAY]
    assert (schedule.next_scheduled, schedule.is_active) == (None, True)


def test_runs_missed_beyond_the_last_day_are_one_with_its_period(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", end_date="2026-11-25")
    plan_due(DUE + 3 * DAY)
    (run,) = executions()
    assert (run.scheduled_for, period_of(run)) == (DUE + 2 * DAY, days("2026-11-24", "2026-11-25"))
    assert run.error_message.startswith("2 earlier runs were missed")
    assert schedule.next_scheduled is None


def test_a_schedule_waits_for_its_first_day_and_for_the_end_of_its_pause(cast):
    waiting = create_order(cast.tom, frequency="daily", start_date="2026-11-26")
    assert waiting.next_scheduled == DUE + 3 * DAY
    paused = create_order(cast.tom, cast.tom, frequency="daily")
    plan_due(DUE)
    update_schedule(cast.tom, paused.id, {"paused_until": "2026-11-26"}, DUE)
    assert paused.next_scheduled == DUE + 3 * DAY
    plan_due(DUE + 3 * DAY)
    # By its rhythm, a pause is no holiday: it covers what it would have covered anyway.
    assert period_of(executions()[-1]) == days("2026-11-25", "2026-11-26")
    update_schedule(cast.tom, paused.id, {"paused_until": None}, DUE + 3 * DAY)
    assert paused.next_scheduled == DUE + 4 * DAY


def test_switching_an_ended_schedule_off_and_on_says_why_it_cannot_run(cast):
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=1)
    run_all(schedule)
    switch_schedule(cast.tom, schedule.id, False, DUE + DAY)
    with pytest.raises(InvalidInput) as caught:
        switch_schedule(cast.tom, schedule.id, True, DUE + DAY)
    assert list(caught.value.fields) == ["max_runs"]
    assert schedule.is_active is False


def test_the_number_of_runs_is_told_at_the_end_of_the_sentence(cast):
    schedule = create_order(cast.tom, max_runs=10, end_date="2027-07-31")
    assert sentence_of(schedule, NOW) == "Mondays at 09:00, Berlin; until 31 July 2027; 10 times"
    update_schedule(cast.tom, schedule.id, {"max_runs": 1, "end_date": None}, NOW)
    assert sentence_of(schedule, NOW) == "Mondays at 09:00, Berlin; once"


# What can never run


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"end_date": "2026-11-22"}, "end_date"),
        ({"end_date": "2026-11-23", "time": "08:00"}, "end_date"),
        ({"days_of_week": "2", "end_date": "2026-11-23"}, "end_date"),
        ({"paused_until": "2026-12-01", "end_date": "2026-11-30"}, "end_date"),
        ({"days_of_week": "67", "closed_days": "skip"}, "closed_days"),
        ({"frequency": "cron", "cron": "0 9 29 2 0", "closed_days": "send"}, None),
        ({"frequency": "cron", "cron": "0 9 29 2 */7", "closed_days": "skip"}, "closed_days"),
        ({"frequency": "cron", "cron": "0 9 30 2 *"}, "cron"),
    ],
)
def test_a_rule_that_never_runs_is_refused_at_the_field_that_stops_it(cast, fields, field):
    kept = create_order(cast.tom, days_of_week="2")
    if field is None:
        assert create_order(cast.tom, **fields).next_scheduled > NOW
        return
    with pytest.raises(InvalidInput) as refused_new:
        create_order(cast.tom, **fields)
    with pytest.raises(InvalidInput) as refused_change:
        update_schedule(cast.tom, kept.id, fields, NOW)
    rhythm = {"frequency": "weekly", "day_of_week": 1, "time": "09:00", "time_zone": "Berlin"}
    with pytest.raises(InvalidInput) as refused_preview:
        upcoming_runs(cast.tom, rhythm | fields, NOW)
    for caught in (refused_new, refused_change, refused_preview):
        assert list(caught.value.fields) == [field]
    assert count(ReportSchedule) == 1
    assert kept.next_scheduled == DUE + DAY


def test_a_rule_on_days_that_the_calendar_closes_for_good_is_refused(cast, calendar):
    calendar(SchoolCalendar(weekdays=frozenset({2, 3})))
    with pytest.raises(InvalidInput) as caught:
        create_order(cast.tom, closed_days="skip")
    assert list(caught.value.fields) == ["closed_days"]
    assert create_order(cast.tom, closed_days="after").next_scheduled == DUE + DAY
    assert create_order(cast.tom, closed_days="before").next_scheduled == DUE + 2 * DAY


def test_a_term_to_date_needs_terms(cast, calendar):
    calendar(SchoolCalendar())
    with pytest.raises(InvalidInput) as caught:
        create_order(cast.tom, period="term_to_date")
    assert list(caught.value.fields) == ["period"]
    calendar(CALENDAR)
    schedule = create_order(cast.tom, cast.tom, period="term_to_date")
    plan_due(DUE)
    assert period_of(executions()[0]) == days("2026-09-07", "2026-11-23")
    # Without them later on, its runs go on by the rhythm.
    calendar(SchoolCalendar())
    plan_due(schedule.next_scheduled)
    assert period_of(executions()[1]) == days("2026-11-23", "2026-11-30")


# The periods of runs that are made


def test_each_kind_of_period_reaches_the_ledger(cast, calendar):
    expected = {
        PeriodKind.RHYTHM: days("2026-11-16", "2026-11-23"),
        PeriodKind.LAST_DAY: days("2026-11-22", "2026-11-23"),
        PeriodKind.LAST_WEEK: days("2026-11-16", "2026-11-23"),
        PeriodKind.LAST_MONTH: days("2026-10-01", "2026-11-01"),
        PeriodKind.LAST_7_DAYS: days("2026-11-16", "2026-11-23"),
        PeriodKind.LAST_30_DAYS: days("2026-10-24", "2026-11-23"),
        PeriodKind.TERM_TO_DATE: days("2026-09-07", "2026-11-23"),
        PeriodKind.SINCE_SENT: days("2026-11-16", "2026-11-23"),
    }
    for kind in PeriodKind:
        create_order(cast.tom, cast.tom, period=kind)
    plan_due(DUE)
    assert {run.schedule.period: period_of(run) for run in executions()} == expected
    assert {run.planned_day for run in executions()} == {DUE.date()}


@pytest.mark.parametrize("kind", PeriodKind)
def test_late_retried_resent_and_asked_for_by_hand_a_plan_keeps_its_period(
    cast, smtp, calendar, kind
):
    with transaction():
        for day in (date(2026, 10, 15), date(2026, 11, 22)):
            create_attendance(cast.classes["maths"], cast.ana, day, AttendanceStatus.PRESENT)
    schedule = create_order(cast.tom, cast.tom, period=kind)
    asked = covered_now(db.session(), schedule, NOW)
    by_hand = [run_now(cast.tom, schedule.id, NOW, message_domain=DOMAIN)]
    smtp.on_rcpt = lambda to: "451 4.3.0 later"
    # Hours late, tried in vain, then sent again by a person, and once more by hand.
    plan_due(DUE + 20 * HOUR)
    planned = executions()[-1]
    for hours in range(9):
        send_until(DUE + 20 * HOUR + hours * HOUR)
    assert planned.failed_sends == 1
    smtp.on_rcpt = lambda to: None
    resend(cast.tom, planned.id, DUE + 3 * DAY)
    send_until(DUE + 3 * DAY)
    assert planned.successful_sends == 1
    by_hand.append(run_now(cast.tom, schedule.id, DUE + 4 * DAY, message_domain=DOMAIN))
    assert {period_of(run) for run in executions()} == {asked}
    assert {run.id for run in executions()} == {planned.id, *by_hand}
    assert {run.planned_day for run in executions()} == {DUE.date()}


def test_since_sent_takes_in_what_failed_and_what_a_holiday_left_out(cast, smtp, calendar):
    schedule = create_order(
        cast.tom, cast.tom, period="since_sent", closed_days="skip", days_of_week="14"
    )

    def run(sent):
        due = schedule.next_scheduled
        smtp.on_rcpt = lambda to: None if sent else "550 5.1.1 no such user"
        plan_due(due)
        send_until(due)
        (made,) = [run for run in executions() if run.scheduled_for == due]
        assert made.failed_sends == (not sent), made.skipped
        return period_of(made)

    # Nothing has been sent yet: the rhythm's own days.
    assert run(sent=False) == days("2026-11-19", "2026-11-23")
    assert run(sent=True) == days("2026-11-23", "2026-11-26")


def test_since_sent_begins_where_the_last_report_that_was_sent_ended(cast, calendar):
    schedule = create_order(cast.tom, cast.tom, period="since_sent", closed_days="skip")
    plan_due(DUE)

    def sent(number, successful):
        with transaction():
            executions()[number].successful_sends = successful
            executions()[number].completed_at = DUE

    sent(0, 1)
    # The week of snow is skipped: the run after it covers both.
    plan_due(schedule.next_scheduled)
    assert executions()[1].scheduled_for == DUE + 14 * DAY
    assert period_of(executions()[1]) == days("2026-11-23", "2026-12-07")
    # It failed, so the next one takes its days, too.
    sent(1, 0)
    plan_due(schedule.next_scheduled)
    assert period_of(executions()[2]) == days("2026-11-23", "2026-12-14")
    # A test or a run by hand does not count as sent.
    run_now(cast.tom, schedule.id, DUE + 22 * DAY, message_domain=DOMAIN)
    sent(3, 1)
    sent(2, 0)
    later = schedule.next_scheduled
    plan_due(later)
    assert period_of(executions()[4]).start == date(2026, 11, 23)
    # The rhythm's holidays: after the break of Christmas everything since the last sent.
    sent(4, 1)
    ended = executions()[4].period_end
    plan_due(schedule.next_scheduled)
    assert period_of(executions()[5]).start == ended


@pytest.mark.parametrize("kind", ["last_week", "last_month"])
def test_consecutive_runs_of_whole_weeks_or_months_touch(cast, kind):
    rhythm = {
        "last_week": {"frequency": "weekly", "days_of_week": "3"},
        "last_month": {"frequency": "monthly", "month_mode": "school_day", "nth": 1},
    }[kind]
    schedule = create_order(cast.tom, cast.tom, period=kind, max_runs=6, **rhythm)
    run_all(schedule)
    periods = [period_of(run) for run in executions()]
    assert len(periods) == 6
    assert all(earlier.end == later.start for earlier, later in pairwise(periods))


def test_the_first_run_after_a_holiday_covers_the_whole_break(cast, calendar):
    schedule = create_order(cast.tom, cast.tom, closed_days="skip", max_runs=3)
    run_all(schedule)
    assert [period_of(run) for run in executions()] == [
        days("2026-11-16", "2026-11-23"),
        days("2026-11-23", "2026-12-07"),
        days("2026-12-07", "2026-12-14"),
    ]


# What is announced


RHYTHM = {"frequency": "daily", "time": "09:00", "time_zone": "Europe/Berlin"}


def test_skipped_and_moved_days_are_announced_with_their_reason(cast, calendar):
    weekly = {**RHYTHM, "frequency": "weekly", "days_of_week": "13"}
    _, skipped = upcoming_runs(cast.tom, {**weekly, "closed_days": "skip"}, NOW, count=3)
    assert [(one.meant.isoformat(), one.run, one.reason) for one in skipped] == [
        ("2026-11-23", DUE, None),
        ("2026-11-25", None, "teachers' day"),
        ("2026-11-30", None, "snow"),
        ("2026-12-02", None, "snow"),
        ("2026-12-07", DUE + 14 * DAY, None),
        ("2026-12-09", DUE + 16 * DAY, None),
    ]
    assert [one.period is None for one in skipped] == [one.run is None for one in skipped]
    assert skipped[4].period == days("2026-11-23", "2026-12-07")
    _, moved = upcoming_runs(
        cast.tom, {**weekly, "closed_days": "before", "exams_closed": True}, NOW, count=3
    )
    assert [(one.meant.isoformat(), one.run, one.reason) for one in moved] == [
        ("2026-11-23", DUE, None),
        ("2026-11-25", DUE + DAY, "teachers' day"),
        ("2026-11-30", DUE + 4 * DAY, "snow"),
    ]


def test_ten_runs_are_announced_and_weekends_of_every_school_day_are_no_news(cast, calendar):
    _, runs = upcoming_runs(cast.tom, {**RHYTHM, "closed_days": "skip"}, NOW)
    assert sum(one.run is not None for one in runs) == 10
    assert {one.reason for one in runs} == {None, "teachers' day", "snow"}


def test_a_day_that_is_skipped_before_the_first_run_is_announced_too(cast, calendar):
    tuesday = DUE + DAY
    weekly = {**RHYTHM, "frequency": "weekly", "days_of_week": "3", "closed_days": "skip"}
    _, runs = upcoming_runs(cast.tom, weekly, tuesday, count=1)
    assert [(one.meant.day, one.run) for one in runs] == [
        (25, None),
        (2, None),
        (9, DUE + 16 * DAY),
    ]


def test_no_more_runs_are_announced_than_there_will_be(cast):
    _, runs = upcoming_runs(cast.tom, {**RHYTHM, "max_runs": 3}, NOW)
    assert [one.run for one in runs] == [DUE + n * DAY for n in range(3)]
    _, runs = upcoming_runs(cast.tom, {**RHYTHM, "end_date": "2026-11-24"}, NOW)
    assert [one.run for one in runs] == [DUE, DUE + DAY]
    schedule = create_order(cast.tom, cast.tom, frequency="daily", max_runs=3)
    plan_due(DUE)
    assert [one.run for one in next_runs_of(schedule, DUE)] == [DUE + DAY, DUE + 2 * DAY]


_RHYTHMS = st.fixed_dictionaries(
    {
        "frequency": st.sampled_from(Frequency),
        "time": st.sampled_from(["07:00", "08:45", "09:00", "10:30", "23:50"]),
        "time_zone": st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Auckland"]),
        "days_of_week": st.sampled_from(["1", "3", "5"]),
        "day_of_month": st.sampled_from([1, 23, 31]),
        "interval": st.integers(1, 3),
        "month_mode": st.sampled_from(MonthMode),
        "nth": st.sampled_from([1, -1]),
        "cron": st.sampled_from(["0 8,12 * * *", "0 9 1,23 * *", "30 7 * * 1-3"]),
        "closed_days": st.sampled_from(["send", "skip", "before", "after"]),
        "exams_closed": st.booleans(),
        "start_date": st.sampled_from([None, "2026-11-25"]),
        "max_runs": st.sampled_from([None, 2, 12]),
        "period": st.sampled_from(["rhythm", "last_week", "last_month", "term_to_date"]),
    }
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_RHYTHMS, _RHYTHMS, st.integers(-60, 60 * 48), st.booleans())
def test_what_is_announced_is_what_saving_gives_and_what_then_comes(
    cast, calendar, old, new, minutes, has_run
):
    schedule = create_order(cast.tom, cast.tom, **old)

    def made():
        return [run for run in executions() if run.schedule_id == schedule.id]

    now = NOW
    if has_run:
        now = max(NOW + timedelta(minutes=minutes), schedule.next_scheduled)
        plan_due(now)
    stored = count(ReportSchedule), schedule.next_scheduled, len(made())
    try:
        rule, announced = upcoming_runs(cast.tom, new, now, schedule_id=schedule.id, count=4)
    except InvalidInput as error:
        with pytest.raises(InvalidInput) as caught:
            update_schedule(cast.tom, schedule.id, new, now)
        assert caught.value.fields == error.fields  # noqa: PT017 - both refuse alike
        delete_schedule(cast.tom, schedule.id, now)
        return
    assert (count(ReportSchedule), schedule.next_scheduled, len(made())) == stored
    update_schedule(cast.tom, schedule.id, new, now)
    runs = [one for one in announced if one.run is not None]
    first, before = schedule.next_scheduled, len(made())
    for _ in runs:
        plan_due(schedule.next_scheduled)
    came = [(run.scheduled_for, period_of(run)) for run in made()[before:]]
    delete_schedule(cast.tom, schedule.id, now)
    assert first == runs[0].run
    assert timing.rule_of(schedule) == rule
    assert came == [(one.run, one.period) for one in runs]


# When the school changes its calendar


def test_a_changed_calendar_moves_what_follows_it_and_nothing_else(cast, calendar):
    calendar(SchoolCalendar())
    skip, after, before, send = [
        create_order(cast.tom, cast.tom, days_of_week="3", closed_days=kind)
        for kind in ("skip", "after", "before", "send")
    ]
    first_day = create_order(
        cast.tom, frequency="monthly", month_mode="school_day", nth=-1, now=NOW - 20 * DAY
    )
    off = create_order(cast.tom, days_of_week="3", closed_days="skip", is_active=False)
    elsewhere = create_order(cast.otto, days_of_week="3", closed_days="skip")
    wednesday = DUE + 2 * DAY
    assert first_day.next_scheduled == DUE + 7 * DAY

    calendar(CALENDAR)
    with transaction() as session:
        assert calendar_changed(session, cast.school.id, NOW) == 4
    assert skip.next_scheduled == wednesday + 14 * DAY
    assert after.next_scheduled == wednesday + DAY
    assert before.next_scheduled == wednesday - DAY
    assert first_day.next_scheduled == DUE + 4 * DAY
    assert (send.next_scheduled, elsewhere.next_scheduled) == (wednesday, wednesday)
    assert off.next_scheduled is None
    with transaction() as session:
        assert calendar_changed(session, cast.school.id, NOW) == 0

    calendar(SchoolCalendar())
    with transaction() as session:
        assert calendar_changed(session, cast.school.id, NOW) == 4
    assert skip.next_scheduled == after.next_scheduled == before.next_scheduled == wednesday


def test_a_changed_calendar_neither_drops_what_is_due_nor_repeats_what_has_run(cast, calendar):
    calendar(SchoolCalendar())
    due, ran = [
        create_order(cast.tom, cast.tom, frequency="daily", time=at, closed_days="after")
        for at in ("09:00", "08:45")
    ]
    plan_due(DUE - HOUR / 4)
    closed = Span(date(2026, 11, 23), date(2026, 11, 24), "storm")
    calendar(SchoolCalendar(closed=(closed,)))
    with transaction() as session:
        calendar_changed(session, cast.school.id, DUE)
    assert due.next_scheduled == DUE
    assert ran.next_scheduled == DUE - HOUR / 4 + 2 * DAY
    assert plan_due(DUE).executions == 1
    assert due.next_scheduled == DUE + 2 * DAY


def test_a_day_that_was_open_after_all_has_its_moved_run_at_once_and_only_once(cast, calendar):
    monday, sunday = NOW - 10 * DAY, DUE + 6 * DAY
    snow = Span(date(2026, 11, 27), date(2026, 12, 1), "snow")
    calendar(SchoolCalendar(closed=(snow,)))
    fields = {"days_of_week": "5", "now": monday}
    moved = create_order(cast.tom, cast.tom, closed_days="after", **fields)
    skipped = create_order(cast.tom, cast.tom, closed_days="skip", **fields)
    first = create_order(
        cast.tom, cast.tom, frequency="monthly", month_mode="school_day", now=monday
    )
    for at in (DUE - 3 * DAY, DUE + 4 * DAY):
        plan_due(at)
    assert moved.next_scheduled == DUE + 9 * DAY
    assert first.next_scheduled == DUE + 9 * DAY

    # On Sunday the school says that it was open on the Friday before.
    calendar(SchoolCalendar())
    with transaction() as session:
        calendar_changed(session, cast.school.id, sunday)
    friday = DUE + 4 * DAY
    assert moved.next_scheduled == friday
    assert skipped.next_scheduled == friday + 7 * DAY
    assert first.next_scheduled == DUE + 8 * DAY
    plan_due(sunday)
    late = executions()[-1]
    assert (late.schedule_id, late.scheduled_for) == (moved.id, friday)
    assert period_of(late) == days("2026-11-20", "2026-11-27")
    assert moved.next_scheduled == friday + 7 * DAY

    # On Thursday it says that the week's first two days were the ones without lessons.
    calendar(SchoolCalendar(closed=(Span(date(2026, 12, 1), date(2026, 12, 2), "strike"),)))
    with transaction() as session:
        calendar_changed(session, cast.school.id, DUE + 7 * DAY)
    assert first.next_scheduled == DUE + 10 * DAY
    calendar(SchoolCalendar())
    with transaction() as session:
        calendar_changed(session, cast.school.id, DUE + 9 * DAY)
    assert first.next_scheduled == DUE + 8 * DAY
    assert plan_due(DUE + 9 * DAY).executions == 1


def test_a_run_that_came_before_its_closed_day_does_not_come_again_when_that_opens(cast, calendar):
    calendar(SchoolCalendar(closed=(Span(date(2026, 11, 27), date(2026, 11, 30), "snow"),)))
    friday = create_order(cast.tom, cast.tom, days_of_week="5", closed_days="before")
    last_day = create_order(
        cast.tom, cast.tom, frequency="monthly", month_mode="school_day", nth=-1
    )
    every_day = create_order(cast.tom, cast.tom, frequency="daily", closed_days="before")
    thursday = DUE + 3 * DAY
    for day in range(4):
        plan_due(DUE + day * DAY)
    ran = {run.schedule_id for run in executions() if run.scheduled_for == thursday}
    assert ran == {friday.id, last_day.id, every_day.id}

    calendar(SchoolCalendar())
    with transaction() as session:
        calendar_changed(session, cast.school.id, thursday + HOUR)
    assert friday.next_scheduled == DUE + 11 * DAY
    assert last_day.next_scheduled == datetime(2026, 12, 31, 8, tzinfo=UTC)
    assert every_day.next_scheduled == DUE + 4 * DAY


def test_a_schedule_made_while_its_day_was_closed_does_not_send_the_past(cast, calendar):
    calendar(SchoolCalendar(closed=(Span(date(2026, 11, 20), date(2026, 11, 20), "storm"),)))
    schedule = create_order(cast.tom, days_of_week="5", closed_days="after", now=NOW - DAY)
    assert schedule.next_scheduled == DUE
    calendar(SchoolCalendar())
    with transaction() as session:
        calendar_changed(session, cast.school.id, NOW)
    assert schedule.next_scheduled == DUE + 4 * DAY


def test_announced_periods_begin_where_the_last_report_that_was_sent_ended(cast, smtp, calendar):
    schedule = create_order(cast.tom, cast.tom, period="since_sent", closed_days="skip")
    plan_due(DUE)
    send_until(DUE)
    # The next one had nothing to say, so nothing was sent.
    silent = schedule.next_scheduled
    plan_due(silent)
    send_until(silent)
    assert [run.successful_sends for run in executions()] == [1, 0]
    announced = [one.period for one in next_runs_of(schedule, silent, count=2) if one.run]
    assert announced == [days("2026-11-23", "2026-12-14"), days("2026-12-14", "2027-01-11")]
    plan_due(schedule.next_scheduled)
    assert period_of(executions()[2]) == announced[0]


def test_a_weekly_row_that_a_script_wrote_with_one_weekday_runs_on_it(cast):
    schedule = create_order(cast.tom, cast.tom, days_of_week="5")
    with transaction():
        schedule.days_of_week = ""
    assert sentence_of(schedule, NOW) == "Fridays at 09:00, Berlin"
    plan_due(schedule.next_scheduled)
    assert schedule.next_scheduled == DUE + 11 * DAY


def test_a_calendar_without_open_days_stops_a_schedule_and_an_open_one_starts_it_again(
    cast, calendar
):
    schedule = create_order(cast.tom, cast.tom, closed_days="skip")
    calendar(SchoolCalendar(weekdays=frozenset({2})))
    with transaction() as session:
        calendar_changed(session, cast.school.id, NOW)
    assert (schedule.next_scheduled, schedule.is_active) == (None, True)
    calendar(CALENDAR)
    with transaction() as session:
        calendar_changed(session, cast.school.id, NOW)
    assert schedule.next_scheduled == DUE
    ended = create_order(cast.tom, cast.tom, closed_days="skip", max_runs=1)
    plan_due(DUE)
    with transaction() as session:
        calendar_changed(session, cast.school.id, DUE)
    assert ended.next_scheduled is None
    assert schedule.next_scheduled == datetime(2026, 12, 7, 8, tzinfo=UTC)
