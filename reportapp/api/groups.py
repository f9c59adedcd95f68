"""Groups that receive a schedule: who that is, is told apart anew for every run."""

from typing import Any

from marshmallow import fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.schedule_schemas import AudienceAnswer
from reportapp.api.schemas import Answer, Body, Choice, Whole, key_and_no_more
from reportapp.constants import AudienceKind
from reportapp.keys import MAX_KEY
from reportapp.schedules.audiences import (
    ListedAudience,
    add_audience,
    audience_choices,
    list_audiences,
    remove_audience,
)

bp = Blueprint("groups", "/reports/schedules/<int:schedule_id>/groups", "Groups of recipients")

_EXAMPLE = {
    "id": 3,
    "kind": "class_guardians",
    "class_group_id": 5,
    "title": "Guardians of 7a Mathematics",
    "people": 24,
}


class GroupBody(Body):
    """Which group."""

    kind = Choice(AudienceKind, required=True)
    class_group_id = Whole(
        1, MAX_KEY, allow_none=True, metadata={"description": "For those that are of one class."}
    )


class KindAnswer(Answer):
    """A kind of group that can be added."""

    kind = Choice(AudienceKind)
    title = fields.String()


class ClassAnswer(Answer):
    """A class for those groups that are of one."""

    id = fields.Integer()
    title = fields.String()


class GroupsAnswer(Answer):
    """The groups of a schedule, and what can be added."""

    results = fields.List(fields.Nested(AudienceAnswer))
    kinds = fields.List(fields.Nested(KindAnswer))
    classes = fields.List(fields.Nested(ClassAnswer))


@bp.get("/")
@bp.response(
    200,
    GroupsAnswer,
    example={
        "results": [_EXAMPLE],
        "kinds": [{"kind": "all_tutors", "title": "All tutors"}],
        "classes": [{"id": 5, "title": "7a Mathematics"}],
    },
)
def index(schedule_id: int) -> dict[str, Any]:
    """List groups.

    Those that receive it, and those that could."""
    now = clock.now()
    choices = audience_choices(actor(), schedule_id, now)
    return {
        "results": list_audiences(actor(), schedule_id, now),
        "kinds": [{"kind": kind, "title": title} for kind, title in choices.kinds.items()],
        "classes": choices.classes,
    }


@bp.post("/")
@bp.arguments(GroupBody, example={"kind": "class_guardians", "class_group_id": 5})
@bp.response(201, AudienceAnswer, example=_EXAMPLE)
def add(data: dict[str, Any], schedule_id: int) -> ListedAudience:
    """Add a group.

    Doing it again changes nothing. Nobody is in it whom the schedule's author could not add by
    name."""
    kind = data.pop("kind", None)
    class_id = key_and_no_more(data, "class_group_id", "Give the class's id, a whole number.")
    now = clock.now()
    wanted = add_audience(actor(), schedule_id, kind, class_id, now)
    (added,) = (
        one
        for one in list_audiences(actor(), schedule_id, now)
        if (one.audience.kind, one.audience.class_group_id) == (wanted.kind, wanted.class_group_id)
    )
    return added


@bp.delete("/<int:group_id>/")
@bp.response(204)
def remove(schedule_id: int, group_id: int) -> None:
    """Take a group off.

    Who is on the schedule by name or through another group stays."""
    remove_audience(actor(), schedule_id, group_id)
