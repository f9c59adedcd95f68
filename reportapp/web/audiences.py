"""Groups that receive a schedule, and who would get what from it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from reportapp import clock
from reportapp.access import REPORT_READERS
from reportapp.errors import InvalidInput
from reportapp.keys import read_key
from reportapp.schedules.audiences import (
    Wanted,
    add_audience,
    check_audience,
    remove_audience,
)
from reportapp.schedules.find import get_schedule
from reportapp.schedules.overview import NOTHING_LISTED, who_gets_what
from reportapp.schedules.recipients import let_in
from reportapp.schedules.upcoming import next_runs_of
from reportapp.web.errors import problems
from reportapp.web.inputs import Paging, key_from, page_number
from reportapp.web.session import actor

bp = Blueprint("audiences", __name__, url_prefix="/schedules")

_PAGE_SIZE = 50


@bp.get("/<int:schedule_id>/who")
def who(schedule_id: int) -> ResponseReturnValue:
    return _page(schedule_id, None)


@bp.get("/<int:schedule_id>/groups/look")
def look(schedule_id: int) -> ResponseReturnValue:
    """Who is in a group, before it is added."""
    kind, class_group_id = _chosen(request.args)
    try:
        wanted = check_audience(actor(), schedule_id, kind, class_group_id, clock.now())
    except InvalidInput as error:
        flash(problems(error), "danger")
        return redirect(_recipients_url(schedule_id))
    return _page(schedule_id, wanted)


@bp.post("/<int:schedule_id>/groups")
def add(schedule_id: int) -> ResponseReturnValue:
    wanted = add_audience(actor(), schedule_id, *_chosen(request.form), clock.now())
    flash(f"{wanted.title} will receive this report.", "success")
    return redirect(_recipients_url(schedule_id))


@bp.post("/<int:schedule_id>/groups/<int:audience_id>/remove")
def remove(schedule_id: int, audience_id: int) -> ResponseReturnValue:
    title = remove_audience(actor(), schedule_id, audience_id)
    flash(
        f"{title} no longer receive this report, unless by name or with another group.", "success"
    )
    return redirect(_recipients_url(schedule_id))


@bp.post("/<int:schedule_id>/let-in")
def bring_back(schedule_id: int) -> ResponseReturnValue:
    user_id = key_from(request.form.get("user_id"), "Recipient not found")
    row = let_in(actor(), schedule_id, user_id)
    flash(f"{row.recipient.name} belongs to the groups of this report again.", "success")
    return redirect(url_for(".who", schedule_id=schedule_id))


def _chosen(values: MultiDict[str, str]) -> tuple[str, int | None]:
    return values.get("kind", ""), read_key(values.get("class_group_id"))


def _recipients_url(schedule_id: int) -> str:
    return url_for("detail.show", schedule_id=schedule_id, _anchor="recipients")


def _page(schedule_id: int, wanted: Wanted | None) -> ResponseReturnValue:
    now = clock.now()
    schedule = get_schedule(actor(), schedule_id)
    text, page = request.args.get("q", ""), page_number()
    overview = who_gets_what(
        actor(), schedule_id, now, text=text, page=page, page_size=_PAGE_SIZE, adding=wanted
    )
    return render_template(
        "schedules/who.html",
        schedule=schedule,
        wanted=wanted,
        chosen=request.args,
        next_runs=next_runs_of(schedule, now, 1),
        overview=overview,
        text=text,
        others_listed=NOTHING_LISTED,
        readers=REPORT_READERS[schedule.report_type],
        paging=Paging(page, _PAGE_SIZE, overview.found),
    )
