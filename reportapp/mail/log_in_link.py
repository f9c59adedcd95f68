"""The mail with the link by which somebody chooses a password."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app

from reportapp.mail.message import MailMessage
from reportapp.recurrence import moment, place


def compose_log_in_link(
    *,
    to: tuple[str, str],
    school: str,
    zone_name: str,
    link: str,
    expires: datetime,
    sent_by: str | None,
    has_password: bool,
    key: str,
    now: datetime,
) -> MailMessage:
    """The mail to one person (name, address), who reads times in the zone `zone_name`. `sent_by`:
    the admin who sends it; None: it was asked for on the log-in page. `key`: letters and digits
    that are in no other mail."""
    config = current_app.config
    zone = ZoneInfo(zone_name)
    verb = "Choose a new password" if has_password else "Choose your password"
    values = {
        "platform": config["PLATFORM_NAME"],
        "home_url": config["BASE_URL"],
        "name": to[0],
        "email": to[1],
        "school": school,
        "link": link,
        "until": f"{moment(expires, zone)}, {place(zone)} time",
        "sent_by": sent_by,
        "verb": verb,
        "has_password": has_password,
    }
    templates = current_app.jinja_env
    return MailMessage(
        key=key,
        message_id=f"{key}@{config['MESSAGE_ID_DOMAIN']}",
        sender=config["MAIL_DEFAULT_SENDER"],
        to=to,
        subject=f"{verb} for {config['PLATFORM_NAME']}",
        date=now,
        text=templates.get_template("mail/log_in_link/body.txt").render(values),
        html=templates.get_template("mail/log_in_link/body.html").render(values),
        # RFC 3834: no out-of-office answers, please.
        headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")),
    )
