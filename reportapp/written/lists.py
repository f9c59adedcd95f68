"""Lists of written reports, all kinds together: an author's own, and those that somebody reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from reportapp.access import Action, require
from reportapp.constants import AuthoredStatus, ReportType
from reportapp.documents import Period
from reportapp.errors import NotFound
from reportapp.extensions import db
from reportapp.models import ReportReading, User
from reportapp.reports import names
from reportapp.reports.scope import school_day
from reportapp.written.find import UNKNOWN, readable_by, written_by
from reportapp.written.kinds import WRITTEN, of_class, period_of


class State(StrEnum):
    """By what an author looks for reports."""

    DRAFT = "draft"
    SENT = "sent"
    READ = "read"
    REPLACED = "replaced"


_STATES: dict[State, frozenset[AuthoredStatus]] = {
    State.DRAFT: frozenset({AuthoredStatus.DRAFT}),
    State.SENT: frozenset({AuthoredStatus.SENT}),
    State.READ: frozenset({AuthoredStatus.READ}),
    State.REPLACED: frozenset({AuthoredStatus.ARCHIVED}),
}


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; `name`: a part of a student's name."""

    kind: ReportType | None = None
    class_id: int | None = None
    student_id: int | None = None
    name: str = ""
    state: State | None = None
    unread: bool = False


@dataclass(frozen=True)
class Listed:
    """A written report with the names that a list shows. `readers` and `acknowledged`: how many
    people; `is_read`: by the person who asks."""

    kind: ReportType
    report: Any
    student: str
    author: str
    class_title: str | None
    readers: int
    acknowledged: int
    is_read: bool

    @property
    def period(self) -> Period:
        return period_of(self.report)


def list_own(
    actor: User, wanted: Filter, now: datetime, *, page: int = 1, page_size: int = 25
) -> tuple[list[Listed], int]:
    """One page of what `actor` has written and how many there are: drafts first, then the newest.
    Replaced versions only when asked for. Raises Forbidden."""
    require(actor, Action.WRITE_REPORTS)
    return _page(actor, wanted, now, _own, page, page_size)


def list_readable(
    actor: User, wanted: Filter, now: datetime, *, page: int = 1, page_size: int = 25
) -> tuple[list[Listed], int]:
    """One page of what others have written and `actor` may read, the newest first, and how many
    there are. Raises Forbidden."""
    require(actor, Action.READ_WRITTEN_REPORTS)
    return _page(actor, wanted, now, _readable, page, page_size)


def list_visible(
    actor: User, wanted: Filter, now: datetime, *, page: int = 1, page_size: int = 25
) -> tuple[list[Listed], int]:
    """One page of both together, in the order of `list_own`, and how many there are. Raises
    Forbidden."""
    require(actor, Action.READ_WRITTEN_REPORTS)
    return _page(actor, wanted, now, _visible, page, page_size)


def get_visible(actor: User, kind: ReportType, report_id: int, now: datetime) -> Listed:
    """One report, in whatever state, if `actor` has written it or may read it. It is not marked as
    read. Raises Forbidden, or NotFound."""
    require(actor, Action.READ_WRITTEN_REPORTS)
    day = school_day(db.session(), actor, now)
    seen = or_(written_by(kind, actor, day), readable_by(kind, actor, day))
    is_read = db.session.scalar(
        select(_has_read(kind, actor)).where(WRITTEN[kind].model.id == report_id, seen)
    )
    if is_read is None:
        raise NotFound(UNKNOWN)
    return _listed({(kind, report_id): bool(is_read)})[0]


def unread_by_student(actor: User, now: datetime) -> dict[int, tuple[str, int, int]]:
    """Of everybody about whom `actor` may read something: by id their name, how many reports there
    are and how many of these `actor` has not opened. Raises Forbidden."""
    require(actor, Action.READ_WRITTEN_REPORTS)
    rows = _all(actor, Filter(), now, _readable).subquery()
    counts = db.session.execute(
        select(rows.c.student_id, func.count(), func.sum(1 - rows.c.is_read)).group_by(
            rows.c.student_id
        )
    )
    found = {student: (number, unread) for student, number, unread in counts}
    named = names.people(db.session(), found.keys())
    ordered = sorted(found, key=lambda id_: (named[id_].sort_key, id_))
    return {id_: (named[id_].full, found[id_][0], int(found[id_][1])) for id_ in ordered}


_Condition = Callable[[ReportType, User, date, Filter], ColumnElement[bool]]


def _own(kind: ReportType, actor: User, day: date, wanted: Filter) -> ColumnElement[bool]:
    status = WRITTEN[kind].model.status
    if wanted.state:
        return and_(written_by(kind, actor, day), status.in_(_STATES[wanted.state]))
    return and_(written_by(kind, actor, day), status != AuthoredStatus.ARCHIVED)


def _readable(kind: ReportType, actor: User, day: date, wanted: Filter) -> ColumnElement[bool]:
    readable = readable_by(kind, actor, day)
    return and_(readable, ~_has_read(kind, actor)) if wanted.unread else readable


def _visible(kind: ReportType, actor: User, day: date, wanted: Filter) -> ColumnElement[bool]:
    readable = _readable(kind, actor, day, wanted)
    if wanted.unread:
        return readable
    if wanted.state not in (None, State.SENT):
        # Who else has opened it is the author's business.
        readable = false()
    return or_(_own(kind, actor, day, wanted), readable)


def _has_read(kind: ReportType, actor: User) -> ColumnElement[bool]:
    return exists().where(
        ReportReading.kind == kind,
        ReportReading.report_id == WRITTEN[kind].model.id,
        ReportReading.reader_id == actor.id,
    )


def _all(actor: User, wanted: Filter, now: datetime, condition: _Condition) -> Any:
    """Every report of the list: kind, id, student and what it is ordered by."""
    day = school_day(db.session(), actor, now)
    return union_all(
        *(
            _narrowed(kind, wanted, _columns(kind, actor)).where(
                condition(kind, actor, day, wanted)
            )
            for kind in WRITTEN
            if wanted.kind in (None, kind) and (wanted.class_id is None or of_class(kind))
        )
    )


def _columns(kind: ReportType, actor: User) -> Select[Any]:
    model = WRITTEN[kind].model
    return select(
        literal(kind.value).label("kind"),
        model.id.label("id"),
        model.student_id.label("student_id"),
        case((model.status == AuthoredStatus.DRAFT, 0), else_=1).label("later"),
        func.coalesce(model.sent_at, model.updated_at).label("at"),
        case((_has_read(kind, actor), 1), else_=0).label("is_read"),
    )


def _narrowed(kind: ReportType, wanted: Filter, query: Select[Any]) -> Select[Any]:
    model = WRITTEN[kind].model
    if wanted.class_id is not None:
        query = query.where(model.class_group_id == wanted.class_id)
    if wanted.student_id is not None:
        query = query.where(model.student_id == wanted.student_id)
    words = wanted.name.split()[:5]
    if words:
        query = query.join(User, User.id == model.student_id)
    for word in words:
        parts = (User.given_name, User.family_name)
        query = query.where(or_(*(part.icontains(word[:100], autoescape=True) for part in parts)))
    return query


def _page(
    actor: User, wanted: Filter, now: datetime, condition: _Condition, page: int, page_size: int
) -> tuple[list[Listed], int]:
    if wanted.class_id is not None and wanted.kind and not of_class(wanted.kind):
        return [], 0
    rows = _all(actor, wanted, now, condition).subquery()
    total = db.session.scalar(select(func.count()).select_from(rows)) or 0
    found = db.session.execute(
        select(rows.c.kind, rows.c.id, rows.c.is_read)
        .order_by(rows.c.later, rows.c.at.desc(), rows.c.kind, rows.c.id.desc())
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    keys = {(ReportType(kind), id_): bool(is_read) for kind, id_, is_read in found}
    return _listed(keys), total


def _listed(keys: dict[tuple[ReportType, int], bool]) -> list[Listed]:
    session = db.session()
    ids: dict[ReportType, list[int]] = defaultdict(list)
    for kind, id_ in keys:
        ids[kind].append(id_)
    reports: dict[tuple[ReportType, int], Any] = {}
    for kind, some in ids.items():
        model = WRITTEN[kind].model
        for report in session.scalars(select(model).where(model.id.in_(some))):
            reports[kind, report.id] = report
    people = {id_ for one in reports.values() for id_ in (one.student_id, one.author_id)}
    named = names.people(session, people)
    groups = {getattr(one, "class_group_id", None) for one in reports.values()} - {None}
    titles = names.classes(session, groups)  # type: ignore[arg-type]
    readings = _readings(list(keys))
    return [
        Listed(
            kind,
            report := reports[kind, id_],
            named[report.student_id].full,
            named[report.author_id].full,
            titles[report.class_group_id].title if of_class(kind) else None,
            *readings.get((kind, id_), (0, 0)),
            is_read,
        )
        for (kind, id_), is_read in keys.items()
    ]


def _readings(keys: list[tuple[ReportType, int]]) -> dict[tuple[ReportType, int], tuple[int, int]]:
    """How many have read and how many have acknowledged each report."""
    reading = ReportReading
    rows = db.session.execute(
        select(reading.kind, reading.report_id, func.count(), func.count(reading.acknowledged_at))
        .where(tuple_(reading.kind, reading.report_id).in_(keys))
        .group_by(reading.kind, reading.report_id)
    )
    return {(kind, id_): (read, acknowledged) for kind, id_, read, acknowledged in rows}
