"""Writing a report: save a draft, throw it away, send it, and correct what was sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.access import REPORT_WRITERS, Action, require
from reportapp.constants import PUBLISHED_REPORTS, AuthoredStatus, ReportType
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import transaction
from reportapp.models import User
from reportapp.reports.scope import school_day, seen_pairs
from reportapp.written.find import draft_of, own_report, published_of, versions
from reportapp.written.kinds import WRITTEN, Subject, of_class, subject_of
from reportapp.written.values import (
    check_period,
    check_words,
    fingerprint,
    why_not_yet,
    words_in,
)

_CHANGED = "This report was changed in another window after you opened it here."


def save(actor: User, subject: Subject, data: Mapping[str, Any], seen: str, now: datetime) -> Any:
    """The draft of `subject` with the words in `data` (the kind's fields and `show_to_parent`). On
    what was sent already it becomes a correction: the next version.

    `seen`: the fingerprint of the draft or sent report that the author began from, empty for none.
    Raises Forbidden; NotFound for somebody else's student; InvalidInput with all fields that are
    wrong; Conflict when the report is no longer what was seen.
    """
    with _writing(actor, now) as (session, day):
        refuse_foreign(session, actor, subject, day)
        check_period(subject.kind, subject.period.start, subject.period.end, day)
        checked = check_words(subject.kind, data)
        identity = subject.identity(actor)
        known = versions(session, subject.kind, identity)
        report = draft_of(known)
        if report is not None and words_in(subject.kind, report) == checked:
            return report  # A second click on the same button: nobody's words are lost.
        if fingerprint(subject.kind, report or published_of(known)) != seen:
            raise Conflict(_CHANGED)
        if report is None:
            _refuse_empty(subject.kind, checked)
            report = WRITTEN[subject.kind].model(
                **identity,
                status=AuthoredStatus.DRAFT,
                version=1 + max((one.version for one in known), default=0),
                created_at=now,
            )
            session.add(report)
        for name, value in checked.items():
            setattr(report, name, value)
        report.updated_at = now
    return report


def _refuse_empty(kind: ReportType, checked: Mapping[str, Any]) -> None:
    """Nobody wants a list of drafts that say nothing."""
    if all(checked[name] in (None, "") for name in WRITTEN[kind].fields):
        raise InvalidInput({next(iter(WRITTEN[kind].texts)): ["Write something first."]})


def discard(actor: User, kind: ReportType, report_id: int, seen: str, now: datetime) -> Subject:
    """Throw a draft away; what it was about. `seen`: the fingerprint of what the author was asked
    about. Raises Forbidden, NotFound, or Conflict when it has been changed or sent since."""
    with _writing(actor, now) as (session, day):
        report = own_report(session, kind, report_id, actor, day)
        if report.status is not AuthoredStatus.DRAFT:
            raise Conflict("This report has been sent, so it cannot be thrown away.")
        if fingerprint(kind, report) != seen:
            raise Conflict(f"{_CHANGED} It is not thrown away.")
        subject = subject_of(kind, report)
        session.delete(report)
    return subject


def send(actor: User, kind: ReportType, seen: Mapping[int, str], now: datetime) -> list[Any]:
    """Publish drafts of the actor, all of them or none; the version before of each is archived in
    the same moment. `seen`: by the id of each draft the fingerprint of what the author has looked
    at. A second click on the same button changes nothing.

    Raises Forbidden; NotFound; Conflict when one has been changed or sent since it was looked at,
    or says nothing new.
    """
    with _writing(actor, now) as (session, day):
        found = [own_report(session, kind, report_id, actor, day) for report_id in sorted(seen)]
        for report in found:
            _send(session, actor, kind, report, seen[report.id], now)
    return found


def _send(
    session: Session, actor: User, kind: ReportType, report: Any, seen: str, now: datetime
) -> None:
    as_draft = fingerprint(kind, report, status=AuthoredStatus.DRAFT)
    if report.status in PUBLISHED_REPORTS and as_draft == seen:
        return
    if report.status is not AuthoredStatus.DRAFT:
        raise Conflict("This report has been sent already.")
    if as_draft != seen:
        raise Conflict(_CHANGED + " Please look through it once more.")
    known = versions(session, kind, subject_of(kind, report).identity(actor))
    problem = why_not_yet(kind, report, published_of(known))
    if problem:
        raise Conflict(problem)
    for old in known:
        if old.status in PUBLISHED_REPORTS:
            # A reader who opens it at this moment has it marked first, or finds the new one.
            session.refresh(old, with_for_update=True)
            old.status = AuthoredStatus.ARCHIVED
    report.status, report.sent_at, report.updated_at = AuthoredStatus.SENT, now, now


def refuse_foreign(session: Session, actor: User, subject: Subject, day: date) -> None:
    """Raises NotFound unless `actor` may write about `subject` on `day`."""
    pairs = seen_pairs(subject.kind, actor, day).subquery()
    student, other = pairs.c
    place = subject.class_id if of_class(subject.kind) else actor.id
    mine = select(student).where(student == subject.student_id, other == place)
    writes = actor.role in REPORT_WRITERS[subject.kind]
    if not writes or session.scalar(mine) is None:
        raise NotFound("There is no such student for you to write about.")


@contextmanager
def _writing(actor: User, now: datetime) -> Iterator[tuple[Session, date]]:
    """One write of an author, alone at their reports: two windows take turns."""
    require(actor, Action.WRITE_REPORTS)
    author_id = actor.id
    with transaction() as session:
        lock = select(User.id).where(User.id == author_id).with_for_update(key_share=True)
        session.execute(lock)
        yield session, school_day(session, actor, now)
