"""A schedule's report as one of its recipients would get it."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.constants import ExportFormat
from reportapp.errors import NotFound
from reportapp.mail.compose import subject_of
from reportapp.rendering import RENDERERS, file_name, render, render_fragment
from reportapp.schedules.find import get_schedule
from reportapp.schedules.preview import Preview, preview
from reportapp.schedules.recipients import list_recipients
from reportapp.web.inputs import key_from
from reportapp.web.session import actor

bp = Blueprint("preview", __name__, url_prefix="/schedules")

#: A page with more rows than this is slow to show; the files hold all of them.
_MAX_ROWS = 500


@bp.get("/<int:schedule_id>/preview")
def show(schedule_id: int) -> ResponseReturnValue:
    now = clock.now()
    shown = _preview(schedule_id)
    schedule = get_schedule(actor(), schedule_id)
    document = shown.document if shown.reason is None else None
    people = [listed.row.recipient for listed in list_recipients(actor(), schedule_id, now)]
    if shown.recipient not in people:
        people.append(shown.recipient)  # a member of a group, of whom there may be very many
    return render_template(
        "schedules/preview.html",
        schedule=schedule,
        shown=shown,
        period=shown.period,
        subject=subject_of(schedule.name, document) if document else None,
        people=people,
        fragment=render_fragment(document, _MAX_ROWS) if document else None,
        formats=RENDERERS,
    )


@bp.get("/<int:schedule_id>/preview.<export_format>")
def download(schedule_id: int, export_format: str) -> ResponseReturnValue:
    if export_format not in set(ExportFormat):
        raise NotFound("There is no such format.")
    wanted = ExportFormat(export_format)
    document = _preview(schedule_id).document
    if document is None:
        raise NotFound("There is nothing to download: this person would get nothing.")
    answer = Response(render(document, wanted), content_type=RENDERERS[wanted].content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file_name(document, wanted))
    return answer


def _preview(schedule_id: int) -> Preview:
    """As the recipient whom the address names, or as the reader."""
    text = request.args.get("recipient")
    recipient_id = key_from(text, "Recipient not found") if text else actor().id
    return preview(actor(), schedule_id, recipient_id, clock.now())
