"""School data for many students at once: each function is one query, whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    distinct,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from reportapp.constants import (
    ATTENDED,
    DONE_SCORES,
    PUBLISHED_REPORTS,
    AttendanceStatus,
    EnrollmentRole,
    ScoreStatus,
)
from reportapp.documents import Period
from reportapp.models import (
    AttendanceRecord,
    Enrollment,
    LineItem,
    Result,
)

#: Longer lists of ids would pass the databases' limit of bound values; the rows are then picked
#: in Python.
_MOST_IDS = 10_000

Pair = tuple[int, int]


@dataclass(frozen=True)
class Scores:
    """One student's work in one class: percent 0-100 (None: nothing graded) and counts."""

    average: float | None
    done: int
    exempt: int


@dataclass(frozen=True)
class Assignment:
    """One line item as a student stands to it; `status` None: nothing is known of a result."""

    title: str
    due: date
    status: ScoreStatus | None
    percent: float | None
    mark: str | None


def among(column: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """`column IN ids`, or no condition when there are too many of them."""
    return column.in_(ids) if len(ids) <= _MOST_IDS else true()


def _within(day: Any) -> ColumnElement[bool]:
    """Whether `day` lies within an enrolment as a student: nobody is measured against what was
    before they joined a class or came after they left it."""
    return and_(
        Enrollment.role == EnrollmentRole.STUDENT,
        or_(Enrollment.begin_date.is_(None), Enrollment.begin_date <= day),
        or_(Enrollment.end_date.is_(None), Enrollment.end_date >= day),
    )


def _of(pairs: Collection[Pair]) -> ColumnElement[bool]:
    return and_(
        among(Enrollment.class_group_id, _second(pairs)),
        among(Enrollment.user_id, _first(pairs)),
    )


def _due(period: Period) -> ColumnElement[bool]:
    """Line items due in the period, within an enrolment in their class."""
    return and_(
        LineItem.is_active,
        LineItem.due_date >= period.start,
        LineItem.due_date < period.end,
        _within(LineItem.due_date),
    )


#: A score's place between the lowest and the highest possible value.
_PERCENT = (
    100.0
    * (Result.score - LineItem.result_value_min)
    / (LineItem.result_value_max - LineItem.result_value_min)
)


def scores(session: Session, pairs: Collection[Pair], period: Period) -> dict[Pair, Scores]:
    """Scores of work due in `period` by (student, class). A line item counts by its due date, so
    that it belongs to exactly one period."""
    counted = case((Result.score_status != ScoreStatus.EXEMPT, _PERCENT))
    rows = session.execute(
        select(
            Enrollment.user_id,
            Enrollment.class_group_id,
            func.avg(counted),
            func.sum(case((Result.score_status.in_(DONE_SCORES), 1), else_=0)),
            func.sum(case((Result.score_status == ScoreStatus.EXEMPT, 1), else_=0)),
        )
        .join(LineItem, LineItem.class_group_id == Enrollment.class_group_id)
        .join(
            Result,
            and_(Result.line_item_id == LineItem.id, Result.student_id == Enrollment.user_id),
        )
        .where(Result.is_active, _due(period), _of(pairs))
        .group_by(Enrollment.user_id, Enrollment.class_group_id)
    )
    return {
        (student, group): Scores(None if average is None else float(average), done, exempt)
        for student, group, average, done, exempt in rows
    }


def assignments_due(session: Session, pairs: Collection[Pair], period: Period) -> dict[Pair, int]:
    """How many line items were due in `period`, by (student, class)."""
    rows = session.execute(
        select(Enrollment.user_id, Enrollment.class_group_id, func.count())
        .join(LineItem, LineItem.class_group_id == Enrollment.class_group_id)
        .where(_due(period), _of(pairs))
        .group_by(Enrollment.user_id, Enrollment.class_group_id)
    )
    return {(student, group): count for student, group, count in rows}


def assignments(
    session: Session, pairs: Collection[Pair], period: Period
) -> dict[Pair, list[Assignment]]:
    """The line items due in `period` by (student, class), in the order of their due dates."""
    rows = session.execute(
        select(
            Enrollment.user_id,
            Enrollment.class_group_id,
            LineItem.title,
            LineItem.due_date,
            Result.score_status,
            case((Result.score_status != ScoreStatus.EXEMPT, _PERCENT)),
            Result.text_score,
        )
        .join(LineItem, LineItem.class_group_id == Enrollment.class_group_id)
        .outerjoin(
            Result,
            and_(
                Result.line_item_id == LineItem.id,
                Result.student_id == Enrollment.user_id,
                Result.is_active,
            ),
        )
        .where(_due(period), _of(pairs))
        .order_by(LineItem.due_date, LineItem.id)
    )
    found: dict[Pair, list[Assignment]] = defaultdict(list)
    for student, group, *values in rows:
        found[student, group].append(Assignment(*values))
    return dict(found)


def attendance(session: Session, pairs: Collection[Pair], period: Period) -> dict[Pair, Pair]:
    """(lessons attended, lessons that count) by (student, class); excused ones do not count. What
    is recorded for a day at school and not for a lesson counts in every class."""
    weeks = attendance_by_week(session, pairs, period)
    found: dict[Pair, Pair] = {}
    for (pair, _), (attended, lessons) in weeks.items():
        before = found.get(pair, (0, 0))
        found[pair] = (before[0] + attended, before[1] + lessons)
    return found


def attendance_by_week(
    session: Session, pairs: Collection[Pair], period: Period, *, whole_days: bool = True
) -> dict[tuple[Pair, date], Pair]:
    """The same by ((student, class), Monday of the week); with or without what is recorded for a
    day at school and not for a lesson."""
    of_class = AttendanceRecord.class_group_id == Enrollment.class_group_id
    mondays = weeks_of(period)
    number = (
        case(
            *((AttendanceRecord.date < after, at) for at, after in enumerate(mondays[1:])),
            else_=len(mondays) - 1,
        )
        if len(mondays) > 1
        else literal(0)
    )
    rows = session.execute(
        select(
            Enrollment.user_id,
            Enrollment.class_group_id,
            number.label("week_number"),
            func.sum(case((AttendanceRecord.status.in_(ATTENDED), 1), else_=0)),
            func.count(),
        )
        .join(
            AttendanceRecord,
            and_(
                AttendanceRecord.student_id == Enrollment.user_id,
                or_(AttendanceRecord.class_group_id.is_(None), of_class)
                if whole_days
                else of_class,
            ),
        )
        .where(
            AttendanceRecord.date >= period.start,
            AttendanceRecord.date < period.end,
            AttendanceRecord.status != AttendanceStatus.EXCUSED,
            _within(AttendanceRecord.date),
            _of(pairs),
        )
        # By its name: PostgreSQL takes the same expression with other bound values for another.
        .group_by(Enrollment.user_id, Enrollment.class_group_id, "week_number")
    )
    return {
        ((student, group), mondays[week]): (attended, lessons)
        for student, group, week, attended, lessons in rows
    }


def weeks_of(period: Period) -> list[date]:
    """The Mondays of all weeks that have a day in the period."""
    monday = period.start - timedelta(days=period.start.weekday())
    return [monday + timedelta(days=n) for n in range(0, (period.end - monday).days, 7)]


def attendance_days(
    session: Session, students: Collection[int], period: Period
) -> list[tuple[int, date, bool]]:
    """(student, day, was there in at least one lesson) for every day with a lesson; excused ones do
    not count."""
    rows = session.execute(
        select(
            AttendanceRecord.student_id,
            AttendanceRecord.date,
            func.count(distinct(case((AttendanceRecord.status.in_(ATTENDED), 1)))),
        )
        .where(
            AttendanceRecord.date >= period.start,
            AttendanceRecord.date < period.end,
            AttendanceRecord.status != AttendanceStatus.EXCUSED,
            among(AttendanceRecord.student_id, students),
        )
        .group_by(AttendanceRecord.student_id, AttendanceRecord.date)
    )
    return [(student, day, bool(there)) for student, day, there in rows]


def published(session: Session, model: Any, students: Collection[int], *when: Any) -> list[Any]:
    """Written reports of `model` on these students that others may read, oldest first; of each its
    newest version."""
    found = session.scalars(
        select(model)
        .where(among(model.student_id, students), model.status.in_(PUBLISHED_REPORTS), *when)
        .order_by(model.version)
    )
    newest = {report.identity: report for report in found}
    return sorted(newest.values(), key=lambda report: (report.updated_at, report.id))


def _first(pairs: Collection[Pair]) -> set[int]:
    return {pair[0] for pair in pairs}


def _second(pairs: Collection[Pair]) -> set[int]:
    return {pair[1] for pair in pairs}
