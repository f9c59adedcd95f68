"""A file by the link in its mail that works once. The link is the authority: no log-in, no cookie
and no CSRF token. Mail scanners follow links: GET changes nothing."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import NotFound
from reportapp.extensions import csrf, limiter
from reportapp.models import ReportDelivery
from reportapp.schedules.files import LinkState, look_at_link, take_by_link
from reportapp.web.files import file_answer
from reportapp.web.security import keep_token_secret

bp = Blueprint("file_link", __name__, url_prefix="/f")
bp.after_request(keep_token_secret)
csrf.exempt(bp)
limiter.shared_limit("60/minute", scope="file_link")(bp)


@bp.get("/<token>")
def look(token: str) -> ResponseReturnValue:
    return _page(token, *look_at_link(token, clock.now()))


@bp.post("/<token>")
def take(token: str) -> ResponseReturnValue:
    delivery, state, download = take_by_link(token, clock.now())
    return file_answer(download) if download else _page(token, delivery, state)


@bp.errorhandler(NotFound)
def _unknown(error: NotFound) -> ResponseReturnValue:
    return render_template("files/link.html", state="unknown", text=str(error)), 404


def _page(token: str, delivery: ReportDelivery, state: LinkState) -> ResponseReturnValue:
    page = render_template("files/link.html", state=state, token=token, delivery=delivery)
    return page, 200 if state is LinkState.OPEN else 410
