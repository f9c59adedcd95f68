"""School data for many students at once: each function is one query, whatever its size."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, distinct, func, or_, select, true
from sqlalchemy.orm import Session

from reportapp.constants import (
    ATTENDED,
    DONE_SCORES,
    PUBLISHED_REPORTS,
    AttendanceStatus,
    ScoreStatus,
)
from reportapp.documents import Period
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    LineItem,
    Result,
    User,
)

#: Longer lists of ids would pass the databases' limit of bound values; the rows are then picked
#: in Python.
_MOST_IDS = 10_000

Pair = tuple[int, int]


@dataclass(frozen=True)
class Name:
    """A person's name; `sort_key` orders by family name, without regard to accents and case."""

    full: str
    sort_key: tuple[str, str]


@dataclass(frozen=True)
class ClassName:
    title: str
    subject: str


@dataclass(frozen=True)
class Scores:
    """One student's work in one class: percent 0-100 (None: nothing graded) and counts."""

    average: float | None
    done: int
    exempt: int


def among(column: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """`column IN ids`, or no condition when there are too many of them."""
    return column.in_(ids) if len(ids) <= _MOST_IDS else true()


def names(session: Session, ids: Collection[int]) -> dict[int, Name]:
    """The names of users by id."""
    rows = session.execute(
        select(User.id, User.given_name, User.family_name).where(among(User.id, ids))
    )
    return {
        row.id: Name(
            f"{row.given_name} {row.family_name}".strip(),
            (_plain(row.family_name), _plain(row.given_name)),
        )
        for row in rows
    }


#: Letters whose stroke is no accent to Unicode, but is one to a reader.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_STROKES))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def in_order(known: dict[int, Name], ids: Iterable[int]) -> tuple[str, ...]:
    """The full names of these users as lists have them: by family name."""
    return tuple(known[id_].full for id_ in sorted(ids, key=lambda id_: (known[id_].sort_key, id_)))


def class_names(session: Session, ids: Collection[int]) -> dict[int, ClassName]:
    """Titles and subjects of classes by id."""
    rows = session.execute(
        select(ClassGroup.id, ClassGroup.title, Course.subject)
        .join(Course, Course.id == ClassGroup.course_id)
        .where(among(ClassGroup.id, ids))
    )
    return {row.id: ClassName(row.title, row.subject) for row in rows}


def scores(session: Session, pairs: Collection[Pair], period: Period) -> dict[Pair, Scores]:
    """Scores of work due in `period` by (student, class). A line item counts by its due date, so
    that it belongs to exactly one period; its percentage is its place between the lowest and the
    highest possible value."""
    percent = (
        100.0
        * (Result.score - LineItem.result_value_min)
        / (LineItem.result_value_max - LineItem.result_value_min)
    )
    counted = case((Result.score_status != ScoreStatus.EXEMPT, percent))
    rows = session.execute(
        select(
            Result.student_id,
            LineItem.class_group_id,
            func.avg(counted),
            func.sum(case((Result.score_status.in_(DONE_SCORES), 1), else_=0)),
            func.sum(case((Result.score_status == ScoreStatus.EXEMPT, 1), else_=0)),
        )
        .join(LineItem, LineItem.id == Result.line_item_id)
        .where(
            Result.is_active,
            LineItem.is_active,
            LineItem.due_date >= period.start,
            LineItem.due_date < period.end,
            among(LineItem.class_group_id, _second(pairs)),
            among(Result.student_id, _first(pairs)),
        )
        .group_by(Result.student_id, LineItem.class_group_id)
    )
    return {
        (student, group): Scores(None if average is None else float(average), done, exempt)
        for student, group, average, done, exempt in rows
    }


def assignments_due(session: Session, classes: Collection[int], period: Period) -> dict[int, int]:
    """How many line items were due in `period`, by class."""
    rows = session.execute(
        select(LineItem.class_group_id, func.count())
        .where(
            LineItem.is_active,
            LineItem.due_date >= period.start,
            LineItem.due_date < period.end,
            among(LineItem.class_group_id, classes),
        )
        .group_by(LineItem.class_group_id)
    )
    return dict(rows.all())


def attendance(session: Session, pairs: Collection[Pair], period: Period) -> dict[Pair, Pair]:
    """(lessons attended, lessons that count) by (student, class); excused ones do not count. What
    is recorded for a day at school and not for a lesson counts in every class."""
    rows = session.execute(
        select(
            AttendanceRecord.student_id,
            AttendanceRecord.class_group_id,
            func.sum(case((AttendanceRecord.status.in_(ATTENDED), 1), else_=0)),
            func.count(),
        )
        .where(
            AttendanceRecord.date >= period.start,
            AttendanceRecord.date < period.end,
            AttendanceRecord.status != AttendanceStatus.EXCUSED,
            or_(
                AttendanceRecord.class_group_id.is_(None),
                among(AttendanceRecord.class_group_id, _second(pairs)),
            ),
            among(AttendanceRecord.student_id, _first(pairs)),
        )
        .group_by(AttendanceRecord.student_id, AttendanceRecord.class_group_id)
    )
    found = {(student, group): (attended, total) for student, group, attended, total in rows}
    return {
        (student, group): (lessons[0] + days[0], lessons[1] + days[1])
        for student, group in pairs
        if (lessons := found.get((student, group), (0, 0)))
        and (days := found.get((student, None), (0, 0)))
        and lessons[1] + days[1]
    }


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


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there; None when none is."""
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def share(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent (0-100), one decimal; None of nothing."""
    return round(100.0 * part / whole, 1) if whole else None


def tenth(value: float | None) -> float | None:
    """Rounded to one decimal, as every format shows it."""
    return None if value is None else round(value, 1)


def _first(pairs: Collection[Pair]) -> set[int]:
    return {pair[0] for pair in pairs}


def _second(pairs: Collection[Pair]) -> set[int]:
    return {pair[1] for pair in pairs}
