"""What reading a calendar file comes to: entries, and what is wrong with it line by line."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from reportapp.constants import CalendarSource
from reportapp.school.calendar_values import EntryInput

#: So many characters of a wrong value are enough to know it again.
_SHOWN = 80
MOST_UID = 255


@dataclass(frozen=True)
class Found(EntryInput):
    """An entry as its source says it; `uid` is what it is known by when it comes again."""

    uid: str

    @classmethod
    def of(cls, entry: EntryInput, uid: str) -> "Found":
        return cls(entry.title, entry.first_day, entry.last_day, entry.kind, uid)


@dataclass(frozen=True)
class RowError:
    """What is wrong in one place of a file; `text` says what would be right."""

    line: int
    column: str
    value: str
    text: str

    @classmethod
    def at(cls, line: int, column: str, value: object, text: str) -> "RowError":
        """With the value made short and printable."""
        shown = "".join(sign if sign.isprintable() else "�" for sign in str(value)[: _SHOWN + 1])
        return cls(line, column, shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…", text)


@dataclass(frozen=True)
class FoundCalendar:
    """All that a source says, and what is wrong with it; with any errors nothing is saved."""

    source: CalendarSource
    entries: tuple[Found, ...]
    errors: tuple[RowError, ...] = ()


def with_uids(entries: list[EntryInput]) -> list[Found]:
    """Entries that bring no uid, each known by its title, its year, and which one of those it is;
    so its days and its kind may be corrected in the file."""
    counts: dict[tuple[str, int], int] = defaultdict(int)
    uids: dict[int, str] = {}
    order = sorted(range(len(entries)), key=lambda place: _by_days(entries[place]))
    for place in order:
        key = (entries[place].title.casefold(), entries[place].first_day.year)
        counts[key] += 1
        uids[place] = short_uid(f"{key[0]}|{key[1]}|{counts[key]}", always=True)
    return [Found.of(entry, uids[place]) for place, entry in enumerate(entries)]


def short_uid(text: str, *, always: bool = False) -> str:
    """`text`, or its hash where the column could not hold it."""
    if always or len(text) > MOST_UID or not text.isprintable():
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return text


def _by_days(entry: EntryInput) -> tuple[date, date, str]:
    return (entry.first_day, entry.last_day, entry.kind)
