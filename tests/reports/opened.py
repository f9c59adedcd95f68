"""An attachment opened again: which pairs its rows are about, in any format."""

import csv
import io
import re
from datetime import datetime
from functools import lru_cache

from openpyxl import load_workbook
from pypdf import PdfReader


def rows_of_csv(data: bytes) -> list[list[str]]:
    """All rows with the header first."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def rows_of_xlsx(data: bytes) -> list[list[str]]:
    """The first sheet's rows with the header first, as text."""
    book = load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    return [["" if v is None else str(v) for v in row] for row in sheet.iter_rows(values_only=True)]


@lru_cache(100)  # one file goes to many
def text_of_pdf(data: bytes) -> str:
    """All text, every run of white space being one space."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    return re.sub(r"\s+", " ", " ".join(pages))


def text_of(data: bytes, export_format: str) -> str:
    """Everything that can be read in the file, the summary sheet too."""
    if export_format == "pdf":
        return text_of_pdf(data)
    if export_format == "csv":
        return data.decode("utf-8-sig")
    book = load_workbook(io.BytesIO(data))
    cells = (v for sheet in book for row in sheet.iter_rows(values_only=True) for v in row)
    return "\n".join(str(value) for value in cells if value is not None)


def labels_in(data: bytes, export_format: str, width: int, candidates) -> list[tuple[str, ...]]:
    """The first `width` cells of every row. A PDF is searched for each of the `candidates`, all
    those that any row could have: its table is plain text."""
    if export_format == "pdf":
        text = text_of_pdf(data)
        return [
            labels
            for labels in candidates
            for _ in range(len(re.findall(rf"(?<!\S){re.escape(' '.join(labels))}(?!\S)", text)))
        ]
    rows = rows_of_csv(data) if export_format == "csv" else rows_of_xlsx(data)
    return [tuple(row[:width]) for row in rows[1:]]


def tables_in(data: bytes, export_format: str) -> list[tuple[str, list[list[str]]]]:
    """(title, rows with the header first) of every section of a CSV or a workbook. The title of the
    only section of a CSV is empty, as it stands nowhere."""
    if export_format == "xlsx":
        sheets = [s for s in load_workbook(io.BytesIO(data)) if s.title != "Summary"]
        return [
            (
                sheet.title,
                [[_as_in_csv(value) for value in row] for row in sheet.values],
            )
            for sheet in sheets
        ]
    groups: list[list[list[str]]] = [[]]
    for row in rows_of_csv(data):
        if row:
            groups[-1].append([_as_in_csv(value) for value in row])
        else:
            groups.append([])
    if len(groups) == 1:
        return [("", groups[0])]
    return [(group[0][0], group[1:]) for group in groups]


def _as_in_csv(value) -> str:
    """A cell as text, the same whether it was a number or looks like one."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    try:
        return f"{float(value):g}"
    except ValueError:
        return str(value)
