"""What an entry of the calendar may be: the one check of forms and files alike."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from reportapp.constants import CalendarKind
from reportapp.errors import InvalidInput

MOST_TITLE = 200
FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_DAYS = 366

_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([./])([0-9]{1,2})\2([0-9]{4})")
_HOW_DATES = "Write a date such as 2026-12-31, 31.12.2026 or 31/12/2026"


@dataclass(frozen=True)
class TermInput:
    """A term's fields, checked."""

    title: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class EntryInput(TermInput):
    """An entry's fields, checked."""

    kind: CalendarKind


def check_entry(data: Mapping[str, Any]) -> EntryInput:
    """The checked entry in `data` (title, first_day, last_day, kind), whose values may be text.

    Raises InvalidInput with every field that is wrong and what would be right.
    """
    problems: dict[str, list[str]] = {}
    kind = _read(data, "kind", _kind, problems)
    values = _title_and_days(data, problems)
    if problems:
        raise InvalidInput(problems)
    return EntryInput(**values, kind=kind)


def check_term(data: Mapping[str, Any]) -> TermInput:
    """The same for a term, which has no kind."""
    problems: dict[str, list[str]] = {}
    values = _title_and_days(data, problems)
    if problems:
        raise InvalidInput(problems)
    return TermInput(**values)


def read_date(raw: Any) -> date:
    """A day from text, the day before the month unless the year comes first. Raises ValueError
    with what would be right."""
    if isinstance(raw, date):
        day = raw
    else:
        day = _date_of(raw.strip() if isinstance(raw, str) else "")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"Choose a day of the years {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def _date_of(text: str) -> date:
    if match := _ISO.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = int(match[1]), int(match[3]), int(match[4])
    else:
        raise ValueError(f"{_HOW_DATES}." if text else "Give a day, such as 2026-12-31.")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"There is no such day. {_HOW_DATES}, the month second.") from None


def _title_and_days(data: Mapping[str, Any], problems: dict[str, list[str]]) -> dict[str, Any]:
    title = _read(data, "title", _title, problems)
    first = _read(data, "first_day", read_date, problems)
    last = _read(data, "last_day", read_date, problems)
    if first and last and last < first:
        problems["last_day"] = ["The last day is before the first one."]
    elif first and last and (last - first).days >= MOST_DAYS:
        problems["last_day"] = [f"This is more than {MOST_DAYS} days; check the two dates."]
    return {"title": title, "first_day": first, "last_day": last}


def _read(
    data: Mapping[str, Any],
    field: str,
    reader: Callable[[Any], Any],
    problems: dict[str, list[str]],
) -> Any:
    try:
        return reader(data.get(field))
    except ValueError as error:
        problems[field] = [str(error)]
        return None


def _title(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("Give it a title, such as “Autumn holidays”.")
    title = " ".join(raw.split())
    if len(title) > MOST_TITLE:
        raise ValueError(f"Use at most {MOST_TITLE} characters; this has {len(title):,}.")
    if not title.isprintable():
        raise ValueError("Use letters, digits and signs only; there is an invisible character.")
    return title


def _kind(raw: Any) -> CalendarKind:
    word = raw.strip().lower() if isinstance(raw, str) else ""
    try:
        return CalendarKind(word)
    except ValueError:
        raise ValueError(f"Write one of: {', '.join(CalendarKind)}.") from None
