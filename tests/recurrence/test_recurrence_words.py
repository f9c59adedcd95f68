"""How a rule and an instant read."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from reportapp.constants import Frequency
from reportapp.recurrence import Rule, describe, moment, place
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
