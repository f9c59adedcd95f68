"""What became of a schedule's runs, and sending again what did not arrive."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.constants import RESENDABLE_DELIVERIES, DeliveryStatus, Trigger
from reportapp.documents import Period
from reportapp.errors import Conflict
from reportapp.models import ReportDelivery, ReportScheduleExecution
from reportapp.schedules.find import get_schedule
from reportapp.schedules.runs import get_execution, list_executions, resend
from reportapp.web.inputs import Paging, key_from, page_number
from reportapp.web.session import actor
from reportapp.web.words import span

bp = Blueprint("history", __name__)

_PAGE_SIZE = 25
#: A planned run that starts later than this after its time is called late.
_LATE = timedelta(minutes=5)

#: The groups of a run's mails in the order of how much they ask of the reader.
GROUPS: tuple[tuple[str, tuple[DeliveryStatus, ...]], ...] = (
    ("Did not arrive, or may not have arrived", (DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN)),
    ("Still to be sent", (DeliveryStatus.SENDING, DeliveryStatus.PENDING)),
    ("Skipped", (DeliveryStatus.SKIPPED,)),
    ("Sent", (DeliveryStatus.SENT,)),
)


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
    """What did not arrive: all of it, or the one mail that the button names."""
    text = request.form.get("delivery")
    delivery_id = key_from(text, "There is no such mail.") if text else None
    number = resend(actor(), execution_id, clock.now(), delivery_id=delivery_id)
    mails = "1 mail is" if number == 1 else f"{number} mails are"
    flash(f"{mails} being sent again.", "success")
    return redirect(url_for(".run", execution_id=execution_id))


@bp.errorhandler(Conflict)
def _refused(error: Conflict) -> ResponseReturnValue:
    flash(str(error), "danger")
    assert request.view_args is not None
    return _page(request.view_args["execution_id"], 409)


def _page(execution_id: int, status: int = 200) -> ResponseReturnValue:
    execution, deliveries = get_execution(actor(), execution_id)
    counts = dict.fromkeys(DeliveryStatus, 0)
    for delivery in deliveries:
        counts[delivery.status] += 1
    page = render_template(
        "history/run.html",
        execution=execution,
        period=Period(execution.period_start, execution.period_end),
        groups=_grouped(deliveries),
        counts=counts,
        resendable=RESENDABLE_DELIVERIES,
        to_resend=sum(counts[each] for each in RESENDABLE_DELIVERIES),
        late=_lateness(execution),
    )
    return page, status


def _grouped(deliveries: Sequence[ReportDelivery]) -> list[tuple[str, list[ReportDelivery]]]:
    groups = [
        (title, [delivery for delivery in deliveries if delivery.status in statuses])
        for title, statuses in GROUPS
    ]
    return [(title, found) for title, found in groups if found]


def _lateness(execution: ReportScheduleExecution) -> str | None:
    gap = execution.started_at - execution.scheduled_for
    return span(gap) if execution.trigger is Trigger.SCHEDULE and gap > _LATE else None
