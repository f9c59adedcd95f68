"""The letter around a report: subject, text and HTML with the summary, footer and headers."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import chain
from urllib.parse import urlsplit

from flask import current_app
from markupsafe import escape

from reportapp.documents import Kind, ReportDocument
from reportapp.mail.message import (
    AUTOMATIC,
    Attachment,
    MailMessage,
    quoted_printable,
    quoted_printable_piece,
)
from reportapp.rendering.format import display

#: Stands for what is each reader's own, in bodies that are made once for all of them; of this
#: process, since no text may hold it by chance or by design.
_MARK = secrets.token_hex(8)
_MARKED = re.compile(f"{_MARK}(name|unsubscribe|download)")
#: A body encoded around what is each reader's own: what comes before each of it, with its name, and
#: the end.
_Body = tuple[list[tuple[bytes, str]], bytes]


@dataclass(frozen=True)
class Letter:
    """What all mails with the same document share."""

    document: ReportDocument
    schedule_name: str
    #: "Mondays at 09:00, Berlin"
    rhythm: str
    #: None: the file comes by a link, or there is none since there is nothing to tell.
    attachment: Attachment | None
    reply_to: tuple[str, str] | None
    is_test: bool = False
    #: The file's name and size in bytes, where the mail holds a link to it.
    linked: tuple[str, int] | None = None
    #: The link asks for log-in; else it works once.
    link_asks: bool = True

    @property
    def has_file(self) -> bool:
        """False: the mail says that there is nothing to tell."""
        return self.attachment is not None or self.linked is not None

    @cached_property
    def subject(self) -> str:
        subject = subject_of(self.schedule_name, self.document)
        return f"[Test] {subject}" if self.is_test else subject

    @cached_property
    def _bodies(self) -> tuple[_Body, _Body]:
        """For those who can unsubscribe."""
        return self._render(with_link=True)

    @cached_property
    def _bodies_without(self) -> tuple[_Body, _Body]:
        return self._render(with_link=False)

    def _render(self, *, with_link: bool) -> tuple[_Body, _Body]:
        """Text and HTML with marks for what is each reader's own."""
        config = current_app.config
        document, days = self.document, config["ARTEFACT_DAYS"]
        values = {
            "platform": config["PLATFORM_NAME"],
            "letter": self,
            "document": document,
            "display": display,
            "Kind": Kind,
            "name": f"{_MARK}name",
            "about": _about(document),
            "unsubscribe_url": f"{_MARK}unsubscribe" if with_link else None,
            "download_url": f"{_MARK}download",
            "home_url": config["BASE_URL"],
            "kept_for": "a day" if days == 1 else f"{days} days",
        }
        templates = current_app.jinja_env
        return (
            _encoded(templates.get_template("mail/report/body.txt").render(values)),
            _encoded(templates.get_template("mail/report/body.html").render(values)),
        )

    def personal(
        self, name: str, unsubscribe_url: str | None, download_url: str | None
    ) -> tuple[bytes, bytes]:
        """Text and HTML for one reader, in quoted-printable."""
        text, html = self._bodies if unsubscribe_url is not None else self._bodies_without
        values = {"name": name, "unsubscribe": unsubscribe_url, "download": download_url}
        return _filled(text, values), _filled(
            html, {what: value and str(escape(value)) for what, value in values.items()}
        )


def _encoded(body: str) -> _Body:
    *between, end = _MARKED.split(body)
    marks = zip(between[::2], between[1::2], strict=True)
    return [(quoted_printable_piece(text), what) for text, what in marks], quoted_printable(end)


def _filled(body: _Body, values: dict[str, str | None]) -> bytes:
    before, end = body
    own = ((text, _piece(values[what] or "")) for text, what in before)
    return b"".join([*chain.from_iterable(own), end])


#: The same in text and HTML, most often.
_piece = lru_cache(64)(quoted_printable_piece)


def compose(
    letter: Letter,
    *,
    to: tuple[str, str],
    message_id: str,
    unsubscribe_token: str | None,
    now: datetime,
    download_path: str | None = None,
) -> MailMessage:
    """The mail to one person (name, address). Without an `unsubscribe_token` (a test mail to the
    author, who is not a recipient) there is nothing to unsubscribe from. `download_path`: where the
    file is, "/files/…", if the letter holds a link."""
    config = current_app.config
    base = config["BASE_URL"]
    link = f"{base}/u/{unsubscribe_token}" if unsubscribe_token else None
    text, html = letter.personal(to[0], link, f"{base}{download_path}" if download_path else None)
    return MailMessage(
        key=message_id.partition("@")[0],
        message_id=message_id,
        sender=config["MAIL_DEFAULT_SENDER"],
        to=to,
        subject=letter.subject,
        date=now,
        text=text,
        html=html,
        attachment=letter.attachment,
        reply_to=letter.reply_to,
        headers=_headers(link, urlsplit(base).hostname or "localhost"),
    )


def subject_of(schedule_name: str, document: ReportDocument) -> str:
    """The subject of the mails with this document."""
    return f"{schedule_name}: {document.title}, {document.period.words}"


def _about(document: ReportDocument) -> str:
    """A family's mail names its children; a class is too long a list."""
    if not 0 < len(document.students) <= 3:
        return ""
    *others, last = document.students
    return f" about {', '.join(others)} and {last}" if others else f" about {last}"


def _headers(link: str | None, host: str) -> tuple[tuple[str, str], ...]:
    headers = (*AUTOMATIC, ("List-Id", f"<reports.{host}>"))
    if link is None:
        return headers
    # RFC 8058: mail programs show a button that POSTs to the link.
    return (
        *headers,
        ("List-Unsubscribe", f"<{link}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
