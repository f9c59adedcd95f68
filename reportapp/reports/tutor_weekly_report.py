"""The tutor's weekly report: per student and week, what the tutor writes to the family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy.orm import Session

from reportapp.documents import Column, Figure, Kind, ReportDocument, Section, Table, Value
from reportapp.models import TutorWeeklyReport
from reportapp.reports import columns, facts, names
from reportapp.reports.facts import Pair
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import mean, share, tenth
from reportapp.reports.scope import Scope

COLUMNS = (
    columns.STUDENT,
    Column("Tutor", width=20),
    Column("Week of", Kind.DATE, 13),
    Column("Progress %", Kind.PERCENT, 11),
    Column("Days attended", Kind.COUNT, 11),
    Column("School days", Kind.COUNT, 11),
    Column("Summary", Kind.NOTE, 50),
    Column("Notes", Kind.NOTE, 50),
)
REMARKS = (
    "A day counts as attended when the student was in at least one lesson.",
    columns.ATTENDANCE_REMARK,
)


class _Facts:
    """Everything that the documents of one batch are made from."""

    def __init__(self, session: Session, order: Order, pairs: Collection[Pair]) -> None:
        students = {student for student, _ in pairs}
        self.names = names.people(session, students | {tutor for _, tutor in pairs})
        self.mondays = order.period.mondays()
        self.written = {
            (report.student_id, report.author_id, report.week_start): report
            for report in facts.published(
                session,
                TutorWeeklyReport,
                students,
                TutorWeeklyReport.week_start.in_(self.mondays),
            )
        }
        #: (attended, all) days by (student, Monday).
        self.days: dict[tuple[int, date], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for student, day, there in facts.attendance_days(session, students, order.period):
            key = (student, self._week_of(day))
            attended, total = self.days[key]
            self.days[key] = (attended + there, total + 1)

    def _week_of(self, day: date) -> date:
        """The listed week that takes a day in: the last one begun, so that the weeks share out the
        whole period, also when it begins in the middle of one."""
        return max((monday for monday in self.mondays if monday <= day), default=self.mondays[0])


def build(session: Session, order: Order, scopes: Collection[Scope]) -> dict[Scope, ReportDocument]:
    known = _Facts(session, order, {pair for scope in scopes for pair in scope.pairs})
    return {scope: _document(order, scope, known) for scope in scopes}


def _document(order: Order, scope: Scope, known: _Facts) -> ReportDocument:
    def place(pair: Pair) -> tuple[object, ...]:
        return (*known.names[pair[0]].sort_key, pair[0], known.names[pair[1]].sort_key, pair[1])

    weeks = [(pair, monday) for pair in sorted(scope.pairs, key=place) for monday in known.mondays]
    written = {key: _readable(known, *key, scope.family) for key in weeks}
    days = {(pair[0], monday): known.days[pair[0], monday] for pair, monday in weeks}
    return ReportDocument(
        title="Tutor's weekly report",
        school=order.school,
        author=order.author,
        period=order.period,
        figures=(
            Figure("Students" if len(scope.students) != 1 else "Student", len(scope.students)),
            Figure("Reports written", sum(report is not None for report in written.values())),
            Figure(
                "Average progress",
                tenth(mean(r.progress_percent for r in written.values() if r is not None)),
                Kind.PERCENT,
            ),
            Figure(
                "Days attended",
                share(
                    sum(part for part, _ in days.values()), sum(all_ for _, all_ in days.values())
                ),
                Kind.PERCENT,
            ),
        ),
        sections=(
            Section(
                "Students by week",
                Table(
                    COLUMNS,
                    tuple(
                        _cells(pair, monday, known, written[pair, monday]) for pair, monday in weeks
                    ),
                    label_columns=3,
                ),
            ),
        ),
        students=names.in_order(known.names, scope.students),
        remarks=REMARKS,
        has_data=any(report is not None for report in written.values()),
    )


def _readable(known: _Facts, pair: Pair, monday: date, family: bool) -> TutorWeeklyReport | None:
    report = known.written.get((*pair, monday))
    return report if report is not None and (report.show_to_parent or not family) else None


def _cells(
    pair: Pair, monday: date, known: _Facts, report: TutorWeeklyReport | None
) -> tuple[Value, ...]:
    attended, total = known.days[pair[0], monday]
    return (
        known.names[pair[0]].full,
        known.names[pair[1]].full,
        monday,
        report.progress_percent if report else None,
        attended,
        total,
        (report.summary or None) if report else None,
        (report.notes or None) if report else None,
    )
