"""One mail as bytes: headers that cannot be injected into, both bodies, a ready-made attachment.

Flask-Mail's own Message is not used: it composes the attachment anew for every recipient, wraps
List-Unsubscribe, and lets line breaks in extra headers and attachment names through.
"""

import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache

import idna

_LINE_BREAK = re.compile(r"[\r\n\x00]")
_LEADING_DOT = re.compile(rb"(?m)^\.")
#: RFC 3834: no out-of-office answers, please.
AUTOMATIC = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))
#: RFC 5322 section 2.1.1, without the line break.
_LONGEST_LINE = 998


class BadHeader(ValueError):
    """A header or an attachment's name holds a line break: it could add headers of its own."""


@dataclass(frozen=True)
class Attachment:
    """A file as a finished MIME part, encoded once for all its recipients. `size` is the file's,
    in bytes."""

    name: str
    size: int
    part: bytes = field(repr=False)


def encode_attachment(name: str, content_type: str, data: bytes) -> Attachment:
    """The attachment `name` of `data`. Raises BadHeader for a line break in the name."""
    refuse_line_breaks(name)
    return Attachment(name, len(data), _attachment_head(name, content_type) + _base64(data))


@lru_cache(64)
def _attachment_head(name: str, content_type: str) -> bytes:
    maintype, subtype = content_type.split("/", 1)
    part = EmailMessage(policy=SMTP)
    part.set_content(
        b"",
        maintype,
        subtype.partition(";")[0],
        cte="base64",
        disposition="attachment",
        filename=name,
    )
    del part["MIME-Version"]
    return part.as_bytes()


def _base64(data: bytes) -> bytes:
    """In lines of 76 characters (RFC 2045, section 6.8), with CRLF after each."""
    encoded = b2a_base64(data, newline=False)
    lines = [encoded[n : n + 76] for n in range(0, len(encoded), 76)]
    return b"\r\n".join([*lines, b""])


def quoted_printable(text: str) -> bytes:
    """The text as RFC 2045, section 6.7, has it, with CRLF."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return b2a_qp(lines.encode()).replace(b"\n", b"\r\n")


def quoted_printable_piece(text: str) -> bytes:
    """The same of the beginning of a text, on which another piece follows: its last line goes on in
    the next one, and has room for the sign that says so."""
    return quoted_printable(text + "=").removesuffix(b"=3D") + b"=\r\n"


@dataclass(frozen=True)
class SealedMail:
    """A mail as the server gets it: the envelope's two addresses, how many bytes it has, and these
    as they are sent after DATA, with CRLF line ends, leading dots doubled, and the final one
    (RFC 5321, section 4.5.2)."""

    sender: str
    to: str
    size: int
    wire: bytes = field(repr=False)


@dataclass(frozen=True)
class MailMessage:
    """A mail to exactly one address (a server's refusal is then about that one).

    `text` and `html` as text, or as bytes in quoted-printable. `key`: letters and digits that are
    in no other mail, for the MIME boundaries. `message_id`: without angle brackets. `headers`:
    further ones, kept on one line each.
    """

    key: str
    message_id: str
    sender: str
    to: tuple[str, str]
    subject: str
    date: datetime
    text: str | bytes
    html: str | bytes
    attachment: Attachment | None = None
    reply_to: tuple[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def sealed(self) -> SealedMail:
        """Ready to be handed over. Raises ValueError for what cannot be written: BadHeader, or
        UnicodeError for a domain without an ASCII form."""
        sender = _ascii_domain(_parsed(self.sender)[1])
        opening, closing = self._opening(), self._closing()
        # Seldom there, and looking for it first takes a tenth of the time. An attachment has none.
        has_dots = opening.startswith(b".") or b"\n." in opening
        dotted = _LEADING_DOT.sub(b"..", opening) if has_dots else opening
        return SealedMail(
            sender,
            _ascii_domain(self.to[1]),
            len(opening) + len(closing),
            b"".join((dotted, closing, b".\r\n")),
        )

    def _opening(self) -> bytes:
        refuse_line_breaks(self.sender)
        headers = [
            _address_header("From", _parsed(self.sender)),
            _address_header("To", self.to),
            *([_address_header("Reply-To", self.reply_to)] if self.reply_to else []),
            _header("Subject", self.subject),
            _header("Date", _date(self.date)),
            _header("Message-ID", f"<{self.message_id}>"),
            *(_header(name, value) for name, value in self.headers),
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="=_m{self.key}"',
            "",
            f"--=_m{self.key}",
            f'Content-Type: multipart/alternative; boundary="=_a{self.key}"',
        ]
        return b"\r\n".join(
            (
                "\r\n".join(headers).encode(),
                b"",
                *self._body("plain", self.text),
                *self._body("html", self.html),
                f"--=_a{self.key}--\r\n".encode(),
            )
        )

    def _closing(self) -> bytes:
        end = f"--=_m{self.key}--\r\n".encode()
        if self.attachment is None:
            return end
        return b"".join((f"--=_m{self.key}\r\n".encode(), self.attachment.part, end))

    def _body(self, subtype: str, text: str | bytes) -> tuple[bytes, bytes]:
        head = (
            f"--=_a{self.key}\r\n"
            f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
            "Content-Transfer-Encoding: quoted-printable\r\n"
        )
        return head.encode(), text if isinstance(text, bytes) else quoted_printable(text)


def refuse_line_breaks(text: str) -> None:
    """Raises BadHeader where there is one: what comes after it would be a line of its own."""
    if _LINE_BREAK.search(text):
        raise BadHeader(f"a line break in {text[:80]!r}")


_parsed = lru_cache(16)(parseaddr)
_date = lru_cache(16)(format_datetime)


@lru_cache(256)  # most headers are the same in all mails of a report
def _header(name: str, value: str) -> str:
    """One header. Plain ASCII stays on one line, so that links in it stay whole; anything else
    becomes RFC 2047 encoded words."""
    refuse_line_breaks(name + value)
    line = f"{name}: {value}"
    if value.isascii() and len(line) <= _LONGEST_LINE:
        return line
    return f"{name}: " + Header(value, "utf-8", 75, name).encode(linesep="\r\n")


@lru_cache(256)
def _address_header(name: str, address: tuple[str, str]) -> str:
    person, mailbox = address
    refuse_line_breaks(person + mailbox)
    mailbox = _ascii_domain(mailbox)
    if not person:
        return f"{name}: {mailbox}"
    if person.isascii() and len(person) <= 200:
        quoted = person.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}: "{quoted}" <{mailbox}>'
    return f"{name}: " + Header(person, "utf-8", 75, name).encode(linesep="\r\n") + f" <{mailbox}>"


def _ascii_domain(mailbox: str) -> str:
    """The address with its domain in ASCII. By IDNA 2008: Python's own codec knows only that of
    2003, in which straße.de is strasse.de, somebody else's domain."""
    local, at, domain = mailbox.rpartition("@")
    if domain.isascii():
        return mailbox
    return local + at + idna.encode(domain, uts46=True).decode()
