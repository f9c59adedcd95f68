"""Putting people on a schedule and taking them off."""

from typing import Any

from marshmallow import Schema, fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.schedule_examples import RECIPIENT_EXAMPLE
from reportapp.api.schedule_schemas import RecipientAnswer
from reportapp.api.schemas import Answer, Body, QueryWhole, Whole, needed
from reportapp.errors import NotFound
from reportapp.keys import MAX_KEY
from reportapp.models import ReportScheduleRecipient
from reportapp.schedules.recipients import add_recipient, remove_recipient

bp = Blueprint("schedule-recipients", "/reports/schedules", "Who receives a schedule")


class RecipientBody(Body):
    """Whom to add."""

    recipient_id = Whole(required=True, metadata={"description": "The person's id."})


class RecipientQuery(Schema):
    """Whom to take off."""

    recipient_id = QueryWhole(
        required=True, metadata={"description": "The person's id.", "example": 31}
    )

    def load(self, data: Any, **options: Any) -> Any:
        """Where it is missing, the view says so."""
        return super().load(data, **{**options, "partial": True})


class MessageAnswer(Answer):
    """That it was done, as a sentence."""

    message = fields.String()


@bp.post("/<int:schedule_id>/recipients/")
@bp.arguments(RecipientBody, example={"recipient_id": 31})
@bp.response(201, RecipientAnswer, example=RECIPIENT_EXAMPLE)
@bp.refuses(409)
def add(data: dict[str, Any], schedule_id: int) -> ReportScheduleRecipient:
    """Add a recipient.

    Doing it again gives the same row. Who has unsubscribed can only come back by themselves: 409.
    Whom the author may not write to is not found."""
    person = _person(needed(data, "recipient_id", int, "Give the person's id, a whole number."))
    return add_recipient(actor(), schedule_id, person, clock.now())


@bp.delete("/<int:schedule_id>/remove_recipient/")
@bp.arguments(RecipientQuery, location="query")
@bp.response(200, MessageAnswer, example={"message": "Pia Example no longer receives this report."})
def remove(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """Take a recipient off.

    They stay off, also as members of a group, until they are added again."""
    person = _person(needed(query, "recipient_id", int, ""))
    row = remove_recipient(actor(), schedule_id, person, clock.now())
    return {"message": f"{row.recipient.name} no longer receives this report."}


def _person(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFound("Recipient not found")
    return number
