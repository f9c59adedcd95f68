"""Class analytics: per class, how the averages are spread, who was there, who moved, what is
missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy.orm import Session

from reportapp.access import FEWEST_STUDENTS
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
from reportapp.reports import columns
from reportapp.reports.class_figures import ClassFigures, Known, gather
from reportapp.reports.facts import Pair
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import difference, mean, share, tenth, total
from reportapp.reports.scope import Scope

CLASSES = (
    columns.CLASS,
    Column("Students", Kind.COUNT, 10),
    columns.AVERAGE,
    columns.CHANGE,
    columns.ATTENDANCE,
    columns.DONE,
)
SPREAD = (
    columns.CLASS,
    Column("Average score", width=16),
    Column("Students", Kind.COUNT, 10),
)
WEEKS = (
    columns.CLASS,
    Column("Week of", Kind.DATE, 16),
    columns.ATTENDANCE,
)
MOVERS = (
    columns.CLASS,
    columns.STUDENT,
    columns.BEFORE,
    columns.NOW,
    columns.CHANGE,
)
MISSING = (
    columns.CLASS,
    columns.STUDENT,
    Column("Assignments missing", Kind.COUNT, 13),
    columns.TOTAL,
)
REMARKS = (
    columns.SCORES_REMARK,
    columns.CHANGE_REMARK,
    columns.ATTENDANCE_REMARK,
    columns.JOINED_REMARK,
)
CROWD_REMARK = (
    f"A figure is shown where at least {FEWEST_STUDENTS} students beside your own stand behind it."
    " Only your own students are named and compared with the period before."
    " Attendance is of this class's lessons; what is recorded per day is left out."
)


def build(session: Session, order: Order, scopes: Collection[Scope]) -> dict[Scope, ReportDocument]:
    known = gather(session, order, {pair for scope in scopes for pair in _counted(scope)})
    return {scope: _document(order, scope, known) for scope in scopes}


def _counted(scope: Scope) -> frozenset[Pair]:
    """The pairs behind the figures."""
    return scope.pairs if scope.crowd is None else scope.pairs | scope.crowd


def _document(order: Order, scope: Scope, known: Known) -> ReportDocument:
    members: dict[int, list[Pair]] = defaultdict(list)
    # In order, so that equal figures are equal to the last digit.
    for pair in sorted(_counted(scope)):
        members[pair[1]].append(pair)
    own = None if scope.crowd is None else scope.pairs
    classes = sorted(
        (ClassFigures(group, pairs, own, known) for group, pairs in members.items()),
        key=lambda one: (one.title, one.group),
    )
    return ReportDocument(
        title="Class analytics",
        school=order.school,
        author=order.author,
        period=order.period,
        figures=_figures(classes),
        sections=(
            _overview(classes),
            _spread(classes),
            _attendance(classes),
            _movers(classes, known),
            _missing(classes, known),
        ),
        remarks=REMARKS if own is None else (*REMARKS, CROWD_REMARK),
        has_data=any(
            one.averages or one.weeks or one.work or one.movers or one.missing for one in classes
        ),
    )


def _figures(classes: list[ClassFigures]) -> tuple[Figure, ...]:
    now = mean(average for one in classes for average in one.averages)
    before = mean(average for one in classes for average in one.averages_before)
    weeks = [lessons for one in classes for lessons in one.weeks.values()]
    return (
        Figure("Class" if len(classes) == 1 else "Classes", len(classes)),
        Figure("Students", len({pair[0] for one in classes for pair in one.members}) or None),
        Figure("Average score", tenth(now), Kind.PERCENT, difference(now, before)),
        Figure("Attendance", share(*total(weeks)), Kind.PERCENT),
        Figure(
            "Assignments done",
            share(*total(work for one in classes for work in one.work)),
            Kind.PERCENT,
        ),
    )


def _overview(classes: list[ClassFigures]) -> Section:
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            one.title,
            len(one.members) or None,
            one.average,
            one.change,
            share(*total(one.weeks.values())),
            share(*total(one.work)),
        )
        for one in classes
    )
    bars = tuple((one.title, one.average) for one in classes if one.average is not None)
    chart = BarChart("Average score", bars, 100, " %") if len(bars) > 1 else None
    return Section("Classes", Table(CLASSES, rows), chart)


def _spread(classes: list[ClassFigures]) -> Section:
    rows = tuple((one.title, band, count) for one in classes for band, count in one.spread)
    chart = None
    if len(classes) == 1 and rows:
        bars = tuple((band, float(count)) for _, band, count in rows)
        chart = BarChart("Students by average score", bars, max(count for _, count in bars))
    return Section("How the averages are spread", Table(SPREAD, rows, label_columns=2), chart)


def _attendance(classes: list[ClassFigures]) -> Section:
    rows = tuple(
        (one.title, monday, share(*lessons))
        for one in classes
        for monday, lessons in one.weeks.items()
    )
    chart = None
    if len(classes) == 1 and len(rows) > 1:
        bars = tuple((f"{monday.day} {monday:%B}", part or 0.0) for _, monday, part in rows)
        chart = BarChart("Attendance in the week of", bars, 100, " %")
    return Section("Attendance by week", Table(WEEKS, rows, label_columns=2), chart)


def _movers(classes: list[ClassFigures], known: Known) -> Section:
    rows = tuple(
        (
            one.title,
            known.students[pair[0]].full,
            known.average_before(pair),
            known.average(pair),
            change,
        )
        for one in classes
        for pair, change in one.movers
    )
    return Section("Who moved most", Table(MOVERS, rows, label_columns=2))


def _missing(classes: list[ClassFigures], known: Known) -> Section:
    rows = tuple(
        (one.title, known.students[pair[0]].full, missing, whole)
        for one in classes
        for pair, missing, whole in one.missing
    )
    return Section("Missing work", Table(MISSING, rows, label_columns=2))
