"""Which written reports somebody may see: the conditions that every page of them asks with."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, select, tuple_
from sqlalchemy.orm import Session

from reportapp.access import REPORT_READERS, REPORT_WRITERS
from reportapp.constants import FAMILY_ROLES, PUBLISHED_REPORTS, AuthoredStatus, ReportType
from reportapp.errors import NotFound
from reportapp.models import User
from reportapp.reports.scope import seen_pairs
from reportapp.written.kinds import WRITTEN, of_class

UNKNOWN = "There is no such report."


def in_sight(kind: ReportType, person: User, day: date) -> ColumnElement[bool]:
    """Whether a report is about a student whom `person` may see on `day`: in that class, or with
    that tutor. Links and enrolments that have ended count for authors as well."""
    model = WRITTEN[kind].model
    other = model.class_group_id if of_class(kind) else model.author_id
    return tuple_(model.student_id, other).in_(seen_pairs(kind, person, day))


def written_by(kind: ReportType, author: User, day: date) -> ColumnElement[bool]:
    """The author's own reports, in every state."""
    if author.role not in REPORT_WRITERS[kind]:
        return false()
    return and_(WRITTEN[kind].model.author_id == author.id, in_sight(kind, author, day))


def readable_by(kind: ReportType, reader: User, day: date) -> ColumnElement[bool]:
    """What others have written and `reader` may read: only what is published; families only what is
    shown to them."""
    if reader.role not in REPORT_READERS[kind]:
        return false()
    model = WRITTEN[kind].model
    conditions = [
        model.status.in_(PUBLISHED_REPORTS),
        model.author_id != reader.id,
        in_sight(kind, reader, day),
    ]
    if reader.role in FAMILY_ROLES:
        conditions.append(model.show_to_parent.is_(True))
    return and_(*conditions)


def own_report(session: Session, kind: ReportType, report_id: int, author: User, day: date) -> Any:
    """A report that `author` has written. Raises NotFound."""
    model = WRITTEN[kind].model
    report = session.scalar(
        select(model).where(model.id == report_id, written_by(kind, author, day))
    )
    if report is None:
        raise NotFound(UNKNOWN)
    return report


def versions(session: Session, kind: ReportType, identity: dict[str, Any]) -> list[Any]:
    """All versions of one report, the oldest first."""
    model = WRITTEN[kind].model
    return list(session.scalars(select(model).filter_by(**identity).order_by(model.version)))


def draft_of(reports: list[Any]) -> Any | None:
    return next((one for one in reports if one.status is AuthoredStatus.DRAFT), None)


def published_of(reports: list[Any]) -> Any | None:
    """The newest of the versions that others may read."""
    return next((one for one in reversed(reports) if one.status in PUBLISHED_REPORTS), None)
