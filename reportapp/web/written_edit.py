"""Writing one report: the form, the author's view of what was sent, and throwing a draft away."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import Conflict, InvalidInput
from reportapp.web.session import actor
from reportapp.web.written_inputs import WordsForm, board_args, subject_args, subject_from
from reportapp.written.kinds import Subject, kind_of, subject_of
from reportapp.written.reading import open_own
from reportapp.written.sheet import Sheet, load_sheet
from reportapp.written.values import fingerprint
from reportapp.written.writing import discard, save

bp = Blueprint("written_edit", __name__, url_prefix="/written")


@bp.get("/write")
def write() -> ResponseReturnValue:
    """An existing draft is gone on with; what was sent is shown, unless it is to be corrected."""
    sheet = load_sheet(actor(), subject_from(request.args), clock.now())
    if sheet.row.published and not sheet.row.draft and request.args.get("correct") != "1":
        report_id = sheet.row.published.id
        return redirect(url_for(".show", kind=sheet.subject.kind, report_id=report_id))
    return _form_page(sheet, WordsForm.of(sheet.subject.kind, sheet.base), sheet.seen)


@bp.post("/write")
def save_words() -> ResponseReturnValue:
    subject = subject_from(request.args)
    form, seen = WordsForm(), request.form.get("seen", "")
    try:
        report = save(actor(), subject, form.words(subject.kind), seen, clock.now())
    except InvalidInput as error:
        form.show(error)
        return _form_page(load_sheet(actor(), subject, clock.now()), form, seen)
    except Conflict:
        sheet = load_sheet(actor(), subject, clock.now())
        return _form_page(sheet, form, sheet.seen, is_conflict=True)
    then = request.form.get("then")
    if then == "preview":
        return redirect(url_for("written_send.one", kind=subject.kind, report_id=report.id))
    return redirect(_next_url(subject) if then == "next" else _saved(subject))


@bp.get("/<kind>/<int:report_id>")
def show(kind: str, report_id: int) -> ResponseReturnValue:
    own = open_own(actor(), kind_of(kind), report_id, clock.now())
    subject = subject_of(kind_of(kind), own.report)
    sheet = load_sheet(actor(), subject, clock.now())
    return render_template(
        "written/show.html",
        own=own,
        sheet=sheet,
        args=subject_args(subject),
        board_url=_board_url(subject),
    )


@bp.route("/<kind>/<int:report_id>/discard", methods=["GET", "POST"])
def remove(kind: str, report_id: int) -> ResponseReturnValue:
    own = open_own(actor(), kind_of(kind), report_id, clock.now())
    args = subject_args(subject_of(kind_of(kind), own.report))
    if request.method == "GET":
        sheet = load_sheet(actor(), subject_of(kind_of(kind), own.report), clock.now())
        seen = fingerprint(kind_of(kind), own.report)
        return render_template("written/discard.html", own=own, sheet=sheet, args=args, seen=seen)
    try:
        subject = discard(
            actor(), kind_of(kind), report_id, request.form.get("seen", ""), clock.now()
        )
    except Conflict as error:
        flash(str(error), "danger")
        return redirect(url_for(".write", **args))
    flash("The draft is thrown away.", "success")
    return redirect(_board_url(subject))


def _form_page(
    sheet: Sheet, form: WordsForm, seen: str, *, is_conflict: bool = False
) -> ResponseReturnValue:
    page = render_template(
        "written/write.html",
        sheet=sheet,
        form=form,
        seen=seen,
        is_conflict=is_conflict,
        args=subject_args(sheet.subject),
        board_url=_board_url(sheet.subject),
    )
    return page, 409 if is_conflict else 422 if form.errors else 200


def _board_url(subject: Subject) -> str:
    """All students of its class, in its period."""
    return url_for("written.new", **board_args(subject.kind, subject.class_id, subject.period))


def _saved(subject: Subject) -> str:
    flash("The draft is saved. Nobody else sees it yet.", "success")
    return url_for(".write", **subject_args(subject))


def _next_url(subject: Subject) -> str:
    """To the next student about whom nothing is written, or back to the list when all is done."""
    sheet = load_sheet(actor(), subject, clock.now())
    if sheet.to_come is None:
        flash(f"The draft on {sheet.row.name} is saved. It was the last one missing.", "success")
        return _board_url(subject)
    flash(f"The draft on {sheet.row.name} is saved.", "success")
    following = sheet.board.subject(sheet.to_come.student_id)
    return url_for(".write", **subject_args(following))
