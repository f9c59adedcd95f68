"""The school calendar from a calendar file (.ics, RFC 5545)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Event
from icalendar.error import BrokenCalendarProperty

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.errors import InvalidInput
from reportapp.school.calendar_found import (
    Found,
    FoundCalendar,
    RowError,
    short_uid,
    with_uids,
)
from reportapp.school.calendar_values import MOST_DAYS, EntryInput, check_entry
from reportapp.school.calendar_yearly import Yearly, read_yearly

#: How many years ahead a yearly event is entered.
YEARS_AHEAD = 3
_DAY = timedelta(days=1)
_PROPERTY_OF = {"title": "SUMMARY", "first_day": "DTSTART", "last_day": "DTEND"}
#: Dates tell their errors themselves, and nobody minds those of other properties.
_USED = {"UID", "SUMMARY", "RRULE", "EXDATE"}
#: What an event says of itself, against the kind that is chosen for the file.
_CATEGORIES = {
    "holiday": CalendarKind.HOLIDAY,
    "holidays": CalendarKind.HOLIDAY,
    "closure": CalendarKind.CLOSURE,
    "closed": CalendarKind.CLOSURE,
    "exam": CalendarKind.EXAM,
    "exams": CalendarKind.EXAM,
}


class _Wrong(Exception):
    """One property of an event that cannot be taken."""

    def __init__(self, name: str, value: object, text: str) -> None:
        self.name, self.value, self.text = name, value, text


@dataclass
class _Block:
    """The lines of one event, unfolded, each with its number in the file."""

    line: int
    lines: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, name: str) -> int:
        for number, text in self.lines:
            if text[: len(name)].upper() == name and text[len(name) : len(name) + 1] in (":", ";"):
                return number
        return self.line


def read_ics(
    text: str, most: int, today: date, zone: ZoneInfo, kind: CalendarKind
) -> FoundCalendar:
    """The events of `text`, at most `most`, as entries of `kind` unless their category says
    another one; those that repeat each year are entered from `today` on for the next years.
    Instants in UTC are days in `zone`.

    Raises InvalidInput when it is no calendar file at all.
    """
    found: dict[str, Found] = {}
    unnamed: list[EntryInput] = []
    errors: list[RowError] = []
    moved: dict[str, Found | None] = {}
    for number, block in enumerate(_blocks(text), 1):
        if number > most:
            raise _refused(f"A file may have at most {most:,} events.")
        try:
            event = _Event(_parsed(block), zone, kind)
            _take(event, today, found, moved, unnamed)
        except _Wrong as wrong:
            line = block.line_of(wrong.name)
            errors.append(RowError.at(line, wrong.name, wrong.value, wrong.text))
        if len(found) > most:
            raise _refused(f"With all repeats, a file may have at most {most:,} entries.")
    found.update({uid: entry for uid, entry in moved.items() if entry is not None})
    entries = [entry for uid, entry in found.items() if uid not in moved or moved[uid] is not None]
    entries += with_uids(list(dict.fromkeys(unnamed)))
    if not entries and not errors:
        raise _refused("There are no events in this calendar, or none from today on.")
    return FoundCalendar(CalendarSource.ICS, tuple(entries), tuple(errors))


def _refused(text: str) -> InvalidInput:
    return InvalidInput({"file": [text]})


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    ended = False
    for number, line in _unfolded(text):
        word = line.strip().upper()
        if word == "BEGIN:VEVENT":
            if block is not None:
                raise _refused(f"Line {number}: an event begins inside of another one.")
            block = _Block(number)
        if block is not None:
            block.lines.append((number, line))
        if word == "END:VEVENT" and block is not None:
            yield block
            block = None
        ended = word == "END:VCALENDAR"
    if block is not None or not ended:
        raise _refused("This calendar file has no end: it was cut off. Export it once more.")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Long lines are folded: what begins with a blank goes on from the line before."""
    begun, parts = 0, [""]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    for number, line in enumerate(lines, 1):
        if line[:1] in (" ", "\t") and begun:
            parts.append(line[1:])
            continue
        if begun and any(parts):
            yield begun, "".join(parts)
        begun, parts = number, [line]
    yield begun, "".join(parts)


def _parsed(block: _Block) -> Any:
    try:
        event: Any = Event.from_ical("\r\n".join(text for _, text in block.lines) + "\r\n")
    except Exception as error:  # the library raises many kinds of them
        raise _Wrong("BEGIN", "VEVENT", f"This event cannot be read ({error}).") from None
    for name, text in event.errors:
        if name is None:
            raise _Wrong("BEGIN", "VEVENT", f"This event cannot be read ({text}).")
        if name in _USED:
            raise _Wrong(name, _written(event.get(name)), f"This cannot be read ({text}).")
    return event


class _Event:
    """One event of the library's, as we want it."""

    def __init__(self, event: Any, zone: ZoneInfo, kind: CalendarKind) -> None:
        self.event, self.zone, self.kind = event, zone, kind

    def one(self, name: str) -> Any:
        value = self.event.get(name)
        if isinstance(value, list):
            raise _Wrong(name, value[1], f"There may be only one {name}.")
        return value

    def local(self, name: str) -> date | datetime | None:
        """A day, or a local time without its zone; UTC is turned into the school's."""
        prop = self.one(name)
        if prop is None:
            return None
        try:
            value = prop.dt
        except (AttributeError, BrokenCalendarProperty):
            value = None
        return self._local(name, prop, value)

    def _local(self, name: str, prop: Any, value: Any) -> date | datetime:
        if not isinstance(value, date) or not 1900 <= value.year <= 2200:
            raise _Wrong(name, _written(prop), "Write a day such as 20261231.")
        if isinstance(value, datetime):
            if value.tzinfo is not None and "TZID" not in getattr(prop, "params", {}):
                value = value.astimezone(self.zone)
            return value.replace(tzinfo=None)
        return value

    def last_day(self, start: date | datetime) -> date:
        """The end is not included: midnight ends the day before."""
        end = self.local("DTEND")
        length = self.one("DURATION")
        if end is None and length is not None:
            delta = getattr(length, "dt", None)
            if not isinstance(delta, timedelta) or not timedelta(0) <= delta <= _DAY * MOST_DAYS:
                text = f"Write a length of at most {MOST_DAYS} days, such as P14D."
                raise _Wrong("DURATION", _written(length), text)
            end = start + delta
        if end is None or end == start:
            return _day(start)
        at_midnight = not isinstance(end, datetime) or end.time() == time(0)
        last = _day(end) - _DAY if at_midnight else _day(end)
        if last < _day(start):
            raise _Wrong("DTEND", _written(self.one("DTEND")), "The end is before the begin.")
        return last

    def entry(self, first: date, last: date) -> EntryInput:
        values = {"title": str(self.one("SUMMARY") or ""), "kind": self.category()}
        try:
            return check_entry({**values, "first_day": first, "last_day": last})
        except InvalidInput as error:
            name, texts = next(iter(error.fields.items()))
            shown = {"title": values["title"], "first_day": first, "last_day": last}
            text = " ".join(texts)
            raise _Wrong(_PROPERTY_OF.get(name, name), shown.get(name, ""), text) from None

    def category(self) -> CalendarKind:
        given = self.event.get("CATEGORIES") or []
        for group in given if isinstance(given, list) else [given]:
            for word in getattr(group, "cats", []):
                if kind := _CATEGORIES.get(str(word).strip().lower()):
                    return kind
        return self.kind

    def cancelled(self) -> bool:
        return str(self.event.get("STATUS") or "").upper() == "CANCELLED"

    def rule(self, first: date) -> Yearly | None:
        """How it repeats, if it does."""
        if self.event.get("RDATE") is not None:
            raise _Wrong("RDATE", _written(self.event.get("RDATE")), "Write each day as an event.")
        rule = self.one("RRULE")
        if rule is None:
            return None
        try:
            return read_yearly(rule, first, self._left_out())
        except ValueError as error:
            raise _Wrong("RRULE", _written(rule), str(error)) from None

    def _left_out(self) -> frozenset[date]:
        given = self.event.get("EXDATE") or []
        days = set()
        for group in given if isinstance(given, list) else [given]:
            for prop in getattr(group, "dts", []):
                days.add(_day(self._local("EXDATE", group, prop.dt)))
        return frozenset(days)


def _take(
    event: _Event,
    today: date,
    found: dict[str, Found],
    moved: dict[str, Found | None],
    unnamed: list[EntryInput],
) -> None:
    """Put the entries of one event to the others."""
    start = event.local("DTSTART")
    if start is None:
        raise _Wrong("DTSTART", "", "An event needs its first day, DTSTART.")
    first, last = _day(start), event.last_day(start)
    uid, instead_of = str(event.one("UID") or ""), event.local("RECURRENCE-ID")
    rule = event.rule(first)
    if instead_of is not None:
        key = short_uid(f"{uid}#{_day(instead_of):%Y%m%d}")
        moved[key] = None if event.cancelled() else Found.of(event.entry(first, last), key)
    elif event.cancelled():
        return
    elif rule is not None:
        for begin in rule.between(today - (last - first), _years_later(today)):
            key = short_uid(f"{uid or event.one('SUMMARY')}#{begin:%Y%m%d}")
            found[key] = Found.of(event.entry(begin, begin + (last - first)), key)
    elif not uid:
        unnamed.append(event.entry(first, last))
    else:
        key = short_uid(uid)
        if key in found:
            raise _Wrong("UID", uid, "Another event has this UID, too; each needs its own.")
        found[key] = Found.of(event.entry(first, last), key)


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _years_later(day: date) -> date:
    return date(day.year + YEARS_AHEAD, day.month, min(day.day, 28))


def _written(prop: Any) -> str:
    """As the file has it."""
    if isinstance(prop, list):
        prop = prop[0]
    try:
        text = prop.to_ical()
    except Exception:  # the library raises many kinds of them
        return str(prop)
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
