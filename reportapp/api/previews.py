"""What a schedule would send, and when, without sending or saving anything."""

from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields, validate

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import FILE, Blueprint, file_answer
from reportapp.api.schedule_examples import BODY_EXAMPLE
from reportapp.api.schedule_schemas import UnsavedScheduleBody, whole
from reportapp.api.schemas import Answer, Choice, QueryWhole
from reportapp.constants import ExportFormat, Reason
from reportapp.documents import Kind, ReportDocument
from reportapp.errors import NotFound
from reportapp.keys import MAX_KEY
from reportapp.recurrence import describe
from reportapp.rendering import RENDERERS, canonical, file_name, render, render_html
from reportapp.schedules.find import get_schedule
from reportapp.schedules.preview import Preview, preview
from reportapp.schedules.timing import sentence_of
from reportapp.schedules.upcoming import next_runs_of, upcoming_runs, why_no_runs

bp = Blueprint("previews", "/reports/schedules", "What a schedule would send, and when")

_FORMATS = [*ExportFormat, "html", "json"]
#: The printed page brings its own style sheet and needs nothing else.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class PreviewQuery(Schema):
    """Whose report, and as what."""

    recipient_id = QueryWhole(
        metadata={"description": "Somebody on the schedule; without it, oneself.", "example": 31}
    )
    format = Choice(_FORMATS, load_default="json")


class CountQuery(Schema):
    """How many runs to come."""

    count = QueryWhole(
        load_default=10,
        validate=validate.Range(1, 50, error="Give a number from 1 to 50."),
        metadata={"example": 10},
    )


class FigureAnswer(Answer):
    """One number of the summary."""

    label = fields.String()
    value = fields.Raw(allow_none=True, metadata={"type": ["string", "number"]})
    kind = Choice(Kind)
    change = fields.Float(
        allow_none=True, metadata={"description": "Percentage points, against the period before."}
    )


class ColumnAnswer(Answer):
    """A column of a table."""

    title = fields.String()
    kind = Choice(Kind)


class SectionAnswer(Answer):
    """A table with its title."""

    title = fields.String()
    columns = fields.List(fields.Nested(ColumnAnswer))
    rows = fields.List(
        fields.List(fields.Raw(allow_none=True, metadata={"type": ["string", "number"]}))
    )


class DocumentAnswer(Answer):
    """A report's content."""

    title = fields.String()
    school = fields.String()
    author = fields.String()
    students = fields.List(fields.String(), metadata={"description": "Whom it is about."})
    figures = fields.List(fields.Nested(FigureAnswer))
    sections = fields.List(fields.Nested(SectionAnswer))
    remarks = fields.List(fields.String())


class PreviewAnswer(Answer):
    """What one person would get now: a document, or nothing for a reason."""

    schedule = fields.Integer()
    recipient = fields.Integer()
    recipient_name = fields.String()
    period_start = fields.Date()
    period_end = fields.Date(metadata={"description": "The day after the last one."})
    reason = Choice(Reason, allow_none=True)
    document = fields.Nested(DocumentAnswer, allow_none=True)


class UpcomingAnswer(Answer):
    """A day of the rhythm: its run, or that it is left out."""

    day = fields.Date(attribute="meant", metadata={"description": "The day that is meant."})
    run = fields.DateTime(allow_none=True, metadata={"description": "null: it is left out."})
    period_start = fields.Date(attribute="period.start", allow_none=True, dump_default=None)
    period_end = fields.Date(attribute="period.end", allow_none=True, dump_default=None)
    reason = fields.String(
        allow_none=True, metadata={"description": "Why it is moved or left out."}
    )


class NextRunsAnswer(Answer):
    """The runs to come, and the rhythm as a sentence."""

    description = fields.String()
    reason = fields.String(
        allow_none=True, metadata={"description": "Why there are none; null: there are."}
    )
    results = fields.List(fields.Nested(UpcomingAnswer))


_PREVIEWED = {
    "schedule": 7,
    "recipient": 31,
    "recipient_name": "Pia Example",
    "period_start": "2026-11-16",
    "period_end": "2026-11-23",
    "reason": None,
    "document": {
        "title": "Student report",
        "school": "Lindenhof School",
        "author": "Tom Example",
        "students": ["Ana Example"],
        "figures": [{"label": "Average score", "value": 81.0, "kind": "percent", "change": 10.0}],
        "sections": [
            {
                "title": "Students by class",
                "columns": [{"title": "Student", "kind": "text"}],
                "rows": [["Ana Example"]],
            }
        ],
        "remarks": [],
    },
}
_NEXT = {
    "description": "Mondays at 09:00, Berlin",
    "reason": None,
    "results": [
        {
            "day": "2026-11-30",
            "run": "2026-11-30T08:00:00+00:00",
            "period_start": "2026-11-23",
            "period_end": "2026-11-30",
            "reason": None,
        }
    ],
}


@bp.get("/<int:schedule_id>/preview/")
@bp.arguments(PreviewQuery, location="query")
@bp.response(200, PreviewAnswer, example=_PREVIEWED)
@bp.answers_file
@bp.alt_response(200, schema=FILE, content_type="text/html", description="What they would get.")
def show(query: dict[str, Any], schedule_id: int) -> Response:
    """Look at a report.

    As somebody on the schedule would get it if it ran now. As JSON it may be nothing, for a reason;
    as a file that is 404."""
    person = query.get("recipient_id", actor().id)
    if not 0 < person <= MAX_KEY:
        raise NotFound("Recipient not found")
    seen = preview(actor(), schedule_id, person, clock.now())
    if query["format"] == "json":
        return jsonify(_PREVIEW.dump(_fields(seen, schedule_id)))
    if seen.document is None:
        raise NotFound(f"This person would get nothing: {seen.reason}.")
    if query["format"] == "html":
        answer = Response(render_html(seen.document), content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _PAGE_POLICY
        return answer
    return _file(seen.document, ExportFormat(query["format"]))


@bp.get("/<int:schedule_id>/next_runs/")
@bp.arguments(CountQuery, location="query")
@bp.response(200, NextRunsAnswer, example=_NEXT)
def next_runs(query: dict[str, Any], schedule_id: int) -> dict[str, Any]:
    """List the runs to come.

    With the days that are left out or moved between them; none, for a `reason`, while it is
    switched off or when it has ended."""
    schedule, now = get_schedule(actor(), schedule_id), clock.now()
    runs = next_runs_of(schedule, now, query["count"])
    return {
        "description": sentence_of(schedule, now),
        "reason": why_no_runs(schedule),
        "results": runs,
    }


@bp.post("/preview_runs/")
@bp.arguments(CountQuery, location="query")
@bp.arguments(UnsavedScheduleBody, required=False, example=BODY_EXAMPLE)
@bp.response(200, NextRunsAnswer, example=_NEXT)
@bp.refuses(403)
def preview_runs(query: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """List the runs of a schedule that is not saved.

    Of the fields, only those of the rhythm count."""
    now = clock.now()
    rule, runs = upcoming_runs(actor(), whole(data, actor()), now, count=query["count"])
    sentence = describe(rule, now.astimezone(rule.zone).date())
    return {"description": sentence, "reason": None, "results": runs}


_PREVIEW = PreviewAnswer()


def _file(document: ReportDocument, wanted: ExportFormat) -> Response:
    data, name = render(document, wanted), file_name(document, wanted)
    return file_answer(data, RENDERERS[wanted].content_type, name)


def _fields(seen: Preview, schedule_id: int) -> dict[str, Any]:
    return {
        "schedule": schedule_id,
        "recipient": seen.recipient.id,
        "recipient_name": seen.recipient.name,
        "period_start": seen.period.start,
        "period_end": seen.period.end,
        "reason": seen.reason,
        "document": None if seen.document is None else _document_fields(canonical(seen.document)),
    }


def _document_fields(document: ReportDocument) -> dict[str, Any]:
    return {
        **{name: getattr(document, name) for name in ("title", "school", "author", "students")},
        "figures": [
            {**asdict(figure), "value": _plain(figure.value)} for figure in document.figures
        ],
        "sections": [
            {
                "title": section.title,
                "columns": section.table.columns,
                "rows": [[_plain(value) for value in row] for row in section.table.rows],
            }
            for section in document.sections
        ],
        "remarks": document.remarks,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
