"""A rule and an instant as a reader says them."""

from calendar import month_name
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence.cron import Cron
from reportapp.recurrence.rule import LAST, Rule

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EVERY_DAY = frozenset(range(1, 8))
_EVERY_MONTH = frozenset(range(1, 13))
_COUNTED = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}


def describe(rule: Rule, today: date | None = None) -> str:
    """`Every day at 07:30, Berlin`, `Mondays and Thursdays of every second week at 09:00, Berlin`,
    `On the last Friday of every month at 16:00, Madrid; not on days without school; until
    31 July 2027`. What has ended before `today` is not mentioned."""
    limits = (
        f"from {_day(rule.start)}" if rule.start and (not today or rule.start > today) else "",
        f"paused until {_day(rule.paused_until)}"
        if rule.paused_until and (not today or rule.paused_until > today)
        else "",
        f"until {_day(rule.end)}" if rule.end else "",
    )
    clauses = (f"{_rhythm(rule)}, {place(rule.zone)}", _closed_days(rule), *limits)
    return "; ".join(filter(None, clauses))


def _rhythm(rule: Rule) -> str:
    if rule.cron is not None:
        return f"{_cron_days(rule.cron)} {_times(rule.cron.times)}"
    return f"{_days(rule)} at {rule.time:%H:%M}"


def _days(rule: Rule) -> str:
    if rule.frequency is Frequency.DAILY:
        return "Every school day" if rule.closed_days is ClosedDays.SKIP else "Every day"
    if rule.frequency is Frequency.WEEKLY:
        days = _weekdays(rule.days_of_week)
        if rule.interval == 1:
            return days
        return f"{days} of every {'second' if rule.interval == 2 else ordinal(rule.interval)} week"
    if rule.month_mode is MonthMode.SCHOOL_DAY:
        return f"On the {_COUNTED[rule.nth]} school day of every month"
    if rule.month_mode is MonthMode.WEEKDAY:
        (weekday,) = rule.days_of_week
        return f"On the {_COUNTED[rule.nth]} {WEEKDAYS[weekday - 1]} of every month"
    assert rule.day_of_month is not None
    if rule.day_of_month == 31:
        return "On the last day of every month"
    short = " (or the month's last day)" if rule.day_of_month > 28 else ""
    return f"On the {ordinal(rule.day_of_month)} of every month{short}"


def _closed_days(rule: Rule) -> str:
    if rule.frequency is Frequency.MONTHLY and rule.month_mode is MonthMode.SCHOOL_DAY:
        # Its days are school days anyway.
        return "not in exam weeks" if rule.exams_closed else ""
    exams = "exam weeks count as such" if rule.exams_closed else ""
    match rule.closed_days:
        case ClosedDays.SEND:
            return ""
        case ClosedDays.SKIP:
            if rule.frequency is Frequency.DAILY:
                return "not in exam weeks" if rule.exams_closed else ""
            sentence = "not on days without school"
        case ClosedDays.BEFORE:
            sentence = "on days without school the school day before"
        case ClosedDays.AFTER:
            sentence = "on days without school the school day after"
    return f"{sentence} ({exams})" if exams else sentence


def _weekdays(numbers: Iterable[int]) -> str:
    """`Mondays`, `Mondays to Fridays`, `Mondays and Thursdays`."""
    days = sorted(numbers)
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{WEEKDAYS[days[0] - 1]}s to {WEEKDAYS[days[-1] - 1]}s"
    return _and([f"{WEEKDAYS[day - 1]}s" for day in days])


def _cron_days(cron: Cron) -> str:
    months = _and([month_name[month] for month in sorted(cron.months)])
    in_months = "" if cron.months == _EVERY_MONTH else f" in {months}"
    numbers = _and([ordinal(day) for day in sorted(cron.days)])
    of_month = "every month" if cron.months == _EVERY_MONTH else months
    on_numbers = f"On the {numbers} of {of_month}"
    all_days, all_weekdays = len(cron.days) == 31, cron.weekdays == _EVERY_DAY
    if all_days and all_weekdays:
        return f"Every day{in_months}"
    if not cron.both:
        return f"{on_numbers}, and {_weekdays(cron.weekdays)}{in_months},"
    if all_weekdays:
        return on_numbers
    if all_days:
        return f"{_weekdays(cron.weekdays)}{in_months}"
    return f"{on_numbers} where they are {_weekdays(cron.weekdays)},"


def _times(times: Sequence[time]) -> str:
    hours = [at.hour for at in times]
    if len(hours) == 24:
        return f"every hour at {times[0].minute} minutes past"
    if len(hours) > 3 and hours == list(range(hours[0], hours[-1] + 1)):
        return f"every hour from {times[0]:%H:%M} to {times[-1]:%H:%M}"
    return f"at {_and([f'{at:%H:%M}' for at in times])}"


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


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
