"""A rule and an instant as a reader says them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from reportapp.constants import Frequency
from reportapp.recurrence.rule import Rule

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def describe(rule: Rule) -> str:
    """`Every day at 07:30, Berlin`, `Mondays at 09:00, Berlin`,
    `On the last day of every month at 09:00, Berlin`."""
    at = f"at {rule.time:%H:%M}, {place(rule.zone)}"
    if rule.frequency is Frequency.DAILY:
        return f"Every day {at}"
    if rule.frequency is Frequency.WEEKLY:
        assert rule.day_of_week is not None
        return f"{WEEKDAYS[rule.day_of_week - 1]}s {at}"
    assert rule.day_of_month is not None
    if rule.day_of_month == 31:
        return f"On the last day of every month {at}"
    short = " (or the month's last day)" if rule.day_of_month > 28 else ""
    return f"On the {ordinal(rule.day_of_month)} of every month{short} {at}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`, `31st`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def place(zone: ZoneInfo) -> str:
    """The zone's city: `Berlin`, `New York`, `UTC`."""
    return str(zone.key).rsplit("/", 1)[-1].replace("_", " ")


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """An aware instant in the reader's zone: `Mon 30 Nov 2026, 09:00`."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M}"
