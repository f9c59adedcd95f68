"""Writing a plan: many rows a statement, kind by kind, since later ones refer to earlier ones."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm import Session

from reportapp.models import AcademicSession, ClassGroup, Course, Enrollment, Result, User
from reportapp.school.oneroster_current import number
from reportapp.school.oneroster_kinds import KINDS, Field, Kind
from reportapp.school.oneroster_plan import added, changed, gone
from reportapp.school.oneroster_stage import Stage

#: These say themselves of which school they are.
_OF_SCHOOL = (AcademicSession, Course, User, ClassGroup)


def write_plan(stage: Stage, session: Session, school_id: int, now: datetime) -> None:
    """Do all that the stage says, in the caller's transaction."""
    for kind in KINDS:
        _free(stage, session, kind)
        _deactivate(stage, session, kind)
        _change(stage, session, kind)
        fixed: dict[str, Any] = {"school_id": school_id} if kind.model in _OF_SCHOOL else {}
        if kind.model is User:
            fixed |= {"created_at": now, "locale": "en", "session_version": 1}
        is_more = False
        for rows in _rows(stage, kind, added, []):
            values = [{**fixed, **row, "is_active": True} for row in rows]
            session.execute(insert(kind.model.__table__), values)
            is_more = True
        if is_more and kind.key[0].name == "sid":
            number(stage, session, kind, school_id)


def _deactivate(stage: Stage, session: Session, kind: Kind) -> None:
    table = kind.model.__table__
    values: dict[str, Any] = {"is_active": False}
    if kind.model is User:
        values["session_version"] = table.c.session_version + 1  # ends their log-ins
    query = update(table).where(table.c.id == bindparam("row")).values(values)
    for rows in stage.batches(gone(kind, "c.id")):
        session.execute(query, [{"row": row[0]} for row in rows])


def _change(stage: Stage, session: Session, kind: Kind) -> None:
    table = kind.model.__table__
    columns: dict[str, Any] = {
        field.column: bindparam(f"new_{field.column}") for field in kind.fields
    }
    query = update(table).where(table.c.id == bindparam("row")).values(**columns, is_active=True)
    for rows in _rows(stage, kind, changed, ["c.id"]):
        values = [
            {"row": row.pop("id"), **{f"new_{name}": value for name, value in row.items()}}
            for row in rows
        ]
        session.execute(query, values)


def _rows(stage: Stage, kind: Kind, query: Any, first: list[str]) -> Iterator[list[dict]]:
    """The rows of one of the plan's queries, as the database wants them."""
    names = [*(["id"] if first else []), *(field.column for field in kind.fields)]
    what = ", ".join([*first, *(_number_of(field) for field in kind.fields)])
    dates = {field.column for field in kind.fields if field.is_date}
    for rows in stage.batches(query(kind, what)):
        yield [
            {
                name: date.fromisoformat(value) if value and name in dates else value
                for name, value in zip(names, row, strict=True)
            }
            for row in rows
        ]


def _number_of(field: Field) -> str:
    if not field.ref:
        return f"w.{field.name}"
    return f"(SELECT n.id FROM n_{field.ref} AS n WHERE n.sid = w.{field.name})"  # noqa: S608


def _free(stage: Stage, session: Session, kind: Kind) -> None:
    """Take from rows what is unique and goes to another one, such as two swapped addresses."""
    if kind.model not in (User, Enrollment, Result):
        return
    field = "email" if kind.model is User else "sid"
    column = "email" if kind.model is User else "sourced_id"
    other = (
        f"SELECT c.id FROM c_{kind.name} AS c JOIN w_{kind.name} AS w "  # noqa: S608
        f"ON w.{field} = c.{field} WHERE w.state = 'active' AND NOT ({kind.same('w', 'c')})"
    )
    table = kind.model.__table__
    query = update(table).where(table.c.id == bindparam("row")).values({column: None})
    for rows in stage.batches(other):
        session.execute(query, [{"row": row[0]} for row in rows])
