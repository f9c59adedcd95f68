"""Figures of random schools against a naive count of the rows, written from docs/design.md."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from reportapp.constants import (
    AttendanceStatus,
    EnrollmentRole,
    ReportType,
    Role,
    ScoreStatus,
)
from reportapp.documents import Period
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    LineItem,
    Result,
    School,
    User,
)
from reportapp.reports import REPORTS, Order, Scope
from tests.reports.conftest import memory_session

MADE = datetime(2026, 1, 1, tzinfo=UTC)
START = date(2026, 11, 11)  # a Wednesday
PERIOD = Period(START, START + timedelta(days=9))
STUDENTS, ROOMS = range(1, 5), (1, 2)

days = st.integers(-12, 11).map(lambda n: START + timedelta(days=n))
ends = st.one_of(st.none(), st.none(), days)
scores = st.one_of(st.none(), st.integers(0, 20).map(float))


@st.composite
def schools(draw):
    """The rows of each table."""
    seats = [
        {"user_id": student, "class_group_id": room, "begin_date": draw(ends), "end_date": None}
        for room in ROOMS
        for student in STUDENTS
        if draw(st.integers(0, 3))
    ]
    for seat in seats:
        seat["end_date"] = draw(ends)
    items = [
        {
            "id": n,
            "class_group_id": draw(st.sampled_from(ROOMS)),
            "due_date": draw(days),
            "result_value_min": float(draw(st.sampled_from([0, 1]))),
            "result_value_max": float(draw(st.sampled_from([10, 16]))),
            "is_active": draw(st.integers(0, 5)) > 0,
        }
        for n in range(1, 1 + draw(st.integers(0, 6)))
    ]
    results = [
        {
            "line_item_id": item["id"],
            "student_id": student,
            "score": draw(scores),
            "score_status": draw(st.sampled_from(list(ScoreStatus))),
            "is_active": draw(st.integers(0, 5)) > 0,
        }
        for item in items
        for student in STUDENTS
        if draw(st.booleans())
    ]
    lessons = draw(
        st.lists(
            st.tuples(st.sampled_from(STUDENTS), st.sampled_from([1, 2, None]), days),
            max_size=20,
            unique=True,
        )
    )
    attendance = [
        {
            "student_id": student,
            "class_group_id": room,
            "date": day,
            "lesson": 1,
            "status": draw(st.sampled_from(list(AttendanceStatus))),
        }
        for student, room, day in lessons
    ]
    return {Enrollment: seats, LineItem: items, Result: results, AttendanceRecord: attendance}


def create(session, tables) -> None:
    session.execute(
        insert(School), [{"id": 1, "name": "S", "time_zone": "UTC", "created_at": MADE}]
    )
    people = [
        {"id": n, "given_name": f"N{n}", "family_name": "", "role": Role.STUDENT} for n in STUDENTS
    ]
    fields = {"school_id": 1, "email": None, "created_at": MADE}
    session.execute(insert(User), [{**fields, **row} for row in people])
    session.execute(insert(Course), [{"id": 1, "school_id": 1, "title": "C", "subject": "C"}])
    rooms = [{"id": n, "school_id": 1, "course_id": 1, "title": f"K{n}"} for n in ROOMS]
    session.execute(insert(ClassGroup), rooms)
    extra = {
        Enrollment: {"role": EnrollmentRole.STUDENT},
        LineItem: {"title": "T", "category": "c", "assign_date": START},
    }
    for model, rows in tables.items():
        if rows:
            session.execute(insert(model), [{**extra.get(model, {}), **row} for row in rows])


_INSIDE = "(begin_date is null or begin_date <= {0}) and (end_date is null or end_date >= {0})"
_WORK = f"""
    select e.user_id, e.class_group_id, i.result_value_min, i.result_value_max,
           r.score, r.score_status
    from enrollment e join line_item i on i.class_group_id = e.class_group_id and i.is_active = 1
    left join result r on r.line_item_id = i.id and r.student_id = e.user_id and r.is_active = 1
    where i.due_date >= :start and i.due_date < :end and {_INSIDE.format("i.due_date")}"""
_LESSONS = f"""
    select e.user_id, e.class_group_id, a.date, a.status
    from enrollment e join attendance_record a on a.student_id = e.user_id
    where (a.class_group_id is null or a.class_group_id = e.class_group_id)
      and a.date >= :start and a.date < :end and {_INSIDE.format("a.date")}"""


class Naive:
    """Sums by (student, class), counted row by row."""

    def __init__(self, session, period: Period) -> None:
        between = {"start": period.start.isoformat(), "end": period.end.isoformat()}
        self.percents, self.done, self.total = defaultdict(list), defaultdict(int), defaultdict(int)
        self.there, self.lessons = defaultdict(int), defaultdict(int)
        for student, room, low, high, score, status in session.execute(text(_WORK), between):
            if status == "exempt":
                continue
            self.total[student, room] += 1
            self.done[student, room] += status in (
                "fully graded",
                "partially graded",
                "submitted",
            )
            if score is not None:
                self.percents[student, room].append(100 * (score - low) / (high - low))
        for student, room, day, status in session.execute(text(_LESSONS), between):
            if status != "excused":
                on = date.fromisoformat(day)
                monday = on - timedelta(days=on.weekday())
                for key in ((student, room), (student, room, monday)):
                    self.lessons[key] += 1
                    self.there[key] += status != "absent"

    def average(self, pair):
        own = self.percents[pair]
        return sum(own) / len(own) if own else None


def mean(values):
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def percent(parts, wholes):
    return 100 * sum(parts) / sum(wholes) if sum(wholes) else None


def minus(now, before):
    return None if now is None or before is None else now - before


def like(*values):
    """Formats show one decimal; of a difference both sides are rounded."""
    return tuple(v if v is None else pytest.approx(v, abs=0.151) for v in values)


def document(session, kind, pairs):
    scope = Scope(frozenset(pairs))
    made = REPORTS[kind].build(session, Order(kind, "School", "Author", PERIOD), [scope])[scope]
    return made, [section.table.rows for section in made.sections]


@settings(max_examples=25)
@given(schools())
def test_figures_of_any_school_are_those_of_a_naive_count(tables):
    pairs = sorted((seat["user_id"], seat["class_group_id"]) for seat in tables[Enrollment])
    if not pairs:
        return
    with memory_session() as session:
        create(session, tables)
        now, before = Naive(session, PERIOD), Naive(session, PERIOD.before())
        check_classes(session, pairs, now, before)
        check_letter(session, pairs, now, before)


def check_classes(session, pairs, now, before) -> None:
    made, (overview, spread, weeks, movers, missing) = document(
        session, ReportType.CLASS_ANALYTICS, pairs
    )
    for title, students, *figures in overview:
        own = [pair for pair in pairs if f"K{pair[1]}" == title]
        average = mean(map(now.average, own))
        assert students == len(own)
        assert tuple(figures) == like(
            average,
            minus(average, mean(map(before.average, own))),
            percent((now.there[p] for p in own), [now.lessons[p] for p in own]),
            percent((now.done[p] for p in own), [now.total[p] for p in own]),
        )
        graded = [pair for pair in own if now.average(pair) is not None]
        assert sum(count for room, _, count in spread if room == title) == len(graded)
    mondays = {key[2] for key in now.lessons if len(key) == 3}
    wanted = {}
    for room in ROOMS:
        for monday in mondays:
            keys = [(s, r, monday) for s, r in pairs if r == room]
            if any(now.lessons[key] for key in keys):
                wanted[f"K{room}", monday] = like(
                    percent((now.there[key] for key in keys), [now.lessons[key] for key in keys])
                )[0]
    assert {(room, monday): part for room, monday, part in weeks} == wanted
    assert sorted((room, name, lack, of) for room, name, lack, of in missing) == sorted(
        (f"K{room}", f"N{student}", now.total[pair] - now.done[pair], now.total[pair])
        for pair in pairs
        for student, room in [pair]
        if now.total[pair] > now.done[pair]
    )
    for room, name, *figures in movers:
        pair = (int(name[1:]), int(room[1:]))
        old, new = before.average(pair), now.average(pair)
        assert tuple(figures) == like(old, new, new - old)
    assert made.figures[1].value == len({student for student, _ in pairs})


def check_letter(session, pairs, now, before) -> None:
    made, tables = document(session, ReportType.PARENT_PROGRESS, pairs)

    def figures(naive):
        return (
            mean(map(naive.average, pairs)),
            percent((naive.there[p] for p in pairs), [naive.lessons[p] for p in pairs]),
            percent((naive.done[p] for p in pairs), [naive.total[p] for p in pairs]),
        )

    for figure, new, old in zip(made.figures[1:], figures(now), figures(before), strict=True):
        assert (figure.value, figure.change) == like(new, minus(new, old))
    for number, student in enumerate(sorted({student for student, _ in pairs})):
        changes, details, work = tables[3 * number : 3 * number + 3]
        own = [pair for pair in pairs if pair[0] == student]
        assert [row[:4] for row in details] == [
            (
                f"K{pair[1]}",
                *like(
                    now.average(pair),
                    percent([now.there[pair]], [now.lessons[pair]]),
                    percent([now.done[pair]], [now.total[pair]]),
                ),
            )
            for pair in own
        ]
        counted = [row for row in work if row[3] != "Excused"]
        assert len(counted) == sum(now.total[pair] for pair in own)
        for room, what, old, new, change in changes:
            if what == "Average score":
                pair = (student, int(room[1:]))
                assert (old, new) == like(before.average(pair), now.average(pair))
            assert change == (None if None in (old, new) else pytest.approx(new - old, abs=0.051))
