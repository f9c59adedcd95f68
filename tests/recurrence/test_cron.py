"""`parse_cron` against a simple parser, and what it refuses."""

from datetime import date, time

import pytest
from hypothesis import given

from reportapp.recurrence import parse_cron
from tests.recurrence.cases import crons, soaked
from tests.recurrence.oracle import DAY, read_cron


@soaked(500)
@given(crons())
def test_fields_are_read_as_a_simple_parser_reads_them(text):
    cron, fields = parse_cron(text), read_cron(text)
    assert cron.times == tuple(time(hour, fields.minute) for hour in sorted(fields.hours))
    assert cron.days == fields.days
    assert cron.months == fields.months
    assert cron.weekdays == fields.weekdays
    days = [date(2024, 1, 1) + n * DAY for n in range(366)]
    assert [cron.is_on(day) for day in days] == [fields.is_on(day) for day in days]


@pytest.mark.parametrize(
    "text",
    [
        # more than one minute an hour
        "* * * * *",
        "0,30 8 * * *",
        "0-5 8 * * *",
        "*/5 8 * * *",
        "0-30/15 8 * * *",
        # days that never come
        "0 8 30 2 *",
        "0 8 31 2,4,6,9,11 *",
        "0 8 30,31 feb *",
        "0 8 31 apr */2",
        # not five fields
        "",
        " ",
        "0 8 * *",
        "0 8 * * * *",
        "@daily",
        "0 8 * * *\n0 9 * * *",
        # out of range
        "60 8 * * *",
        "0 24 * * *",
        "0 8 0 * *",
        "0 8 32 * *",
        "0 8 * 0 *",
        "0 8 * 13 *",
        "0 8 * * 8",
        "0 8 -1 * *",
        "-1 8 * * *",
        "0 -8 * * *",
        # backwards, empty, or without sense
        "0 9-8 * * *",
        "0 8 * dec-jan *",
        "0 8 , * *",
        "0 8 1, * *",
        "0 8 1-2-3 * *",
        "0 8 1- * *",
        "0 8 */0 * *",
        "0 8 */-1 * *",
        "0 8 */ * *",
        "0 8 */2/2 * *",
        "0 8 ** * *",
        "0 8 1.5 * *",
        "0 8 1e0 * *",
        "0 8 0x1 * *",
        "0 8 1_0 * *",
        "0 8 +1 * *",
        # other dialects, letters
        "0 8 L * *",
        "0 8 15W * *",
        "0 8 ? * *",
        "0 8 * * 5#2",
        "0 8 * * 5L",
        "0 8 mon * *",
        "0 8 * mon *",
        "0 8 * * jan",
        "0 8 * * monday",
        "a b c d e",
        "0 8 * * ~",
        # NUL, digits of other scripts, long
        "0 8 * * \0",
        "0\x008 * * *",
        "٠ ٨ * * *",
        "0 8 １ * *",
        "0 8 ² * *",
        "0 " + "8," * 5000 + "8 * * *",
        "9" * 10_000,
        "0 8 " + "9" * 80 + " * *",
        " " * 10_000,
    ],
)
def test_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_cron(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 8 29 2 *", [date(2024, 2, 29)]),
        ("0 8 1 1 mon", [date(2024, 1, day) for day in (1, 8, 15, 22, 29)]),  # either
        ("0 8 */8 1 mon", [date(2024, 1, 1)]),  # both: on the 1st, 9th, 17th and 25th
        ("0 8 31 4 mon", [date(2024, 4, day) for day in (1, 8, 15, 22, 29)]),
        ("0 8 1-9 6 */7", [date(2024, 6, 2), date(2024, 6, 9)]),  # */7: 0 and 7, Sundays
    ],
)
def test_either_day_will_do_unless_a_field_begins_with_a_star(text, days):
    cron = parse_cron(text)
    year = [date(2024, 1, 1) + n * DAY for n in range(366)]
    assert [day for day in year if cron.is_on(day)] == days


def test_a_range_of_one_with_a_step_is_that_one():
    assert parse_cron("0 8 1-1/5 * *").days == {1}
    assert parse_cron("0 8 * * 2-2/5").weekdays == {2}
