"""One schedule: its state, its recipients, and sending it now."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.access import REPORT_READERS
from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import SENDING, limiter
from reportapp.keys import read_key
from reportapp.schedules.addresses import send_again_for_schedule
from reportapp.schedules.audiences import audience_choices, list_audiences
from reportapp.schedules.find import get_schedule
from reportapp.schedules.recipients import (
    add_recipient,
    list_recipients,
    remove_recipient,
    search_candidates,
)
from reportapp.schedules.runs import covered_if_run_now, list_executions, run_now, send_test
from reportapp.schedules.upcoming import next_runs_of
from reportapp.web.errors import problems
from reportapp.web.inputs import key_from
from reportapp.web.limits import signed_in_person
from reportapp.web.session import actor

bp = Blueprint("detail", __name__, url_prefix="/schedules")

_CANDIDATES = 20
_LATEST_RUNS = 5
#: So many recipients are shown at once; the others are a click away.
_SHOWN_RECIPIENTS = 10


@bp.get("/<int:schedule_id>")
def show(schedule_id: int) -> ResponseReturnValue:
    return _page(schedule_id)


@bp.post("/<int:schedule_id>/recipients")
def add(schedule_id: int) -> ResponseReturnValue:
    user_id = key_from(request.form.get("user_id"), "Recipient not found")
    row = add_recipient(actor(), schedule_id, user_id, clock.now())
    flash(f"{row.recipient.name} will receive this report.", "success")
    return redirect(_recipients_url(schedule_id))


@bp.post("/<int:schedule_id>/recipients/<int:user_id>/remove")
def remove(schedule_id: int, user_id: int) -> ResponseReturnValue:
    row = remove_recipient(actor(), schedule_id, user_id, clock.now())
    told = {"text": f"{row.recipient.name} no longer receives this report."}
    if row.is_subscribed:  # who has unsubscribed cannot be put back by others
        # Members of groups come back as such.
        undo = ".add" if row.is_direct else "audiences.bring_back"
        told["undo"] = url_for(undo, schedule_id=schedule_id)
        told["user_id"] = str(user_id)
    flash(told, "success")  # type: ignore[arg-type]  # any JSON can be flashed
    if request.form.get("back") == "who":
        return redirect(url_for("audiences.who", schedule_id=schedule_id))
    return redirect(_recipients_url(schedule_id))


@bp.post("/<int:schedule_id>/recipients/<int:user_id>/send-to-address")
def send_to_address(schedule_id: int, user_id: int) -> ResponseReturnValue:
    """An address that has refused mails is tried again; back to where the button was."""
    person = send_again_for_schedule(actor(), schedule_id, user_id, clock.now())
    flash(f"Mails are sent to {person.email} again.", "success")
    back = request.form.get("back")
    if back == "who":
        return redirect(url_for("audiences.who", schedule_id=schedule_id))
    if execution_id := read_key(back):
        return redirect(url_for("history.run", execution_id=execution_id))
    return redirect(_recipients_url(schedule_id))


@bp.post("/<int:schedule_id>/run")
@limiter.limit(SENDING, key_func=signed_in_person)
def run(schedule_id: int) -> ResponseReturnValue:
    domain = current_app.config["MESSAGE_ID_DOMAIN"]
    execution_id = run_now(actor(), schedule_id, clock.now(), message_domain=domain)
    return redirect(url_for("history.run", execution_id=execution_id))


@bp.post("/<int:schedule_id>/test")
@limiter.limit(SENDING, key_func=signed_in_person)
def test_mail(schedule_id: int) -> ResponseReturnValue:
    domain = current_app.config["MESSAGE_ID_DOMAIN"]
    execution_id = send_test(actor(), schedule_id, clock.now(), message_domain=domain)
    return redirect(url_for("history.run", execution_id=execution_id))


@bp.errorhandler(Conflict)
@bp.errorhandler(InvalidInput)
def _refused(error: Conflict | InvalidInput) -> ResponseReturnValue:
    """A refusal is told on the page where the button was."""
    flash(problems(error) if isinstance(error, InvalidInput) else str(error), "danger")
    assert request.view_args is not None
    return _page(request.view_args["schedule_id"], 422 if isinstance(error, InvalidInput) else 409)


def _recipients_url(schedule_id: int) -> str:
    """Back to the list of recipients, with the search that was open."""
    query = request.form.get("q")
    return url_for("detail.show", schedule_id=schedule_id, q=query or None, _anchor="recipients")


def _page(schedule_id: int, status: int = 200) -> ResponseReturnValue:
    now = clock.now()
    schedule = get_schedule(actor(), schedule_id)
    text = request.values.get("q")
    recipients = list_recipients(actor(), schedule_id, now)
    audiences = list_audiences(actor(), schedule_id, now)
    period = before = None
    if recipients or audiences:  # else there is nobody to send to now
        period, before = covered_if_run_now(actor(), schedule_id, now)
    page = render_template(
        "schedules/show.html",
        schedule=schedule,
        next_runs=next_runs_of(schedule, now, 1),
        recipients=recipients,
        audiences=audiences,
        readers=REPORT_READERS[schedule.report_type],
        choices=audience_choices(actor(), schedule_id, now),
        text=text,
        found=None if text is None else search_candidates(actor(), schedule_id, text, now),
        limit=_CANDIDATES,
        shown_at_once=_SHOWN_RECIPIENTS,
        period=period,
        before=before,
        runs=list_executions(actor(), schedule_id, limit=_LATEST_RUNS),
    )
    return page, status
