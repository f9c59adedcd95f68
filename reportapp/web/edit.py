"""Making, changing, switching and deleting a schedule."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule
from reportapp.schedules.audiences import needs_look
from reportapp.schedules.edit import (
    create_schedule,
    delete_schedule,
    switch_schedule,
    update_schedule,
)
from reportapp.schedules.find import get_schedule
from reportapp.schedules.reach import list_classes
from reportapp.schedules.upcoming import upcoming_runs
from reportapp.web.forms import ScheduleForm, typed_so_far
from reportapp.web.inputs import key_from
from reportapp.web.session import actor

bp = Blueprint("edit", __name__, url_prefix="/schedules")


@bp.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    form = ScheduleForm.blank(actor(), list_classes(actor(), clock.now()))
    if form.wants_saving():
        try:
            schedule = create_schedule(
                actor(), form.values(), clock.now(), to_author=form.to_author.data
            )
        except InvalidInput as error:
            form.show(error)
        else:
            told = "You receive it. Now choose who else does." if form.to_author.data else ""
            flash(f"The schedule is saved. {told or 'Now choose who receives it.'}", "success")
            return redirect(url_for("detail.show", schedule_id=schedule.id))
    return _form_page(form)


@bp.route("/<int:schedule_id>/edit", methods=["GET", "POST"])
def edit(schedule_id: int) -> ResponseReturnValue:
    schedule = get_schedule(actor(), schedule_id)
    form = ScheduleForm.of(schedule, list_classes(schedule.created_by, clock.now()))
    if form.wants_saving():
        values = form.values()
        # A schedule with groups is switched on where it is seen whom that reaches.
        look_first = values["is_active"] and needs_look(actor(), schedule_id)
        try:
            if look_first:
                values["is_active"] = False
            update_schedule(actor(), schedule_id, values, clock.now())
        except InvalidInput as error:
            form.show(error)
        else:
            flash("Your changes are saved.", "success")
            page = "audiences.who" if look_first else "detail.show"
            return redirect(url_for(page, schedule_id=schedule_id))
    return _form_page(form, schedule)


@bp.get("/next-runs")
def next_runs() -> ResponseReturnValue:
    """The part of the form's page that shows the next runs, for what has been typed so far."""
    text = request.args.get("schedule")
    schedule_id = key_from(text, "There is no such schedule.") if text else None
    runs = _next_runs(typed_so_far(request.args), schedule_id)
    return render_template("schedules/next_runs.html", **runs), 422 if runs["problems"] else 200


@bp.post("/<int:schedule_id>/switch")
def switch(schedule_id: int) -> ResponseReturnValue:
    active = request.form.get("active") == "1"
    schedule = switch_schedule(actor(), schedule_id, active, clock.now())
    text = "is active again" if active else "is switched off; nothing will be sent by itself"
    flash(f"“{schedule.name}” {text}.", "success")
    return redirect(url_for("detail.show", schedule_id=schedule_id))


@bp.route("/<int:schedule_id>/delete", methods=["GET", "POST"])
def delete(schedule_id: int) -> ResponseReturnValue:
    schedule = get_schedule(actor(), schedule_id)
    if request.method == "GET":
        return render_template("schedules/delete.html", schedule=schedule)
    name = schedule.name
    delete_schedule(actor(), schedule_id, clock.now())
    flash(f"“{name}” is deleted.", "success")
    return redirect(url_for("schedules.index"))


def _form_page(form: ScheduleForm, schedule: ReportSchedule | None = None) -> ResponseReturnValue:
    """The form; the runs beside it are those of what it shows, and their errors belong to it."""
    runs = _next_runs(form.values(), schedule.id if schedule else None)
    if request.method == "POST":
        form.show(InvalidInput(runs["problems"]))
    page = render_template("schedules/form.html", form=form, schedule=schedule, **runs)
    return page, 422 if form.errors else 200


def _next_runs(data: Mapping[str, Any], schedule_id: int | None) -> dict[str, Any]:
    try:
        rule, runs = upcoming_runs(actor(), data, clock.now(), schedule_id=schedule_id)
    except InvalidInput as error:
        return {"rule": None, "runs": [], "problems": error.fields}
    return {"rule": rule, "runs": runs, "problems": {}}
