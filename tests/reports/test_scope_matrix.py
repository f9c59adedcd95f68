"""Every author x every recipient x every report type x every format: nobody gets a row too many.

The mails are planned, made and sent by the real engine to a real mail server; what arrived is
opened again and compared with what plain SQL says that author and recipient both may see.
"""

import re
import sqlite3
from contextlib import closing
from datetime import time, timedelta

import pytest
from sqlalchemy import select, text

from reportapp import clock
from reportapp.constants import DeliveryStatus, Reason, Role
from reportapp.delivery import deliver, plan_due
from reportapp.errors import Forbidden, InvalidInput
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery, ReportSchedule, User
from reportapp.schedules.edit import create_schedule
from reportapp.schedules.preview import preview
from tests.reports.matrix_school import (
    DAY,
    DUE,
    END,
    START,
    create_matrix_school,
    find_matrix_school,
    put_on,
    students,
)
from tests.reports.opened import labels_in, tables_in, text_of
from tests.reports.oracle import AUTHORS, allowed_pairs, allowed_texts, pairs_in_time

FORMATS = ("csv", "xlsx", "pdf")
TYPES = sorted(AUTHORS)
#: One of each role that may order the type; those of teachers and tutors also in difficult cases.
ORDERS = [
    ("student_report", "ada"),
    ("student_report", "tom"),
    ("student_report", "tea"),
    ("student_report", "uma"),
    ("tutor_weekly_report", "ada"),
    ("tutor_weekly_report", "uma"),
    ("tutor_weekly_report", "uwe"),
    ("teacher_weekly_report", "ada"),
    ("teacher_weekly_report", "tom"),
    ("teacher_weekly_report", "tea"),
    ("class_analytics", "ada"),
    ("class_analytics", "tea"),
    ("parent_progress", "ada"),
    ("parent_progress", "tom"),
    ("parent_progress", "uma"),
]
SECOND_OF_A_ROLE = {
    ("student_report", "tom"),
    ("tutor_weekly_report", "uwe"),
    ("teacher_weekly_report", "tea"),
    ("class_analytics", "tea"),
    ("parent_progress", "tom"),
}
SECOND_OF_A_CASE = {"adi", "tim", "ben", "cem", "hal", "per"}
#: Authors whose reach has ended, not begun, or lies in the other school.
ODD_ORDERS = [
    ("student_report", "tim"),
    ("student_report", "tor"),
    ("student_report", "uwe"),
    ("student_report", "ulf"),
    ("student_report", "olga"),
    ("student_report", "otto"),
    ("student_report", "otis"),
    ("tutor_weekly_report", "ulf"),
    ("tutor_weekly_report", "olga"),
    ("tutor_weekly_report", "otis"),
    ("teacher_weekly_report", "tim"),
    ("teacher_weekly_report", "olga"),
    ("teacher_weekly_report", "otto"),
    ("class_analytics", "tim"),
    ("class_analytics", "tam"),
    ("class_analytics", "olga"),
    ("parent_progress", "tam"),
    ("parent_progress", "uwe"),
    ("parent_progress", "otis"),
]
FORBIDDEN_ORDERS = [
    (kind, name)
    for kind in TYPES
    for role, name in (
        ("teacher", "tom"),
        ("tutor", "uma"),
        ("parent", "pia"),
        ("student", "ana"),
    )
    if role not in AUTHORS[kind]
]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Where the school's database is kept once it has been made, for the next tests to copy."""
    return tmp_path_factory.mktemp("matrix") / "school.db"


@pytest.fixture
def school(app, template):
    path = db.engine.url.database
    if not template.exists():
        create_matrix_school()
        with closing(sqlite3.connect(path)) as made:
            made.execute("vacuum into ?", (str(template),))
    else:
        db.engine.dispose()
        with closing(sqlite3.connect(template)) as made, closing(sqlite3.connect(path)) as copy:
            made.backup(copy)
    return find_matrix_school()


def place_order(author, kind, export_format) -> ReportSchedule:
    """Weekly on Mondays at 12:00 UTC, through the use-case."""
    return create_schedule(author, fields(kind, export_format), DUE - timedelta(hours=1))


def fields(kind, export_format="csv"):
    return {
        "name": "Order",
        "report_type": kind,
        "frequency": "weekly",
        "day_of_week": 1,
        "days_of_week": "1",
        "time": "12:00",
        "time_zone": "UTC",
        "export_format": export_format,
        "is_active": True,
    }


def place_order_past_every_check(author, kind) -> ReportSchedule:
    with transaction():
        values = {**fields(kind), "time": time(12, 0), "next_scheduled": DUE}
        schedule = ReportSchedule(created_by_id=author.id, created_at=DUE, updated_at=DUE, **values)
        db.session.add(schedule)
    return schedule


def send_to_everybody(schedule, school):
    """Sends to the whole school and its neighbours; PDFs, which take their time, not to people
    whose case somebody else in sight has too."""
    for_pdf = schedule.export_format == "pdf"
    names = set(school.people) - (SECOND_OF_A_CASE if for_pdf else set())
    school.people = {name: school.people[name] for name in names}
    put_on(schedule, *school.people.values())
    assert plan_due(DUE).executions == 1
    return deliver(clock.fixed(DUE))


def check_everybody(school, smtp, kind, author, export_format):
    """Compares each person's mail, or its absence, with the database; how many mails there were."""
    ledger = {row.recipient_id: row for row in db.session.scalars(select(ReportDelivery))}
    assert ledger.keys() == {person.id for person in school.people.values()}
    arrived = {mail.to: mail for mail in smtp.arrived}
    assert len(arrived) == len(smtp.arrived)
    candidates = every_label(kind)
    written = every_text()
    for person in school.people.values():
        pairs = allowed_pairs(db.session, kind, author.id, person.id, DAY)
        texts = allowed_texts(db.session, kind, pairs, person.id, START, END)
        row, mail = ledger[person.id], arrived.pop(person.email, None)
        expected = expected_fate(person, kind, pairs, texts)
        assert (row.status, row.reason) == expected, person.name
        assert (mail is not None) == (row.status is DeliveryStatus.SENT), person.name
        if mail is None:
            continue
        _, data = mail.attachment
        names = {label: pair for pair, label in candidates.items() if pair in pairs}
        found = labels_of(kind, data, export_format, candidates.values())
        assert sorted(found) == labels_wanted(kind, names), person.name
        everything = f"{mail.text}\n{mail.html}\n{text_of(data, export_format)}"
        assert {word for word in written if word in everything} == texts, person.name
        in_sight = {student for student, _ in pairs}
        for student in students():
            assert (student.name in everything) <= (student.id in in_sight), person.name
    assert arrived == {}
    return len(smtp.arrived)


def labels_shown(kind, tables) -> list[tuple[str, ...]]:
    """What the rows of (title, rows without the header) are about."""
    if kind == "parent_progress":
        return [
            (found[1], row[0])
            for title, rows in tables
            if (found := re.fullmatch(r"(.+?)\W+in detail", title))
            for row in rows
        ]
    return [tuple(row[: width_of(kind)]) for row in tables[0][1]]


def labels_wanted(kind, labels) -> list[tuple[str, ...]]:
    return sorted({label[1:] for label in labels} if kind == "class_analytics" else labels)


def labels_of(kind, data, export_format, candidates) -> list[tuple[str, ...]]:
    """What an attachment is about; `candidates` is every label that there could be."""
    if export_format != "pdf":
        tables = [(title, rows[1:]) for title, rows in tables_in(data, export_format)]
        return labels_shown(kind, tables)
    if kind == "class_analytics":
        everything = text_of(data, export_format)
        return [title for title in {label[1:] for label in candidates} if title[0] in everything]
    if kind == "parent_progress":
        # Under the heading of a child stand its classes.
        parts = re.split(r"(\w+ Example): (?:what|in detail|assign)", text_of(data, export_format))
        return [
            label
            for label in candidates
            if any(
                name == label[0] and label[1] in part
                for name, part in zip(parts[1::2], parts[2::2], strict=True)
            )
        ]
    return labels_in(data, export_format, width_of(kind), candidates)


def expected_fate(person, kind, pairs, texts):
    if not person.is_active:
        return DeliveryStatus.SKIPPED, Reason.INACTIVE
    if not pairs:
        return DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE
    # Scores and lessons are there for everybody; a tutor's report is nothing but its texts.
    if kind == "tutor_weekly_report" and not texts:
        return DeliveryStatus.SKIPPED, Reason.NO_DATA
    # What was before a student joined does not count.
    if kind == "student_report" and not pairs_in_time(db.session, pairs, END):
        return DeliveryStatus.SKIPPED, Reason.NO_DATA
    return DeliveryStatus.SENT, None


def width_of(kind):
    return {"teacher_weekly_report": 3, "class_analytics": 1}.get(kind, 2)


def every_label(kind) -> dict[tuple[int, int], tuple[str, ...]]:
    """How a row about each student of either school with each class or tutor would begin."""
    people = [(person.id, person.name) for person in db.session.scalars(select(User))]
    if kind == "tutor_weekly_report":
        others = [(id_, (name,)) for id_, name in people]
    else:
        rows = db.session.execute(
            text(
                "select g.id, g.title, c.subject from class_group g"
                " join course c on c.id = g.course_id"
            )
        )
        others = [
            (id_, (subject, title) if kind == "teacher_weekly_report" else (title,))
            for id_, title, subject in rows
        ]
    return {(student, other): (name, *label) for student, name in people for other, label in others}


def every_text() -> set[str]:
    """All texts that anybody has written."""
    return {
        word
        for (word,) in db.session.execute(
            text(
                "select behaviour from student_report"
                " union select summary from tutor_weekly_report"
                " union select notes from teacher_weekly_report"
            )
        )
        if word
    }


@pytest.mark.parametrize(
    ("kind", "name", "export_format"),
    [
        (kind, name, export_format)
        for export_format in FORMATS
        for kind, name in ORDERS
        # A PDF takes its time: one author of each role.
        if export_format != "pdf" or (kind, name) not in SECOND_OF_A_ROLE
    ],
)
def test_each_attachment_has_exactly_the_rows_that_both_may_see(
    school, smtp, kind, name, export_format
):
    author = school.people[name]
    schedule = place_order(author, kind, export_format)
    send_to_everybody(schedule, school)
    assert check_everybody(school, smtp, kind, author, export_format) > 0


@pytest.mark.parametrize(("kind", "name"), ODD_ORDERS)
def test_an_author_whose_own_reach_is_odd_lends_nobody_more_than_that(school, smtp, kind, name):
    author = school.people[name]
    schedule = place_order(author, kind, "csv")
    send_to_everybody(schedule, school)
    check_everybody(school, smtp, kind, author, "csv")


@pytest.mark.parametrize(("kind", "name"), FORBIDDEN_ORDERS)
def test_a_role_that_may_not_order_a_type_can_neither_create_nor_smuggle_it_in(
    school, smtp, kind, name
):
    author = school.people[name]
    refusal = Forbidden if author.role in (Role.PARENT, Role.STUDENT) else InvalidInput
    with pytest.raises(refusal):
        place_order(author, kind, "csv")
    assert db.session.scalars(select(ReportSchedule)).all() == []

    schedule = place_order_past_every_check(author, kind)
    totals = send_to_everybody(schedule, school)
    assert smtp.arrived == []
    assert totals.pop("skipped") == len(school.people)
    assert set(totals.values()) == {0}
    reasons = {row.recipient_id: row.reason for row in db.session.scalars(select(ReportDelivery))}
    assert reasons.pop(school.pax.id) is Reason.INACTIVE
    assert reasons.pop(school.dan.id) is Reason.INACTIVE
    assert set(reasons.values()) == {Reason.OUT_OF_SCOPE}


@pytest.mark.parametrize(("kind", "name"), ORDERS)
def test_a_preview_shows_exactly_the_rows_that_would_be_sent(school, kind, name):
    author = school.people[name]
    schedule = place_order(author, kind, "csv")
    put_on(schedule, *school.people.values())
    candidates = every_label(kind)
    for person in list(school.people.values()):
        pairs = allowed_pairs(db.session, kind, author.id, person.id, DAY)
        shown = preview(author, schedule.id, person.id, DUE)
        if shown.reason is Reason.NO_DATA:
            assert pairs
            continue
        sections = shown.document.sections if shown.document else ()
        tables = [(section.title, section.table.rows) for section in sections] or [("", ())]
        wanted = labels_wanted(kind, [candidates[pair] for pair in pairs])
        assert sorted(labels_shown(kind, tables)) == wanted, person.name
        if not pairs:
            expected = Reason.OUT_OF_SCOPE if person.is_active else Reason.INACTIVE
            assert shown.reason is expected


def test_the_matrix_has_somebody_for_every_case(school):
    """The oracle itself, by hand: what it says about the people that this school is made of."""
    ids = {id_: name for name, id_ in ((n, p.id) for n, p in school.people.items())}
    classes = {group.id: name for name, group in school.classes.items()}

    def sees(kind, author, reader):
        pairs = allowed_pairs(
            db.session, kind, school.people[author].id, school.people[reader].id, DAY
        )
        others = ids if kind == "tutor_weekly_report" else classes
        return {f"{ids[student]} {others[other]}" for student, other in pairs}

    of_tom = {"ana maths", "ben maths", "fay maths", "hal maths"}
    whole = of_tom | {"ana english", "ben english", "cem biology"}
    tutored = {"ana uma", "cem uma", "ben uwe"}
    assert sees("student_report", "ada", "adi") == whole
    assert sees("student_report", "tom", "ada") == of_tom
    assert sees("student_report", "tom", "tim") == set()
    assert sees("student_report", "ada", "tim") == {"ana english", "ben english"}
    assert sees("student_report", "ada", "tor") == set()
    assert sees("student_report", "tom", "pol") == {"ana maths"}
    assert sees("student_report", "ada", "pam") == set()
    assert sees("student_report", "ada", "per") == {"ben maths", "ben english"}
    assert sees("student_report", "uma", "tea") == {"ana english", "cem biology"}
    assert sees("student_report", "ada", "eva") == set()
    for name in ("pan", "pit", "kai", "tam"):
        assert sees("student_report", "ada", name) == set()
        assert sees("parent_progress", "ada", name) == set()
    assert sees("class_analytics", "ada", "uma") == {"ana maths", "ana english", "cem biology"}
    assert sees("class_analytics", "uma", "ada") == sees("class_analytics", "ada", "pia") == set()
    assert sees("parent_progress", "tom", "pol") == {"ana maths"}
    assert sees("student_report", "ada", "fay") == {"fay maths"}
    assert sees("tutor_weekly_report", "ada", "adi") == tutored
    assert sees("tutor_weekly_report", "ada", "uwe") == {"ben uwe"}
    assert sees("tutor_weekly_report", "uma", "pol") == {"ana uma", "cem uma"}
    assert sees("tutor_weekly_report", "ada", "ana") == set()
    assert sees("teacher_weekly_report", "tom", "uma") == {"ana maths"}
    assert sees("teacher_weekly_report", "ada", "pia") == set()
    assert sees("student_report", "olga", "ole") == {"oskar art"}
