"""Who the token's person is, and what they may order and write."""

from typing import Any

from marshmallow import fields

from reportapp.access import Action, may, report_types_for
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.schemas import Answer, Choice
from reportapp.constants import ReportType, Role
from reportapp.models import User
from reportapp.written.kinds import kinds_by

bp = Blueprint("me", "/me", "The token's person")


class SchoolAnswer(Answer):
    """A school."""

    id = fields.Integer()
    name = fields.String()
    time_zone = fields.String()


class MeAnswer(Answer):
    """The token's person."""

    id = fields.Integer()
    name = fields.String()
    given_name = fields.String()
    family_name = fields.String()
    email = fields.String(allow_none=True)
    role = Choice(Role)
    time_zone = fields.String(
        attribute="zone_name", metadata={"description": "Their own, or the school's."}
    )
    school = fields.Nested(SchoolAnswer)
    orders = fields.List(
        Choice(ReportType), metadata={"description": "The reports they may make schedules for."}
    )
    writes = fields.List(
        Choice(ReportType), metadata={"description": "The reports they write themselves."}
    )


_EXAMPLE = {
    "id": 2,
    "name": "Tom Example",
    "given_name": "Tom",
    "family_name": "Example",
    "email": "tom@teacher.example",
    "role": "teacher",
    "time_zone": "Europe/Berlin",
    "school": {"id": 1, "name": "Lindenhof School", "time_zone": "Europe/Berlin"},
    "orders": ["student_report", "teacher_weekly_report", "class_analytics", "parent_progress"],
    "writes": ["student_report", "teacher_weekly_report"],
}
_OWN = ("id", "name", "given_name", "family_name", "email", "role", "zone_name", "school")


@bp.get("/")
@bp.response(200, MeAnswer, example=_EXAMPLE)
def show() -> dict[str, Any]:
    """Read who you are.

    A way to try out a token."""
    person: User = actor()
    orders = may(person, Action.MAKE_SCHEDULES)
    return {
        **{name: getattr(person, name) for name in _OWN},
        "orders": report_types_for(person.role) if orders else [],
        "writes": kinds_by(person.role),
    }
