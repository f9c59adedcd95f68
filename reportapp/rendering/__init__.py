"""From a ReportDocument to the bytes of a format. Pure: no Flask, no database, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reportapp.constants import ExportFormat
from reportapp.documents import ReportDocument
from reportapp.rendering.canonical import canonical
from reportapp.rendering.csv import render_csv
from reportapp.rendering.filename import file_stem
from reportapp.rendering.format import display
from reportapp.rendering.page import render_fragment, render_html
from reportapp.rendering.pdf import missing_pdf_library, render_pdf
from reportapp.rendering.xlsx import render_xlsx

__all__ = [
    "RENDERERS",
    "Renderer",
    "canonical",
    "display",
    "file_name",
    "missing_pdf_library",
    "render",
    "render_fragment",
    "render_html",
]


@dataclass(frozen=True)
class Renderer:
    """One format: how it is made, and what it is called."""

    #: From a document to the file's bytes.
    render: Callable[[ReportDocument], bytes]
    #: MIME type without parameters: "main/sub".
    content_type: str
    #: Without a dot.
    extension: str
    #: For people.
    label: str


#: The one table of formats.
RENDERERS: dict[ExportFormat, Renderer] = {
    ExportFormat.CSV: Renderer(render_csv, "text/csv", "csv", "CSV"),
    ExportFormat.XLSX: Renderer(
        render_xlsx,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        "Excel (XLSX)",
    ),
    ExportFormat.PDF: Renderer(render_pdf, "application/pdf", "pdf", "PDF"),
}


def render(document: ReportDocument, export_format: ExportFormat) -> bytes:
    """The document as a file. Pure CPU, from milliseconds (CSV) to seconds (a large PDF).

    Raises ValueError when a row has not exactly one value per column.
    """
    return RENDERERS[export_format].render(document)


def file_name(document: ReportDocument, export_format: ExportFormat) -> str:
    """A safe name such as `Lindenhof-School_Student-report_2026-11-16_2026-11-22.pdf`."""
    return f"{file_stem(document)}.{RENDERERS[export_format].extension}"
