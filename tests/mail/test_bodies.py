"""Bodies that are encoded once around what is each reader's own say what they would say at once."""

from dataclasses import replace
from quopri import decodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportapp.documents import Figure, Kind
from reportapp.mail import Letter, encode_attachment
from reportapp.mail.compose import _MARK, _encoded, _filled
from reportapp.mail.message import quoted_printable, quoted_printable_piece
from tests.mail.test_message import content_of, create_message, parsed
from tests.rendering.documents import document as create_document

#: With what is special in quoted-printable, in SMTP and at a line's end.
TEXTS = st.text(max_size=300) | st.text(st.sampled_from("=. \t\r\näab3D"), max_size=300)
WRITABLE = TEXTS.filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))


def with_crlf(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


@given(st.lists(WRITABLE, max_size=4), WRITABLE)
def test_pieces_of_a_text_say_together_what_the_whole_says(texts, end):
    encoded = b"".join([*map(quoted_printable_piece, texts), quoted_printable(end)])
    assert decodestring(encoded).decode() == "".join(map(with_crlf, [*texts, end]))
    for line in encoded.split(b"\r\n"):
        # RFC 2045 has 76; Python's encoder adds two where a space ends a line of the text.
        assert len(line) <= (78 if line.endswith((b"=20", b"=09")) else 76)
        assert not line.endswith((b" ", b"\t"))
        assert b"\n" not in line
        assert b"\r" not in line
        assert line.isascii()


@pytest.mark.parametrize("end", ["", "x", " ", "ü", ".", "="])
def test_pieces_of_any_length_make_one_text_in_lines_of_at_most_76_characters(end):
    for length in range(160):
        text = "x" * length + end
        whole = quoted_printable_piece(text) * 2 + quoted_printable(text)
        assert decodestring(whole).decode() == text * 3
        assert max(map(len, whole.split(b"\r\n"))) <= 76


@given(
    st.lists(st.tuples(WRITABLE, st.sampled_from(["name", "unsubscribe", "download"])), max_size=6),
    WRITABLE,
    st.fixed_dictionaries({"name": WRITABLE, "unsubscribe": WRITABLE, "download": st.none()}),
)
def test_a_body_filled_in_says_what_it_would_say_written_at_once(places, end, values):
    body = "".join(f"{text}{_MARK}{what}" for text, what in places) + end
    expected = "".join(with_crlf(text) + with_crlf(values[what] or "") for text, what in places)
    assert decodestring(_filled(_encoded(body), values)).decode() == expected + with_crlf(end)


@given(WRITABLE, WRITABLE)
def test_a_mail_with_any_bodies_arrives_as_it_is_written(text, html):
    message = create_message(text=text, html=html)
    sealed = message.sealed()
    # None is alone before the end: it would be the end.
    assert b"." not in sealed.wire.removesuffix(b".\r\n").split(b"\r\n")
    assert len(content_of(message)) == sealed.size
    mail = parsed(message)
    for kind, body in (("plain", text), ("html", html)):
        part = mail.get_body((kind,))
        assert part.get_payload(decode=True).decode() == with_crlf(body)
        assert part["Content-Transfer-Encoding"] == "quoted-printable"


@pytest.mark.parametrize("name", ["=C3=BC", "=\r\nX", "<b>.</b>", ".", "a " * 80, "ü" * 90, "\t"])
def test_whatever_a_person_is_called_stands_in_the_mail_as_it_is(name):
    filled = _filled(_encoded(f"Dear {_MARK}name,\n"), {"name": name})
    assert decodestring(filled).decode() == f"Dear {with_crlf(name)},\r\n"
    part = parsed(create_message(text=filled)).get_body(("plain",))
    assert part.get_payload(decode=True).decode() == f"Dear {with_crlf(name)},\r\n"


def test_a_change_reads_in_the_mail_as_it_does_on_paper(app):
    figures = (
        Figure("Average score", 74.5, Kind.PERCENT, -11.0),
        Figure("Attendance", 99.0, Kind.PERCENT, 0.04),
        Figure("Students", 3),
    )
    letter = Letter(
        replace(create_document(), figures=figures),
        "Monday",
        "Mondays at 09:00",
        encode_attachment("a.csv", "text/csv", b"a"),
        None,
    )
    text, html = (decodestring(body).decode() for body in letter.personal("Zoë", None, None))
    assert "Average score: 74.5 % (−11.0 points against the period before)\r\n" in text
    assert "Attendance: 99.0 % (0.0 points against the period before)\r\nStudents: 3\r\n" in text
    assert "74.5 % <span" in html
    assert "(−11.0 points)" in html
