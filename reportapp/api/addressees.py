"""People to whom one may send."""

from typing import Any

from marshmallow import fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import PageQuery, limits_of, page_example, page_of, pages_of
from reportapp.api.schemas import Answer, Choice, Search
from reportapp.constants import ReportType, Role
from reportapp.schedules.addressees import search_addressees

bp = Blueprint("recipients", "/reports/recipients", "People to whom you may send")


class AddresseeQuery(PageQuery):
    """Which people."""

    search = Search("Every word of it is in the name or address, or in that of a child.", "example")
    report_type = Choice(
        ReportType, metadata={"description": "Only those who may read reports of this type."}
    )


class PersonAnswer(Answer):
    """Somebody who can be put on a schedule."""

    id = fields.Integer(metadata={"description": "What `recipient_id` takes."})
    name = fields.String()
    email = fields.String(
        allow_none=True, metadata={"description": "null: nothing can be sent to them."}
    )
    role = Choice(Role)


PersonPageAnswer = pages_of(PersonAnswer)
_EXAMPLE = {"id": 31, "name": "Pia Example", "email": "pia@parent.example", "role": "parent"}


@bp.get("/")
@bp.arguments(AddresseeQuery, location="query")
@bp.response(
    200,
    PersonPageAnswer,
    example=page_example(_EXAMPLE),
)
@bp.refuses(403, 404)
def index(query: dict[str, Any]) -> dict[str, Any]:
    """List whom you may send to, by name.

    Admins may send to everybody in their school; others to colleagues, their students and those
    students' guardians. What each of them gets, is only what they may see. Families may send
    nothing: 403."""
    found, total = search_addressees(
        actor(),
        query["search"],
        clock.now(),
        report_type=query.get("report_type"),
        **limits_of(query),
    )
    return page_of(found, total, query)
