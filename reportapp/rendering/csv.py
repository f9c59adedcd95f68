"""A document as CSV: the tables and nothing else, easy for a script and safe for Excel."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import lru_cache

from reportapp.documents import Column, ReportDocument, Section, Value
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
    buffer = io.StringIO(newline="")
    # Every text is quoted, as OWASP advises: a separator in it can't begin a new cell.
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    sections = canonical_sections(document)
    for number, section in enumerate(sections):
        if number:
            buffer.write("\r\n")
        if len(sections) > 1:
            writer.writerow([neutralise(section.title)])
        _write_table(writer, section)
    return buffer.getvalue().encode("utf-8-sig")


def _write_table(writer: csv._writer, section: Section) -> None:  # type: ignore[name-defined]
    writer.writerow(_headers(section.table.columns))
    writer.writerows([_cell(value) for value in row] for row in section.table.rows)


@lru_cache(64)  # most documents have one of a few sets
def _headers(columns: tuple[Column, ...]) -> list[str]:
    return [neutralise(header(column)) for column in columns]


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutralise(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
