"""What others have written for the reader: their children's reports, or their students'."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.access import REPORT_READERS
from reportapp.constants import FAMILY_ROLES
from reportapp.errors import Conflict
from reportapp.web.inputs import Paging, page_number
from reportapp.web.session import actor
from reportapp.web.written_inputs import filter_args, filter_from
from reportapp.written.kinds import WRITTEN, kind_of
from reportapp.written.lists import list_readable, unread_by_student
from reportapp.written.reading import acknowledge, open_report

bp = Blueprint("written_read", __name__, url_prefix="/reports")

_PAGE_SIZE = 25


@bp.get("/")
def index() -> ResponseReturnValue:
    wanted, now, family = filter_from(request.args), clock.now(), actor().role in FAMILY_ROLES
    found, total = list_readable(actor(), wanted, now, page=page_number(), page_size=_PAGE_SIZE)
    return render_template(
        "written/read.html",
        found=found,
        wanted=wanted,
        narrowed=filter_args(wanted),
        family=family,
        kinds=[kind for kind in WRITTEN if actor().role in REPORT_READERS[kind]],
        # A family sees whose reports are new; a school has too many people for that.
        children=unread_by_student(actor(), now) if family else {},
        paging=Paging(page_number(), _PAGE_SIZE, total),
    )


@bp.get("/<kind>/<int:report_id>")
def show(kind: str, report_id: int) -> ResponseReturnValue:
    """Opening a report is reading it, so this GET marks it: only the reader's own log-in gets here,
    so no mail scanner does, and what a browser fetches in advance does not count."""
    opened = open_report(actor(), kind_of(kind), report_id, clock.now(), mark=_is_opening())
    if opened.report.id != report_id:
        return redirect(url_for(".show", kind=kind, report_id=opened.report.id))
    return render_template("written/open.html", kind=kind_of(kind), opened=opened)


@bp.post("/<kind>/<int:report_id>/acknowledge")
def confirm(kind: str, report_id: int) -> ResponseReturnValue:
    try:
        acknowledge(actor(), kind_of(kind), report_id, clock.now())
    except Conflict as error:
        flash(str(error), "warning")
    else:
        flash("Thank you. The author sees that you have read this report.", "success")
    return redirect(url_for(".show", kind=kind, report_id=report_id))


def _is_opening() -> bool:
    """Whether a person looks at the page, and not a browser that only expects them to."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return request.method == "GET" and not any("prefetch" in text.lower() for text in purposes)
