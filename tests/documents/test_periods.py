"""Periods: which days a run covers, and how they read."""

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportapp.constants import Frequency, MonthMode, PeriodKind
from reportapp.documents.periods import Period, period_for, planned_day
from reportapp.recurrence import LAST, NOTHING_CLOSED, Rule, next_runs
from reportapp.schedules.timing import Timing, period_of

DAILY, WEEKLY, MONTHLY = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY
UTC_ZONE, BERLIN, NUUK = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/Nuuk")
ZONES = sorted(available_timezones())
#: Their clocks have jumped from before midnight to midnight or beyond.
OVER_MIDNIGHT = [
    ("America/Nuuk", datetime(2026, 3, 28, tzinfo=UTC)),
    ("America/Scoresbysund", datetime(2027, 3, 27, tzinfo=UTC)),
    ("Asia/Dhaka", datetime(2009, 6, 19, tzinfo=UTC)),
    ("Asia/Pyongyang", datetime(2018, 5, 4, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
    ("Pacific/Fakaofo", datetime(2011, 12, 30, tzinfo=UTC)),
]
DAY = timedelta(days=1)

soaked = settings(max_examples=int(os.environ.get("SOAK_EXAMPLES", "500")), derandomize=False)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def days(first: str, end: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(end))


def covered(rule: Rule, planned: datetime) -> Period:
    """What a run of the rule covers by its rhythm."""
    return period_of(PeriodKind.RHYTHM, Timing(rule, NOTHING_CLOSED), planned)


def periods_of(rule: Rule, start: datetime, count: int) -> list[Period]:
    return [covered(rule, run) for run in next_runs(rule, start, count)]


def touch(periods: list[Period]) -> bool:
    return all(earlier.end == later.start for earlier, later in pairwise(periods))


@st.composite
def rules(
    draw: st.DrawFn, frequencies: Sequence[Frequency] = (DAILY, WEEKLY, MONTHLY), most_days: int = 7
) -> tuple[Rule, datetime]:
    """A rule of any zone and an instant 2000-2037, often near a clock that jumps over midnight."""
    if draw(st.booleans()):
        key, start = draw(st.sampled_from(OVER_MIDNIGHT))
        start -= draw(st.integers(0, 40)) * DAY
    else:
        key = draw(st.sampled_from(ZONES))
        start = utc(2000, 1, 1) + draw(st.integers(0, 38 * 365 * 24)) * timedelta(hours=1)
    late = st.integers(0, 89).map(lambda n: time(22 + (30 + n) // 60, (30 + n) % 60))
    any_time = st.builds(time, st.integers(0, 23), st.integers(0, 59))
    frequency = draw(st.sampled_from(frequencies))
    mode = draw(st.sampled_from(MonthMode)) if frequency is MONTHLY else MonthMode.DAY
    several = st.sets(
        st.integers(1, 7), min_size=1, max_size=most_days if frequency is WEEKLY else 1
    )
    rule = Rule(
        frequency,
        draw(st.just(time(0, 0)) | late | any_time),
        ZoneInfo(key),
        days_of_week=tuple(sorted(draw(several))),
        day_of_month=draw(st.integers(1, 31)),
        interval=draw(st.integers(1, 4)) if frequency is WEEKLY else 1,
        month_mode=mode,
        nth=draw(st.sampled_from([1, LAST])),
    )
    return rule, start


# Consecutive runs


@soaked
@given(rules())
def test_periods_of_consecutive_runs_touch_and_never_overlap(case):
    rule, start = case
    periods = periods_of(rule, start, 15)
    assert touch(periods), periods


@soaked
@given(rules())
def test_a_period_ends_on_the_day_that_the_rule_names(case):
    rule, start = case
    for period in periods_of(rule, start, 4):
        noon = datetime.combine(period.end - DAY, time(12), rule.zone)
        if noon.astimezone(UTC).astimezone(rule.zone).date() == period.end:
            continue  # Samoa had no 30 December 2011: that day's run came on the 31st
        if rule.frequency is WEEKLY:
            assert period.end.isoweekday() in rule.days_of_week
        if rule.frequency is MONTHLY and rule.month_mode is MonthMode.WEEKDAY:
            assert (period.end.isoweekday(),) == rule.days_of_week
            edge = period.end + 7 * DAY if rule.nth == LAST else period.end - 7 * DAY
            assert edge.month != period.end.month
        if rule.frequency is MONTHLY and rule.month_mode is MonthMode.SCHOOL_DAY:
            assert period.end.isoweekday() <= 5
        if rule.frequency is MONTHLY and rule.month_mode is MonthMode.DAY:
            assert period.end.day == rule.day_of_month or (
                period.end.day < rule.day_of_month and (period.end + DAY).day == 1
            )


@pytest.mark.parametrize("day_of_month", range(1, 32))
@pytest.mark.parametrize("zone", [UTC_ZONE, BERLIN, NUUK], ids=str)
def test_monthly_periods_touch_on_every_day_of_the_month_across_leap_years(day_of_month, zone):
    rule = Rule(MONTHLY, time(23, 30), zone, day_of_month=day_of_month)
    periods = periods_of(rule, utc(2023, 1, 1), 75)
    assert touch(periods)
    assert {period.days for period in periods} <= {28, 29, 30, 31}


@pytest.mark.parametrize(("key", "start"), OVER_MIDNIGHT)
@pytest.mark.parametrize("rule_of", [DAILY, WEEKLY, MONTHLY])
def test_periods_touch_where_a_gap_moves_a_run_past_midnight(key, start, rule_of):
    rule = Rule(rule_of, time(23, 45), ZoneInfo(key), (start.isoweekday(),), start.day)
    daily_after_a_skipped_day = rule_of is DAILY and key in ("Pacific/Apia", "Pacific/Fakaofo")
    runs = next_runs(rule, start - 35 * DAY, 45)
    moved = any(run.astimezone(rule.zone).time() == time(0, 0) for run in runs)
    # A run that has to wait a whole day meets the next one.
    assert moved is (not daily_after_a_skipped_day)
    assert touch(periods_of(rule, start - 35 * DAY, 45))


def test_a_run_that_a_gap_moves_past_midnight_stands_for_the_day_before():
    rule = Rule(DAILY, time(23, 30), NUUK)
    saturday, sunday = next_runs(rule, utc(2026, 3, 28, 12), 2)
    assert [f"{run.astimezone(NUUK):%d %H:%M}" for run in (saturday, sunday)] == [
        "29 00:00",
        "29 23:30",
    ]
    assert planned_day(saturday, NUUK, rule.time) == date(2026, 3, 28)
    assert planned_day(sunday, NUUK, rule.time) == date(2026, 3, 29)
    assert covered(rule, saturday) == days("2026-03-27", "2026-03-28")
    assert covered(rule, sunday) == days("2026-03-28", "2026-03-29")


def test_a_run_planned_for_midnight_stands_for_the_day_that_begins_even_after_a_gap():
    midnight = utc(2026, 3, 29, 1)
    assert planned_day(midnight, NUUK, time(0, 0)) == date(2026, 3, 29)


def test_a_run_that_a_gap_moves_within_the_day_stands_for_that_day():
    at_three = utc(2026, 3, 29, 1)
    assert planned_day(at_three, BERLIN, time(2, 30)) == date(2026, 3, 29)
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    assert planned_day(utc(2018, 11, 4, 3), sao_paulo, time(0, 0)) == date(2018, 11, 4)


def test_the_midnight_run_after_a_skipped_day_covers_the_two_days_before_it():
    # Two planned days are one run there; it has happened in two zones, on 30 December 2011.
    rule = Rule(DAILY, time(0, 0), ZoneInfo("Pacific/Apia"))
    assert periods_of(rule, utc(2011, 12, 28, 12), 3) == [
        days("2011-12-28", "2011-12-29"),
        days("2011-12-29", "2011-12-31"),
        days("2011-12-31", "2012-01-01"),
    ]


# One run


def nine(zone: ZoneInfo, frequency: Frequency = DAILY, **fields) -> Rule:
    return Rule(frequency, time(9), zone, **fields)


def test_a_daily_run_covers_the_day_before():
    assert covered(nine(BERLIN), utc(2026, 11, 30, 8)) == days("2026-11-29", "2026-11-30")


def test_a_monday_run_covers_the_calendar_week_before():
    monday = nine(BERLIN, WEEKLY, days_of_week=(1,))
    assert covered(monday, utc(2026, 11, 30, 8)) == days("2026-11-23", "2026-11-30")


def test_a_run_on_the_first_covers_the_calendar_month_before():
    period = covered(nine(BERLIN, MONTHLY, day_of_month=1), utc(2026, 12, 1, 8))
    assert period == days("2026-11-01", "2026-12-01")
    assert period.words == "November 2026"


@pytest.mark.parametrize(
    ("day_of_month", "planned", "period"),
    [
        (31, utc(2026, 2, 28, 8), days("2026-01-31", "2026-02-28")),
        (31, utc(2026, 3, 31, 7), days("2026-02-28", "2026-03-31")),
        (30, utc(2026, 3, 30, 7), days("2026-02-28", "2026-03-30")),
        (30, utc(2028, 2, 29, 8), days("2028-01-30", "2028-02-29")),
        (29, utc(2028, 2, 29, 8), days("2028-01-29", "2028-02-29")),
        (15, utc(2026, 1, 15, 8), days("2025-12-15", "2026-01-15")),
    ],
)
def test_a_monthly_run_begins_at_the_rules_own_day_of_the_month_before(
    day_of_month, planned, period
):
    assert covered(nine(BERLIN, MONTHLY, day_of_month=day_of_month), planned) == period


def test_runs_on_several_weekdays_share_the_week_between_them():
    rule = nine(BERLIN, WEEKLY, days_of_week=(1, 4))
    assert periods_of(rule, utc(2026, 11, 22), 3) == [
        days("2026-11-19", "2026-11-23"),
        days("2026-11-23", "2026-11-26"),
        days("2026-11-26", "2026-11-30"),
    ]


def test_the_first_run_of_a_rule_that_has_a_start_covers_what_it_would_have_covered_anyway():
    rule = nine(BERLIN, WEEKLY, days_of_week=(1,), start=date(2026, 11, 30))
    assert periods_of(rule, utc(2026, 11, 1), 1) == [days("2026-11-23", "2026-11-30")]


def test_the_day_of_a_run_is_the_one_in_the_schedules_zone():
    planned = utc(2026, 11, 29, 23, 30)
    assert covered(nine(UTC_ZONE), planned).end == date(2026, 11, 29)
    assert covered(nine(BERLIN), planned).end == date(2026, 11, 30)
    assert covered(nine(UTC_ZONE), planned.astimezone(BERLIN)).end == date(2026, 11, 29)


# The kinds of periods


TUESDAY = date(2026, 11, 24)
AUTUMN = (date(2026, 9, 7), date(2026, 12, 18))
LAST_MONDAY = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("kind", "period"),
    [
        (PeriodKind.RHYTHM, days("2026-11-16", "2026-11-24")),
        (PeriodKind.LAST_DAY, days("2026-11-23", "2026-11-24")),
        (PeriodKind.LAST_WEEK, days("2026-11-16", "2026-11-23")),
        (PeriodKind.LAST_MONTH, days("2026-10-01", "2026-11-01")),
        (PeriodKind.LAST_7_DAYS, days("2026-11-17", "2026-11-24")),
        (PeriodKind.LAST_30_DAYS, days("2026-10-25", "2026-11-24")),
        (PeriodKind.TERM_TO_DATE, days("2026-09-07", "2026-11-24")),
        (PeriodKind.SINCE_SENT, days("2026-11-02", "2026-11-24")),
    ],
)
def test_each_kind_of_period_counts_from_the_day_of_its_run(kind, period):
    found = period_for(
        kind, TUESDAY, run_before=LAST_MONDAY, term=AUTUMN, sent_until=date(2026, 11, 2)
    )
    assert found == period


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        ("2026-11-23", days("2026-11-16", "2026-11-23"), days("2026-10-01", "2026-11-01")),
        ("2026-11-29", days("2026-11-16", "2026-11-23"), days("2026-10-01", "2026-11-01")),
        ("2027-01-01", days("2026-12-21", "2026-12-28"), days("2026-12-01", "2027-01-01")),
        ("2027-01-31", days("2027-01-18", "2027-01-25"), days("2026-12-01", "2027-01-01")),
        ("2028-03-01", days("2028-02-21", "2028-02-28"), days("2028-02-01", "2028-03-01")),
    ],
)
def test_the_last_week_and_the_last_month_are_whole_ones_that_have_ended(day, week, month):
    day = date.fromisoformat(day)
    assert period_for(PeriodKind.LAST_WEEK, day, run_before=None) == week
    assert period_for(PeriodKind.LAST_MONTH, day, run_before=None) == month


@given(st.dates(date(2000, 1, 10), date(2037, 12, 31)))
def test_weekly_runs_on_whatever_weekday_join_the_last_weeks_and_monthly_ones_the_last_months(day):
    weeks = [period_for(PeriodKind.LAST_WEEK, day + n * 7 * DAY, run_before=None) for n in range(9)]
    assert touch(weeks)
    assert {(week.days, week.start.isoweekday()) for week in weeks} == {(7, 1)}
    monthly = Rule(MONTHLY, time(9), BERLIN, day_of_month=day.day)
    start = datetime.combine(day, time(), UTC)
    runs = next_runs(monthly, start, 14)
    timing = Timing(monthly, NOTHING_CLOSED)
    months = [period_of(PeriodKind.LAST_MONTH, timing, run) for run in runs]
    assert touch(months)
    assert all(month.is_month for month in months)


@given(
    st.sampled_from(PeriodKind),
    st.dates(date(2000, 1, 1), date(2037, 12, 31)),
    st.none() | st.integers(-3, 90),
    st.none() | st.tuples(st.integers(-100, 200), st.integers(0, 120)),
    st.none() | st.integers(-40, 90),
)
def test_whatever_is_known_a_period_has_a_day_and_none_that_is_not_over(
    kind, day, before, term, sent
):
    first = None if term is None else day - term[0] * DAY
    period = period_for(
        kind,
        day,
        run_before=None if before is None else day - before * DAY,
        term=None if term is None else (first, first + term[1] * DAY),
        sent_until=None if sent is None else day - sent * DAY,
    )
    assert period.days >= 1
    assert period.end <= day


def test_a_rhythm_without_a_run_before_covers_the_day_before():
    assert period_for(PeriodKind.RHYTHM, TUESDAY, run_before=None) == days(
        "2026-11-23", "2026-11-24"
    )


def test_a_term_to_date_holds_the_day_before_the_run_and_not_the_day_of_it():
    second = date(2026, 9, 8)
    assert period_for(PeriodKind.TERM_TO_DATE, second, run_before=None, term=AUTUMN) == days(
        "2026-09-07", "2026-09-08"
    )


def test_in_the_holidays_a_term_to_date_is_the_whole_term_that_has_ended():
    whole = days("2026-09-07", "2026-12-19")
    for day in (date(2026, 12, 19), date(2026, 12, 28), date(2027, 1, 4)):
        assert period_for(PeriodKind.TERM_TO_DATE, day, run_before=None, term=AUTUMN) == whole


@pytest.mark.parametrize("term", [None, (TUESDAY, date(2026, 12, 18))])
def test_without_a_term_that_has_a_day_behind_it_a_term_to_date_is_the_rhythms(term):
    found = period_for(PeriodKind.TERM_TO_DATE, TUESDAY, run_before=LAST_MONDAY, term=term)
    assert found == days("2026-11-16", "2026-11-24")


@pytest.mark.parametrize("sent_until", [None, TUESDAY, TUESDAY + DAY])
def test_without_an_earlier_end_since_sent_is_the_rhythms(sent_until):
    found = period_for(
        PeriodKind.SINCE_SENT, TUESDAY, run_before=LAST_MONDAY, sent_until=sent_until
    )
    assert found == days("2026-11-16", "2026-11-24")


# The period itself


@pytest.mark.parametrize("end", ["2026-11-16", "2026-11-15"])
def test_a_period_has_at_least_one_day(end):
    with pytest.raises(ValueError, match="at least one day"):
        days("2026-11-16", end)


def test_a_period_knows_its_last_day_and_its_length():
    week = days("2026-11-16", "2026-11-23")
    assert (week.last_day, week.days) == (date(2026, 11, 22), 7)


def test_the_period_before_has_the_same_length_and_ends_where_this_one_starts():
    assert days("2026-11-16", "2026-11-23").before() == days("2026-11-09", "2026-11-16")
    assert days("2026-03-01", "2026-03-02").before() == days("2026-02-28", "2026-03-01")


def test_the_period_before_a_calendar_month_is_the_calendar_month_before():
    assert days("2026-11-01", "2026-12-01").before() == days("2026-10-01", "2026-11-01")
    assert days("2026-03-01", "2026-04-01").before() == days("2026-02-01", "2026-03-01")


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (days("2026-11-16", "2026-11-17"), "16 November 2026"),
        (days("2026-11-16", "2026-11-23"), "16–22 November 2026"),
        (days("2026-11-30", "2026-12-07"), "30 November – 6 December 2026"),
        (days("2026-12-28", "2027-01-04"), "28 December 2026 – 3 January 2027"),
        (days("2026-11-01", "2026-12-01"), "November 2026"),
        (days("2028-02-01", "2028-03-01"), "February 2028"),
        (days("2028-02-01", "2028-02-29"), "1–28 February 2028"),
        (days("2026-02-01", "2026-03-01"), "February 2026"),
        (days("2026-11-01", "2026-11-30"), "1–29 November 2026"),
        (days("2026-01-31", "2026-02-28"), "31 January – 27 February 2026"),
        (days("2026-01-01", "2027-01-01"), "1 January – 31 December 2026"),
        (days("2025-11-01", "2026-12-01"), "1 November 2025 – 30 November 2026"),
    ],
)
def test_a_period_reads_without_repeating_what_both_days_share(period, words):
    assert period.words == words


def test_a_slug_names_the_first_and_the_last_day():
    assert days("2026-11-16", "2026-11-23").slug == "2026-11-16_2026-11-22"
    assert days("2026-12-28", "2027-01-04").slug == "2026-12-28_2027-01-03"
    assert days("2026-11-16", "2026-11-17").slug == "2026-11-16"


# Weeks


def test_a_calendar_week_holds_its_own_monday():
    assert days("2026-11-16", "2026-11-23").mondays() == [date(2026, 11, 16)]


@pytest.mark.parametrize(
    ("first", "monday"),
    [(17, 16), (18, 16), (19, 16), (20, 23), (21, 23), (22, 23)],
)
def test_seven_days_across_two_weeks_hold_the_week_of_their_thursday(first, monday):
    """A Tuesday's report is on the week that has just ended, a Friday's on this one."""
    start = date(2026, 11, first)
    assert Period(start, start + 7 * DAY).mondays() == [date(2026, 11, monday)]


def test_a_day_other_than_monday_belongs_to_the_week_that_it_is_in():
    assert days("2026-11-18", "2026-11-19").mondays() == [date(2026, 11, 16)]
    assert days("2026-11-16", "2026-11-17").mondays() == [date(2026, 11, 16)]
    assert days("2026-11-22", "2026-11-23").mondays() == [date(2026, 11, 16)]


def test_a_month_holds_the_weeks_whose_thursday_lies_in_it():
    november = days("2026-11-01", "2026-12-01").mondays()
    assert [monday.day for monday in november] == [2, 9, 16, 23]
    assert days("2026-12-01", "2027-01-01").mondays()[0] == date(2026, 11, 30)


@soaked
# Parts of a week would hold the week that they are a part of.
@given(rules((WEEKLY, MONTHLY), most_days=1))
def test_consecutive_weekly_and_monthly_periods_share_no_week_and_miss_none(case):
    rule, start = case
    mondays = [monday for period in periods_of(rule, start, 15) for monday in period.mondays()]
    assert all(monday.isoweekday() == 1 for monday in mondays)
    assert all(later - earlier == 7 * DAY for earlier, later in pairwise(mondays))


@given(st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.integers(1, 70))
def test_the_weeks_of_a_period_are_those_of_its_thursdays_or_the_one_it_begins_in(start, length):
    period = Period(start, start + length * DAY)
    inside = [start + (n - 3) * DAY for n in range(length) if (start + n * DAY).isoweekday() == 4]
    before = next(start - n * DAY for n in range(7) if (start - n * DAY).isoweekday() == 1)
    assert period.mondays() == (inside or [before])
