"""A report's file opened again, as its reader would: its rows as Python values."""

import csv
import io

import openpyxl
from pypdf import PdfReader

#: Columns whose cells are numbers.
_NUMBERS = {2, 3, 4, 5, 6, 8}
_WIDTH = 12
#: From this column on there are sentences; a page has them below its table.
PROSE_FROM = 9


def csv_rows(data: bytes) -> list[tuple]:
    assert data.startswith(b"\xef\xbb\xbf"), "Excel would guess the encoding"
    _head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return [tuple(_value(text, place) for place, text in enumerate(row)) for row in rows]


def _value(text: str, place: int):
    if text == "":
        return None
    return float(text) if place in _NUMBERS else text


def xlsx_rows(data: bytes) -> list[tuple]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    try:
        _head, *rows = book.worksheets[0].iter_rows(values_only=True)
    finally:
        book.close()
    assert all(len(row) == _WIDTH for row in rows)
    return rows


def pdf_text(data: bytes) -> str:
    """All its words, one blank between them: cells are wrapped wherever they are full."""
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split()
    )


def pdf_cells(row: tuple) -> str:
    """How a row's numbers and words read in a PDF's table."""

    def shown(value, place):
        if value is None:
            return "–"
        if place == 3:
            return f"{value:+.1f}" if value else "0.0"
        if place in (2, 4, 8):
            return f"{value:.1f} %"
        return str(value)

    return " ".join(shown(value, place) for place, value in enumerate(row[:PROSE_FROM])).replace(
        "-", "−"
    )
