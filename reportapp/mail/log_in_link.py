"""The mail with the link by which somebody chooses a password."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app

from reportapp.mail.message import MailMessage
from reportapp.mail.own_mail import compose_own_mail
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
    zone = ZoneInfo(zone_name)
    verb = "Choose a new password" if has_password else "Choose your password"
    values = {
        "email": to[1],
        "link": link,
        "until": f"{moment(expires, zone)}, {place(zone)} time",
        "sent_by": sent_by,
        "verb": verb,
        "has_password": has_password,
    }
    return compose_own_mail(
        "log_in_link",
        values,
        to=to,
        school=school,
        title=verb,
        subject=f"{verb} for {current_app.config['PLATFORM_NAME']}",
        key=key,
        now=now,
    )
