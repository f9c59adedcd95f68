"""Sending mails of a run again, taking them back, and having the files that were sent."""

from typing import Any

from flask import Response
from marshmallow import fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint, file_answer
from reportapp.api.limits import count_mail
from reportapp.api.runs import run_of
from reportapp.api.schemas import Answer, Body, Choice, Whole, key_and_no_more
from reportapp.constants import Resendable
from reportapp.errors import InvalidInput
from reportapp.keys import MAX_KEY
from reportapp.schedules.files import get_file
from reportapp.schedules.runs import cancel, resend

bp = Blueprint("mails", "/reports", "What can be done with a run's mails")

_RUN = "/schedules/<int:schedule_id>/executions/<int:execution_id>"


class CancelBody(Body):
    """Which mails: all of the run that it can be done to, or one."""

    delivery_id = Whole(1, MAX_KEY, allow_none=True, metadata={"description": "One mail's id."})


class ResendBody(CancelBody):
    """Which mails: all of the run that are of this kind, or one."""

    kind = Choice(Resendable, metadata={"default": Resendable.FAILED.value})


class CountAnswer(Answer):
    """To how many mails it was done."""

    count = fields.Integer()


@bp.post(f"{_RUN}/resend/")
@bp.arguments(ResendBody, required=False, example={"kind": "failed"})
@bp.response(202, CountAnswer, example={"count": 2})
@bp.refuses(409)
def send_again(data: dict[str, Any], schedule_id: int, execution_id: int) -> dict[str, Any]:
    """Send mails again.

    Those that failed, or of another kind; each with the Message-ID that it had. 409 where there is
    none."""
    execution = run_of(schedule_id, execution_id)
    kind, delivery_id = data.pop("kind", Resendable.FAILED), _one(data)
    if kind not in list(Resendable):
        raise InvalidInput({"kind": [f"This is none of the choices: {', '.join(Resendable)}."]})
    count_mail()
    kinds = (Resendable(kind),)
    number = resend(actor(), execution.id, clock.now(), delivery_id=delivery_id, kinds=kinds)
    return {"count": number}


@bp.post(f"{_RUN}/cancel/")
@bp.arguments(CancelBody, required=False, example={})
@bp.response(200, CountAnswer, example={"count": 2})
@bp.refuses(409)
def take_back(data: dict[str, Any], schedule_id: int, execution_id: int) -> dict[str, Any]:
    """Take mails back.

    Those that have not begun to leave. 409 where there is none."""
    execution = run_of(schedule_id, execution_id)
    return {"count": cancel(actor(), execution.id, clock.now(), delivery_id=_one(data))}


@bp.get("/deliveries/<int:delivery_id>/file/")
@bp.response(200, description="The file as it was sent.")
@bp.answers_file
@bp.refuses(410)
def file(delivery_id: int) -> Response:
    """Have a file that was sent.

    For its recipient and for who manages the schedule, while they may still see everybody in it;
    410 when it is kept no longer."""
    sent = get_file(actor(), delivery_id, clock.now())
    return file_answer(sent.data, sent.content_type, sent.name)


def _one(data: dict[str, Any]) -> int | None:
    """The mail that the body names, if it names one and nothing else."""
    return key_and_no_more(data, "delivery_id", "Give the mail's id, a whole number.")
