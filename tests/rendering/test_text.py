"""Cleaning text, and how values read."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportapp.documents import Column, Kind
from reportapp.rendering.canonical import canonical, canonical_value
from reportapp.rendering.format import display, header
from reportapp.rendering.text import clean, clean_line, direction, neutralise

from .documents import document, row

#: Any code point at all, lone surrogates and non-characters too.
ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize("bad", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_characters_that_xml_forbids_are_removed(bad: str) -> None:
    assert clean(f"a{bad}b") == "ab"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x85", "\u2028"])
def test_every_line_end_becomes_one_line_feed(end: str) -> None:
    assert clean(f"a{end}b") == "a\nb"
    assert clean_line(f" a{end}b ") == "a b"


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once_and_always_encodable(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\tharmless",
        "   =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff@x",
        "\x01-1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "﹦1",
        '=HYPERLINK("http://evil")',
    ],
)
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "   ", "Zoë", "a=1", "5-4", "'=1", "\u2212 1", "(=1)"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (87.46, Kind.PERCENT, "87.5 %"),
        (100, Kind.PERCENT, "100.0 %"),
        (3.2, Kind.CHANGE, "+3.2"),
        (-1, Kind.CHANGE, "−1.0"),
        (-0.04, Kind.CHANGE, "0.0"),
        (12, Kind.COUNT, "12"),
        (12.0, Kind.COUNT, "12"),
        (date(2026, 11, 16), Kind.DATE, "16 Nov 2026"),
        (datetime(2026, 11, 6, 9, tzinfo=UTC), Kind.DATE, "6 Nov 2026"),
        (None, Kind.PERCENT, "–"),
        ("", Kind.TEXT, "–"),
        (float("nan"), Kind.PERCENT, "–"),
        ("exempt", Kind.PERCENT, "exempt"),
        (7, Kind.TEXT, "7"),
    ],
)
def test_a_value_reads_as_its_kind_says(value: object, kind: Kind, shown: str) -> None:
    assert display(value, kind) == display(value, kind.value) == shown  # type: ignore[arg-type]


def test_percent_names_its_unit_in_the_header_once() -> None:
    assert header(Column("Score", Kind.PERCENT)) == "Score %"
    assert header(Column("Score (%)", Kind.PERCENT)) == "Score (%)"
    assert header(Column("Students", Kind.COUNT)) == "Students"


def test_numbers_are_as_precise_as_they_are_shown_and_infinity_is_nothing() -> None:
    assert canonical_value(87.46, Kind.PERCENT) == 87.5
    assert str(canonical_value(-0.01, Kind.CHANGE)) == "0.0"
    assert canonical_value(float("inf"), Kind.COUNT) is None


def test_a_row_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        canonical(document(rows=(row("Emma")[:-1],)))


def test_the_first_letter_decides_the_direction() -> None:
    assert direction("«1» محمد abc") == "rtl"
    assert direction("1. Emma محمد") == "ltr"
    assert direction("123") == "ltr"
