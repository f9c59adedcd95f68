"""The web fragment and the PDF: escaped, closed to the outside, with the same rows."""

import gc
import io
import re
import unicodedata
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from reportapp.documents import BarChart, Column, Kind
from reportapp.rendering import pdf
from reportapp.rendering.chart import MAX_BARS, bar_chart, bar_svg
from reportapp.rendering.page import render_fragment, render_html
from reportapp.rendering.pdf import missing_pdf_library, render_pdf

from .documents import NAMES, document, row, text_document
from .test_text import ANY_TEXT

HOSTILE = '<script>alert(1)</script><img src="file:///etc/passwd" onerror="x"><style>@import "http://127.0.0.1:1/x";</style>'

#: A PDF takes a tenth of a second: few examples, and no search for the smallest failing one.
PDF_EXAMPLES = settings(max_examples=6, derandomize=True, phases=[Phase.explicit, Phase.generate])


def text_of(data: bytes) -> str:
    """The PDF's text without space (lines break anywhere), compatibility forms folded."""
    pages = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", pages))


def test_the_fragment_shows_figures_table_notes_and_remarks() -> None:
    html = render_fragment(document())
    for expected in ("87.5 %", "▲ +3.2", "20 Nov 2026", "−1.0", "Works well.", "the mean of all"):
        assert expected in html
    assert html.count("<tr>") == 3
    assert html.count("<article") == 2  # the report, and one note card


def test_the_fragment_obeys_a_strict_content_security_policy() -> None:
    chart = BarChart("Scores", (("Zoë", 87.5),), 100, "%")
    html = render_fragment(document(chart=chart)).lower()
    assert not re.search(r"<style|<script|<link|<img|<iframe|\sstyle=|\son\w+=|javascript:", html)


@given(ANY_TEXT)
def test_text_is_escaped_in_the_fragment(text: str) -> None:
    html = render_fragment(text_document(text, f"<b>{text}</b>\"'"))
    assert "<b>" not in html
    assert html.count("<script") == html.count("<img") == 0


def test_hostile_text_is_text_everywhere() -> None:
    hostile = document(
        rows=(row(HOSTILE, HOSTILE),),
        title=HOSTILE,
        school="</style></title>" + HOSTILE,
        section_titles=(HOSTILE,),
        chart=BarChart(HOSTILE, ((HOSTILE, 5),), 10, HOSTILE),
        remarks=(HOSTILE,),
    )
    for html in (render_fragment(hostile), render_html(hostile)):
        assert "<script" not in html
        assert "<img" not in html
        assert html.count("</style>") <= 1


def test_nothing_is_fetched_even_when_markup_would_slip_through(tmp_path: Path) -> None:
    """The second lock: the escaping is taken away, and still no file or address is read."""
    secret = tmp_path / "secret.css"
    secret.write_text("body::before { content: 'SECRET' }")
    markup = (
        f'<html><head><link rel="stylesheet" href="file://{secret}"></head><body>Hello'
        f'<img src="file://{secret}"><img src="http://127.0.0.1:9/x">'
        '<img src="data:image/png;base64,xx"></body></html>'
    )
    with (
        patch.object(pdf, "render_html", return_value=markup),
        patch("socket.socket", side_effect=AssertionError("network")),
        patch("urllib.request.FileHandler.file_open", side_effect=AssertionError("disk")),
    ):
        assert text_of(render_pdf(document())) == "Hello"


def test_a_pdf_shows_hostile_text_as_it_is() -> None:
    text = text_of(render_pdf(text_document(HOSTILE)))
    assert "<script>alert(1)</script>" in text
    assert "root:" not in text


def test_a_pdf_has_title_author_language_and_pages() -> None:
    data = render_pdf(document(rows=tuple(row(f"Student {n}") for n in range(60))))
    reader = PdfReader(io.BytesIO(data))
    assert reader.metadata is not None
    assert reader.metadata.title == "Student report – Lindenhof School – 16–22 November 2026"
    assert reader.metadata.author == "Katharina Vogel"
    assert reader.root_object["/Lang"] == "en"
    total = len(reader.pages)
    assert total > 1
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"Page {number} of {total}" in text
        assert "Average score" in text  # the table's head is on every page


def test_equal_documents_give_equal_pdfs() -> None:
    assert render_pdf(document()) == render_pdf(document())


@pytest.mark.parametrize(("columns", "is_landscape"), [(6, False), (7, True)])
def test_wide_tables_are_printed_on_landscape_paper(columns: int, is_landscape: bool) -> None:
    heads = (*(Column(f"C{n}") for n in range(columns)), Column("Note", Kind.NOTE))
    data = render_pdf(document(rows=(("x",) * (columns + 1),), columns=heads))
    box = PdfReader(io.BytesIO(data)).pages[0].mediabox
    assert (box.width > box.height) is is_landscape


def test_a_pdf_keeps_names_of_many_scripts() -> None:
    text = text_of(render_pdf(document(rows=tuple(row(name) for name in NAMES))))
    # Right-to-left and Indic text comes out of a PDF in another order: compare the letters.
    for name in NAMES:
        for letter in name.replace(" ", ""):
            if unicodedata.category(letter)[0] == "L":
                assert unicodedata.normalize("NFKC", letter) in text


@settings(PDF_EXAMPLES)
@given(st.lists(ANY_TEXT, min_size=1, max_size=12))
def test_any_text_makes_a_pdf_that_opens(texts: list[str]) -> None:
    # Only opened: pypdf cannot read text with characters that no font here has (poppler can).
    assert len(PdfReader(io.BytesIO(render_pdf(text_document(*texts)))).pages) >= 1


@settings(PDF_EXAMPLES)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_printable_text_comes_back_from_a_pdf(text: str) -> None:
    marked = f"[[{text}]]"
    # In the table, as the note's heading and as the note.
    assert text_of(render_pdf(text_document(marked))).count(marked) == 3


def test_a_huge_note_fills_pages_and_loses_nothing() -> None:
    note = "word " * 4_000 + "END"
    text = text_of(render_pdf(document(rows=(row("Emma", note),))))
    assert text.count("word") == 4_000
    assert "END" in text


def test_a_pdf_over_the_cap_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PDF_ROWS", 5)
    monkeypatch.setattr(pdf, "_MANY_ROWS", 3)
    rows = tuple(row(f"S{n:02}X") for n in range(8))
    text = text_of(render_pdf(document(rows=rows)))
    assert "Showingthefirst5of8rows." in text
    assert len(set(re.findall(r"S\d\dX", text))) == 5
    assert gc.isenabled()


def test_a_cap_counts_over_all_sections_and_one_row_short_is_said() -> None:
    html = render_html(document(section_titles=("A", "B")), max_rows=3)
    assert "first 1 of 2 rows" in html
    assert "first 2 of 2" not in html


def test_this_machine_has_what_pdfs_need() -> None:
    assert missing_pdf_library() is None


def test_a_missing_library_is_named() -> None:
    with patch("weasyprint.text.ffi.harfbuzz_subset", None):
        assert "harfbuzz-subset" in (missing_pdf_library() or "")
    with patch.object(pdf, "_weasyprint", side_effect=OSError("cannot load libpango")):
        assert "Pango" in (missing_pdf_library() or "")


def test_bars_are_as_long_as_their_share_and_clipped() -> None:
    assert 'width="50.0%"' in bar_svg(5, 10)
    assert 'width="100.0%"' in bar_svg(50, 10)
    assert 'width="0.0%"' in bar_svg(-5, 10)
    assert 'width="0.0%"' in bar_svg(float("nan"), 10)
    assert 'width="0.0%"' in bar_svg(5, 0)


def test_a_chart_writes_values_with_their_unit_and_says_what_it_leaves_out() -> None:
    html = bar_chart(BarChart("T", (("<i>", 3),) * (MAX_BARS + 2), 10, " students"))
    assert "3 students" in html
    assert "&lt;i&gt;" in html
    assert "and 2 more in the table" in html
    assert "87.5 %" in bar_chart(BarChart("T", (("a", 87.46),), 100, "%"))
    assert bar_chart(BarChart("T", (), 10)) == ""
