"""The letter around a report: subject, text and HTML with the summary, footer and headers."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from flask import current_app

from reportapp.documents import ReportDocument
from reportapp.mail.message import Attachment, MailMessage
from reportapp.rendering.format import display


@dataclass(frozen=True)
class Letter:
    """What all mails with the same document share."""

    document: ReportDocument
    schedule_name: str
    #: "Mondays at 09:00, Berlin"
    rhythm: str
    attachment: Attachment
    reply_to: tuple[str, str] | None
    is_test: bool = False


def compose(
    letter: Letter,
    *,
    to: tuple[str, str],
    message_id: str,
    unsubscribe_token: str | None,
    now: datetime,
) -> MailMessage:
    """The mail to one person (name, address). Without an `unsubscribe_token` (a test mail to the
    author, who is not a recipient) there is nothing to unsubscribe from."""
    config = current_app.config
    base = config["BASE_URL"]
    link = f"{base}/u/{unsubscribe_token}" if unsubscribe_token else None
    document = letter.document
    values = {
        "platform": config["PLATFORM_NAME"],
        "letter": letter,
        "document": document,
        "figures": [(figure, display(figure.value, figure.kind)) for figure in document.figures],
        "name": to[0],
        "about": _about(document),
        "unsubscribe_url": link,
        "home_url": base,
    }
    subject = subject_of(letter.schedule_name, document)
    templates = current_app.jinja_env
    return MailMessage(
        key=message_id.partition("@")[0],
        message_id=message_id,
        sender=config["MAIL_DEFAULT_SENDER"],
        to=to,
        subject=f"[Test] {subject}" if letter.is_test else subject,
        date=now,
        text=templates.get_template("mail/report/body.txt").render(values),
        html=templates.get_template("mail/report/body.html").render(values),
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
    headers = (
        # RFC 3834: no out-of-office answers, please.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("List-Id", f"<reports.{host}>"),
    )
    if link is None:
        return headers
    # RFC 8058: mail programs show a button that POSTs to the link.
    return (
        *headers,
        ("List-Unsubscribe", f"<{link}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
