"""What an import keeps: our tables in the order of their references, and what tells rows apart."""

from dataclasses import dataclass
from typing import Any

from reportapp.models import (
    AcademicSession,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    LineItem,
    Result,
    User,
)


@dataclass(frozen=True)
class Field:
    """A column in the stage, and the model's column that it becomes; `ref` names the kind whose
    sourcedId stands in the stage and whose number stands in the database."""

    name: str
    column: str
    ref: str = ""
    is_date: bool = False


@dataclass(frozen=True)
class Kind:
    """`w_NAME` in the stage is what the files want, `c_NAME` what the database has; rows with the
    same `key` are the same. `label` is SQL that names a row of `w` or `c` to a person."""

    name: str
    words: tuple[str, str]
    file: str
    model: Any
    key: tuple[Field, ...]
    values: tuple[Field, ...]
    label: str

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.key, *self.values)

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def has_sid(self) -> bool:
        return "sid" in self.names

    def same(self, one: str, other: str) -> str:
        """SQL: whether two rows are the same."""
        return " AND ".join(f"{one}.{field.name} = {other}.{field.name}" for field in self.key)

    def differs(self, one: str, other: str) -> str:
        """SQL: whether two rows that are the same have other values."""
        names = [field.name for field in self.values]
        return " OR ".join(f"{one}.{name} IS NOT {other}.{name}" for name in names)


_SID = Field("sid", "sourced_id")


def _plain(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, name) for name in names)


def _dates(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, name, is_date=True) for name in names)


def _name_of(table: str, sid: str) -> str:
    name = "given_name || ' ' || family_name" if table == "user" else "title"
    found = (f"(SELECT {name} FROM {one}_{table} AS n WHERE n.sid = {sid})" for one in "vc")  # noqa: S608
    return f"coalesce({', '.join(found)}, {sid})"


KINDS: tuple[Kind, ...] = (
    Kind(
        "session",
        ("term or school year", "terms and school years"),
        "academicSessions",
        AcademicSession,
        (_SID,),
        (*_plain("title", "type"), *_dates("start_date", "end_date")),
        "title",
    ),
    Kind(
        "course",
        ("course", "courses"),
        "courses",
        Course,
        (_SID,),
        _plain("title", "subject"),
        "title",
    ),
    Kind(
        "user",
        ("person", "people"),
        "users",
        User,
        (_SID,),
        _plain("email", "role", "given_name", "family_name"),
        "given_name || ' ' || family_name || ' (' || role || ')'",
    ),
    Kind(
        "link",
        ("guardian of a child", "guardians of children"),
        "users",
        GuardianLink,
        (
            Field("guardian_sid", "guardian_id", "user"),
            Field("student_sid", "student_id", "user"),
        ),
        _plain("relation"),
        f"{_name_of('user', 'guardian_sid')} || ' – ' || {_name_of('user', 'student_sid')}",
    ),
    Kind(
        "class",
        ("class", "classes"),
        "classes",
        ClassGroup,
        (_SID,),
        (
            *_plain("title"),
            Field("course_sid", "course_id", "course"),
            Field("session_sid", "academic_session_id", "session"),
        ),
        "title",
    ),
    Kind(
        "enrollment",
        ("place in a class", "places in classes"),
        "enrollments",
        Enrollment,
        (
            Field("class_sid", "class_group_id", "class"),
            Field("user_sid", "user_id", "user"),
            *_plain("role"),
        ),
        (_SID, *_dates("begin_date", "end_date")),
        f"{_name_of('user', 'user_sid')} || ' – ' || {_name_of('class', 'class_sid')}"
        " || ' (as ' || role || ')'",
    ),
    Kind(
        "item",
        ("assignment", "assignments"),
        "lineItems",
        LineItem,
        (_SID,),
        (
            Field("class_sid", "class_group_id", "class"),
            *_plain("title", "category"),
            *_dates("assign_date", "due_date"),
            *_plain("result_value_min", "result_value_max"),
        ),
        "title",
    ),
    Kind(
        "result",
        ("score", "scores"),
        "results",
        Result,
        (
            Field("item_sid", "line_item_id", "item"),
            Field("student_sid", "student_id", "user"),
        ),
        (
            _SID,
            *_plain("score_status", "score", "text_score"),
            *_dates("score_date"),
            *_plain("comment"),
        ),
        f"{_name_of('user', 'student_sid')} || ' – ' || {_name_of('item', 'item_sid')}",
    ),
)
KIND = {kind.name: kind for kind in KINDS}
