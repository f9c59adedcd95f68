"""What the columns of an attendance or marks file mean: the one check of forms, saved mappings and
commands alike."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

from reportapp.constants import AttendanceStatus, DateOrder, ImportKind, Others
from reportapp.errors import InvalidInput
from reportapp.school.calendar_values import read_date
from reportapp.school.records_values import MOST_TEXT, code_key, read_number

#: In the place of a status: rows with this code are passed over.
LEAVE_OUT = "leave_out"
MOST_CODES = 60


@dataclass(frozen=True)
class Column:
    """One thing that a column can hold, by the field of the mapping that names the column."""

    field: str
    label: str
    required: bool = False


COLUMNS: dict[ImportKind, tuple[Column, ...]] = {
    ImportKind.ATTENDANCE: (
        Column("student", "Student", required=True),
        Column("day", "Date", required=True),
        Column("code", "Attendance code", required=True),
        Column("group", "Class or section"),
        Column("lesson", "Lesson or period"),
        Column("all_day", "Whole day (yes or no)"),
    ),
    ImportKind.MARKS: (
        Column("student", "Student", required=True),
        Column("group", "Class or section", required=True),
        Column("term", "Term"),
        Column("number", "Mark in numbers"),
        Column("letter", "Mark in letters or words"),
        Column("final", "Final mark (yes or no)"),
    ),
}


@dataclass(frozen=True)
class AttendanceMapping:
    """Columns by name; `codes`: (key of a code, its status or LEAVE_OUT). The days that a file
    covers, both included, are of one import only; None: from its first to its last day."""

    student: str
    day: str
    code: str
    group: str | None
    lesson: str | None
    date_order: DateOrder
    codes: tuple[tuple[str, AttendanceStatus | str], ...]
    others: Others
    first_day: date | None = None
    last_day: date | None = None
    #: Where it says yes, the row is about the day, whatever its class and lesson.
    all_day: str | None = None

    @property
    def kind(self) -> ImportKind:
        return ImportKind.ATTENDANCE


@dataclass(frozen=True)
class MarksMapping:
    """Columns by name; `highest`: the number that is 100 percent; `due`: the day of marks without a
    term, of one import only."""

    student: str
    group: str
    term: str | None
    number: str | None
    letter: str | None
    final: str | None
    highest: float = 100.0
    due: date | None = None

    @property
    def kind(self) -> ImportKind:
        return ImportKind.MARKS


AnyMapping = AttendanceMapping | MarksMapping


def check_mapping(kind: ImportKind, data: Mapping[str, Any], columns: Sequence[str]) -> AnyMapping:
    """The checked mapping in `data`, whose values may be text, for a file with these columns.

    Raises InvalidInput with every field that is wrong and what would be right.
    """
    problems: dict[str, list[str]] = {}
    values = _columns(kind, data, columns, problems)
    if kind is ImportKind.ATTENDANCE:
        readers = {
            "date_order": _choice(DateOrder, "Choose how the days are written."),
            "others": _choice(Others, "Choose what is known about everybody else."),
            "codes": _codes,
            "first_day": _day,
            "last_day": _day,
        }
    else:
        readers = {"highest": _highest, "due": _day}
    for field, reader in readers.items():
        try:
            values[field] = reader(data.get(field))
        except ValueError as error:
            problems[field] = [str(error)]
    if kind is ImportKind.MARKS and not (values["number"] or values["letter"] or problems):
        problems["number"] = ["Choose the column of the marks, in numbers or in letters."]
    first, last = values.get("first_day"), values.get("last_day")
    if first and last and last < first:
        problems["last_day"] = ["The last day is before the first one."]
    if problems:
        raise InvalidInput(problems)
    return _CLASSES[kind](**values)


def to_json(mapping: AnyMapping, columns: Sequence[str]) -> str:
    """For keeping it, with the header that it was made for."""
    return json.dumps({**asdict(mapping), "columns": list(columns)}, default=str)


def from_json(kind: ImportKind, text: str) -> tuple[AnyMapping, list[str]]:
    """What `to_json` was given. Raises InvalidInput when the text is no such mapping (any more)."""
    try:
        data = json.loads(text)
        columns = [str(name) for name in data["columns"]]
    except (ValueError, KeyError, TypeError):
        raise InvalidInput({"mapping": ["This is no mapping of columns."]}) from None
    unknown = set(data) - {"columns"} - {field.name for field in fields(_CLASSES[kind])}
    if unknown:
        # Written by a later version: what it means is not known here.
        raise InvalidInput({"mapping": [f"It has {', '.join(sorted(unknown))}, unknown here."]})
    return check_mapping(kind, data, columns), columns


def for_all_files(mapping: AnyMapping) -> AnyMapping:
    """Without what is of one file only."""
    if isinstance(mapping, AttendanceMapping):
        return replace(mapping, first_day=None, last_day=None)
    return replace(mapping, due=None)


_CLASSES: dict[ImportKind, type[Any]] = {
    ImportKind.ATTENDANCE: AttendanceMapping,
    ImportKind.MARKS: MarksMapping,
}


def _columns(
    kind: ImportKind,
    data: Mapping[str, Any],
    columns: Sequence[str],
    problems: dict[str, list[str]],
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for column in COLUMNS[kind]:
        name = data.get(column.field) or None
        if name is None and column.required:
            problems[column.field] = ["Choose the column."]
        elif name is not None and name not in columns:
            problems[column.field] = [f"The file has no column “{str(name)[:80]}”; choose another."]
        elif name is not None and name in chosen.values():
            problems[column.field] = [f"“{name}” is chosen twice; choose another column."]
        chosen[column.field] = name
    return chosen


def _choice(enum: type[Any], text: str) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        try:
            return enum(raw)
        except ValueError:
            raise ValueError(text) from None

    return read


def _codes(raw: Any) -> tuple[tuple[str, AttendanceStatus | str], ...]:
    pairs = raw.items() if isinstance(raw, Mapping) else (raw or ())
    codes: dict[str, AttendanceStatus | str] = {}
    try:
        for code, meaning in pairs:
            key = code_key(str(code))
            status = LEAVE_OUT if meaning == LEAVE_OUT else AttendanceStatus(meaning)
            if codes.setdefault(key, status) != status:
                raise ValueError(f"Say the same for every spelling of “{code}”.")
    except TypeError:
        raise ValueError("Say what each code means.") from None
    except ValueError as error:
        is_ours = str(error).startswith("Say")
        raise ValueError(str(error) if is_ours else "Say what each code means.") from None
    if not codes:
        raise ValueError("Say what each code means.")
    return tuple(codes.items())


def _day(raw: Any) -> date | None:
    return read_date(raw) if raw else None


def _highest(raw: Any) -> float:
    text = str(100 if raw in (None, "") else raw).strip()
    value = read_number(text) if len(text) <= MOST_TEXT else 0.0
    if not value:
        raise ValueError("Write the highest mark as a number above 0, such as 100.")
    return value
