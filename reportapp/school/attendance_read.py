"""The rows of an attendance file, checked one by one; what is wrong is told with its place."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from reportapp.constants import AttendanceStatus
from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import LEAVE_OUT, AttendanceMapping
from reportapp.school.records_people import Directory
from reportapp.school.records_table import Row, Table
from reportapp.school.records_values import FIRST_YEAR, code_key, read_day, read_lesson

#: (student, class or None, day, lesson): what can have one status.
Slot = tuple[int, int | None, date, int]
Progress = Callable[[int], None]
_ROWS_PER_STEP = 1_000


@dataclass
class ReadAttendance:
    """What a file says. `lines`: where it says it; `doubtful`: days (None: all of them) of students
    on which the file says something that was not understood, or is left out: nothing may be
    concluded from their absence in the rest."""

    statuses: dict[Slot, AttendanceStatus] = field(default_factory=dict)
    lines: dict[Slot, int] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    rows: int = 0
    left_out: int = 0
    repeated: int = 0
    doubtful: dict[int, set[date | None]] = field(default_factory=lambda: defaultdict(set))


def read_attendance(
    table: Table,
    mapping: AttendanceMapping,
    directory: Directory,
    today: date,
    progress: Progress,
) -> ReadAttendance:
    """Everything that the file says, up to `today`. Raises InvalidInput (field `file`) where it
    cannot be read on."""
    reader = _Reader(table, mapping, directory, today)
    for row in table.rows():
        reader.read(row)
        if reader.found.rows % _ROWS_PER_STEP == 0:
            progress(reader.found.rows)
    reader.refuse_contradictions()
    return reader.found


class _Reader:
    def __init__(
        self, table: Table, mapping: AttendanceMapping, directory: Directory, today: date
    ) -> None:
        self.found = ReadAttendance()
        self.table, self.mapping, self.today = table, mapping, today
        self.codes = dict(mapping.codes)
        self.contradicted: set[Slot] = set()
        readers: dict[str, Callable[[str], Any]] = {
            "student": directory.student,
            "day": lru_cache(maxsize=None)(self._day),
            "code": self._status,
            "group": lambda text: directory.group(text) if text else None,
            "lesson": lambda text: read_lesson(text) if text else None,
        }
        chosen = {name: getattr(mapping, name) for name in readers}
        self.readers = [
            (name, column, table.columns.index(column), readers[name])
            for name, column in chosen.items()
            if column is not None
        ]

    def read(self, row: Row) -> None:
        """One row, into what was found."""
        self.found.rows += 1
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for name, column, place, reader in self.readers:
            text = row.cells[place]
            try:
                values[name] = reader(text)
            except ValueError as error:
                errors.append(RowError.at(row.line, column, text, str(error)))
        if len(row.cells) > len(self.table.columns):
            text = "There are more cells than columns; put a text with a separator in quotes."
            errors.append(RowError.at(row.line, "", row.cells[-1], text))
        if values.get("code") == LEAVE_OUT:
            self.found.left_out += 1
        else:
            self.found.errors.extend(errors)
        if (errors or values.get("code") == LEAVE_OUT) and "student" in values:
            self.found.doubtful[values["student"]].add(values.get("day"))
        elif not errors:
            self._keep(row.line, values)

    def _keep(self, line: int, values: dict[str, Any]) -> None:
        group, lesson = values.get("group"), values.get("lesson")
        if lesson is None:
            lesson = 0 if group is None else 1
        slot = (values["student"], group, values["day"], lesson)
        status = self.found.statuses.setdefault(slot, values["code"])
        first = self.found.lines.setdefault(slot, line)
        if first == line:
            return
        if status == values["code"] and slot not in self.contradicted:
            self.found.repeated += 1
            return
        text = f"Line {first} says “{_words(status)}” about the same; keep only what is right."
        self._error(line, values["code"], text)
        self.contradicted.add(slot)

    def refuse_contradictions(self) -> None:
        """Of two rows that say different things, neither is believed."""
        for slot in self.contradicted:
            status, line = self.found.statuses.pop(slot), self.found.lines.pop(slot)
            text = "Another line says something else about the same; keep only what is right."
            self._error(line, status, text)
            self.found.doubtful[slot[0]].add(slot[2])
        self.found.errors.sort(key=lambda error: error.line)

    def _error(self, line: int, status: AttendanceStatus, text: str) -> None:
        self.found.errors.append(RowError.at(line, self.mapping.code, _words(status), text))

    def _day(self, text: str) -> date:
        day = read_day(text, self.mapping.date_order)
        if day > self.today:
            raise ValueError("This day is still to come; correct it, or import it later.")
        if day.year < FIRST_YEAR:
            raise ValueError(f"This is before {FIRST_YEAR}; correct the year.")
        return day

    def _status(self, text: str) -> AttendanceStatus | str:
        try:
            return self.codes[code_key(text)]
        except KeyError:
            what = "This code has no meaning yet" if text else "There is no code"
            raise ValueError(f"{what}; say what it means beside the columns.") from None


def _words(status: AttendanceStatus) -> str:
    return status.replace("_", " ")
