"""The mail that tells a person what the system has noticed by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from reportapp.mail.message import MailMessage
from reportapp.mail.own_mail import compose_own_mail


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
    subject = news[0].title if len(news) == 1 else f"{len(news)} things to look at"
    return compose_own_mail(
        "news",
        {"news": news},
        to=to,
        school=school,
        title=subject,
        subject=f"{current_app.config['PLATFORM_NAME']}: {' '.join(subject.split())}",
        key=key,
        now=now,
    )
