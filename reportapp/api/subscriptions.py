"""The reports that the token's person receives; leaving one, and coming back."""

from typing import Any

from marshmallow import fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import PageQuery, limits_of, page_example, page_of, pages_of
from reportapp.api.schemas import Answer, Body, Choice, QueryFlag, needed
from reportapp.constants import ReportType
from reportapp.schedules.subscriptions import my_subscriptions, set_subscribed
from reportapp.schedules.timing import sentence_of

bp = Blueprint("subscriptions", "/reports/schedules", "One's own subscriptions")
#: The unsubscribe token is the authority here, as in a mail's link.
public_bp = Blueprint("unsubscribe", "/reports/schedules", "Leaving a report, without a token")

_TOKEN = "kJ8mQ2vX9sT4bN7wE1rZ5g"  # noqa: S105 (an example)


class SubscriptionAnswer(Answer):
    """A report that somebody receives."""

    id = fields.Integer()
    schedule = fields.Integer(attribute="schedule_id")
    schedule_name = fields.String(attribute="schedule.name")
    report_type = Choice(ReportType, attribute="schedule.report_type")
    description = fields.String(metadata={"description": "When it comes, as a sentence."})
    created_by_name = fields.String(attribute="schedule.created_by.name")
    next_scheduled = fields.DateTime(attribute="schedule.next_scheduled", allow_none=True)
    is_subscribed = fields.Boolean()
    added_at = fields.DateTime()
    unsubscribe_token = fields.String(metadata={"description": "Nobody else gets to see it."})


class TokenBody(Body):
    """Which subscription."""

    unsubscribe_token = fields.String(required=True, metadata={"minLength": 1})


class LeftAnswer(Answer):
    """What has become of it."""

    message = fields.String()
    schedule_name = fields.String()


_EXAMPLE = {
    "id": 12,
    "schedule": 7,
    "schedule_name": "Monday report",
    "report_type": "student_report",
    "description": "Mondays at 09:00, Berlin",
    "created_by_name": "Tom Example",
    "next_scheduled": "2026-11-30T08:00:00+00:00",
    "is_subscribed": True,
    "added_at": "2026-11-23T07:30:00+00:00",
    "unsubscribe_token": _TOKEN,
}


class MineQuery(PageQuery):
    """Which of one's subscriptions."""

    is_subscribed = QueryFlag(
        load_default=True,
        metadata={"description": "false: those that one has left, with the token for undoing it."},
    )


@bp.get("/my_subscriptions/")
@bp.arguments(MineQuery, location="query")
@bp.response(
    200,
    pages_of(SubscriptionAnswer),
    example=page_example(_EXAMPLE),
)
@bp.refuses(404)
def mine(query: dict[str, Any]) -> dict[str, Any]:
    """List the reports that I receive.

    By name; with `is_subscribed=false` those that I have left instead."""
    now, wanted = clock.now(), query["is_subscribed"]
    rows = [row for row in my_subscriptions(actor(), now) if row.is_subscribed is wanted]
    page, size = limits_of(query).values()
    listed = rows[(page - 1) * size : page * size]
    for row in listed:
        row.description = sentence_of(row.schedule, now)  # type: ignore[attr-defined]
    return page_of(listed, len(rows), query)


@public_bp.post("/unsubscribe/")
@public_bp.arguments(TokenBody, example={"unsubscribe_token": _TOKEN})
@public_bp.response(
    200,
    LeftAnswer,
    example={
        "message": "You will no longer receive this report.",
        "schedule_name": "Monday report",
    },
)
@public_bp.refuses(404)
def leave(data: dict[str, Any]) -> dict[str, Any]:
    """Unsubscribe.

    Without an API token: the unsubscribe token is enough. Doing it again changes nothing."""
    return _set(data, False, "You will no longer receive this report.")


@public_bp.post("/unsubscribe/undo/")
@public_bp.arguments(TokenBody, example={"unsubscribe_token": _TOKEN})
@public_bp.response(
    200,
    LeftAnswer,
    example={"message": "You will receive this report again.", "schedule_name": "Monday report"},
)
@public_bp.refuses(404)
def undo(data: dict[str, Any]) -> dict[str, Any]:
    """Subscribe again.

    Takes an unsubscribing back, with the same unsubscribe token."""
    return _set(data, True, "You will receive this report again.")


def _set(data: dict[str, Any], subscribed: bool, message: str) -> dict[str, Any]:
    token = needed(data, "unsubscribe_token", str, "Give the token, a text.")
    row = set_subscribed(token, subscribed, clock.now())
    return {"message": message, "schedule_name": row.schedule.name}
