"""Reading a report that somebody else wrote: opening marks it read, and a parent may say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.constants import FAMILY_ROLES, PUBLISHED_REPORTS, AuthoredStatus, ReportType, Role
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink, ReportReading, User
from reportapp.reports import names
from reportapp.reports.scope import holds, school_day
from reportapp.written.find import UNKNOWN, own_report, readable_by, versions
from reportapp.written.kinds import WRITTEN, subject_of

#: Their reading is what a report is written for.
_ADDRESSEES = FAMILY_ROLES | {Role.TUTOR}


@dataclass(frozen=True)
class Opened:
    """A report as its reader has it before them. `earlier_read_at`: when they read the version that
    this one corrects, if they did."""

    report: Any
    student: str
    author: str
    class_title: str | None
    reading: ReportReading | None
    earlier_read_at: datetime | None


@dataclass(frozen=True)
class Reading:
    """Who has read a report, and when."""

    reader_id: int
    name: str
    role: Role
    read_at: datetime
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class OwnReport:
    """A report with its author: all versions, the newest first, with who has read each; and the
    guardians who could read it today."""

    report: Any
    versions: list[Any]
    readings: dict[int, list[Reading]]
    guardians: list[User]


def open_report(
    actor: User, kind: ReportType, report_id: int, now: datetime, *, mark: bool = True
) -> Opened:
    """The report for reading, marked as read by `actor` when `mark`. For a version that was
    corrected, the one that took its place: not marked, for it has yet to be shown.

    Raises Forbidden; NotFound when `actor` may not read it at the aware instant `now`.
    """
    require(actor, Action.READ_WRITTEN_REPORTS)
    session = db.session()
    report = _readable_report(session, kind, report_id, actor, now)
    reading = _reading(session, kind, report.id, actor)
    if mark and reading is None and report.id == report_id:
        try:
            with transaction() as writing:
                reading = _mark(writing, actor, kind, report_id, now)
        except Conflict:
            report = _readable_report(session, kind, report_id, actor, now)
    named = names.people(session, {report.student_id, report.author_id})
    group = getattr(report, "class_group_id", None)
    return Opened(
        report,
        named[report.student_id].full,
        named[report.author_id].full,
        names.classes(session, {group})[group].title if group else None,
        reading,
        _read_earlier(session, kind, report, actor),
    )


def acknowledge(actor: User, kind: ReportType, report_id: int, now: datetime) -> None:
    """A parent says that they have read the report; the first time counts. Raises Forbidden,
    NotFound, or Conflict when it has been corrected since they opened it."""
    require(actor, Action.ACKNOWLEDGE_REPORTS)
    with transaction() as session:
        reading = _mark(session, actor, kind, report_id, now)
        reading.acknowledged_at = reading.acknowledged_at or now


def open_own(actor: User, kind: ReportType, report_id: int, now: datetime) -> OwnReport:
    """The author's view of a report. Raises Forbidden, or NotFound."""
    require(actor, Action.WRITE_REPORTS)
    session = db.session()
    day = school_day(session, actor, now)
    report = own_report(session, kind, report_id, actor, day)
    known = versions(session, kind, subject_of(kind, report).identity(actor))
    return OwnReport(
        report,
        known[::-1],
        _readings(session, kind, [one.id for one in known]),
        guardians_of(session, actor, report.student_id, day),
    )


def guardians_of(session: Session, actor: User, student_id: int, day: date) -> list[User]:
    """Who reads as a guardian of the student on `day`, by name."""
    return list(
        session.scalars(
            select(User)
            .join(GuardianLink, GuardianLink.guardian_id == User.id)
            .where(
                GuardianLink.student_id == student_id,
                holds(GuardianLink, day),
                User.role == Role.PARENT,
                User.is_active,
                User.school_id == actor.school_id,
            )
            .order_by(User.family_name, User.given_name, User.id)
        )
    )


def _readable_report(
    session: Session, kind: ReportType, report_id: int, actor: User, now: datetime
) -> Any:
    """The report, or the version that has taken its place, if `actor` may read that. One query
    decides, so that a correction at this moment is seen as a whole or not at all."""
    model = WRITTEN[kind].model
    asked = session.get(model, report_id)
    if asked is None:
        raise NotFound(UNKNOWN)
    same = {name: getattr(asked, name) for name in model.IDENTITY}
    found = session.scalar(
        select(model)
        .filter_by(**same)
        .where(
            model.version >= asked.version,
            readable_by(kind, actor, school_day(session, actor, now)),
        )
        .order_by(model.version.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(UNKNOWN)
    return found


def _mark(
    session: Session, actor: User, kind: ReportType, report_id: int, now: datetime
) -> ReportReading:
    """Note, within a transaction, that `actor` has read the report. Raises NotFound, or Conflict
    when it has been corrected."""
    report = _readable_report(session, kind, report_id, actor, now)
    # Whoever sends a correction waits for this, or this for them.
    session.refresh(report, with_for_update=True)
    if report.id != report_id or report.status not in PUBLISHED_REPORTS:
        raise Conflict("This report was corrected. Please read the newest version first.")
    reading = _reading(session, kind, report_id, actor)
    if reading is None:
        reading = ReportReading(kind=kind, report_id=report_id, reader_id=actor.id, read_at=now)
        session.add(reading)
    if actor.role in _ADDRESSEES and report.status is AuthoredStatus.SENT:
        report.status, report.read_at = AuthoredStatus.READ, now
    return reading


def _reading(
    session: Session, kind: ReportType, report_id: int, actor: User
) -> ReportReading | None:
    return session.scalar(
        select(ReportReading).filter_by(kind=kind, report_id=report_id, reader_id=actor.id)
    )


def _read_earlier(session: Session, kind: ReportType, report: Any, actor: User) -> datetime | None:
    """When `actor` last read a version that `report` has replaced."""
    if report.version == 1:
        return None
    same = {name: getattr(report, name) for name in report.IDENTITY}
    earlier = [one.id for one in versions(session, kind, same) if one.version < report.version]
    return session.scalar(
        select(ReportReading.read_at)
        .where(
            ReportReading.kind == kind,
            ReportReading.report_id.in_(earlier),
            ReportReading.reader_id == actor.id,
        )
        .order_by(ReportReading.read_at.desc())
        .limit(1)
    )


def _readings(session: Session, kind: ReportType, ids: Collection[int]) -> dict[int, list[Reading]]:
    found: dict[int, list[Reading]] = defaultdict(list)
    rows = session.execute(
        select(ReportReading, User)
        .join(User, User.id == ReportReading.reader_id)
        .where(ReportReading.kind == kind, ReportReading.report_id.in_(ids))
        .order_by(ReportReading.read_at, ReportReading.id)
    )
    for reading, reader in rows:
        found[reading.report_id].append(
            Reading(reader.id, reader.name, reader.role, reading.read_at, reading.acknowledged_at)
        )
    return dict(found)
