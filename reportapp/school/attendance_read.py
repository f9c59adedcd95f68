"""What the rows of an attendance file say."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from reportapp.constants import AttendanceStatus
from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import LEAVE_OUT, AttendanceMapping
from reportapp.school.records_people import Directory
from reportapp.school.records_read import Progress, Read, RowReader
from reportapp.school.records_table import Table
from reportapp.school.records_values import FIRST_YEAR, code_key, read_day, read_lesson, read_yes

#: (student, class or None, day, lesson): what can have one status.
Slot = tuple[int, int | None, date, int]


@dataclass
class ReadAttendance:
    """What a file says. `doubtful`: days (None: all of them) of students on which it says something
    that was not understood, or is left out: nothing may be concluded from their absence in the
    rest."""

    read: Read[Slot, AttendanceStatus]
    doubtful: dict[int, set[date | None]]


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
    read = reader.read(progress)
    for student, _, day, _ in read.contradicted:
        reader.doubtful[student].add(day)
    return ReadAttendance(read, reader.doubtful)


class _Reader(RowReader[Slot, AttendanceStatus]):
    def __init__(
        self, table: Table, mapping: AttendanceMapping, directory: Directory, today: date
    ) -> None:
        self.mapping, self.today = mapping, today
        self.codes = dict(mapping.codes)
        self.doubtful: dict[int, set[date | None]] = defaultdict(set)
        readers: dict[str, Callable[[str], Any]] = {
            "student": directory.student,
            "day": lru_cache(maxsize=None)(self._day),
            "code": self._status,
            "group": lambda text: directory.group(text) if text else None,
            "lesson": lambda text: read_lesson(text) if text else None,
            "all_day": lambda text: read_yes(text) if text else None,
        }
        super().__init__(table, mapping, readers, mapping.code)

    def take(self, line: int, values: dict[str, Any], errors: list[RowError]) -> None:
        if values.get("all_day"):
            # Whatever class and lesson it was noted in.
            place = (self.mapping.group, self.mapping.lesson)
            errors = [error for error in errors if error.column not in place]
            values |= {"group": None, "lesson": 0}
        elif values.get("all_day") is False and not errors and _has_no_place(values):
            text = "This is not about the whole day, so it needs a class or a lesson."
            errors.append(RowError.at(line, self.mapping.all_day or "", "", text))
        is_left_out = values.get("code") == LEAVE_OUT
        if is_left_out:
            self.found.left_out += 1
        else:
            self.found.errors.extend(errors)
        if (errors or is_left_out) and "student" in values:
            self.doubtful[values["student"]].add(values.get("day"))
        elif not errors:
            group, lesson = values.get("group"), values.get("lesson")
            if lesson is None:
                lesson = 0 if group is None else 1
            self.keep(line, (values["student"], group, values["day"], lesson), values["code"])

    def words(self, value: AttendanceStatus) -> str:
        return value.replace("_", " ")

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


def _has_no_place(values: dict[str, Any]) -> bool:
    return values.get("group") is None and values.get("lesson") is None
