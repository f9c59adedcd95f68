"""Putting people on a schedule and taking them off."""

from typing import Any

from marshmallow import Schema, fields, validate

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import PageQuery, limits_of, page_example, page_of, pages_of
from reportapp.api.schedule_examples import RECIPIENT_EXAMPLE
from reportapp.api.schedule_schemas import RecipientAnswer
from reportapp.api.schemas import Answer, Body, Choice, QueryFlag, QueryWhole, Search, Whole, needed
from reportapp.constants import AudienceKind, Reason
from reportapp.errors import NotFound
from reportapp.keys import MAX_KEY
from reportapp.models import ReportScheduleRecipient
from reportapp.schedules.addresses import send_again_for_schedule
from reportapp.schedules.audiences import check_audience
from reportapp.schedules.overview import Reader, list_readers
from reportapp.schedules.recipients import (
    Subjects,
    add_recipient,
    let_in,
    page_of_recipients,
    remove_recipient,
)

bp = Blueprint("schedule-recipients", "/reports/schedules", "Who receives a schedule")

_READER = {
    "recipient": 31,
    "recipient_name": "Pia Example",
    "recipient_email": "pia@parent.example",
    "by_name": False,
    "groups": ["Guardians of 7a Mathematics"],
    "students_count": 1,
    "students": ["Ana Example"],
    "reason": None,
}


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


class WhoQuery(PageQuery):
    """Which people."""

    search = Search("Every word of it is in the name or address.", "pia")
    gets = QueryFlag(
        metadata={"description": "true: only who would get something; false: only who would not."}
    )
    kind = Choice(
        AudienceKind,
        metadata={"description": "Instead, who is in this group, which may not be on it yet."},
    )
    class_group_id = QueryWhole(
        validate=validate.Range(1, MAX_KEY, error="Give an id, such as 7."),
        metadata={"description": "The group's class, where it is of one."},
    )


class ReaderAnswer(Answer):
    """Somebody on a schedule, by name or through a group, and what a run would bring them."""

    recipient = fields.Integer(metadata={"description": "The person's id."})
    recipient_name = fields.String()
    recipient_email = fields.String(allow_none=True)
    by_name = fields.Boolean(metadata={"description": "They were put on it by name."})
    groups = fields.List(
        fields.String(), metadata={"description": "The groups through which they are on it."}
    )
    students_count = fields.Integer(
        metadata={"description": "About how many students a report for them would be."}
    )
    students = fields.List(
        fields.String(), metadata={"description": "Their names, where they are three at most."}
    )
    reason = Choice(
        Reason,
        allow_none=True,
        metadata={"description": "Why they would get nothing; null: nothing stands in the way."},
    )


@bp.get("/<int:schedule_id>/recipients/")
@bp.arguments(PageQuery, location="query")
@bp.response(200, pages_of(RecipientAnswer), example=page_example(RECIPIENT_EXAMPLE))
def index(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """List recipients, by name.

    Those who were put on it by name: the same rows as in the schedule, a page at a time."""
    rows, total = page_of_recipients(actor(), schedule_id, **limits_of(query))
    return page_of(rows, total, query)


@bp.get("/<int:schedule_id>/who/")
@bp.arguments(WhoQuery, location="query")
@bp.response(200, pages_of(ReaderAnswer), example=page_example(_READER))
def who(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """List who gets what, by name.

    Everybody on it, by name or through a group: about whom their report would be if it ran now, or
    why they would get nothing. Whether there is something to report, only a run can tell. With
    `kind`, who would be on it through that group."""
    now, class_id = clock.now(), query.get("class_group_id")
    adding = None
    if "kind" in query:
        adding = check_audience(actor(), schedule_id, query["kind"], class_id, now)
    found, total = list_readers(
        actor(),
        schedule_id,
        now,
        text=query["search"],
        gets=query.get("gets"),
        adding=adding,
        **limits_of(query),
    )
    return page_of([_reader_fields(*one) for one in found], total, query)


@bp.post("/<int:schedule_id>/recipients/")
@bp.arguments(RecipientBody, example={"recipient_id": 31})
@bp.response(201, RecipientAnswer, example=RECIPIENT_EXAMPLE)
@bp.refuses(409)
def add(data: dict[str, Any], schedule_id: int) -> ReportScheduleRecipient:
    """Add a recipient.

    Doing it again gives the same row. Who has unsubscribed can only come back by themselves: 409.
    Whom the author may not write to is not found."""
    return add_recipient(actor(), schedule_id, _named(data), clock.now())


@bp.delete("/<int:schedule_id>/remove_recipient/")
@bp.arguments(RecipientQuery, location="query")
@bp.response(200, MessageAnswer, example={"message": "Pia Example no longer receives this report."})
def remove(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """Take a recipient off.

    They stay off, also as members of a group, until they are added again or let in."""
    person = _person(needed(query, "recipient_id", int, ""))
    row = remove_recipient(actor(), schedule_id, person, clock.now())
    return {"message": f"{row.recipient.name} no longer receives this report."}


@bp.post("/<int:schedule_id>/let_in/")
@bp.arguments(RecipientBody, example={"recipient_id": 31})
@bp.response(
    200, MessageAnswer, example={"message": "Pia Example belongs to this report's groups again."}
)
def bring_back(data: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """Let somebody in again.

    Takes back that they were taken off: they receive it as members of its groups, if they are in
    any. Doing it again changes nothing."""
    row = let_in(actor(), schedule_id, _named(data))
    return {"message": f"{row.recipient.name} belongs to this report's groups again."}


@bp.post("/<int:schedule_id>/send_to_address/")
@bp.arguments(RecipientBody, example={"recipient_id": 31})
@bp.response(
    200, MessageAnswer, example={"message": "Mails are sent to Pia Example's address again."}
)
def send_to_address(data: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """Try an address again.

    One that has refused so many mails that none go there any more (`suspended`). Doing it again
    changes nothing."""
    person = send_again_for_schedule(actor(), schedule_id, _named(data), clock.now())
    return {"message": f"Mails are sent to {person.name}'s address again."}


def _reader_fields(reader: Reader, subjects: Subjects) -> dict[str, Any]:
    return {
        "recipient": reader.person.id,
        "recipient_name": reader.person.name,
        "recipient_email": reader.person.email,
        "by_name": reader.by_name,
        "groups": reader.through,
        "students_count": subjects.count,
        "students": subjects.names,
        "reason": reader.reason,
    }


def _named(data: dict[str, Any]) -> int:
    return _person(needed(data, "recipient_id", int, "Give the person's id, a whole number."))


def _person(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFound("Recipient not found")
    return number
