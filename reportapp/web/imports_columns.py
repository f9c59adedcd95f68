"""Choosing what the columns of an attendance or marks file mean, before it is looked at."""

import json

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.constants import ImportKind
from reportapp.errors import InvalidInput, NotFound
from reportapp.models import ImportRun
from reportapp.school.import_runs import get_run, upload_path
from reportapp.school.import_work import start_check
from reportapp.school.records_columns import ColumnChoice, check_columns, offer_columns
from reportapp.school.records_mapping import to_json
from reportapp.school.records_mappings import check_name, save_mapping
from reportapp.school.records_work import RECORD_KINDS, RecordsWork
from reportapp.web.imports_forms import (
    MEANINGS,
    OTHERS,
    form_for,
    meanings_of,
    order_choices,
    typed,
)
from reportapp.web.session import actor

bp = Blueprint("imports_columns", __name__, url_prefix="/imports")


@bp.get("/<int:run_id>/columns")
def columns(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    path = upload_path(actor(), run_id, clock.now())
    return _page(run, offer_columns(actor(), run.kind, path, name=request.args.get("use")))


@bp.post("/<int:run_id>/columns")
def choose(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    path = upload_path(actor(), run_id, clock.now())
    data, name = typed(run.kind), request.form.get("name", "").strip()
    choice = offer_columns(actor(), run.kind, path, chosen=data)
    if "again" in request.form:
        return _page(run, choice, name)
    try:
        mapping = check_columns(actor(), run.kind, path, data)
        if name:
            save_mapping(actor(), check_name(name), mapping, choice.table.columns, clock.now())
    except InvalidInput as error:
        return _page(run, choice, name, error)
    kept = json.loads(to_json(mapping, choice.table.columns))
    start_check(actor(), run_id, RecordsWork().check, clock.now, mapping=kept)
    return redirect(url_for("imports.show", run_id=run_id))


def _run(run_id: int) -> ImportRun:
    run = get_run(actor(), run_id, clock.now()).run
    if run.kind not in RECORD_KINDS:
        raise NotFound("This file needs no choice of columns.")
    return run


def _page(
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
