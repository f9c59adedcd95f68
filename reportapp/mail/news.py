"""The mail that tells a person what the system has noticed by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from reportapp.mail.message import MailMessage


@dataclass(frozen=True)
class News:
    """One thing to tell: its title and some sentences, and the words of a link with its path."""

    title: str
    text: str
    action: str
    path: str


def compose_news(
    news: Sequence[News], *, to: tuple[str, str], school: str, key: str, now: datetime
) -> MailMessage:
    """The mail with all `news` to one person (name, address). `key`: letters and digits that are in
    no other mail."""
    config = current_app.config
    subject = news[0].title if len(news) == 1 else f"{len(news)} things to look at"
    values = {
        "platform": config["PLATFORM_NAME"],
        "home_url": config["BASE_URL"],
        "name": to[0],
        "school": school,
        "news": news,
        "title": subject,
    }
    templates = current_app.jinja_env
    return MailMessage(
        key=key,
        message_id=f"{key}@{config['MESSAGE_ID_DOMAIN']}",
        sender=config["MAIL_DEFAULT_SENDER"],
        to=to,
        subject=f"{config['PLATFORM_NAME']}: {' '.join(subject.split())}",
        date=now,
        text=templates.get_template("mail/news/body.txt").render(values),
        html=templates.get_template("mail/news/body.html").render(values),
        # RFC 3834: no out-of-office answers, please.
        headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")),
    )
