"""Log-in sessions: who is asking, and where to go after logging in."""

from urllib.parse import urlsplit

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from reportapp.accounts.users import load_session_user
from reportapp.extensions import login_manager
from reportapp.models import User


def actor() -> User:
    """The person who is logged in, as the use-cases want them."""
    user = current_user._get_current_object()
    assert isinstance(user, User)
    return user


def begin_session(user: User, *, remember: bool) -> None:
    """Log `user` in. Nothing of an earlier session stays, so that nobody can prepare one."""
    session.clear()
    login_user(user, remember=remember)


def local_path(target: str | None) -> str | None:
    """`target` if it is a path of this app, so that a link to the log-in page cannot lead away."""
    if not target or not target.startswith("/") or not target.isprintable() or "\\" in target:
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or target.startswith("//"):
        return None
    return target


def register(app: Flask) -> None:
    login_manager.user_loader(load_session_user)
    login_manager.session_protection = "strong"
    login_manager.unauthorized_handler(_to_login)


def _to_login() -> ResponseReturnValue:
    """A page that was asked for is shown after logging in; a form has to be sent again."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    if wanted == "/":
        wanted = None
    if request.endpoint == "files.get":
        # A browser that is sent on to a file stays where it was: at the log-in.
        wanted = url_for("files.ready", **request.view_args or {})
    return redirect(url_for("login.log_in", next=wanted))
