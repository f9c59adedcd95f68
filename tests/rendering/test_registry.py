"""The registry of formats, file names, and the same rows in every format."""

import csv
import io
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from openpyxl import load_workbook
from pypdf import PdfReader

from reportapp.constants import ExportFormat
from reportapp.rendering import RENDERERS, file_name, render, render_fragment

from .documents import document, row
from .test_text import ANY_TEXT


def test_every_format_has_a_renderer() -> None:
    assert set(RENDERERS) == set(ExportFormat)
    for export_format, renderer in RENDERERS.items():
        assert renderer.extension == export_format.value
        assert renderer.content_type.count("/") == 1
        assert renderer.label


def test_every_format_holds_the_same_rows_in_the_same_order() -> None:
    names = [f"ROW{n:03}X" for n in range(45)]
    roster = document(
        rows=tuple(row(name, score=None if n % 3 else 5.0) for n, name in enumerate(names))
    )
    lines = list(csv.reader(io.StringIO(render(roster, ExportFormat.CSV).decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(render(roster, ExportFormat.XLSX)))
    pages = PdfReader(io.BytesIO(render(roster, ExportFormat.PDF))).pages
    assert [line[0] for line in lines[1:]] == names
    assert [cell.value for cell in book.worksheets[0]["A"][1:]] == names
    for text in ("".join(page.extract_text() for page in pages), render_fragment(roster)):
        assert re.findall(r"ROW\d{3}X", text) == names


def test_a_file_is_named_by_school_title_and_period() -> None:
    name = "Lindenhof-School_Student-report_2026-11-16_2026-11-22.pdf"
    assert file_name(document(), ExportFormat.PDF) == name


@pytest.mark.parametrize(
    ("school", "expected"),
    [
        ("Школа № 5", "Школа-5"),
        ("مدرسة النور", "مدرسة-النور"),
        ("北京中学", "北京中学"),
        ("विद्यालय", "विद्यालय"),
        ("..\\..//etc/passwd", "etc-passwd"),
        ('a"b\r\nBcc: x', "a-b-Bcc-x"),
        ("\u202egpj.exe\u2066", "gpj-exe"),
    ],
)
def test_file_names_keep_letters_of_any_script_and_nothing_else(school: str, expected: str) -> None:
    name = file_name(document(school=school), ExportFormat.CSV)
    assert name == f"{expected}_Student-report_2026-11-16_2026-11-22.csv"


def test_a_nameless_report_still_has_a_file_name() -> None:
    nameless = replace(document(), school="…", title="👩")
    assert file_name(nameless, ExportFormat.CSV) == "2026-11-16_2026-11-22.csv"


@given(ANY_TEXT, ANY_TEXT)
def test_any_file_name_is_short_and_safe(school: str, title: str) -> None:
    name = file_name(document(school=school * 40, title=title * 40), ExportFormat.XLSX)
    stem = name.removesuffix(".xlsx")
    assert len(stem) <= 120
    assert len(name.encode()) <= 255
    assert not stem.startswith(".")
    assert all(c in "-_" or unicodedata.category(c)[0] in "LMN" for c in stem)
