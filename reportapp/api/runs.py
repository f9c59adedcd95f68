"""Running a schedule now, test mails, and what became of runs and their mails."""

import re
from contextlib import suppress
from typing import Any

from flask import current_app, url_for
from marshmallow import Schema, fields, validate

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.limits import count_mail
from reportapp.api.paging import PageQuery, limits_of, page_example, page_of, pages_of
from reportapp.api.run_schemas import (
    MAIL_EXAMPLE,
    RUN_EXAMPLE,
    TASK_EXAMPLE,
    MailAnswer,
    RunAnswer,
    RunsAnswer,
    TaskAnswer,
    TestAnswer,
    run_fields,
    task_fields,
)
from reportapp.api.schemas import Body, Choice, QueryWhole, needed
from reportapp.constants import DeliveryStatus, Trigger
from reportapp.errors import InvalidInput, NotFound
from reportapp.keys import MAX_KEY, read_key
from reportapp.models import ReportScheduleExecution
from reportapp.schedules.find import get_schedule
from reportapp.schedules.run_page import look_at_run
from reportapp.schedules.runs import (
    get_execution,
    list_executions,
    look_at_execution,
    run_now,
    send_test,
)

bp = Blueprint("runs", "/reports", "Runs of schedules and their mails")

_STARTED = {**RUN_EXAMPLE, "trigger": "manual", "status": "started", "successful_sends": 0}
_STARTED |= {"completed_at": None, "duration_seconds": None, "success_rate_percent": 0.0}
#: Whether there is somebody with this address, is asked afterwards.
_ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+$")
_HEADERS = {"Location": {"description": "Where to look.", "schema": {"type": "string"}}}


class RunsQuery(Schema):
    """How many of the latest runs."""

    limit = QueryWhole(
        load_default=10,
        validate=validate.Range(1, 100, error="Give a number from 1 to 100."),
        metadata={"example": 10},
    )
    offset = QueryWhole(
        load_default=0,
        validate=validate.Range(0, error="Give a number from 0."),
        metadata={"description": "So many of the latest are left out.", "example": 0},
    )


class MailsQuery(PageQuery):
    """Which mails of a run."""

    status = Choice(DeliveryStatus)


class TestBody(Body):
    """Where to send a test."""

    recipient_email = fields.String(
        required=True,
        metadata={"minLength": 1, "maxLength": 320, "pattern": _ADDRESS.pattern},
    )


@bp.post("/schedules/<int:schedule_id>/run/")
@bp.response(202, RunAnswer, example=_STARTED, headers=_HEADERS)
@bp.refuses(409)
def run(schedule_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send it now.

    To all recipients, about the days up to today; planned runs stay as they are. The answer does
    not wait for the mails: look at the run."""
    count_mail()
    domain = current_app.config["MESSAGE_ID_DOMAIN"]
    execution_id = run_now(actor(), schedule_id, clock.now(), message_domain=domain)
    where = url_for(".show", schedule_id=schedule_id, execution_id=execution_id)
    started = run_fields(look_at_execution(actor(), execution_id))
    return started, 202, {"Location": where}


@bp.get("/schedules/<int:schedule_id>/executions/")
@bp.arguments(RunsQuery, location="query")
@bp.response(200, RunsAnswer, example={"count": 1, "results": [RUN_EXAMPLE]})
def index(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """List runs.

    The latest first; `count` is that of all."""
    offset = min(query["offset"], MAX_KEY)
    runs, total = list_executions(actor(), schedule_id, query["limit"], offset)
    return {"count": total, "results": [run_fields(one) for one in runs]}


@bp.get("/schedules/<int:schedule_id>/executions/<int:execution_id>/")
@bp.response(200, RunAnswer, example=RUN_EXAMPLE)
def show(schedule_id: int, execution_id: int) -> dict[str, Any]:
    """Look at one run.

    While it goes on, its counts are those of this moment."""
    run_of(schedule_id, execution_id)
    return run_fields(look_at_execution(actor(), execution_id))


@bp.get("/schedules/<int:schedule_id>/executions/<int:execution_id>/deliveries/")
@bp.arguments(MailsQuery, location="query")
@bp.response(
    200,
    pages_of(MailAnswer),
    example=page_example(MAIL_EXAMPLE),
)
def mails(query: dict[str, Any], schedule_id: int, execution_id: int) -> dict[str, Any]:
    """List a run's mails.

    Troubles first, then by the recipients' names."""
    run_of(schedule_id, execution_id)
    status = DeliveryStatus(query["status"]) if "status" in query else None
    page = look_at_run(actor(), execution_id, status=status, **limits_of(query))
    return page_of([listed.row for listed in page.deliveries], page.found, query)


@bp.post("/schedules/<int:schedule_id>/test_email/")
@bp.arguments(TestBody, example={"recipient_email": "tom@teacher.example"})
@bp.response(
    202,
    TestAnswer,
    example={
        "message": "The test mail is being sent.",
        "task_id": "41",
        "recipient_email": "tom@teacher.example",
    },
    headers=_HEADERS,
)
@bp.refuses(403, 409)
def test_email(
    data: dict[str, Any], schedule_id: int
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send a test mail.

    It holds what that person would get. To oneself, or to somebody whom the schedule's author may
    send it to; 403 for any other address."""
    count_mail()
    wrong = "Give an e-mail address, such as name@school.example."
    email = needed(data, "recipient_email", str, wrong)
    if not _ADDRESS.match(email):
        raise InvalidInput({"recipient_email": [wrong]})
    domain = current_app.config["MESSAGE_ID_DOMAIN"]
    task_id = send_test(actor(), schedule_id, clock.now(), message_domain=domain, email=email)
    told = {
        "message": "The test mail is being sent.",
        "task_id": str(task_id),
        "recipient_email": email,
    }
    return told, 202, {"Location": url_for(".task", task_id=task_id)}


@bp.get("/tasks/<task_id>/")
@bp.response(200, TaskAnswer, example=TASK_EXAMPLE)
def task(task_id: str) -> dict[str, Any]:
    """Look at a test mail.

    What became of the task that a test mail is."""
    with suppress(NotFound):
        execution = get_execution(actor(), read_key(task_id) or 0)
        if execution.trigger is Trigger.TEST:
            return task_fields(look_at_run(actor(), execution.id))
    raise NotFound("There is no such task.")


def run_of(schedule_id: int, execution_id: int) -> ReportScheduleExecution:
    """The run, if it is one of this schedule. Raises NotFound."""
    get_schedule(actor(), schedule_id)
    execution = get_execution(actor(), execution_id)
    if execution.schedule_id != schedule_id:
        raise NotFound("There is no such run.")
    return execution
