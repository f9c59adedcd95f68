"""What the database has of a school, put beside what the files want: `c_NAME` for each kind."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

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
from reportapp.school.oneroster_kinds import KINDS, Kind
from reportapp.school.oneroster_stage import BATCH, Stage

#: Other imports keep their own assignments by these, and this one lets them be.
_OTHERS = ("mark:%", "final-mark:%")


def load_current(stage: Stage, session: Session, school_id: int) -> str:
    """Fill `c_NAME` (id, is_active, gone, then the kind's fields) and `n_NAME` (sid, id), the
    numbers of what others refer to; and `taken`, the addresses of people of other schools. Returns
    the fingerprint of all that, as `read_fingerprint` finds it."""
    sql, digest = stage.sql, sha256()
    for kind in KINDS:
        sql.execute(f"CREATE TABLE c_{kind.name} (id, is_active, gone, {', '.join(kind.names)})")
        stage.files[f"w_{kind.name}"] = f"{kind.file}.csv"
        raw = [f"r{place}" for place in range(len(kind.fields))]
        sql.execute(f"CREATE TEMP TABLE raw (id, is_active, {', '.join(raw)})")
        marks = ", ".join("?" * (len(raw) + 2))
        for rows in _parts(session, _query(kind, school_id)):
            digest.update(repr(rows).encode())
            sql.executemany(f"INSERT INTO raw VALUES ({marks})", rows)  # noqa: S608
        _fill(stage, kind, raw)
        sql.execute("DROP TABLE raw")
    sql.execute("CREATE TABLE taken (email PRIMARY KEY)")
    for rows in _parts(session, _taken(school_id)):
        digest.update(repr(rows).encode())
        sql.executemany("INSERT INTO taken VALUES (?)", rows)
    return digest.hexdigest()


def read_fingerprint(session: Session, school_id: int) -> str:
    """Equal to that of an earlier `load_current` if nothing has changed since."""
    digest = sha256()
    for query in (*(_query(kind, school_id) for kind in KINDS), _taken(school_id)):
        for rows in _parts(session, query):
            digest.update(repr(rows).encode())
    return digest.hexdigest()


def _parts(session: Session, query: Select[Any]) -> Iterator[list[list[Any]]]:
    for part in session.execute(query.execution_options(yield_per=BATCH)).partitions():
        yield [[_cell(value) for value in row] for row in part]


def _taken(school_id: int) -> Select[Any]:
    others = select(User.email).where(User.school_id != school_id, User.email.is_not(None))
    return others.order_by(User.id)


def number(stage: Stage, session: Session, kind: Kind, school_id: int) -> None:
    """Learn the numbers of the rows that were just added."""
    rows = session.execute(
        _query(kind, school_id)
        .with_only_columns(kind.model.sourced_id, kind.model.id)
        .execution_options(yield_per=BATCH)
    )
    stage.sql.execute(f"DELETE FROM n_{kind.name}")  # noqa: S608
    for part in rows.partitions():
        values = [list(row) for row in part if row[0] is not None]
        stage.sql.executemany(
            f"INSERT OR IGNORE INTO n_{kind.name} VALUES (?, ?)",  # noqa: S608
            values,
        )


def _query(kind: Kind, school_id: int) -> Select[Any]:
    model = kind.model
    columns = [getattr(model, field.column) for field in kind.fields]
    query = select(model.id, model.is_active, *columns).order_by(model.id)
    if model in (AcademicSession, Course, ClassGroup, User):
        return query.where(model.school_id == school_id)
    if model is GuardianLink:
        return query.join(User, User.id == GuardianLink.student_id).where(
            User.school_id == school_id
        )
    if model in (LineItem, Result):
        query = query.where(*(LineItem.sourced_id.not_like(other) for other in _OTHERS))
    if model is Result:
        query = query.join(LineItem, LineItem.id == Result.line_item_id)
        return query.join(ClassGroup, ClassGroup.id == LineItem.class_group_id).where(
            ClassGroup.school_id == school_id
        )
    assert model in (Enrollment, LineItem)
    return query.join(ClassGroup, ClassGroup.id == model.class_group_id).where(
        ClassGroup.school_id == school_id
    )


def _fill(stage: Stage, kind: Kind, raw: list[str]) -> None:
    """From numbers to sourcedIds; what refers to something without one is none of ours."""
    parts, joins = [], []
    for name, field in zip(raw, kind.fields, strict=True):
        if field.ref:
            how = "JOIN" if field in kind.key else "LEFT JOIN"
            joins.append(f"{how} n_{field.ref} AS j_{name} ON j_{name}.id = raw.{name}")
        parts.append(f"j_{name}.sid" if field.ref else f"raw.{name}")
    table = f"c_{kind.name}"
    stage.sql.execute(
        f"INSERT INTO {table} SELECT raw.id, raw.is_active, 0, {', '.join(parts)} "  # noqa: S608
        f"FROM raw {' '.join(joins)}"
    )
    keys = ", ".join(field.name for field in kind.key)
    stage.sql.execute(f"CREATE INDEX i_{table} ON {table} ({keys})")
    if kind.has_sid:
        stage.sql.execute(f"CREATE INDEX s_{table} ON {table} (sid)")
    if kind.key == (kind.key[0],) and kind.has_sid:
        stage.sql.execute(f"CREATE TABLE n_{kind.name} (sid PRIMARY KEY, id)")
        stage.sql.execute(f"CREATE INDEX i_n_{kind.name} ON n_{kind.name} (id)")
        stage.sql.execute(
            f"INSERT OR IGNORE INTO n_{kind.name} "  # noqa: S608
            f"SELECT sid, id FROM {table} WHERE sid IS NOT NULL"
        )


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
