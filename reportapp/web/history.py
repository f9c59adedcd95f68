"""What became of a schedule's runs, sending again what did not arrive, and taking mails back."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.constants import DeliveryStatus, Resendable, Trigger
from reportapp.documents import Period
from reportapp.errors import Conflict
from reportapp.models import ReportScheduleExecution
from reportapp.schedules.find import get_schedule
from reportapp.schedules.run_page import ACTIONS_LISTED, look_at_run
from reportapp.schedules.runs import cancel, list_executions, resend
from reportapp.web.inputs import Paging, key_from, page_number
from reportapp.web.session import actor
from reportapp.web.words import span

bp = Blueprint("history", __name__)

_PAGE_SIZE = 25
_MAILS = 100
#: A planned run that starts later than this after its time is called late.
_LATE = timedelta(minutes=5)


@bp.get("/schedules/<int:schedule_id>/history")
def index(schedule_id: int) -> ResponseReturnValue:
    schedule = get_schedule(actor(), schedule_id)
    paging = Paging(page_number(), _PAGE_SIZE)
    runs, total = list_executions(actor(), schedule_id, limit=_PAGE_SIZE, offset=paging.offset)
    return render_template(
        "history/index.html",
        schedule=schedule,
        runs=runs,
        paging=Paging(paging.page, _PAGE_SIZE, total),
    )


@bp.get("/executions/<int:execution_id>")
def run(execution_id: int) -> ResponseReturnValue:
    return _page(execution_id)


@bp.post("/executions/<int:execution_id>/resend")
def send_again(execution_id: int) -> ResponseReturnValue:
    """All mails of the kind that the button is for, or the one that it names. The kind is the one
    that the person has seen: nothing that may have arrived goes again unless they were told so."""
    kind = _kind(request.form.get("kind"))
    number = resend(actor(), execution_id, clock.now(), delivery_id=_delivery(), kinds=(kind,))
    mails = "1 mail is" if number == 1 else f"{number:,} mails are"
    if kind is Resendable.SKIPPED:
        text = f"{mails} tried again. What still stands in the way will be told below."
    else:
        text = f"{mails} being sent{'' if kind is Resendable.CANCELLED else ' again'}."
    flash(text, "success")
    return redirect(_back(execution_id))


@bp.post("/executions/<int:execution_id>/cancel")
def take_back(execution_id: int) -> ResponseReturnValue:
    """All mails that have not left, or the one that the button names."""
    number = cancel(actor(), execution_id, clock.now(), delivery_id=_delivery())
    flash(f"{'1 mail' if number == 1 else f'{number:,} mails'} will not be sent.", "success")
    return redirect(_back(execution_id))


@bp.errorhandler(Conflict)
def _refused(error: Conflict) -> ResponseReturnValue:
    flash(str(error), "danger")
    assert request.view_args is not None
    return _page(request.view_args["execution_id"], 409)


def _delivery() -> int | None:
    text = request.form.get("delivery")
    return key_from(text, "There is no such mail.") if text else None


def _kind(text: str | None) -> Resendable:
    return Resendable(text) if text in list(Resendable) else Resendable.FAILED


def _state() -> DeliveryStatus | None:
    """Of the mails that the reader wants to see; None: all."""
    text = request.values.get("state")
    return DeliveryStatus(text) if text in list(DeliveryStatus) else None


def _back(execution_id: int) -> str:
    """The page where the button was."""
    return url_for(".run", execution_id=execution_id, state=_state())


def _page(execution_id: int, status: int = 200) -> ResponseReturnValue:
    state, number = _state(), page_number()
    page = look_at_run(actor(), execution_id, status=state, page=number, page_size=_MAILS)
    execution = page.execution
    shown = render_template(
        "history/run.html",
        page=page,
        execution=execution,
        period=Period(execution.period_start, execution.period_end),
        state=state,
        paging=Paging(number, _MAILS, page.found),
        actions_listed=ACTIONS_LISTED,
        late=_lateness(execution),
    )
    return shown, status


def _lateness(execution: ReportScheduleExecution) -> str | None:
    gap = execution.started_at - execution.scheduled_for
    return span(gap) if execution.trigger is Trigger.SCHEDULE and gap > _LATE else None
