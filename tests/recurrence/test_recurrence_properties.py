"""What holds for every rule: order, bounds, agreement of the questions with each other, limits."""

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence import (
    LAST,
    Rule,
    SchoolCalendar,
    Span,
    next_occurrences,
    next_run_after,
    next_runs,
    parse_cron,
    run_at_or_before,
)
from tests.recurrence.cases import EVERY_DAY, Case, cases, soaked, utc
from tests.recurrence.oracle import DAY, HOUR, MINUTE, Days, fires, times_of

BERLIN = ZoneInfo("Europe/Berlin")


def unbounded(case):
    """The case's rule without its end and pause; its start only counts the weeks."""
    rule = case.rule
    assume(rule.start is None or rule.interval == 1)
    return replaced(rule, start=None, end=None, paused_until=None)


def replaced(rule: Rule, **changes) -> Rule:
    return Rule(**{name: getattr(rule, name) for name in Rule.__dataclass_fields__} | changes)


# Order


@soaked(300)
@given(cases())
def test_runs_are_strictly_after_the_instant_rising_and_an_hour_apart(case):
    rule, instant, calendar = case
    runs = next_runs(rule, instant, 6, calendar)
    assert all(run > instant for run in runs)
    assert all(run.tzinfo is UTC and run.second == run.microsecond == 0 for run in runs)
    assert all(later - run >= HOUR for run, later in pairwise(runs))


@soaked(300)
@given(cases())
def test_the_next_runs_are_what_asking_again_from_each_run_gives(case):
    rule, instant, calendar = case
    runs = next_runs(rule, instant, 5, calendar)
    again = []
    while len(again) < 5:
        run = next_run_after(rule, again[-1] if again else instant, calendar)
        if run is None:
            break
        again.append(run)
    # A rule with a few runs in 41 years ends for the first question, not always for the last.
    assert runs == again or (len(runs) < len(again) and again[: len(runs)] == runs)
    if rule.end is not None:
        assert runs == again


@soaked(300)
@given(cases(), st.timedeltas(timedelta(0), timedelta(days=70)))
def test_the_run_before_is_the_last_of_the_sequence(case, later):
    instant, calendar = case.instant, case.calendar
    rule = unbounded(case)
    latest = instant + later
    runs = next_runs(rule, instant, 5, calendar)
    reached = [run for run in runs if run <= latest]
    before = run_at_or_before(rule, latest, calendar)
    if reached and len(reached) < len(runs):
        assert before == reached[-1]
    elif not reached:
        assert before is None or before <= instant
    if before is not None:
        assert before <= latest
        assert next_run_after(rule, before - MINUTE, calendar) == before
        after = next_run_after(rule, before, calendar)
        assert after is None or after > latest
        assert after == next_run_after(rule, latest, calendar)


@soaked(300)
@given(cases())
def test_the_run_before_knows_neither_start_nor_end_nor_pause(case):
    rule, instant, calendar = case
    free = unbounded(case)
    assert run_at_or_before(rule, instant, calendar) == run_at_or_before(free, instant, calendar)


# Days


@soaked(300)
@given(cases())
def test_runs_stay_between_the_first_and_the_last_day(case):
    rule, instant, calendar = case
    days = Days(rule, calendar)
    for run in next_runs(rule, instant, 6, calendar):
        assert days.within(run.astimezone(rule.zone).date())


@soaked(300)
@given(cases())
def test_only_cron_and_a_gap_past_midnight_give_two_runs_on_a_day(case):
    rule, instant, calendar = case
    if rule.frequency is Frequency.CRON:
        return
    runs = next_runs(rule, instant, 6, calendar)
    for run, later in pairwise(runs):
        day = run.astimezone(rule.zone).date()
        if later.astimezone(rule.zone).date() == day:
            before = (run - MINUTE).astimezone(rule.zone).replace(tzinfo=None)
            local = run.astimezone(rule.zone).replace(tzinfo=None)
            assert local - before > MINUTE
            assert (before + MINUTE).date() < day


@soaked(300)
@given(cases())
def test_a_run_is_on_an_open_day_unless_closed_days_do_not_matter(case):
    rule, instant, calendar = case
    if rule.closed_days == ClosedDays.SEND:
        return
    days = Days(rule, calendar)
    for run in next_runs(rule, instant, 6, calendar):
        before = (run - MINUTE).astimezone(rule.zone).replace(tzinfo=None) + MINUTE
        local = run.astimezone(rule.zone).replace(tzinfo=None)
        passed = [before.date() + n * DAY for n in range((local.date() - before.date()).days + 1)]
        assert any(days.is_open(day) for day in passed)


#: Here the clocks went from 00:01 back to 23:01 on the day before: an instant of the 28th by which
#: the 29th has begun, and its midnight gone by.
_AFTER_MIDNIGHT_ON_THE_DAY_BEFORE = Case(
    Rule(Frequency.DAILY, time(0), ZoneInfo("Canada/Newfoundland"), closed_days=ClosedDays.SKIP),
    utc(2000, 10, 29, 2, 31),
    SchoolCalendar(),
)


@soaked(200)
@given(cases(), st.integers(1, 5))
@example(_AFTER_MIDNIGHT_ON_THE_DAY_BEFORE, 1)
def test_the_next_occurrences_are_the_runs_and_the_days_without_one(case, count):
    rule, instant, calendar = case
    days = Days(rule, calendar)
    occurrences = next_occurrences(rule, instant, count, calendar)
    runs = [one.run for one in occurrences if one.run]
    assert runs == next_runs(rule, instant, count, calendar)

    for one in occurrences:
        assert days.is_meant(one.meant)
        assert days.within(one.meant)
        if one.run:
            day = days.goes_to(one.meant)
            assert one.run in {fires(datetime.combine(day, at), rule.zone) for at in times_of(rule)}
            assert (one.reason is None) == (day == one.meant)
        else:
            assert one.reason is not None

    def sent(meant: date) -> bool:
        day = days.goes_to(meant)
        runs = (fires(datetime.combine(day, at), rule.zone) for at in times_of(rule) if day)
        return any(days.within(run.astimezone(rule.zone).date()) for run in runs)

    skipped = [one.meant for one in occurrences if one.run is None]
    assert all(day < later for day, later in pairwise(skipped))
    assert not any(sent(day) for day in skipped)
    first = instant.astimezone(rule.zone).date()
    # With fewer runs than asked for, all the days to the end are there.
    ended = len(runs) < count
    last = runs[-1].astimezone(rule.zone).date() if not ended else first + 100 * DAY
    assert all(first <= day for day in skipped)
    assert ended or all(day <= last for day in skipped)
    between = [
        day
        for day in (first + n * DAY for n in range(1, (last - first).days))
        if fires(datetime.combine(day, min(times_of(rule))), rule.zone) > instant
    ]
    expected = [day for day in between if days.is_meant(day) and days.within(day) and not sent(day)]
    assert [day for day in skipped if first < day < last] == expected


# Limits of what dates can say


ALL_YEARS = (Span(date.min, date.max),)
HOSTILE_CALENDARS = {
    "open": SchoolCalendar(),
    "always closed": SchoolCalendar(closed=ALL_YEARS),
    "no weekdays": SchoolCalendar(frozenset()),
    "closed to the end": SchoolCalendar(EVERY_DAY, closed=(Span(date(2020, 1, 1), date.max),)),
    "closed from the beginning": SchoolCalendar(closed=(Span(date.min, date(2030, 1, 1)),)),
    "a term at both ends": SchoolCalendar(
        terms=(Span(date.min, date.min), Span(date.max, date.max))
    ),
    "every other day closed": SchoolCalendar(
        EVERY_DAY,
        closed=tuple(
            Span(day, day) for day in (date(2020, 1, 1) + 2 * n * DAY for n in range(3000))
        ),
    ),
}
HOSTILE_RHYTHMS = {
    "daily": {"frequency": Frequency.DAILY},
    "weekly": {"frequency": Frequency.WEEKLY, "days_of_week": (1, 7), "interval": 1000},
    "31st": {"frequency": Frequency.MONTHLY, "day_of_month": 31},
    "last Sunday": {
        "frequency": Frequency.MONTHLY,
        "month_mode": MonthMode.WEEKDAY,
        "days_of_week": (7,),
        "nth": LAST,
    },
    "school day": {
        "frequency": Frequency.MONTHLY,
        "month_mode": MonthMode.SCHOOL_DAY,
        "nth": LAST,
    },
    "hourly": {"frequency": Frequency.CRON, "cron": parse_cron("59 * * * *")},
    "29 February": {"frequency": Frequency.CRON, "cron": parse_cron("0 0 29 2 */7")},
}
HOSTILE_BOUNDS = [
    {},
    {"end": date.max},
    {"start": date.max},
    {"start": date.min, "end": date.min},
    {"start": date.max, "paused_until": date.max, "end": date.max},
    {"start": date(2026, 1, 1), "end": date(2025, 1, 1)},
]
HOSTILE_INSTANTS = [
    datetime.min.replace(tzinfo=UTC),
    utc(1, 12, 31, 23, 59),
    utc(2026, 3, 29, 1),
    utc(9960, 1, 1),
    utc(9999, 12, 30, 23),
    datetime.max.replace(tzinfo=UTC),
]


#: No question may take longer, in seconds of the processor.
AT_MOST = 20.0  # only an endless search takes so long; bench/ measures speed


def quickly(question, *args):
    begin = clock.process_time()
    answer = question(*args)
    seconds = clock.process_time() - begin
    assert seconds < AT_MOST, f"{question.__name__} took {seconds:.2f} s"
    return answer


@soaked(300)
@given(
    st.sampled_from(list(HOSTILE_RHYTHMS)),
    st.sampled_from(list(HOSTILE_CALENDARS)),
    st.sampled_from(ClosedDays),
    st.sampled_from(HOSTILE_BOUNDS),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]),
    st.sampled_from(HOSTILE_INSTANTS),
)
def test_at_the_ends_of_time_nothing_raises_and_nothing_takes_long(
    rhythm, calendar, closed_days, bounds, zone, instant
):
    rhythm, calendar = HOSTILE_RHYTHMS[rhythm], HOSTILE_CALENDARS[calendar]
    rule = Rule(time=time(23, 59), zone=ZoneInfo(zone), closed_days=closed_days, **rhythm, **bounds)
    run = quickly(next_run_after, rule, instant, calendar)
    assert run is None or run > instant
    assert quickly(next_runs, rule, instant, 1, calendar) == ([run] if run else [])
    before = quickly(run_at_or_before, rule, instant, calendar)
    assert before is None or before <= instant


@pytest.mark.parametrize("closed_days", ClosedDays)
@pytest.mark.parametrize("calendar", HOSTILE_CALENDARS)
def test_a_school_that_never_opens_is_found_out_quickly(calendar, closed_days):
    calendar = HOSTILE_CALENDARS[calendar]
    rule = Rule(Frequency.DAILY, time(8), BERLIN, closed_days=closed_days)
    quickly(next_run_after, rule, utc(2026, 1, 1), calendar)
    quickly(run_at_or_before, rule, utc(2026, 1, 1), calendar)
    quickly(next_occurrences, rule, utc(2026, 1, 1), 5, calendar)


# Examples that a reader can check


@pytest.mark.parametrize("closed_days", [ClosedDays.BEFORE, ClosedDays.AFTER])
def test_a_shift_over_four_hundred_closed_days_is_one_and_over_more_is_none(closed_days):
    rare = Rule(
        Frequency.CRON, time(0), BERLIN, cron=parse_cron("0 8 29 2 *"), closed_days=closed_days
    )
    step = DAY if closed_days is ClosedDays.AFTER else -DAY
    meant = date(2024, 2, 29)
    for length, shifted in ((399, True), (400, True), (401, False)):
        ends = sorted([meant, meant + (length - 1) * step])
        calendar = SchoolCalendar(EVERY_DAY, closed=(Span(*ends),))
        run = next_run_after(rare, utc(2022, 1, 1), calendar)
        there = fires(datetime.combine(meant + length * step, time(8)), BERLIN)
        assert (run == there) == shifted, length


def test_the_gap_that_moves_a_run_past_the_last_day_ends_the_rule_before_it():
    nuuk = ZoneInfo("America/Nuuk")
    rule = Rule(Frequency.DAILY, time(23, 30), nuuk, end=date(2026, 3, 28))
    assert next_run_after(rule, utc(2026, 3, 28, 12)) is None
    assert next_run_after(replaced(rule, end=date(2026, 3, 29)), utc(2026, 3, 28, 12))


def test_29_february_on_a_sunday_is_found_over_2100():
    rule = Rule(Frequency.CRON, time(0), BERLIN, cron=parse_cron("0 8 29 2 */7"))
    assert next_run_after(rule, utc(2080, 1, 1)) == utc(2088, 2, 29, 7)
    assert next_run_after(rule, utc(2088, 3, 1)) == utc(2128, 2, 29, 7)


def test_runs_that_a_shift_brings_together_are_one():
    rule = Rule(Frequency.DAILY, time(8), BERLIN, closed_days=ClosedDays.AFTER)
    friday = utc(2026, 1, 9, 7)
    assert next_runs(rule, friday - MINUTE, 3) == [friday, friday + 3 * DAY, friday + 4 * DAY]


def test_weeks_are_counted_from_the_week_of_the_start():
    rule = Rule(
        Frequency.WEEKLY, time(8), BERLIN, (1, 5), interval=2, start=date(2026, 1, 7)
    )  # a Wednesday: its Friday, then Monday a fortnight after its Monday
    days = [run.day for run in next_runs(rule, utc(2026, 1, 1), 3)]
    assert days == [9, 19, 23]
