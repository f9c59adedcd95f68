"""Reports that people write: for each kind the same operations."""

from typing import Any

from flask import Response, request, url_for

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import limits_of, page_example, page_of
from reportapp.api.versions import ETAG, IF_MATCH, IF_NONE_MATCH, versioned, versions_seen
from reportapp.api.written_schemas import WrittenSchemas, filter_of, schemas_of, written_fields
from reportapp.constants import ReportType
from reportapp.written import single
from reportapp.written.lists import get_visible, list_visible
from reportapp.written.reading import acknowledge

_PATHS = {
    ReportType.STUDENT_REPORT: ("student-reports", "Teachers' reports on a student in a class"),
    ReportType.TUTOR_WEEKLY_REPORT: ("tutor-weekly-reports", "Tutors' weekly reports"),
    ReportType.TEACHER_WEEKLY_REPORT: ("teacher-weekly-reports", "Teachers' weekly notes"),
}


def _blueprint(kind: ReportType) -> Blueprint:
    path, about = _PATHS[kind]
    bp, schemas = Blueprint(path, f"/reports/{path}", about), schemas_of(kind)
    _reading(bp, kind, schemas)
    _making(bp, kind, schemas)
    _changing(bp, kind, schemas)
    _sending(bp, kind, schemas)
    return bp


def _reading(bp: Blueprint, kind: ReportType, schemas: WrittenSchemas) -> None:
    answer, answers = schemas.answer(), schemas.page
    page = page_example(schemas.example)

    @bp.get("/")
    @bp.arguments(schemas.query, location="query")
    @bp.response(200, answers, example=page)
    @bp.refuses(404)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        """List reports.

        Those that you have written, drafts first and without versions that were replaced, and
        those that others have sent and you may read."""
        wanted = filter_of(kind, query)
        found, total = list_visible(actor(), wanted, clock.now(), **limits_of(query))
        return page_of([written_fields(one, actor()) for one in found], total, query)

    @bp.get("/<int:report_id>/")
    @bp.doc(parameters=[IF_NONE_MATCH])
    @bp.response(200, answer, example=schemas.example, headers={"ETag": ETAG})
    @bp.alt_response(304, description="Nothing has changed.", headers={"ETag": ETAG})
    def show(report_id: int) -> Response:
        """Read a report.

        Unlike opening its page, this does not count as having read it."""
        seen = _answer(kind, answer, report_id)
        seen.make_conditional(request)
        return seen


def _making(bp: Blueprint, kind: ReportType, schemas: WrittenSchemas) -> None:
    answer = schemas.answer()
    headers = {"ETag": ETAG, "Location": {"schema": {"type": "string"}}}

    @bp.post("/")
    @bp.arguments(schemas.new, example=schemas.new_example)
    @bp.response(201, answer, example=schemas.example, headers=headers)
    @bp.refuses(403, 404, 409)
    def create(data: dict[str, Any]) -> Response:
        """Write a draft.

        On one of your own students; nobody else sees it before it is sent. There is one report
        for each student and time: 409 where you have written it already."""
        return _made(bp, kind, answer, single.create(actor(), kind, data, clock.now()))

    @bp.post("/<int:report_id>/correct/")
    @bp.arguments(schemas.words, required=False, example=schemas.words_example)
    @bp.response(201, answer, example=schemas.example, headers=headers)
    @bp.refuses(403, 409)
    def correct(data: dict[str, Any], report_id: int) -> Response:
        """Correct what was sent.

        By a draft of the next version, with these words changed. When it is sent, it takes the
        place of this one."""
        made = single.correct(actor(), kind, report_id, data, clock.now())
        return _made(bp, kind, answer, made)


def _changing(bp: Blueprint, kind: ReportType, schemas: WrittenSchemas) -> None:
    answer = schemas.answer()

    @bp.patch("/<int:report_id>/")
    @bp.doc(parameters=[IF_MATCH])
    @bp.arguments(schemas.words, required=False, example=schemas.words_example)
    @bp.response(200, answer, example=schemas.example, headers={"ETag": ETAG})
    @bp.refuses(403, 409, 412)
    def change(data: dict[str, Any], report_id: int) -> Response:
        """Change some words of a draft."""
        seen = versions_seen()
        single.change(actor(), kind, report_id, data, clock.now(), versions=seen)
        return _answer(kind, answer, report_id)

    @bp.put("/<int:report_id>/")
    @bp.doc(parameters=[IF_MATCH])
    @bp.arguments(schemas.words, example=schemas.words_example)
    @bp.response(200, answer, example=schemas.example, headers={"ETag": ETAG})
    @bp.refuses(403, 409, 412)
    def replace(data: dict[str, Any], report_id: int) -> Response:
        """Set all words of a draft.

        What is not there becomes empty."""
        seen = versions_seen()
        single.change(actor(), kind, report_id, data, clock.now(), whole=True, versions=seen)
        return _answer(kind, answer, report_id)

    @bp.delete("/<int:report_id>/")
    @bp.doc(parameters=[IF_MATCH])
    @bp.response(204)
    @bp.refuses(403, 409, 412)
    def delete(report_id: int) -> None:
        """Throw a draft away.

        What was sent stays: 409."""
        single.delete(actor(), kind, report_id, clock.now(), versions=versions_seen())


def _sending(bp: Blueprint, kind: ReportType, schemas: WrittenSchemas) -> None:
    answer = schemas.answer()

    @bp.post("/<int:report_id>/send/")
    @bp.doc(parameters=[IF_MATCH])
    @bp.response(200, answer, example=schemas.example, headers={"ETag": ETAG})
    @bp.refuses(403, 409, 412)
    def send(report_id: int) -> Response:
        """Send a draft.

        From now on others may read it in the app; no mail is sent. Sending it again changes
        nothing."""
        single.publish(actor(), kind, report_id, clock.now(), versions=versions_seen())
        return _answer(kind, answer, report_id)

    @bp.post("/<int:report_id>/acknowledge/")
    @bp.response(200, answer, example=schemas.example, headers={"ETag": ETAG})
    @bp.refuses(403, 409)
    def confirm(report_id: int) -> Response:
        """Confirm that you have read it.

        For parents: the author sees it."""
        get_visible(actor(), kind, report_id, clock.now())
        acknowledge(actor(), kind, report_id, clock.now())
        return _answer(kind, answer, report_id)


def _answer(kind: ReportType, schema: Any, report_id: int) -> Response:
    listed = get_visible(actor(), kind, report_id, clock.now())
    body = schema.dump(written_fields(listed, actor()))
    return versioned(body, single.version_of(kind, listed.report))


def _made(bp: Blueprint, kind: ReportType, schema: Any, report_id: int) -> Response:
    answer = _answer(kind, schema, report_id)
    answer.status_code = 201
    answer.headers["Location"] = url_for(f"{bp.name}.show", report_id=report_id)
    return answer


BLUEPRINTS = tuple(_blueprint(kind) for kind in _PATHS)
