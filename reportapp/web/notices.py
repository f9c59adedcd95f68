"""What the system tells the reader by itself, and what stands in the way of all mails."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from reportapp import clock
from reportapp.access import Action, may, require
from reportapp.delivery.health import Standstill, standstill, try_again
from reportapp.schedules.heartbeat import scheduler_runs
from reportapp.schedules.my_notices import count_open, list_open, put_all_away, put_away
from reportapp.web.inputs import Paging, key_from, page_number
from reportapp.web.session import actor

bp = Blueprint("notices", __name__, url_prefix="/notices")

_PAGE_SIZE = 25


@bp.get("/")
def index() -> ResponseReturnValue:
    paging = Paging(page_number(), _PAGE_SIZE, count_open(actor()))
    return render_template(
        "notices.html", told=list_open(actor(), _PAGE_SIZE, paging.offset), paging=paging
    )


@bp.post("/<int:notice_id>/put-away")
def away(notice_id: int) -> ResponseReturnValue:
    put_away(actor(), notice_id, clock.now())
    return redirect(url_for(".index"))


@bp.post("/put-all-away")
def all_away() -> ResponseReturnValue:
    newest = key_from(request.form.get("newest"), "There is no such notice.")
    put_all_away(actor(), newest, clock.now())
    flash("All of them are put away.", "success")
    return redirect(url_for(".index"))


@bp.post("/try-again")
def ask_again() -> ResponseReturnValue:
    """Somebody has mended the mail server, or wants to know."""
    require(actor(), Action.WATCH_SENDING)
    try_again()
    flash("The mail server is asked again with the next mail that waits.", "success")
    return redirect(url_for(".index"))


@dataclass(frozen=True)
class Trouble:
    """What keeps all mails from leaving: nobody runs the schedules, or the mail server."""

    nothing_runs: bool
    mail: Standstill | None


def news_count() -> int:
    """How much the reader has not put away; of those only who can have any."""
    reads = current_user.is_authenticated and may(current_user, Action.MAKE_SCHEDULES)
    return count_open(actor()) if reads else 0


def system_trouble(everywhere: bool) -> Trouble | None:
    """For the banner: admins are told on every page, other authors only about the schedules not
    running, where they look after theirs (not `everywhere`)."""
    if not current_user.is_authenticated:
        return None
    now: datetime = clock.now()
    watches = may(current_user, Action.WATCH_SENDING)
    if not watches and everywhere:
        return None
    found = standstill(current_app.config, now) if watches else None
    return Trouble(not scheduler_runs(now), found)
