"""A mail of the app's own, about no report: both bodies from a folder of templates."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app

from reportapp.mail.message import AUTOMATIC, MailMessage


def compose_own_mail(
    folder: str,
    values: Mapping[str, Any],
    *,
    to: tuple[str, str],
    school: str,
    title: str,
    subject: str,
    key: str,
    now: datetime,
) -> MailMessage:
    """The mail `templates/mail/<folder>/` to one person (name, address) of a school, with `values`
    and what all such mails say. `title`: the HTML's heading. `key`: letters and digits that are in
    no other mail."""
    config, templates = current_app.config, current_app.jinja_env
    said = {
        **values,
        "platform": config["PLATFORM_NAME"],
        "home_url": config["BASE_URL"],
        "name": to[0],
        "school": school,
        "title": title,
    }
    return MailMessage(
        key=key,
        message_id=f"{key}@{config['MESSAGE_ID_DOMAIN']}",
        sender=config["MAIL_DEFAULT_SENDER"],
        to=to,
        subject=subject,
        date=now,
        text=templates.get_template(f"mail/{folder}/body.txt").render(said),
        html=templates.get_template(f"mail/{folder}/body.html").render(said),
        headers=AUTOMATIC,
    )
