"""A report's content without a format: what every renderer and the mail's summary are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from reportapp.documents.periods import Period

#: A cell: None means that there is nothing to say, which is shown as an empty cell or a dash.
Value = str | int | float | date | None


class Kind(StrEnum):
    """What a value means, so that each format can show it in its own way."""

    TEXT = "text"
    #: Several sentences; pages and PDF show them below the table, spreadsheets as a column.
    NOTE = "note"
    #: A whole number.
    COUNT = "count"
    #: Percent, 0-100.
    PERCENT = "percent"
    #: A difference in percentage points, with its sign.
    CHANGE = "change"
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """One column; `width` is its share of the table's width (any unit) and its width in a
    spreadsheet, in characters."""

    title: str
    kind: Kind = Kind.TEXT
    width: int = 12


@dataclass(frozen=True)
class Table:
    """Rows as long as `columns`. The first `label_columns` columns say what a row is about."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    label_columns: int = 1


@dataclass(frozen=True)
class Figure:
    """One summary number with its label, and optionally its change against the period before
    (percentage points)."""

    label: str
    value: Value
    kind: Kind = Kind.COUNT
    change: float | None = None


@dataclass(frozen=True)
class BarChart:
    """Labelled bars, 0 to `maximum`; `unit` follows each number ("%", " students")."""

    title: str
    bars: tuple[tuple[str, float], ...]
    maximum: float
    unit: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    table: Table
    chart: BarChart | None = None


@dataclass(frozen=True)
class ReportDocument:
    """What one recipient gets, in no format yet."""

    #: What the report is: "Student report".
    title: str
    school: str
    #: The person who ordered it.
    author: str
    period: Period
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    #: The full names of whom it is about, in the order of the tables.
    students: tuple[str, ...] = ()
    #: Plain sentences about the data: how a number is counted, what is missing.
    remarks: tuple[str, ...] = field(default=())
    #: Whether the period brought anything to say; a report without data is not sent.
    has_data: bool = True
