"""Attendance and marks from files: choose the file, say what its columns mean, look, save."""

import json
from datetime import date
from pathlib import Path
from typing import BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.constants import AttendanceStatus, ImportKind, ImportStatus
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.models import ImportRun
from reportapp.school.import_runs import (
    Progressing,
    cancel,
    first_problems,
    get_run,
    list_runs,
    problems_path,
    receive,
    upload_path,
)
from reportapp.school.import_work import start_check, start_save
from reportapp.school.records_columns import ColumnChoice, check_columns, offer_columns
from reportapp.school.records_mapping import to_json
from reportapp.school.records_mappings import (
    check_name,
    delete_mapping,
    get_kept,
    list_kept,
    save_mapping,
)
from reportapp.school.records_work import RECORD_KINDS, RecordsWork
from reportapp.web.imports_forms import (
    MEANINGS,
    OTHERS,
    RecordsUploadForm,
    form_for,
    meanings_of,
    order_choices,
    typed,
)
from reportapp.web.inputs import accept_large_files
from reportapp.web.session import actor

bp = Blueprint("imports_records", __name__, url_prefix="/imports/records")


bp.url_value_preprocessor(accept_large_files)


@bp.get("/")
def index() -> ResponseReturnValue:
    return _start_page(RecordsUploadForm(formdata=None, kind=request.args.get("kind")))


@bp.post("/")
def upload() -> ResponseReturnValue:
    form = RecordsUploadForm()
    sent = request.files.get("file")
    kinds = {str(kind): kind for kind in RECORD_KINDS}
    try:
        problems = {}
        kind = kinds.get(form.kind.data or "")
        if kind is None:
            problems["kind"] = ["Say what is in the file."]
        if sent is None or not sent.filename:
            problems["file"] = ["Choose a file."]
        if kind is None or sent is None or problems:
            raise InvalidInput(problems)
        run = receive(actor(), kind, sent.filename, cast(BinaryIO, sent.stream), clock.now())
        return redirect(url_for("imports_records.columns", run_id=run.id))
    except InvalidInput as error:
        form.show(error)
    return _start_page(form)


@bp.get("/<int:run_id>/columns")
def columns(run_id: int) -> ResponseReturnValue:
    run, path = _upload(run_id)
    use = request.args.get("use")
    try:
        choice = offer_columns(actor(), run.kind, path, name=use, before=run.mapping)
    except InvalidInput as error:
        return _refused(run, error)
    return _columns_page(run, choice, choice.name)


@bp.post("/<int:run_id>/columns")
def choose(run_id: int) -> ResponseReturnValue:
    run, path = _upload(run_id)
    data, name = typed(run.kind), request.form.get("name", "").strip()
    choice = offer_columns(actor(), run.kind, path, chosen=data)
    if "again" in request.form:
        return _columns_page(run, choice, name)
    try:
        mapping = check_columns(actor(), run.kind, path, data)
        if name:
            save_mapping(actor(), check_name(name), mapping, choice.table.columns, clock.now())
    except InvalidInput as error:
        return _columns_page(run, choice, name, error)
    kept = json.loads(to_json(mapping, choice.table.columns))
    start_check(actor(), run_id, RecordsWork().check, clock.now, mapping=kept)
    return redirect(url_for("imports_records.show", run_id=run_id))


@bp.get("/<int:run_id>/")
def show(run_id: int) -> ResponseReturnValue:
    found = _run(run_id)
    if found.run.status is ImportStatus.RECEIVED:
        return redirect(url_for("imports_records.columns", run_id=run_id))
    return render_template(
        "imports/record.html",
        found=found,
        run=found.run,
        summary=found.summary,
        problems=first_problems(actor(), run_id, clock.now()),
        is_attendance=found.run.kind is ImportKind.ATTENDANCE,
        Attendance=AttendanceStatus,
        as_day=date.fromisoformat,
    )


@bp.post("/<int:run_id>/save")
def save(run_id: int) -> ResponseReturnValue:
    despite_errors = request.form.get("despite_errors") == "1"
    if _run(run_id).run.error_count and not despite_errors:
        text = "Say that the other rows shall be saved without those that have errors."
        raise InvalidInput({"despite_errors": [text]})
    work = RecordsWork(despite_errors=despite_errors)
    start_save(actor(), run_id, work.save, clock.now, seen=request.form.get("seen", ""))
    return redirect(url_for("imports_records.show", run_id=run_id))


@bp.post("/<int:run_id>/cancel")
def forget(run_id: int) -> ResponseReturnValue:
    _run(run_id)
    cancel(actor(), run_id, clock.now())
    flash("Nothing was imported, and the file is removed.", "success")
    return redirect(url_for("imports_records.index"))


@bp.route("/kept/<int:mapping_id>/delete", methods=["GET", "POST"])
def delete(mapping_id: int) -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("imports/kept_delete.html", kept=get_kept(actor(), mapping_id))
    flash(f"“{delete_mapping(actor(), mapping_id)}” is deleted.", "success")
    return redirect(url_for("imports_records.index"))


@bp.get("/<int:run_id>/errors.csv")
def errors(run_id: int) -> ResponseReturnValue:
    _run(run_id)
    path = problems_path(actor(), run_id, clock.now())
    if path is None:
        raise NotFound("These errors are not kept any more.")
    return send_file(path, "text/csv", as_attachment=True, download_name="errors.csv")


def _run(run_id: int) -> Progressing:
    found = get_run(actor(), run_id, clock.now())
    if found.run.kind not in RECORD_KINDS:
        raise NotFound("There is no such import.")
    return found


def _upload(run_id: int) -> tuple[ImportRun, Path]:
    """A run and its file. Raises NotFound, or Conflict when the file is gone: saved, or too old."""
    run = _run(run_id).run
    path = upload_path(actor(), run_id, clock.now())
    if not path.exists():
        raise Conflict("This file is not kept any more. Please choose it again.")
    return run, path


def _start_page(form: RecordsUploadForm) -> ResponseReturnValue:
    runs = list_runs(actor(), clock.now(), *RECORD_KINDS)
    kept = list_kept(actor())
    page = render_template("imports/records.html", form=form, runs=runs, kept=kept)
    return page, 422 if form.errors else 200


def _refused(run: ImportRun, error: InvalidInput) -> ResponseReturnValue:
    """The file is no table: back to choosing one, with the reason."""
    form = RecordsUploadForm(formdata=None, kind=run.kind)
    form.show(error)
    cancel(actor(), run.id, clock.now())
    return _start_page(form)


def _columns_page(
    run: ImportRun, choice: ColumnChoice, name: str = "", error: InvalidInput | None = None
) -> ResponseReturnValue:
    form = form_for(choice, name)
    if error is not None:
        form.show(error)
    page = render_template(
        "imports/columns.html",
        run=run,
        choice=choice,
        form=form,
        is_attendance=run.kind is ImportKind.ATTENDANCE,
        orders=order_choices(choice),
        codes=meanings_of(choice),
        meanings=MEANINGS,
        others=OTHERS,
    )
    return page, 422 if form.errors else 200
