"""The built-in mailbox: what would have left if there were a mail server. It shows the mails of
every school in the database, so it exists outside production only."""

import re
from email.message import EmailMessage, MIMEPart

from flask import Blueprint, Response, current_app, render_template
from flask.typing import ResponseReturnValue

from reportapp.errors import NotFound
from reportapp.mail.mailbox import date_of, get_mail, list_mails, mailbox_folder
from reportapp.web.inputs import Paging, page_number

bp = Blueprint("mailbox", __name__, url_prefix="/mailbox")

_PAGE_SIZE = 25
_PLAIN_HEADERS = ("From", "To", "Reply-To")
_TECHNICAL_HEADERS = (
    "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted",
)  # fmt: skip

#: For a mail's own HTML: its style, nothing else; links open in a new window. Nothing can run in
#: it, so it may keep its origin, by which our page sees how tall it is.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


@bp.get("/")
def index() -> ResponseReturnValue:
    folder = mailbox_folder(current_app.instance_path)
    page = page_number()
    mails, total = list_mails(folder, page, _PAGE_SIZE)
    return render_template(
        "mailbox/index.html", mails=mails, paging=Paging(page, _PAGE_SIZE, total)
    )


@bp.get("/<key>")
def show(key: str) -> ResponseReturnValue:
    mail = _mail(key)
    plain = mail.get_body(("plain",))
    return render_template(
        "mailbox/show.html",
        key=key,
        subject=str(mail["Subject"] or ""),
        date=date_of(mail),
        headers=_headers(mail, _PLAIN_HEADERS),
        technical=_headers(mail, _TECHNICAL_HEADERS),
        text=_text(plain) if plain else "",
        has_html=mail.get_body(("html",)) is not None,
        attachments=[
            (part.get_filename() or "attachment", part.get_content_type(), len(_bytes(part)))
            for part in _attachments(mail)
        ],
    )


@bp.get("/<key>/html")
def html(key: str) -> ResponseReturnValue:
    body = _mail(key).get_body(("html",))
    if body is None:
        raise NotFound("This mail has no HTML part.")
    # In its frame a link would lead nowhere.
    page = re.sub(r"(?i)(<head[^>]*>)", r'\1<base target="_blank">', _text(body), count=1)
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": _MAIL_POLICY})


@bp.get("/<key>/attachment/<int:number>")
def attachment(key: str, number: int) -> ResponseReturnValue:
    parts = _attachments(_mail(key))
    if not 1 <= number <= len(parts):
        raise NotFound("There is no such attachment.")
    part = parts[number - 1]
    answer = Response(_bytes(part), content_type=part.get_content_type())
    name = part.get_filename() or "attachment"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _mail(key: str) -> EmailMessage:
    return get_mail(mailbox_folder(current_app.instance_path), key)


def _headers(mail: EmailMessage, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, str(mail[name])) for name in names if mail[name]]


def _attachments(mail: EmailMessage) -> list[MIMEPart]:
    return list(mail.iter_attachments())


def _bytes(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: MIMEPart) -> str:
    try:
        return _bytes(part).decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:
        return _bytes(part).decode("utf-8", errors="replace")
