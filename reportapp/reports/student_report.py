"""The student report: per student and class, how they do and what their teacher says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reportapp.documents import (
    BarChart,
    Column,
    Figure,
    Kind,
    ReportDocument,
    Section,
    Table,
    Value,
)
from reportapp.models import StudentReport
from reportapp.reports import columns, facts, names
from reportapp.reports.facts import Pair, Scores
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import BANDS, band_of, difference, mean, share, tenth
from reportapp.reports.scope import Scope

COLUMNS = (
    columns.STUDENT,
    Column("Class", width=18),
    columns.AVERAGE,
    columns.CHANGE,
    columns.ATTENDANCE,
    Column("Assignments done", Kind.COUNT, 13),
    columns.TOTAL,
    *columns.WRITTEN,
)
REMARKS = (
    columns.SCORES_REMARK,
    columns.CHANGE_REMARK,
    columns.ATTENDANCE_REMARK,
    columns.JOINED_REMARK,
)
#: With more rows than this a bar for each says less than their distribution.
MOST_BARS = 8


@dataclass(frozen=True)
class Known:
    """What is known of some students in some classes, for a period."""

    students: dict[int, names.Name]
    classes: dict[int, names.ClassName]
    now: dict[Pair, Scores]
    before: dict[Pair, Scores]
    due: dict[Pair, int]
    attendance: dict[Pair, Pair]
    written: dict[Pair, list[StudentReport]]


@dataclass(frozen=True)
class Row:
    """One student in one class; percentages 0-100."""

    pair: Pair
    average: float | None
    before: float | None
    attended: int
    lessons: int
    done: int
    total: int
    written: StudentReport | None

    @property
    def change(self) -> float | None:
        return difference(self.average, self.before)


def build(session: Session, order: Order, scopes: Collection[Scope]) -> dict[Scope, ReportDocument]:
    known = gather(session, order, {pair for scope in scopes for pair in scope.pairs})
    return {scope: _document(order, scope, known) for scope in scopes}


def gather(session: Session, order: Order, pairs: Collection[Pair]) -> Known:
    """Everything about these pairs, in a constant number of queries."""
    students = {student for student, _ in pairs}
    classes = {group for _, group in pairs}
    written = defaultdict(list)
    # Newest last, by the end of what they cover: a report on days after the period is not for it.
    for report in sorted(
        facts.published(
            session, StudentReport, students, StudentReport.period_end <= order.period.end
        ),
        key=lambda report: (report.period_end, report.id),
    ):
        written[report.student_id, report.class_group_id].append(report)
    return Known(
        names.people(session, students),
        names.classes(session, classes),
        facts.scores(session, pairs, order.period),
        facts.scores(session, pairs, order.period.before()),
        facts.assignments_due(session, pairs, order.period),
        facts.attendance(session, pairs, order.period),
        dict(written),
    )


def row_of(pair: Pair, known: Known, family: bool) -> Row:
    """One student in one class; `family`: with what is shown to parents only."""
    scores = known.now.get(pair, Scores(None, 0, 0))
    before = known.before.get(pair, Scores(None, 0, 0))
    attended, lessons = known.attendance.get(pair, (0, 0))
    readable = [
        report for report in known.written.get(pair, ()) if report.show_to_parent or not family
    ]
    return Row(
        pair,
        tenth(scores.average),
        tenth(before.average),
        attended,
        lessons,
        scores.done,
        known.due.get(pair, 0) - scores.exempt,
        readable[-1] if readable else None,
    )


def _document(order: Order, scope: Scope, known: Known) -> ReportDocument:
    def place(pair: Pair) -> tuple[object, ...]:
        return (*known.students[pair[0]].sort_key, pair[0], known.classes[pair[1]].title, pair[1])

    rows = [row_of(pair, known, scope.family) for pair in sorted(scope.pairs, key=place)]
    return ReportDocument(
        title="Student report",
        school=order.school,
        author=order.author,
        period=order.period,
        figures=_figures(scope, rows),
        sections=(
            Section(
                "Students by class",
                Table(COLUMNS, tuple(_cells(row, known) for row in rows), label_columns=2),
                _chart(rows, known),
            ),
        ),
        students=names.in_order(known.students, scope.students),
        remarks=REMARKS,
        has_data=any(row.average is not None or row.lessons or row.total for row in rows),
    )


def _cells(row: Row, known: Known) -> tuple[Value, ...]:
    return (
        known.students[row.pair[0]].full,
        known.classes[row.pair[1]].title,
        row.average,
        row.change,
        share(row.attended, row.lessons),
        row.done,
        row.total,
        *columns.written(row.written),
    )


def _figures(scope: Scope, rows: list[Row]) -> tuple[Figure, ...]:
    attended, lessons = sum(row.attended for row in rows), sum(row.lessons for row in rows)
    done, total = sum(row.done for row in rows), sum(row.total for row in rows)
    now, before = mean(row.average for row in rows), mean(row.before for row in rows)
    return (
        Figure("Students" if len(scope.students) != 1 else "Student", len(scope.students)),
        Figure(
            "Average score",
            tenth(now),
            Kind.PERCENT,
            difference(now, before),
        ),
        Figure("Attendance", share(attended, lessons), Kind.PERCENT),
        Figure("Assignments done", share(done, total), Kind.PERCENT),
    )


def _chart(rows: list[Row], known: Known) -> BarChart | None:
    graded = [(row, row.average) for row in rows if row.average is not None]
    if len(graded) < 2:
        return None
    if len(graded) > MOST_BARS:
        placed = [band_of(average) for _, average in graded]
        counts = [(f"{low}–{high} %", float(placed.count(low))) for low, high in BANDS]
        return BarChart("How the averages are spread", tuple(counts), max(n for _, n in counts))
    one_child = len({row.pair[0] for row, _ in graded}) == 1
    bars = tuple(
        (
            known.classes[row.pair[1]].title
            if one_child
            else f"{known.students[row.pair[0]].full}, {known.classes[row.pair[1]].title}",
            average,
        )
        for row, average in graded
    )
    return BarChart("Average score", bars, 100, " %")
