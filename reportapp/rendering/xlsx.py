"""A document as an Excel workbook: one sheet per section, and a summary behind them."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable
from datetime import datetime, time
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from reportapp.documents import Column, Kind, ReportDocument, Table, Value
from reportapp.rendering.canonical import canonical
from reportapp.rendering.format import header
from reportapp.rendering.text import neutralise

#: A write-only worksheet; its type stubs miss what it borrows from the ordinary one.
_Sheet = Any

#: Excel's own limits. A cell's and a title's length count UTF-16 units.
MAX_CELL_UNITS = 32_767
MAX_TITLE_UNITS = 31
SUMMARY_TITLE = "Summary"

_NUMBER_FORMATS = {
    Kind.COUNT: "0",
    Kind.PERCENT: "0.0",
    Kind.CHANGE: "+0.0;-0.0;0.0",
    Kind.DATE: "yyyy-mm-dd",
}
_TOP = Alignment(vertical="top")
_WRAPPED = Alignment(vertical="top", wrap_text=True)
_HEADER_FONT = Font(bold=True, color="FF1F3A4D")
_HEADER_FILL = PatternFill("solid", fgColor="FFDCE7EE")
_LABEL_FONT = Font(bold=True)
_TITLE_FONT = Font(bold=True, size=14)


def render_xlsx(document: ReportDocument) -> bytes:
    """The workbook: a sheet per section in order (the table begins in A1), last the "Summary" with
    title, school, author, period, figures and remarks, and the full titles of sections that are too
    long for a sheet's name.

    Text cells are always text, never formulas. Equal documents give equal bytes: all dates in the
    file are the period's end.
    """
    document = canonical(document)
    book = Workbook(write_only=True)
    titles = _sheet_titles([section.title for section in document.sections])
    for title, section in zip(titles, document.sections, strict=True):
        _add_table(book, title, section.table)
    _add_summary(book, document, titles)
    return _saved(book, document)


def _add_table(book: Workbook, title: str, table: Table) -> None:
    sheet = _sheet(book, title)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for position, column in enumerate(table.columns, start=1):
        _set_width(sheet, position, column.width)
    if table.columns:
        last = get_column_letter(len(table.columns))
        sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"
    sheet.append([_header_cell(sheet, column) for column in table.columns])
    for row in table.rows:
        sheet.append(
            [_cell(sheet, value, column.kind) for value, column in zip(row, table.columns)]  # noqa: B905
        )


def _add_summary(book: Workbook, document: ReportDocument, titles: list[str]) -> None:
    sheet = _sheet(book, SUMMARY_TITLE)
    _set_width(sheet, 1, 32)
    _set_width(sheet, 2, 48)
    _set_width(sheet, 3, 28)
    sheet.append([_text_cell(sheet, document.title, font=_TITLE_FONT)])
    period = document.period
    facts: list[tuple[str, Value, Kind]] = [
        ("School", document.school, Kind.TEXT),
        ("Prepared by", document.author, Kind.TEXT),
        ("Period", period.words, Kind.TEXT),
        ("First day", period.start, Kind.DATE),
        ("Last day", period.last_day, Kind.DATE),
    ]
    for label, value, kind in facts:
        sheet.append(
            [_text_cell(sheet, label, font=_LABEL_FONT), _cell(sheet, value, kind, "left")]
        )
    _add_figures(sheet, document)
    _add_long_titles(sheet, titles, document)
    if document.remarks:
        sheet.append([])
        sheet.append([_text_cell(sheet, "Remarks", font=_LABEL_FONT)])
    for remark in document.remarks:
        sheet.append([None, _text_cell(sheet, remark, alignment=_WRAPPED)])


def _add_figures(sheet: _Sheet, document: ReportDocument) -> None:
    if not document.figures:
        return
    sheet.append([])
    titles = [Column("Figure"), Column("Value"), Column("Change (percentage points)")]
    sheet.append([_header_cell(sheet, column) for column in titles])
    for figure in document.figures:
        label = header(Column(figure.label, figure.kind))
        change = _cell(sheet, figure.change, Kind.CHANGE, "left")
        sheet.append(
            [_text_cell(sheet, label), _cell(sheet, figure.value, figure.kind, "left"), change]
        )


def _add_long_titles(sheet: _Sheet, titles: list[str], document: ReportDocument) -> None:
    """What stands on sheets whose name says it in part only: whose letter it is, for one."""
    cut = [
        (title, section.title)
        for title, section in zip(titles, document.sections, strict=True)
        if section.title and title != _allowed(section.title)
    ]
    if cut:
        sheet.append([])
        sheet.append([_header_cell(sheet, Column(name)) for name in ("Sheet", "Full title")])
    for pair in cut:
        sheet.append([_text_cell(sheet, text, alignment=_WRAPPED) for text in pair])


def _sheet(book: Workbook, title: str) -> _Sheet:
    return book.create_sheet(title)


def _set_width(sheet: _Sheet, position: int, width: int) -> None:
    dimensions = sheet.column_dimensions[get_column_letter(position)]
    dimensions.width = min(max(width, 6), 100) + 2  # room for the filter's arrow


def _header_cell(sheet: _Sheet, column: Column) -> Cell:
    cell = _text_cell(sheet, header(column), font=_HEADER_FONT, alignment=_WRAPPED)
    cell.fill = _HEADER_FILL
    return cell


def _cell(sheet: _Sheet, value: Value, kind: Kind, horizontal: str | None = None) -> Cell | None:
    """A cell with the value's own type; None for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _text_cell(sheet, value, alignment=_WRAPPED if kind is Kind.NOTE else _TOP)
    cell: Cell = WriteOnlyCell(sheet, value=cast(Any, value))
    cell.number_format = _NUMBER_FORMATS.get(kind, cell.number_format)
    cell.alignment = Alignment(vertical="top", horizontal=horizontal) if horizontal else _TOP
    return cell


def _text_cell(
    sheet: _Sheet,
    text: str,
    font: Font | None = None,
    alignment: Alignment | None = None,
) -> Cell:
    cell: Cell = WriteOnlyCell(sheet, value=_shortened(neutralise(text), MAX_CELL_UNITS))
    # openpyxl guesses the type from the text ("=…" a formula, "#N/A" an error): say it.
    cell.data_type = "s"
    if font:
        cell.font = font
    cell.alignment = alignment or _TOP
    return cell


def _shortened(text: str, units: int) -> str:
    """`text` within `units` UTF-16 units, ending with "…" when something was cut."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= units * 2:
        return text
    return encoded[: (units - 1) * 2].decode("utf-16-le", "ignore") + "…"


def _sheet_titles(wanted: Iterable[str]) -> list[str]:
    """Titles that Excel accepts: 1-31 units, without []:*?/\\ or an apostrophe at an end, unique
    whatever their case, and neither ours ("Summary") nor Excel's own ("History")."""
    taken = {SUMMARY_TITLE.casefold(), "history"}
    titles = []
    for text in wanted:
        base = _shortened(_allowed(text), MAX_TITLE_UNITS).strip("' ") or "Table"
        title, number = base, 1
        while title.casefold() in taken:
            number += 1
            suffix = f" ({number})"
            title = _shortened(base, MAX_TITLE_UNITS - len(suffix)) + suffix
        taken.add(title.casefold())
        titles.append(title)
    return titles


def _allowed(title: str) -> str:
    """The title without what a sheet's name may not hold, of any length."""
    return " ".join(re.sub(r"[\[\]:*?/\\]+", " ", title).split()).strip("' ")


def _saved(book: Workbook, document: ReportDocument) -> bytes:
    moment = datetime.combine(document.period.end, time())
    book.properties.title = f"{document.title}, {document.period.words}"
    book.properties.creator = document.author
    book.properties.created = book.properties.modified = moment
    target = io.BytesIO()
    # `Workbook.save` would set "modified" to the wall clock; this is what it does otherwise.
    with _DatedZip(target, moment) as archive:
        ExcelWriter(book, archive).write_data()
    return target.getvalue()


class _DatedZip(ZipFile):
    """A zip whose members all bear one date, so that equal content gives equal bytes."""

    def __init__(self, target: IO[bytes], moment: datetime) -> None:
        super().__init__(target, "w", ZIP_DEFLATED)
        # A zip knows no year before 1980.
        self._date_time = (max(moment.year, 1980), moment.month, moment.day, 0, 0, 0)

    def writestr(self, name: str | ZipInfo, data: str | bytes, *_: Any, **__: Any) -> None:  # type: ignore[override]
        super().writestr(self._member(str(name)), data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        member = self._member(str(arcname or filename))
        with open(filename, "rb") as source, self.open(member, "w") as target:
            shutil.copyfileobj(source, target)

    def _member(self, name: str) -> ZipInfo:
        member = ZipInfo(name, self._date_time)
        member.compress_type = ZIP_DEFLATED
        return member
