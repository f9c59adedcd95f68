"""CSV and XLSX: read again by a machine, and harmless in a spreadsheet."""

import csv
import io
from datetime import date, datetime
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from reportapp.documents import Column, Kind, Period, ReportDocument
from reportapp.rendering.canonical import canonical_value
from reportapp.rendering.csv import render_csv
from reportapp.rendering.text import clean, neutralise
from reportapp.rendering.xlsx import MAX_CELL_UNITS, render_xlsx

from .documents import NAMES, document, row, text_document
from .test_text import ANY_TEXT


def parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def opened(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def test_a_csv_is_its_header_and_its_rows_with_bom_and_crlf() -> None:
    data = render_csv(document())
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n") == 3
    assert parsed(data) == [
        ["Student", "Class", "Average score %", "Change", "Days absent", "Last result", "Note"],
        ["Zoë Müller", "7b", "87.5", "-1.0", "2", "2026-11-20", "Works well."],
        ["Emma Smith", "7b", "87.5", "-1.0", "2", "2026-11-20", ""],
    ]


def test_several_sections_stand_under_their_titles_with_a_blank_line_between() -> None:
    lines = parsed(render_csv(document(rows=(row("Emma"),), section_titles=("A", "=B"))))
    assert lines[0] == ["A"]
    assert lines[3:5] == [[], ["'=B"]]
    assert lines[1:3] == lines[5:7]


@given(st.lists(ANY_TEXT, max_size=4))
def test_any_text_comes_back_from_a_csv(texts: list[str]) -> None:
    lines = parsed(render_csv(text_document(*texts)))
    assert lines[1:] == [[neutralise(clean(text))] * 2 for text in texts]


@given(st.lists(st.tuples(*[ANY_TEXT | st.none() | st.integers() | st.floats() | st.dates()] * 2)))
def test_a_csv_is_what_pythons_own_writer_would_write(rows) -> None:
    """With every text quoted, and numbers as they are."""
    columns = (Column('"Name", and more'), Column("Value"))
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([column.title for column in columns])
    for cells in rows:
        plain = [canonical_value(value, Kind.TEXT) for value in cells]
        writer.writerow([neutralise(v) if isinstance(v, str) else v for v in plain])
    made = render_csv(document(rows=tuple(rows), columns=columns))
    assert made.decode("utf-8-sig") == written.getvalue()


@settings(max_examples=40)
@given(st.lists(ANY_TEXT, max_size=4))
def test_any_text_comes_back_from_a_workbook_as_text(texts: list[str]) -> None:
    sheet = opened(render_xlsx(text_document(*texts))).worksheets[0]
    for number, text in enumerate(texts, start=2):
        for cell in sheet[number]:
            assert (cell.value or "") == neutralise(clean(text))
            assert cell.value is None or cell.data_type == "s"


@pytest.mark.parametrize("text", ["=1+1", "#N/A", "TRUE", "12", "2026-01-01", "{=A1}"])
def test_text_is_never_a_formula_error_or_number_in_a_workbook(text: str) -> None:
    cell = opened(render_xlsx(text_document(text))).worksheets[0]["A2"]
    assert cell.data_type == "s"
    assert cell.value == neutralise(text)


def test_numbers_and_dates_are_real_in_a_workbook() -> None:
    sheet = opened(render_xlsx(document())).worksheets[0]
    _, _, score, change, absent, last, note = sheet[2]
    assert (score.value, score.number_format) == (87.5, "0.0")
    assert (change.value, change.number_format) == (-1.0, "+0.0;-0.0;0.0")
    assert (absent.value, absent.number_format) == (2, "0")
    assert (last.value, last.number_format) == (datetime(2026, 11, 20), "yyyy-mm-dd")
    assert note.alignment.wrap_text


def test_the_table_comes_first_with_frozen_filtered_bold_header() -> None:
    book = opened(render_xlsx(document()))
    sheet = book.worksheets[0]
    assert book.sheetnames == ["Students", "Summary"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G3"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["A"].width == 28


def test_the_summary_holds_title_school_period_author_figures_and_remarks() -> None:
    summary = opened(render_xlsx(document()))["Summary"]
    values = [value for line in summary.iter_rows(values_only=True) for value in line]
    for expected in (
        "Student report",
        "Lindenhof School",
        "Katharina Vogel",
        "16–22 November 2026",
        datetime(2026, 11, 22),
        "Average score %",
        87.5,
        3.2,
        "Average score: the mean of all graded results.",
    ):
        assert expected in values


@pytest.mark.parametrize(
    "titles",
    [
        ("[a]:*?/\\b",),
        ("x" * 200, "X" * 200, "x" * 31),
        ("Summary", "History", "summary"),
        ("", "'", "''", "[]"),
        ("'quoted'", "quoted"),
        ("王" * 40, "👩‍🎓" * 20),
        ("=1+1", "a\r\nb", "\x00"),
    ],
)
def test_weird_sheet_titles_become_valid_and_unique(titles: tuple[str, ...]) -> None:
    names = opened(render_xlsx(document(section_titles=titles))).sheetnames
    assert len(names) == len(titles) + 1
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name == name.strip("'")


def test_the_summary_tells_whose_sheets_are_whose_when_names_are_cut() -> None:
    titles = tuple(
        f"Maria Magdalena Papadopoulou-{name}: {part}"
        for name in ("Anna", "Zoe")
        for part in ("what has changed", "in detail")
    )
    book = opened(render_xlsx(document(section_titles=("Ana: in detail", *titles))))
    lines = [line[:2] for line in book["Summary"].iter_rows(values_only=True)]
    start = lines.index(("Sheet", "Full title")) + 1
    assert lines[start : start + 5] == [
        *zip(book.sheetnames[1:5], titles, strict=True),
        (None, None),  # "Ana in detail" says it all
    ]


@pytest.mark.parametrize("letter", ["x", "👩"])
def test_text_over_excels_limit_is_cut_with_an_ellipsis(letter: str) -> None:
    value = opened(render_xlsx(text_document(letter * 40_000))).worksheets[0]["A2"].value
    assert isinstance(value, str)
    assert value.endswith(f"{letter}…")
    assert MAX_CELL_UNITS - 1 <= len(value.encode("utf-16-le")) // 2 <= MAX_CELL_UNITS
    assert parsed(render_csv(text_document(letter * 40_000)))[1][0] == letter * 40_000


def test_equal_documents_give_equal_workbooks_whose_dates_are_the_periods() -> None:
    data = render_xlsx(document())
    assert data == render_xlsx(document())
    properties = opened(data).properties
    assert properties.created == properties.modified == datetime(2026, 11, 23)
    assert properties.creator == "Katharina Vogel"
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {member.date_time[:3] for member in archive.infolist()} == {(2026, 11, 23)}


def test_a_document_without_sections_or_rows_still_makes_files() -> None:
    empty = ReportDocument("T", "S", "A", Period(date(1970, 1, 1), date(1970, 1, 2)), (), ())
    assert opened(render_xlsx(empty)).sheetnames == ["Summary"]
    assert parsed(render_csv(empty)) == []
    assert len(parsed(render_csv(document(rows=())))) == 1


def test_a_roster_of_many_scripts_survives_both_formats() -> None:
    roster = document(rows=tuple(row(name) for name in NAMES))
    assert [line[0] for line in parsed(render_csv(roster))[1:]] == list(NAMES)
    sheet = opened(render_xlsx(roster)).worksheets[0]
    assert [cell.value for cell in sheet["A"][1:]] == list(NAMES)


def test_a_change_column_keeps_its_title() -> None:
    columns = (Column("Change", Kind.CHANGE),)
    assert parsed(render_csv(document(rows=((1.25,),), columns=columns))) == [["Change"], ["1.2"]]
