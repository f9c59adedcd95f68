"""The front door."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from reportapp.access import Action, may
from reportapp.web.session import actor

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> ResponseReturnValue:
    """To what this person comes for: those who make schedules to these, families to what is written
    about their children."""
    makes_schedules = may(actor(), Action.MAKE_SCHEDULES)
    return redirect(url_for("schedules.index" if makes_schedules else "written_read.index"))
