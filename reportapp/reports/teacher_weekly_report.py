"""The teacher's weekly report: per student and subject, what was done and what was noted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy.orm import Session

from reportapp.documents import Column, Figure, Kind, ReportDocument, Section, Table
from reportapp.models import TeacherWeeklyReport
from reportapp.reports import columns, facts, names
from reportapp.reports.facts import Pair, Scores
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import mean, share, tenth
from reportapp.reports.scope import Scope

COLUMNS = (
    columns.STUDENT,
    Column("Subject", width=16),
    Column("Class", width=18),
    Column("Assignments completed", Kind.COUNT, 14),
    columns.TOTAL,
    columns.AVERAGE,
    columns.ATTENDANCE,
    Column("Notes", Kind.NOTE, 50),
)
REMARKS = (
    columns.SCORES_REMARK,
    columns.ATTENDANCE_REMARK,
    columns.JOINED_REMARK,
)


class _Facts:
    """Everything that the documents of one batch are made from."""

    def __init__(self, session: Session, order: Order, pairs: Collection[Pair]) -> None:
        students = {student for student, _ in pairs}
        classes = {group for _, group in pairs}
        self.students = names.people(session, students)
        self.classes = names.classes(session, classes)
        self.scores = facts.scores(session, pairs, order.period)
        self.due = facts.assignments_due(session, pairs, order.period)
        self.attendance = facts.attendance(session, pairs, order.period)
        self.notes: dict[Pair, list[str]] = defaultdict(list)
        reports = facts.published(
            session,
            TeacherWeeklyReport,
            students,
            TeacherWeeklyReport.week_start.in_(order.period.mondays()),
        )
        for report in sorted(reports, key=lambda report: (report.week_start, report.id)):
            if report.notes:
                self.notes[report.student_id, report.class_group_id].append(report.notes)


def build(session: Session, order: Order, scopes: Collection[Scope]) -> dict[Scope, ReportDocument]:
    known = _Facts(session, order, {pair for scope in scopes for pair in scope.pairs})
    return {scope: _document(order, scope, known) for scope in scopes}


def _document(order: Order, scope: Scope, known: _Facts) -> ReportDocument:
    def place(pair: Pair) -> tuple[object, ...]:
        group = known.classes[pair[1]]
        return (*known.students[pair[0]].sort_key, pair[0], group.subject, group.title, pair[1])

    pairs = sorted(scope.pairs, key=place)
    rows = tuple(_cells(pair, known) for pair in pairs)
    completed, total = sum(row[3] for row in rows), sum(row[4] for row in rows)
    lessons = [known.attendance.get(pair, (0, 0)) for pair in pairs]
    return ReportDocument(
        title="Teacher's weekly report",
        school=order.school,
        author=order.author,
        period=order.period,
        figures=(
            Figure("Students" if len(scope.students) != 1 else "Student", len(scope.students)),
            Figure("Average score", tenth(mean(row[5] for row in rows)), Kind.PERCENT),
            Figure(
                "Attendance",
                share(sum(part for part, _ in lessons), sum(whole for _, whole in lessons)),
                Kind.PERCENT,
            ),
            Figure("Assignments completed", share(completed, total), Kind.PERCENT),
        ),
        sections=(Section("Students by subject", Table(COLUMNS, rows, label_columns=3)),),
        students=names.in_order(known.students, scope.students),
        remarks=REMARKS,
        has_data=any(row[4] or row[5] is not None or row[6] is not None or row[7] for row in rows),
    )


def _cells(
    pair: Pair, known: _Facts
) -> tuple[str, str, str, int, int, float | None, float | None, str | None]:
    group = known.classes[pair[1]]
    scores = known.scores.get(pair, Scores(None, 0, 0))
    return (
        known.students[pair[0]].full,
        group.subject,
        group.title,
        scores.done,
        known.due.get(pair, 0) - scores.exempt,
        tenth(scores.average),
        share(*known.attendance.get(pair, (0, 0))),
        "\n".join(known.notes.get(pair, ())) or None,
    )
