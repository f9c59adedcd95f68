"""The page of one report: its text, the figures of its days beside it, and who comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.constants import AuthoredStatus, ReportType
from reportapp.documents import Figure, Kind, Period
from reportapp.extensions import db
from reportapp.models import User
from reportapp.reports import facts
from reportapp.reports.numbers import mean, share, tenth
from reportapp.reports.scope import school_day, seen_pairs
from reportapp.written.board import Board, Row, load_board
from reportapp.written.find import in_sight
from reportapp.written.kinds import WRITTEN, Subject, of_class
from reportapp.written.values import fingerprint
from reportapp.written.writing import refuse_foreign


@dataclass(frozen=True)
class Sheet:
    """`before`: the author's last report on the same student, for reference. `to_come`: the next
    student about whom nothing is written yet."""

    subject: Subject
    board: Board
    row: Row
    figures: list[Figure]
    before: Any | None
    to_come: Row | None

    @property
    def place(self) -> int:
        """The student's place in the list, from 1."""
        return self.board.rows.index(self.row) + 1

    @property
    def base(self) -> Any | None:
        """What writing goes on from: the draft, or what was sent."""
        return self.row.draft or self.row.published

    @property
    def seen(self) -> str:
        return fingerprint(self.subject.kind, self.base)


def load_sheet(actor: User, subject: Subject, now: datetime) -> Sheet:
    """All about one report that `actor` writes, as of the aware instant `now`. Raises Forbidden,
    NotFound for somebody else's student, or InvalidInput at `period`."""
    require(actor, Action.WRITE_REPORTS)
    session = db.session()
    today = school_day(session, actor, now)
    refuse_foreign(session, actor, subject, today)
    board = load_board(actor, subject.kind, subject.class_id, subject.period, now)
    row = next(row for row in board.rows if row.student_id == subject.student_id)
    return Sheet(
        subject,
        board,
        row,
        _figures(session, actor, subject, today),
        _before(session, actor, subject, today),
        board.next_after(subject.student_id),
    )


def _figures(session: Session, actor: User, subject: Subject, today: date) -> list[Figure]:
    """As the reports that are sent count them, up to today: in the class, or for a tutor in all
    classes of the student."""
    student, whole = subject.student_id, subject.period
    period = Period(whole.start, min(whole.end, today + timedelta(days=1)))
    if subject.class_id is not None:
        pairs = {(student, subject.class_id)}
    else:
        seen = seen_pairs(ReportType.STUDENT_REPORT, actor, today).subquery()
        rows = session.execute(select(*seen.c).where(seen.c[0] == student))
        pairs = {(row[0], row[1]) for row in rows}
    scores = facts.scores(session, pairs, period)
    earlier = facts.scores(session, pairs, whole.before())
    due = facts.assignments_due(session, pairs, period)
    lessons = facts.attendance(session, pairs, period).values()
    average = mean(tenth(one.average) for one in scores.values())
    average_before = mean(tenth(one.average) for one in earlier.values())
    both = average is not None and average_before is not None
    total = sum(due.values()) - sum(one.exempt for one in scores.values())
    attended = share(sum(part for part, _ in lessons), sum(all_ for _, all_ in lessons))
    done = sum(one.done for one in scores.values())
    return [
        Figure(
            "Average score",
            tenth(average),
            Kind.PERCENT,
            tenth(average - average_before) if both else None,  # type: ignore[operator]
        ),
        Figure("Attendance", attended, Kind.PERCENT),
        Figure("Assignments done", f"{done} of {total}" if total else None, Kind.TEXT),
    ]


def _before(session: Session, actor: User, subject: Subject, today: date) -> Any | None:
    model = WRITTEN[subject.kind].model
    begins = model.week_start if WRITTEN[subject.kind].weekly else model.period_start
    query = select(model).where(
        model.author_id == actor.id,
        model.student_id == subject.student_id,
        model.status != AuthoredStatus.ARCHIVED,
        begins < subject.period.start,
        in_sight(subject.kind, actor, today),
    )
    if of_class(subject.kind):
        query = query.where(model.class_group_id == subject.class_id)
    return session.scalar(query.order_by(begins.desc(), model.version.desc()).limit(1))
