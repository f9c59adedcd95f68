"""Leaving a report by the link in its mail. The link's token is the authority: no log-in, no
cookie and no CSRF token, as RFC 8058 wants it. Mail scanners follow links: GET changes nothing."""

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import NotFound
from reportapp.extensions import csrf
from reportapp.models import ReportScheduleRecipient
from reportapp.schedules.subscriptions import find_subscription, is_coming, set_subscribed
from reportapp.web.security import keep_token_secret

bp = Blueprint("unsubscribe", __name__, url_prefix="/u")
bp.after_request(keep_token_secret)
csrf.exempt(bp)


@bp.get("/<token>")
def ask(token: str) -> ResponseReturnValue:
    row = find_subscription(token)
    return _page(row, _ended(row) or ("ask" if row.is_subscribed else "already"))


@bp.post("/<token>")
def leave(token: str) -> ResponseReturnValue:
    return _page(set_subscribed(token, False, clock.now()), "done")


@bp.post("/<token>/undo")
def undo(token: str) -> ResponseReturnValue:
    row = set_subscribed(token, True, clock.now())
    return _page(row, _ended(row) or "undone", is_coming=is_coming(row, clock.now()))


def _ended(row: ReportScheduleRecipient) -> str | None:
    return "over" if row.schedule.deleted_at is not None else None


@bp.errorhandler(NotFound)
def _unknown(error: NotFound) -> ResponseReturnValue:
    return render_template("unsubscribe.html", state="unknown", text=str(error)), 404


def _page(row: ReportScheduleRecipient, state: str, **more: bool) -> ResponseReturnValue:
    return make_response(
        render_template(
            "unsubscribe.html",
            state=state,
            token=row.unsubscribe_token,
            schedule=row.schedule,
            school=row.schedule.created_by.school,
            **more,
        )
    )
