"""Calendar events that come every year, by a day of a month or by its nth weekday.

Written out instead of taken from a library: a hostile rule would keep a general one busy for long.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NTH = re.compile(r"([+-]?[1-5])(MO|TU|WE|TH|FR|SA|SU)")
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"}
_HELP = "Only events that come once a year can repeat; write the others day by day."


@dataclass(frozen=True)
class Yearly:
    """From `first` on, every `interval` years: the `day` of `month`, or its `nth` `weekday`
    (0 = Monday, counted from the month's end when `nth` is negative)."""

    first: date
    interval: int
    month: int
    day: int
    nth: int
    weekday: int
    count: int | None
    until: date | None
    left_out: frozenset[date]

    def between(self, begin: date, end: date) -> Iterator[date]:
        """The days that it begins on, of those from `begin` to `end`."""
        number = 0
        for year in range(self.first.year, end.year + 1, self.interval):
            day = self.of_year(year)
            if day is None:
                continue
            number += 1
            past = self.until is not None and day > self.until
            if past or day > end or (self.count is not None and number > self.count):
                return
            if day >= begin and day not in self.left_out:
                yield day

    def of_year(self, year: int) -> date | None:
        """Its day in one year; a year may have none (29 February, a fifth Monday)."""
        weekday, days = monthrange(year, self.month)
        if not self.nth:
            return date(year, self.month, self.day) if self.day <= days else None
        firsts = range(1 + (self.weekday - weekday) % 7, days + 1, 7)
        place = self.nth - 1 if self.nth > 0 else self.nth
        return (
            date(year, self.month, firsts[place]) if -len(firsts) <= place < len(firsts) else None
        )


def read_yearly(rule: Mapping[str, Any], first: date, left_out: frozenset[date]) -> Yearly:
    """The rule of an event that begins on `first`, as the library read it. Raises ValueError with
    what can be taken."""
    if set(rule) - _KNOWN or _one(rule, "FREQ", "") != "YEARLY":
        raise ValueError(_HELP)
    interval, count = _one(rule, "INTERVAL", 1), _one(rule, "COUNT", None)
    month, day = _one(rule, "BYMONTH", first.month), _one(rule, "BYMONTHDAY", first.day)
    until = _one(rule, "UNTIL", None)
    nth, weekday = _nth(rule)
    if not 1 <= int(interval) <= 100 or (count is not None and int(count) < 1):
        raise ValueError("INTERVAL must be 1 to 100, and COUNT at least 1.")
    if isinstance(until, datetime):
        until = until.date()
    if until is not None and not isinstance(until, date):
        raise ValueError("UNTIL must be a day such as 20291231.")
    found = Yearly(first, int(interval), int(month), int(day), nth, weekday, count, until, left_out)
    if not 1 <= found.month <= 12 or found.of_year(first.year) != first:
        raise ValueError(f"The rule does not fit the event's first day. {_HELP}")
    return found


def _nth(rule: Mapping[str, Any]) -> tuple[int, int]:
    if "BYDAY" not in rule:
        return 0, 0
    match = _NTH.fullmatch(str(_one(rule, "BYDAY", "")))
    if match is None or "BYMONTH" not in rule or "BYMONTHDAY" in rule:
        raise ValueError(_HELP)
    return int(match[1]), _WEEKDAYS.index(match[2])


def _one(rule: Mapping[str, Any], name: str, missing: Any) -> Any:
    values = rule.get(name)
    if values is None:
        return missing
    if isinstance(values, list):
        if len(values) != 1:
            raise ValueError(_HELP)
        return values[0]
    return values
