"""The classes that one may use, and the students in them."""

from typing import Any

from marshmallow import fields

from reportapp import clock
from reportapp.api.auth import actor
from reportapp.api.blueprint import Blueprint
from reportapp.api.paging import PageQuery, limits_of, page_example, page_of, pages_of
from reportapp.api.schemas import Answer, Search
from reportapp.schedules.classes import list_students, search_classes

bp = Blueprint("classes", "/reports/classes", "Your classes and the students in them")


class ClassQuery(PageQuery):
    """Which classes."""

    search = Search("Every word of it is in the title.", "7a")


class SchoolClassAnswer(Answer):
    """A class."""

    id = fields.Integer(metadata={"description": "What `class_group_id` and `class_group` take."})
    title = fields.String()
    course = fields.String(attribute="course.title", metadata={"description": "Its title."})
    subject = fields.String(attribute="course.subject")


class StudentAnswer(Answer):
    """A student in a class."""

    id = fields.Integer(metadata={"description": "What `student` takes in a written report."})
    name = fields.String()


_CLASS = {"id": 5, "title": "7a Mathematics", "course": "Mathematics", "subject": "Mathematics"}
_STUDENT = {"id": 6, "name": "Ana Example"}


@bp.get("/")
@bp.arguments(ClassQuery, location="query")
@bp.response(200, pages_of(SchoolClassAnswer), example=page_example(_CLASS))
@bp.refuses(403, 404)
def index(query: dict[str, Any]) -> dict[str, Any]:
    """List your classes, by title.

    Those that you teach, or in which somebody sits whom you tutor; admins: all of the school's.
    Families have none: 403."""
    found, total = search_classes(actor(), query["search"], clock.now(), **limits_of(query))
    return page_of(found, total, query)


@bp.get("/<int:class_group_id>/students/")
@bp.arguments(PageQuery, location="query")
@bp.response(200, pages_of(StudentAnswer), example=page_example(_STUDENT))
@bp.refuses(403)
def students(query: dict[str, Any], class_group_id: int) -> dict[str, Any]:
    """List a class's students, by name.

    Those whom you may see: tutors the ones in their care, everybody else all of them."""
    found, total = list_students(actor(), class_group_id, clock.now(), **limits_of(query))
    return page_of(found, total, query)
