"""Mail: composing it, the SMTP session, and the built-in mailbox."""

from reportapp.mail.compose import Letter, compose
from reportapp.mail.log_in_link import compose_log_in_link
from reportapp.mail.message import (
    Attachment,
    BadHeader,
    MailMessage,
    SealedMail,
    encode_attachment,
)
from reportapp.mail.news import News, compose_news
from reportapp.mail.sender import MailSession, ReportMail
from reportapp.mail.smtp_errors import Blame, SendFailure, Stage

#: The app's mail extension.
mail = ReportMail()

__all__ = [
    "Attachment",
    "BadHeader",
    "Blame",
    "Letter",
    "MailMessage",
    "MailSession",
    "News",
    "SealedMail",
    "SendFailure",
    "Stage",
    "compose",
    "compose_log_in_link",
    "compose_news",
    "encode_attachment",
    "mail",
]
