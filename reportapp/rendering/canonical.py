"""A document's values in one canonical form, so that every format shows the same ones."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from reportapp.documents import BarChart, Column, Figure, Kind, ReportDocument, Section, Value
from reportapp.rendering.text import clean, clean_line


def canonical(document: ReportDocument) -> ReportDocument:
    """The same document with clean text (`text.clean`) and plain values (`canonical_value`).

    Raises ValueError when a row has not exactly one value per column.
    """
    return replace(
        document,
        title=clean_line(document.title),
        school=clean_line(document.school),
        author=clean_line(document.author),
        figures=tuple(_figure(figure) for figure in document.figures),
        sections=canonical_sections(document),
        remarks=_remarks(document.remarks),
    )


def canonical_sections(document: ReportDocument) -> tuple[Section, ...]:
    """The sections of `canonical`, for who shows nothing else. Raises what it raises."""
    return tuple(_section(section) for section in document.sections)


def canonical_value(value: Value, kind: Kind) -> Value:
    """One cell: clean text, a date without its time, a number as precise as it is shown.

    PERCENT and CHANGE keep one decimal, so that all formats agree to the digit; whole numbers in
    a COUNT become int; NaN and infinity become None, for no format can hold them.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, int | float):
        return value
    if not math.isfinite(value):
        return None
    if kind in (Kind.PERCENT, Kind.CHANGE):
        return round(float(value), 1) + 0.0  # + 0.0: no "-0.0"
    return int(value) if kind is Kind.COUNT and value == int(value) else value


def _figure(figure: Figure) -> Figure:
    change = canonical_value(figure.change, Kind.CHANGE)
    return replace(
        figure,
        label=clean_line(figure.label),
        value=canonical_value(figure.value, figure.kind),
        change=change if isinstance(change, float) else None,
    )


def _section(section: Section) -> Section:
    table = section.table
    columns = _columns(table.columns)
    return replace(
        section,
        title=clean_line(section.title),
        table=replace(table, columns=columns, rows=tuple(_row(row, columns) for row in table.rows)),
        chart=_chart(section.chart) if section.chart else None,
    )


# Most documents have one of a few sets of these.
@lru_cache(64)
def _remarks(remarks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(clean_line(remark) for remark in remarks)


@lru_cache(64)
def _columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(replace(column, title=clean_line(column.title)) for column in columns)


def _row(row: tuple[Value, ...], columns: tuple[Column, ...]) -> tuple[Value, ...]:
    return tuple(
        canonical_value(value, column.kind) for value, column in zip(row, columns, strict=True)
    )


def _chart(chart: BarChart) -> BarChart:
    return replace(
        chart,
        title=clean_line(chart.title),
        unit=clean(chart.unit),
        bars=tuple((clean_line(label), value) for label, value in chart.bars),
    )
