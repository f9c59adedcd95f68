"""A document as HTML: the whole printable page for the PDF, and the part for the web preview."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reportapp.documents import Column, Kind, ReportDocument, Section, Value
from reportapp.rendering.canonical import canonical
from reportapp.rendering.chart import bar_chart
from reportapp.rendering.format import NOTHING, NUMBER_KINDS, display
from reportapp.rendering.text import direction

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "report"

#: A table with more columns than this (notes not counted) is printed on landscape paper.
MAX_PORTRAIT_COLUMNS = 6

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["display"] = display
_ENVIRONMENT.filters["direction"] = direction
_ENVIRONMENT.globals["Kind"] = Kind


@dataclass(frozen=True)
class _Head:
    """A column of the printed table; `share` is its width in percent."""

    title: str
    share: float
    is_number: bool
    is_date: bool
    is_label: bool


@dataclass(frozen=True)
class _Note:
    """The notes of one row: whom they are about, and (column's title, text) pairs."""

    labels: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _SectionView:
    title: str
    chart_title: str
    chart: Markup
    heads: tuple[_Head, ...]
    rows: list[list[str]]
    notes: list[_Note]
    notes_title: str
    total_rows: int


def render_html(document: ReportDocument, max_rows: int | None = None) -> str:
    """The whole page as it is printed, with its style sheet in it; nothing has to be fetched.

    `max_rows`: at most so many table rows in all; the page says how many it leaves out.
    """
    return _render("page.html", document, max_rows)


def render_fragment(document: ReportDocument, max_rows: int | None = None) -> Markup:
    """The inside of a Bootstrap 5.3 page, without inline styles or scripts; its headings are h2-h4.

    `max_rows` as for `render_html`.
    """
    return Markup(_render("fragment.html", document, max_rows))  # noqa: S704 - it escapes


def _render(template: str, document: ReportDocument, max_rows: int | None) -> str:
    document = canonical(document)
    return _ENVIRONMENT.get_template(template).render(
        document=document,
        sections=_views(document, max_rows),
        is_landscape=any(_is_wide(section) for section in document.sections),
    )


def _views(document: ReportDocument, max_rows: int | None) -> list[_SectionView]:
    views = []
    for section in document.sections:
        rows = section.table.rows[:max_rows]
        if max_rows is not None:
            max_rows -= len(rows)
        views.append(_view(section, rows))
    return views


def _view(section: Section, rows: tuple[tuple[Value, ...], ...]) -> _SectionView:
    columns = section.table.columns
    printed = [at for at, column in enumerate(columns) if column.kind is not Kind.NOTE]
    notes = [at for at, column in enumerate(columns) if column.kind is Kind.NOTE]
    labels = [at for at in printed if at < section.table.label_columns]
    chart = section.chart
    return _SectionView(
        title=section.title,
        chart_title=chart.title if chart else "",
        chart=bar_chart(chart) if chart else Markup(),
        heads=_heads([columns[at] for at in printed], len(labels)),
        rows=[[display(row[at], columns[at].kind) for at in printed] for row in rows],
        notes=[_note(row, columns, labels, notes) for row in rows if any(row[at] for at in notes)],
        notes_title=columns[notes[0]].title if len(notes) == 1 else "Notes",
        total_rows=len(section.table.rows),
    )


def _heads(columns: list[Column], labels: int) -> tuple[_Head, ...]:
    total = sum(max(column.width, 1) for column in columns)
    return tuple(
        _Head(
            title=column.title,
            share=round(100 * max(column.width, 1) / total, 2),
            is_number=column.kind in NUMBER_KINDS,
            is_date=column.kind is Kind.DATE,
            is_label=at < labels,
        )
        for at, column in enumerate(columns)
    )


def _note(
    row: tuple[Value, ...], columns: tuple[Column, ...], labels: list[int], notes: list[int]
) -> _Note:
    named = [display(row[at], columns[at].kind) for at in labels if row[at] not in (None, "")]
    return _Note(
        labels=tuple(named) or (NOTHING,),
        texts=tuple(
            (columns[at].title, display(row[at], columns[at].kind)) for at in notes if row[at]
        ),
    )


def _is_wide(section: Section) -> bool:
    printed = [column for column in section.table.columns if column.kind is not Kind.NOTE]
    return len(printed) > MAX_PORTRAIT_COLUMNS
