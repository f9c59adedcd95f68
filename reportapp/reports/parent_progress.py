"""The progress letter to parents: per child, what has changed since the period before, then the
details. Whoever reads it, it quotes only what is shown to parents; teachers' weekly notes never
are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.constants import ScoreStatus
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
from reportapp.models import School, StudentReport, User
from reportapp.reports import columns, facts
from reportapp.reports.facts import Assignment, Pair
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import difference, mean, share, tenth
from reportapp.reports.scope import Scope
from reportapp.reports.student_report import Known, Row, gather, row_of

CHANGES = (
    columns.CLASS,
    Column("What", width=22),
    columns.BEFORE,
    columns.NOW,
    columns.CHANGE,
)
DETAILS = (
    columns.CLASS,
    columns.AVERAGE,
    columns.ATTENDANCE,
    columns.DONE,
    *columns.WRITTEN,
)
ASSIGNMENTS = (
    Column("Assignment", width=30),
    Column("Class", width=20),
    Column("Due", Kind.DATE, 12),
    Column("State", width=16),
    Column("Score %", Kind.PERCENT, 10),
    Column("Mark", width=8),
)
REMARKS = (
    "Changes compare with the period of the same length before, in percentage points.",
    "Scores and assignments count in the period in which the work was due.",
    columns.ATTENDANCE_REMARK,
    "What was before a child joined the class does not count.",
)
STATES: dict[ScoreStatus | None, str] = {
    ScoreStatus.FULLY_GRADED: "Graded",
    ScoreStatus.PARTIALLY_GRADED: "Partly graded",
    ScoreStatus.SUBMITTED: "Handed in",
    ScoreStatus.NOT_SUBMITTED: "Not handed in",
    ScoreStatus.EXEMPT: "Excused",
    None: "Not handed in",
}


@dataclass(frozen=True)
class _Facts:
    now: Known
    before: Known
    assignments: dict[Pair, list[Assignment]]
    zone: ZoneInfo


@dataclass(frozen=True)
class _Line:
    """One child in one class, in this period and in the one before."""

    title: str
    now: Row
    before: Row
    assignments: list[Assignment]
    #: The teacher's report, if the family has not had it in the letter before.
    news: StudentReport | None

    @property
    def has_data(self) -> bool:
        row = self.now
        return bool(row.average is not None or row.lessons or self.assignments or self.news)


def build(session: Session, order: Order, scopes: Collection[Scope]) -> dict[Scope, ReportDocument]:
    pairs = {pair for scope in scopes for pair in scope.pairs}
    known = _Facts(
        gather(session, order, pairs),
        gather(session, replace(order, period=order.period.before()), pairs),
        facts.assignments(session, pairs, order.period),
        _zone(session, pairs),
    )
    return {scope: _document(order, scope, known) for scope in scopes}


def _zone(session: Session, pairs: Collection[Pair]) -> ZoneInfo:
    """Of the school that all of these students go to."""
    student = min(student for student, _ in pairs)
    query = select(School.time_zone).join(User, User.school_id == School.id)
    return ZoneInfo(session.execute(query.where(User.id == student)).scalar_one())


def _news(order: Order, now: Row, before: Row, zone: ZoneInfo) -> StudentReport | None:
    """The teacher's report of this letter, if it was not in the one before: it is about days since
    then, or it was sent (or corrected) since then."""
    written, earlier = now.written, before.written
    if written is None:
        return None
    since = written.sent_at is not None and (
        written.sent_at.astimezone(zone).date() >= order.period.start
    )
    return written if since or earlier is None or earlier.id != written.id else None


def _document(order: Order, scope: Scope, known: _Facts) -> ReportDocument:
    names, classes = known.now.students, known.now.classes
    children: dict[int, list[_Line]] = defaultdict(list)
    for pair in sorted(
        scope.pairs,
        key=lambda pair: (*names[pair[0]].sort_key, pair[0], classes[pair[1]].title, pair[1]),
    ):
        now, before = (row_of(pair, part, family=True) for part in (known.now, known.before))
        children[pair[0]].append(
            _Line(
                classes[pair[1]].title,
                now,
                before,
                known.assignments.get(pair, []),
                _news(order, now, before, known.zone),
            )
        )
    lines = [line for child in children.values() for line in child]
    return ReportDocument(
        title="Progress letter",
        school=order.school,
        author=order.author,
        period=order.period,
        figures=_figures(len(children), lines),
        sections=tuple(
            section
            for child, its in children.items()
            for section in _sections(names[child].full, its)
        ),
        students=tuple(names[child].full for child in children),
        remarks=REMARKS,
        has_data=any(line.has_data for line in lines),
    )


def _figures(children: int, lines: list[_Line]) -> tuple[Figure, ...]:
    now, before = [line.now for line in lines], [line.before for line in lines]
    return (
        Figure("Child" if children == 1 else "Children", children),
        _compared("Average score", _average(now), _average(before)),
        _compared("Attendance", _attendance(now), _attendance(before)),
        _compared("Assignments done", _done(now), _done(before)),
    )


def _average(rows: list[Row]) -> float | None:
    return tenth(mean(row.average for row in rows))


def _attendance(rows: list[Row]) -> float | None:
    return share(sum(row.attended for row in rows), sum(row.lessons for row in rows))


def _done(rows: list[Row]) -> float | None:
    return share(sum(row.done for row in rows), sum(row.total for row in rows))


def _compared(label: str, now: float | None, before: float | None) -> Figure:
    return Figure(label, now, Kind.PERCENT, difference(now, before))


def _sections(name: str, lines: list[_Line]) -> tuple[Section, ...]:
    changes = [change for line in lines for change in _changes(line)]
    changes.sort(key=lambda change: -abs(change[-1] or 0))
    bars = [(line.title, line.now.average) for line in lines if line.now.average is not None]
    work = sorted(
        ((line, one) for line in lines for one in line.assignments), key=lambda pair: pair[1].due
    )
    return (
        Section(
            f"{name}: what has changed",
            Table(
                CHANGES,
                tuple(changes) or (("All classes", "Nothing has changed", None, None, None),),
            ),
        ),
        Section(
            f"{name}: in detail",
            Table(DETAILS, tuple(_detail(line) for line in lines)),
            BarChart("Average score", tuple(bars), 100, " %") if len(bars) > 1 else None,
        ),
        Section(
            f"{name}: assignments",
            Table(
                ASSIGNMENTS,
                tuple(
                    (one.title, line.title, one.due, STATES[one.status], one.percent, one.mark)
                    for line, one in work
                ),
            ),
        ),
    )


_Change = tuple[str, str, float | None, float | None, float | None]


def _changes(line: _Line) -> Iterator[_Change]:
    """What is new or another than in the period before; there is nothing to compare where the
    present one has no value."""
    for what, measure in (
        ("Average score", _average),
        ("Attendance", _attendance),
        ("Assignments done", _done),
    ):
        now, before = measure([line.now]), measure([line.before])
        if now is not None and now != before:
            yield line.title, what, before, now, difference(now, before)
    if line.news:
        yield line.title, "New report by the teacher", None, None, None


def _detail(line: _Line) -> tuple[Value, ...]:
    row = line.now
    return (
        line.title,
        row.average,
        _attendance([row]),
        _done([row]),
        *columns.written(row.written),
    )
