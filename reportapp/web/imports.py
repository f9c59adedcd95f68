"""Taking what the school's own system exports (OneRoster): choose the file, look, save."""

from functools import partial
from typing import BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField

from reportapp import clock
from reportapp.constants import ImportKind
from reportapp.errors import InvalidInput, NotFound
from reportapp.school.import_runs import (
    Progressing,
    cancel,
    first_problems,
    get_run,
    list_runs,
    problems_path,
    receive,
)
from reportapp.school.import_work import start_check, start_save
from reportapp.school.oneroster import check_oneroster, save_oneroster
from reportapp.web.forms import Form
from reportapp.web.inputs import accept_large_files
from reportapp.web.session import actor

bp = Blueprint("imports", __name__, url_prefix="/imports")


class OneRosterForm(Form):
    file = FileField("The zip file")


bp.url_value_preprocessor(accept_large_files)


@bp.get("/")
def index() -> ResponseReturnValue:
    return _start_page(OneRosterForm(formdata=None))


@bp.post("/")
def upload() -> ResponseReturnValue:
    form = OneRosterForm()
    sent = request.files.get("file")
    try:
        if sent is None:
            raise InvalidInput({"file": ["Choose a file."]})
        stream = cast(BinaryIO, sent.stream)
        run = receive(actor(), ImportKind.ONEROSTER, sent.filename, stream, clock.now())
    except InvalidInput as error:
        form.show(error)
        return _start_page(form)
    start_check(actor(), run.id, check_oneroster, clock.now)
    return redirect(url_for("imports.show", run_id=run.id))


@bp.get("/<int:run_id>/")
def show(run_id: int) -> ResponseReturnValue:
    found = _run(run_id)
    return render_template(
        "imports/oneroster_run.html",
        found=found,
        run=found.run,
        summary=found.summary,
        problems=first_problems(actor(), run_id, clock.now()),
    )


@bp.post("/<int:run_id>/again")
def again(run_id: int) -> ResponseReturnValue:
    _run(run_id)
    start_check(actor(), run_id, check_oneroster, clock.now)
    return redirect(url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/save")
def save(run_id: int) -> ResponseReturnValue:
    summary = _run(run_id).summary
    rejected = request.form.get("allow_rejected") == "1"
    deactivation = request.form.get("allow_deactivation") == "1"
    if summary.get("errors") and not rejected:
        text = "Say that the other rows shall be saved without those that have errors."
        raise InvalidInput({"allow_rejected": [text]})
    if summary.get("much") and not deactivation:
        text = "Say that so much shall be deactivated."
        raise InvalidInput({"allow_deactivation": [text]})
    work = partial(save_oneroster, allow_rejected=rejected, allow_deactivation=deactivation)
    start_save(actor(), run_id, work, clock.now, seen=request.form.get("seen", ""))
    return redirect(url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/cancel")
def forget(run_id: int) -> ResponseReturnValue:
    _run(run_id)
    cancel(actor(), run_id, clock.now())
    flash("Nothing was imported, and the file is removed.", "success")
    return redirect(url_for("imports.index"))


@bp.get("/<int:run_id>/errors.csv")
def errors(run_id: int) -> ResponseReturnValue:
    _run(run_id)
    path = problems_path(actor(), run_id, clock.now())
    if path is None:
        raise NotFound("These rows are not kept any more.")
    return send_file(path, "text/csv", as_attachment=True, download_name="rows-not-taken.csv")


def _run(run_id: int) -> Progressing:
    found = get_run(actor(), run_id, clock.now())
    if found.run.kind is not ImportKind.ONEROSTER:
        raise NotFound("There is no such import.")
    return found


def _start_page(form: OneRosterForm) -> ResponseReturnValue:
    runs = list_runs(actor(), clock.now(), ImportKind.ONEROSTER)
    page = render_template("imports/index.html", form=form, runs=runs)
    return page, 422 if form.errors else 200
