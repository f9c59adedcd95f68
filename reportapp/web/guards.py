"""Who may enter a group of pages. Each guard is attached where its blueprint is registered; what
somebody may do with one particular thing is the use-cases' business."""

from collections.abc import Callable

from flask import abort, current_app
from flask.typing import ResponseReturnValue
from flask_login import current_user

from reportapp.access import Action, require
from reportapp.extensions import login_manager

Guard = Callable[[], ResponseReturnValue | None]


def public() -> None:
    """Everybody, without a log-in."""


def signed_in() -> ResponseReturnValue | None:
    """Everybody who has logged in; others are sent to the log-in page."""
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    return None


def author() -> ResponseReturnValue | None:
    """Those who may make schedules."""
    return _who_may(Action.MAKE_SCHEDULES)


def calendar_reader() -> ResponseReturnValue | None:
    """Those who may look at the school calendar."""
    return _who_may(Action.READ_CALENDAR)


def calendar_editor() -> ResponseReturnValue | None:
    """Those who may change it."""
    return _who_may(Action.EDIT_CALENDAR)


def importer() -> ResponseReturnValue | None:
    """Those who may import the school's data."""
    return _who_may(Action.IMPORT_DATA)


def mailbox_reader() -> ResponseReturnValue | None:
    """Those who may read the built-in mailbox, where there is one."""
    if not has_mailbox():
        abort(404)
    return _who_may(Action.READ_MAILBOX)


def has_mailbox() -> bool:
    """Whether mail goes to the built-in mailbox: no mail server, and not in production."""
    config = current_app.config
    return not config["MAIL_SERVER"] and config["APP_ENV"] != "production"


def _who_may(action: Action) -> ResponseReturnValue | None:
    answer = signed_in()
    if answer is None:
        require(current_user, action)
    return answer


#: Every guard there is, so that a test can tell a guard from other functions.
GUARDS: tuple[Guard, ...] = (
    public,
    signed_in,
    author,
    calendar_reader,
    calendar_editor,
    importer,
    mailbox_reader,
)
