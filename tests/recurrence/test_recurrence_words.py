"""How a rule and an instant read."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence import LAST, Rule, describe, moment, next_runs, parse_cron, place
from reportapp.recurrence.words import ordinal

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_daily_rule_reads_every_day_with_time_and_city():
    assert describe(Rule(Frequency.DAILY, time(7, 30), BERLIN)) == "Every day at 07:30, Berlin"


@pytest.mark.parametrize(("number", "day"), [(1, "Mondays"), (3, "Wednesdays"), (7, "Sundays")])
def test_a_weekly_rule_reads_as_the_plural_of_its_weekday(number, day):
    rule = Rule(Frequency.WEEKLY, time(9, 0), BERLIN, days_of_week=(number,))
    assert describe(rule) == f"{day} at 09:00, Berlin"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "On the 1st of every month at 09:00, Berlin"),
        (28, "On the 28th of every month at 09:00, Berlin"),
        (29, "On the 29th of every month (or the month's last day) at 09:00, Berlin"),
        (30, "On the 30th of every month (or the month's last day) at 09:00, Berlin"),
        (31, "On the last day of every month at 09:00, Berlin"),
    ],
)
def test_a_monthly_rule_says_what_happens_in_short_months(number, words):
    rule = Rule(Frequency.MONTHLY, time(9, 0), BERLIN, day_of_month=number)
    assert describe(rule) == words


def said(frequency, **fields):
    """The sentence without its city."""
    words = describe(Rule(frequency, time(9, 0), BERLIN, **fields))
    first, comma, rest = words.partition(", Berlin")
    assert comma
    return first + rest


def by_cron(text):
    return said(Frequency.CRON, cron=parse_cron(text))


@pytest.mark.parametrize(
    ("days", "interval", "words"),
    [
        ((1, 4), 1, "Mondays and Thursdays at 09:00"),
        ((6, 7), 1, "Saturdays and Sundays at 09:00"),
        ((1, 3, 5), 1, "Mondays, Wednesdays and Fridays at 09:00"),
        ((1, 2, 3, 4, 5), 1, "Mondays to Fridays at 09:00"),
        ((5, 6, 7), 1, "Fridays to Sundays at 09:00"),
        ((1,), 2, "Mondays of every second week at 09:00"),
        ((1, 4), 3, "Mondays and Thursdays of every 3rd week at 09:00"),
        ((2,), 52, "Tuesdays of every 52nd week at 09:00"),
    ],
)
def test_several_weekdays_and_every_so_many_weeks_read_as_one_sentence(days, interval, words):
    assert said(Frequency.WEEKLY, days_of_week=days, interval=interval) == words


@pytest.mark.parametrize(
    ("mode", "nth", "words"),
    [
        (MonthMode.WEEKDAY, 1, "On the first Friday of every month at 09:00"),
        (MonthMode.WEEKDAY, 4, "On the fourth Friday of every month at 09:00"),
        (MonthMode.WEEKDAY, LAST, "On the last Friday of every month at 09:00"),
        (MonthMode.SCHOOL_DAY, 1, "On the first school day of every month at 09:00"),
        (MonthMode.SCHOOL_DAY, LAST, "On the last school day of every month at 09:00"),
    ],
)
def test_a_monthly_rule_can_count_weekdays_or_school_days(mode, nth, words):
    assert said(Frequency.MONTHLY, month_mode=mode, nth=nth, days_of_week=(5,)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 8 * * *", "Every day at 08:00"),
        ("0 8 * * 1-5", "Mondays to Fridays at 08:00"),
        ("0 8 * * 0", "Sundays at 08:00"),
        ("0 8 * * 7", "Sundays at 08:00"),
        ("0 8,12 * * mon", "Mondays at 08:00 and 12:00"),
        ("30 8-16 * * 1", "Mondays every hour from 08:30 to 16:30"),
        ("15 * * * *", "Every day every hour at 15 minutes past"),
        ("0 8 1 * *", "On the 1st of every month at 08:00"),
        ("0 8 1,15 * *", "On the 1st and 15th of every month at 08:00"),
        ("0 8 1 1,7 *", "On the 1st of January and July at 08:00"),
        ("0 8 * 9 1", "Mondays in September at 08:00"),
        ("0 8 * 9 *", "Every day in September at 08:00"),
        ("0 8 13 * 5", "On the 13th of every month, and Fridays, at 08:00"),
        ("0 8 */31 * 1", "On the 1st of every month where they are Mondays, at 08:00"),
    ],
)
def test_a_cron_rule_reads_as_a_sentence(text, words):
    assert by_cron(text) == words


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"closed_days": ClosedDays.SKIP}, "; not on days without school"),
        (
            {"closed_days": ClosedDays.BEFORE},
            "; on days without school the school day before",
        ),
        (
            {"closed_days": ClosedDays.AFTER, "exams_closed": True},
            "; on days without school the school day after (exam weeks count as such)",
        ),
        ({"exams_closed": True}, ""),
        ({"start": date(2026, 9, 1)}, "; from 1 September 2026"),
        ({"end": date(2027, 7, 31)}, "; until 31 July 2027"),
        ({"paused_until": date(2026, 12, 24)}, "; paused until 24 December 2026"),
        (
            {
                "closed_days": ClosedDays.SKIP,
                "start": date(2026, 9, 1),
                "paused_until": date(2026, 12, 24),
                "end": date(2027, 7, 31),
            },
            "; not on days without school; from 1 September 2026; "
            "paused until 24 December 2026; until 31 July 2027",
        ),
    ],
)
def test_what_limits_a_rule_follows_as_clauses(limits, words):
    assert said(Frequency.WEEKLY, days_of_week=(1,), **limits) == f"Mondays at 09:00{words}"


def test_a_daily_rule_that_leaves_out_closed_days_runs_every_school_day():
    skip = {"closed_days": ClosedDays.SKIP}
    assert said(Frequency.DAILY, **skip) == "Every school day at 09:00"
    assert said(Frequency.DAILY, **skip, exams_closed=True) == (
        "Every school day at 09:00; not in exam weeks"
    )


def test_what_has_passed_is_not_said_but_for_the_end():
    rule = Rule(
        Frequency.DAILY,
        time(9, 0),
        BERLIN,
        start=date(2026, 9, 1),
        paused_until=date(2026, 9, 3),
        end=date(2026, 9, 10),
    )
    assert describe(rule, date(2026, 8, 31)) == (
        "Every day at 09:00, Berlin; from 1 September 2026; paused until 3 September 2026; "
        "until 10 September 2026"
    )
    assert describe(rule, date(2026, 9, 1)) == (
        "Every day at 09:00, Berlin; paused until 3 September 2026; until 10 September 2026"
    )
    assert describe(rule, date(2026, 9, 3)) == "Every day at 09:00, Berlin; until 10 September 2026"
    assert describe(rule, date(2027, 9, 3)) == "Every day at 09:00, Berlin; until 10 September 2026"


_crons = st.builds(
    "{} {} {} {} {}".format,
    st.integers(0, 59),
    st.sampled_from(["*", "8", "8,12", "7-18", "*/5"]),
    st.sampled_from(["*", "1", "1,15", "10-20", "*/9"]),
    st.sampled_from(["*", "1", "3-9", "*/2"]),
    st.sampled_from(["*", "0", "7", "1-5", "1,3", "*/2"]),
).map(parse_cron)


@st.composite
def _rules(draw, frequencies=tuple(Frequency)):
    frequency = draw(st.sampled_from(frequencies))
    monthly, mode = frequency is Frequency.MONTHLY, MonthMode.DAY
    if monthly:
        mode = draw(st.sampled_from(MonthMode))
    several = st.sets(st.integers(1, 7), min_size=1, max_size=1 if monthly else 7)
    nths = [1, LAST] if mode is MonthMode.SCHOOL_DAY else [1, 2, 3, 4, LAST]
    return Rule(
        frequency,
        draw(st.builds(time, st.integers(0, 23), st.integers(0, 59))),
        BERLIN,
        days_of_week=tuple(sorted(draw(several))),
        day_of_month=draw(st.integers(1, 31)) if monthly else None,
        interval=draw(st.integers(1, 52)) if frequency is Frequency.WEEKLY else 1,
        month_mode=mode,
        nth=draw(st.sampled_from(nths)),
        cron=draw(_crons) if frequency is Frequency.CRON else None,
        start=date(2026, 9, 1),
        end=draw(st.none() | st.dates(date(2026, 9, 1), date(2030, 1, 1))),
        closed_days=draw(st.sampled_from(ClosedDays)),
        exams_closed=draw(st.booleans()),
    )


@given(_rules(), st.none() | st.dates())
def test_every_rule_has_a_sentence_of_clean_words(rule, today):
    words = describe(rule, today)
    assert words[0].isupper()
    assert words.isprintable()
    for slip in ("  ", " ,", ",,", ";;", "; ;", "None", "()"):
        assert slip not in words
    assert not words.endswith((";", ",", " "))


def test_a_school_day_of_the_month_needs_no_word_on_days_without_school():
    rule = Rule(
        Frequency.MONTHLY,
        time(9),
        BERLIN,
        month_mode=MonthMode.SCHOOL_DAY,
        closed_days=ClosedDays.BEFORE,
    )
    assert describe(rule) == "On the first school day of every month at 09:00, Berlin"
    assert describe(replace(rule, exams_closed=True)).endswith("Berlin; not in exam weeks")


@st.composite
def _neighbours(draw):
    """Two rules that differ in one part."""
    one = draw(_rules())
    other = draw(_rules((one.frequency,)))
    part = draw(st.sampled_from([field.name for field in fields(Rule)]))
    if part in ("month_mode", "nth", "days_of_week") and one.frequency is Frequency.MONTHLY:
        if part == "month_mode":
            return one, replace(one, month_mode=other.month_mode, nth=1)
        if one.month_mode is MonthMode.SCHOOL_DAY and other.nth not in (1, LAST):
            return one, one
    return one, replace(one, **{part: getattr(other, part)})


@settings(max_examples=300)
@given(_neighbours())
def test_rules_that_run_differently_read_differently(pair):
    one, other = pair
    since = datetime(2026, 9, 1, tzinfo=UTC)
    if next_runs(one, since, 60) != next_runs(other, since, 60):
        assert describe(one) != describe(other)


def test_every_day_of_a_month_has_its_english_ordinal():
    assert [ordinal(n) for n in (1, 2, 3, 4, 10, 20)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "10th",
        "20th",
    ]
    assert [ordinal(n) for n in (11, 12, 13)] == ["11th", "12th", "13th"]
    assert [ordinal(n) for n in (21, 22, 23, 30, 31)] == ["21st", "22nd", "23rd", "30th", "31st"]
    assert [ordinal(n) for n in (101, 111, 112, 121)] == ["101st", "111th", "112th", "121st"]


@pytest.mark.parametrize(
    ("key", "city"),
    [
        ("Europe/Berlin", "Berlin"),
        ("America/New_York", "New York"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_called_by_its_city(key, city):
    assert place(ZoneInfo(key)) == city


def test_a_moment_is_told_in_the_readers_zone():
    instant = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    assert moment(instant, BERLIN) == "Mon 30 Nov 2026, 09:00"
    assert moment(instant, ZoneInfo("Pacific/Kiritimati")) == "Mon 30 Nov 2026, 22:00"


def test_a_moment_late_in_the_evening_can_be_tomorrow_elsewhere():
    instant = datetime(2026, 12, 31, 23, 5, tzinfo=UTC)
    assert moment(instant, ZoneInfo("UTC")) == "Thu 31 Dec 2026, 23:05"
    assert moment(instant, BERLIN) == "Fri 1 Jan 2027, 00:05"
