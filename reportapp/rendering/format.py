"""How one value reads for a person, by its kind: pages, PDF and the mail's summary."""

from __future__ import annotations

from datetime import date

from reportapp.documents import Column, Kind, Value
from reportapp.rendering.canonical import canonical_value

#: What stands where there is nothing to say.
NOTHING = "–"

#: Kinds whose values are numbers, aligned to the right.
NUMBER_KINDS = frozenset({Kind.COUNT, Kind.PERCENT, Kind.CHANGE})


def display(value: Value, kind: Kind) -> str:
    """`value` as a person reads it: PERCENT `87.5 %`, CHANGE `+3.2` or `−1.0`, COUNT `12`, DATE
    `16 Nov 2026`, nothing (None, or empty text) `–`. Text in a number's column stays text. `kind`
    may also be a plain text, as templates have it."""
    value = canonical_value(value, kind)
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return f"{value.day} {value:%b} {value.year}"
    return _number(value, kind).replace("-", "−")


def header(column: Column) -> str:
    """A column's title for formats whose cells hold bare numbers: percent names its unit."""
    if column.kind is Kind.PERCENT and "%" not in column.title:
        return f"{column.title} %".lstrip()
    return column.title


def _number(value: int | float, kind: Kind) -> str:
    if kind == Kind.PERCENT:
        return f"{value:.1f} %"
    if kind == Kind.CHANGE:
        return f"{value:+.1f}" if value else "0.0"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
