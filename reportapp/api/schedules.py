"""Schedules: listing, making, reading, changing and deleting them."""

from typing import Any

from flask import Response, request, url_for

from reportapp import clock
from reportapp.access import Action, may
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import limits_of, page_example, page_of
from reportapp.api.schedule_examples import ANSWER_EXAMPLE, BODY_EXAMPLE, DETAIL_EXAMPLE
from reportapp.api.schedule_schemas import (
    NewScheduleBody,
    ScheduleBody,
    ScheduleDetailAnswer,
    SchedulePageAnswer,
    ScheduleQuery,
    detail_fields,
    listed_fields,
    whole,
)
from reportapp.api.versions import ETAG, IF_MATCH, IF_NONE_MATCH, versioned, versions_seen
from reportapp.schedules.edit import (
    create_schedule,
    delete_schedule,
    update_schedule,
    version_of,
)
from reportapp.schedules.find import Filter, get_schedule
from reportapp.schedules.seen import list_seen, see_schedule

bp = Blueprint("schedules", "/reports/schedules", "Standing orders for reports")

_DETAIL = ScheduleDetailAnswer()


@bp.get("/")
@bp.arguments(ScheduleQuery, location="query")
@bp.response(
    200,
    SchedulePageAnswer,
    example=page_example(ANSWER_EXAMPLE),
)
@bp.refuses(404)
def index(query: dict[str, Any]) -> dict[str, Any]:
    """List schedules.

    Admins see those of their school, other authors their own; everybody else those that they
    receive."""
    now = clock.now()
    names = ("is_active", "frequency", "report_type", "search", "ordering")
    chosen = Filter(**{name: query[name] for name in names if name in query})
    found, total = list_seen(actor(), now, chosen, **limits_of(query))
    manages = may(actor(), Action.MAKE_SCHEDULES)
    rows = [listed_fields(listed, now, manages=manages) for listed in found]
    return page_of(rows, total, query)


@bp.post("/")
@bp.arguments(NewScheduleBody, example=BODY_EXAMPLE)
@bp.response(
    201,
    ScheduleDetailAnswer,
    example=DETAIL_EXAMPLE,
    headers={"ETag": ETAG, "Location": {"schema": {"type": "string"}}},
)
@bp.refuses(403)
def create(data: dict[str, Any]) -> Response:
    """Make a schedule.

    Its first run is planned at once. Families may not make any: 403."""
    schedule = create_schedule(actor(), whole(data, actor()), clock.now())
    answer = _answer(schedule.id)
    answer.status_code = 201
    answer.headers["Location"] = url_for(".show", schedule_id=schedule.id)
    return answer


@bp.get("/<int:schedule_id>/")
@bp.doc(parameters=[IF_NONE_MATCH])
@bp.response(200, ScheduleDetailAnswer, example=DETAIL_EXAMPLE, headers={"ETag": ETAG})
@bp.alt_response(304, description="Nothing has changed.", headers={"ETag": ETAG})
def show(schedule_id: int) -> Response:
    """Read a schedule.

    With its recipients and its last five runs. Who receives it may read it too, without those."""
    answer = _answer(schedule_id)
    answer.make_conditional(request)
    return answer


@bp.patch("/<int:schedule_id>/")
@bp.doc(parameters=[IF_MATCH])
@bp.arguments(ScheduleBody, required=False, example={"time": "07:30"})
@bp.response(200, ScheduleDetailAnswer, example=DETAIL_EXAMPLE, headers={"ETag": ETAG})
@bp.refuses(412)
def change(data: dict[str, Any], schedule_id: int) -> Response:
    """Change some fields.

    The next run is planned anew; what was due before is sent as it was ordered."""
    update_schedule(actor(), schedule_id, data, clock.now(), versions=versions_seen())
    return _answer(schedule_id)


@bp.put("/<int:schedule_id>/")
@bp.doc(parameters=[IF_MATCH])
@bp.arguments(NewScheduleBody, example=BODY_EXAMPLE)
@bp.response(200, ScheduleDetailAnswer, example=DETAIL_EXAMPLE, headers={"ETag": ETAG})
@bp.refuses(412)
def replace(data: dict[str, Any], schedule_id: int) -> Response:
    """Set all fields.

    What is not there becomes what it is in a new schedule. Recipients stay."""
    author = get_schedule(actor(), schedule_id).created_by
    fields = whole(data, author)
    update_schedule(actor(), schedule_id, fields, clock.now(), versions=versions_seen())
    return _answer(schedule_id)


@bp.delete("/<int:schedule_id>/")
@bp.doc(parameters=[IF_MATCH])
@bp.response(204)
@bp.refuses(412)
def delete(schedule_id: int) -> None:
    """Delete a schedule.

    The ledger of what it sent stays; nothing of it is sent any more."""
    delete_schedule(actor(), schedule_id, clock.now(), versions=versions_seen())


def _answer(schedule_id: int) -> Response:
    """A run that has ended meanwhile keeps nobody from saving."""
    now = clock.now()
    seen = see_schedule(actor(), schedule_id, now)
    return versioned(_DETAIL.dump(detail_fields(seen, now)), version_of(seen.schedule))
