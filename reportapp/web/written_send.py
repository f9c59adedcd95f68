"""Sending written reports: a last look at what others will see, then a yes."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import Conflict
from reportapp.keys import read_key
from reportapp.web.inputs import key_from
from reportapp.web.session import actor
from reportapp.web.written_inputs import board_args, period_from, subject_args
from reportapp.written.board import load_board
from reportapp.written.find import UNKNOWN
from reportapp.written.kinds import kind_of, of_class, subject_of
from reportapp.written.reading import open_own
from reportapp.written.sheet import load_sheet
from reportapp.written.values import fingerprint, why_not_yet
from reportapp.written.writing import send

bp = Blueprint("written_send", __name__, url_prefix="/written")


@bp.get("/<kind>/<int:report_id>/send")
def one(kind: str, report_id: int) -> ResponseReturnValue:
    return _one_page(kind, report_id)


@bp.post("/<kind>/<int:report_id>/send")
def send_one(kind: str, report_id: int) -> ResponseReturnValue:
    seen = {report_id: request.form.get("seen", "")}
    try:
        send(actor(), kind_of(kind), seen, clock.now())
    except Conflict as error:
        flash(str(error), "danger")
        return _one_page(kind, report_id, 409)
    flash("The report is sent.", "success")
    own = open_own(actor(), kind_of(kind), report_id, clock.now())
    sheet = load_sheet(actor(), subject_of(kind_of(kind), own.report), clock.now())
    if request.form.get("then") == "next" and sheet.to_come is not None:
        following = sheet.board.subject(sheet.to_come.student_id)
        return redirect(url_for("written_edit.write", **subject_args(following)))
    return redirect(url_for("written_edit.show", kind=kind, report_id=report_id))


@bp.route("/send", methods=["GET", "POST"])
def several(status: int = 200) -> ResponseReturnValue:
    """All drafts of one class and period, looked through on one page."""
    kind, period = kind_of(request.args.get("kind")), period_from(request.args)
    class_id = key_from(request.args.get("class"), UNKNOWN) if of_class(kind) else None
    back = url_for("written.new", **board_args(kind, class_id, period))
    if request.method == "POST":
        ids = [key for text in request.form.getlist("report") if (key := read_key(text))]
        seen = {id_: request.form.get(f"seen-{id_}", "") for id_ in ids}
        try:
            number = len(send(actor(), kind, seen, clock.now()))
        except Conflict as error:
            flash(f"Nothing was sent. {error}", "danger")
            status = 409
        else:
            words = "1 report is" if number == 1 else f"{number} reports are"
            told = (f"{words} sent.", "success") if number else ("No report was chosen.", "warning")
            flash(*told)
            return redirect(back)
    board = load_board(actor(), kind, class_id, period, clock.now())
    seen = {row.draft.id: fingerprint(kind, row.draft) for row in board.sendable if row.draft}
    args = board_args(kind, class_id, period)
    page = render_template("written/send_all.html", board=board, seen=seen, args=args, back=back)
    return page, status


def _one_page(kind: str, report_id: int, status: int = 200) -> ResponseReturnValue:
    own = open_own(actor(), kind_of(kind), report_id, clock.now())
    sheet = load_sheet(actor(), subject_of(kind_of(kind), own.report), clock.now())
    if own.report is not sheet.row.draft:
        return redirect(url_for("written_edit.show", kind=kind, report_id=report_id))
    page = render_template(
        "written/send.html",
        own=own,
        sheet=sheet,
        args=subject_args(sheet.subject),
        seen=sheet.seen,
        problem=why_not_yet(sheet.subject.kind, own.report, sheet.row.published),
    )
    return page, status
