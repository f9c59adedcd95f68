"""A mail's bytes: parsed again they say what was meant, and nothing can be smuggled in."""

import re
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportapp.mail import BadHeader, MailMessage, encode_attachment

DATE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
#: Anything a person or a school can be called.
LINE = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=120
).map(str.strip)


def create_message(**fields) -> MailMessage:
    fields = {
        "key": "abc123",
        "message_id": "abc123@lindenhof.example",
        "sender": "Lindenhof Reports <reports@lindenhof.example>",
        "to": ("Zoë Müller", "zoe@family.example"),
        "subject": "Monday: Student report, 16–22 November 2026",
        "date": DATE,
        "text": "Hello.\n",
        "html": "<p>Hello.</p>",
        **fields,
    }
    return MailMessage(**fields)


def content_of(message: MailMessage) -> bytes:
    """As a server has it, which takes the doubled dots away (RFC 5321, section 4.5.2)."""
    wire = message.sealed().wire
    assert wire.endswith(b"\r\n.\r\n")
    return re.sub(rb"(?m)^\.", b"", wire.removesuffix(b".\r\n"))


def parsed(message: MailMessage):
    return BytesParser(policy=policy.default).parsebytes(content_of(message))


def test_a_whole_mail_reads_back_as_it_was_written():
    data = bytes(range(256)) * 50
    mail = parsed(
        create_message(
            attachment=encode_attachment("Schule_報告.pdf", "application/pdf", data),
            reply_to=("Tom Example", "tom@teacher.example"),
            headers=(("Auto-Submitted", "auto-generated"),),
        )
    )
    assert mail["To"].addresses[0].display_name == "Zoë Müller"
    assert mail["To"].addresses[0].addr_spec == "zoe@family.example"
    assert mail["From"].addresses[0].display_name == "Lindenhof Reports"
    assert mail["Reply-To"].addresses[0].addr_spec == "tom@teacher.example"
    assert mail["Subject"] == "Monday: Student report, 16–22 November 2026"
    assert mail["Message-ID"] == "<abc123@lindenhof.example>"
    assert mail["Date"].datetime == DATE
    assert mail.get_body(("plain",)).get_content() == "Hello.\r\n"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hello.</p>"
    (part,) = mail.iter_attachments()
    assert part.get_filename() == "Schule_報告.pdf"
    assert part.get_content_type() == "application/pdf"
    assert part.get_payload(decode=True) == data
    assert not mail.defects


def test_a_mail_has_crlf_lines_of_legal_length_only():
    message = create_message(
        text="long " * 5000 + "\n.\n..\nend",
        subject="ü" * 300,
        attachment=encode_attachment("файл" * 30 + ".csv", "text/csv; charset=utf-8", b"x" * 9999),
    )
    for line in content_of(message).split(b"\r\n"):
        assert len(line) <= 998
        assert b"\n" not in line
        assert b"\r" not in line


def test_the_unsubscribe_link_stays_whole_on_one_line():
    link = "<https://reports." + "very-" * 20 + "long.example/u/abcdefghijklmnopqrstuv>"
    message = create_message(headers=(("List-Unsubscribe", link),))
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in content_of(message)


@given(subject=LINE, name=LINE, sender=LINE, text=st.text(max_size=300))
@example(subject="a", name="a", sender="a", text=".\r.\r\n\n. \n=")
def test_any_subject_name_and_text_come_through(subject, name, sender, text):
    sender = sender.replace("<", "").replace(">", "").replace('"', "").replace("\\", "")
    mail = parsed(create_message(subject=subject, to=(name, "a@family.example"), text=text))
    assert " ".join(str(mail["Subject"]).split()) == " ".join(subject.split())
    assert mail["To"].addresses[0].addr_spec == "a@family.example"
    assert len(mail["To"].addresses) == 1
    body = mail.get_body(("plain",)).get_payload(decode=True).decode()
    assert body == re.sub(r"\r\n|\r|\n", "\r\n", text)  # every kind of line end is a mail's own


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@evil.example", "a\nb", "a\rb", "a\x00b"])
@pytest.mark.parametrize("where", ["subject", "to", "reply_to", "headers", "sender", "message_id"])
def test_a_line_break_is_refused_everywhere_in_the_headers(bad, where):
    value = {
        "to": (bad, "a@family.example"),
        "reply_to": ("x", bad),
        "headers": (("X-Extra", bad),),
        "sender": f'"{bad}" <a@b.example>',
    }.get(where, bad)
    with pytest.raises(BadHeader):
        create_message(**{where: value}).sealed()


def test_a_line_break_in_an_attachments_name_is_refused():
    with pytest.raises(BadHeader):
        encode_attachment("a\r\nX-Evil: 1.csv", "text/csv", b"")


@pytest.mark.parametrize("domain", ["ü" * 70 + ".example", "ä..example"])
@pytest.mark.parametrize("where", ["to", "reply_to", "sender"])
def test_a_domain_without_an_ascii_form_is_refused(domain, where):
    value = f"Joe <joe@{domain}>" if where == "sender" else ("Joe", f"joe@{domain}")
    with pytest.raises(UnicodeError):
        create_message(**{where: value}).sealed()
