"""The calendar of the demo school: the holidays beside its lessons, and a week of exams.

The weeks with lessons stay free of holidays, so that no report lies about them: one break is over
when they begin, all others are still to come.
"""

from datetime import date, timedelta
from typing import Any

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.models import CalendarEntry
from reportapp.school.demo_stage import Stage

#: Public holidays that are offered first; they are not taken yet.
COUNTRY = "DE-BE"
_DAY = timedelta(days=1)


def make_calendar(stage: Stage) -> int:
    """Everything of the calendar but its terms, in the database; how many entries."""
    past = stage.first_monday - 14 * _DAY
    autumn, christmas = _next_autumn(stage.today), _next_christmas(stage.today)
    exams = _school_week(stage.monday + 14 * _DAY, autumn, christmas)
    conference = _school_week(exams + 7 * _DAY, autumn, christmas) + 4 * _DAY
    entries = (
        (CalendarKind.HOLIDAY, _break_name(past), past, past + 11 * _DAY),
        (CalendarKind.CLOSURE, "Teachers' conference", conference, conference),
        (CalendarKind.EXAM, "Exam week", exams, exams + 4 * _DAY),
        (CalendarKind.HOLIDAY, "Christmas holidays", *christmas),
        (CalendarKind.HOLIDAY, "Autumn holidays", *autumn),
    )
    rows: list[dict[str, Any]] = [
        {
            "school_id": stage.school_id,
            "kind": kind,
            "title": title,
            "first_day": first,
            "last_day": last,
            "source": CalendarSource.FORM,
            "uid": None,
        }
        for kind, title, first, last in entries
    ]
    return stage.add(CalendarEntry, rows)


def _next_autumn(today: date) -> tuple[date, date]:
    """The two weeks from the second Monday of October on, the next that have not begun."""
    for year in (today.year, today.year + 1):
        first = _monday_from(date(year, 10, 8))
        if first > today:
            break
    return first, first + 11 * _DAY


def _next_christmas(today: date) -> tuple[date, date]:
    """From the Monday before Christmas to Epiphany, the next that have not begun."""
    for year in (today.year, today.year + 1):
        first = _monday_from(date(year, 12, 18))
        if first > today:
            break
    return first, date(first.year + 1, 1, 6)


def _school_week(monday: date, *breaks: tuple[date, date]) -> date:
    """The first Monday, from this one on, whose week no break touches."""
    while any(first <= monday + 4 * _DAY and monday <= last for first, last in breaks):
        monday += 7 * _DAY
    return monday


def _monday_from(day: date) -> date:
    return day + (-day.weekday() % 7) * _DAY


def _break_name(first: date) -> str:
    season = {9: "Autumn", 10: "Autumn", 11: "Autumn", 12: "Christmas", 1: "Winter", 2: "Winter"}
    spring = {3: "Spring", 4: "Spring", 5: "Spring"}
    return f"{ {**season, **spring}.get(first.month, 'Summer') } holidays"
