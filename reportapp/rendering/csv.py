"""A document as CSV: the tables and nothing else, easy for a script and safe for Excel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from reportapp.documents import Column, ReportDocument, Table, Value
from reportapp.rendering.canonical import canonical_sections
from reportapp.rendering.format import header
from reportapp.rendering.text import neutralise


def render_csv(document: ReportDocument) -> bytes:
    """One flat table: line 1 is the header, every further record a row.

    UTF-8 with a BOM (without it Excel guesses the encoding), CRLF, RFC 4180 quoting. Dates are
    ISO, percents are numbers with one decimal and their unit in the header, None is empty. Several
    sections: each has its title in a line of its own above its header, a blank line between them.
    Title, figures and remarks are not in it: they would stand in the way of reading the table.
    """
    sections = canonical_sections(document)
    several = len(sections) > 1
    return "\r\n".join(
        (_line([section.title]) if several else "") + _table(section.table) for section in sections
    ).encode("utf-8-sig")


def _table(table: Table) -> str:
    return _headers(table.columns) + "".join(map(_line, table.rows))


@lru_cache(64)  # most documents have one of a few sets
def _headers(columns: tuple[Column, ...]) -> str:
    return _line([header(column) for column in columns])


def _line(cells: Iterable[Value]) -> str:
    # Python's own writer looks at each character twice, which takes a tenth of what a mail does.
    return ",".join(map(_cell, cells)) + "\r\n"


def _cell(value: Value) -> str:
    """Every text is quoted, as OWASP advises: a separator in it can't begin a new cell."""
    if value is None:
        return '""'
    if isinstance(value, str):
        text = neutralise(value)
    elif isinstance(value, date):
        text = value.isoformat()
    else:
        return str(value)
    return '"' + text.replace('"', '""') + '"'
