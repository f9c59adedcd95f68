"""Single values of attendance and marks files: days, lessons, marks, yes and no; pure."""

import re
from collections.abc import Collection
from datetime import date

from reportapp.constants import DateOrder

FIRST_YEAR = 2000
MOST_LESSON = 99
MOST_TEXT = 50
_TIME = r"(?:[T ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?)?"
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})"
_MONTH, _DAY = r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})"
_DATES = {
    DateOrder.YEAR_FIRST: re.compile(
        rf"(?P<year>[0-9]{{4}})(?P<sign>[-/.]|(?=[0-9]{{4}}(?![0-9]))){_MONTH}(?P=sign){_DAY}{_TIME}"
    ),
    DateOrder.DAY_FIRST: re.compile(rf"{_DAY}(?P<sign>[-/.]){_MONTH}(?P=sign){_YEAR}{_TIME}"),
    # Nobody writes 12.31.2026.
    DateOrder.MONTH_FIRST: re.compile(rf"{_MONTH}(?P<sign>[-/]){_DAY}(?P=sign){_YEAR}{_TIME}"),
}
EXAMPLES = {
    DateOrder.YEAR_FIRST: "2026-12-31",
    DateOrder.DAY_FIRST: "31/12/2026 or 31.12.2026",
    DateOrder.MONTH_FIRST: "12/31/2026",
}
_LESSON = re.compile(r"(?:[^\W\d_]{1,20}[ .:#-]{0,2})?([0-9]{1,3})\.?(?:st|nd|rd|th)?", re.I)
#: Half days.
_HALVES = {"am": 1, "pm": 2}
_NUMBER = re.compile(r"([0-9]{1,5})(?:[.,]([0-9]{1,2}))? ?%?")
_YES = frozenset({"yes", "y", "true", "t", "1", "x", "final"})
_NO = frozenset({"", "no", "n", "false", "f", "0"})


def read_day(text: str, order: DateOrder) -> date:
    """The day in `text`, written in this order; a time after it is left out. Raises ValueError with
    what would be right."""
    match = _DATES[order].fullmatch(text)
    if match is None:
        raise ValueError(f"Write a day such as {EXAMPLES[order]}." if text else "Give a day.")
    year = int(match["year"])
    try:
        return date(
            year + 2000 if len(match["year"]) == 2 else year, int(match["month"]), int(match["day"])
        )
    except ValueError:
        raise ValueError(f"There is no such day; write one such as {EXAMPLES[order]}.") from None


def date_orders(values: Collection[str]) -> list[DateOrder]:
    """In which orders these days can be written: those that fit all values, else those that fit
    any. Only a single one is certain."""
    filled = [value for value in values if value]
    fits = {order: sum(_is_day(value, order) for value in filled) for order in DateOrder}
    return [order for order in fits if fits[order] == len(filled) > 0] or [
        order for order in fits if fits[order]
    ]


def fitting(text: str, orders: Collection[DateOrder]) -> list[DateOrder]:
    """Those of `orders` in which `text` is a day."""
    return [order for order in orders if _is_day(text, order)]


def _is_day(text: str, order: DateOrder) -> bool:
    try:
        return read_day(text, order).year >= FIRST_YEAR
    except ValueError:
        return False


def read_lesson(text: str) -> int:
    """The number in `3`, `P3`, `Period 3` or `3rd`; AM is 1, PM is 2. Raises ValueError with what
    would be right."""
    if text.casefold() in _HALVES:
        return _HALVES[text.casefold()]
    match = _LESSON.fullmatch(text)
    if match is None or not 0 <= int(match[1]) <= MOST_LESSON:
        raise ValueError(f"Write the number of the lesson, 1 to {MOST_LESSON}.")
    return int(match[1])


def read_number(text: str) -> float:
    """A mark in numbers, not below 0. Raises ValueError with what would be right."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("Write a number from 0 to 99999, such as 92 or 92.5.")
    return float(f"{match[1]}.{match[2] or 0}")


def read_mark_text(text: str) -> str:
    """A mark in letters or words. Raises ValueError with what would be right."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"Use at most {MOST_TEXT} characters; this has {len(text):,}.")
    if not text.isprintable():
        raise ValueError("There is an invisible character; use letters, digits and signs only.")
    return text


def read_yes(text: str) -> bool:
    """Yes or no; nothing is no. Raises ValueError with what would be right."""
    word = text.casefold()
    if word not in _YES | _NO:
        raise ValueError("Write yes or no.")
    return word in _YES


def code_key(text: str) -> str:
    """Codes are the same whatever their case and spacing."""
    return " ".join(text.casefold().split())
