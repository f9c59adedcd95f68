"""A random school at work: whatever is delivered, author and recipient both may see.

SOAK_EXAMPLES makes it the school of 50 teachers, 500 students and 10,000 deliveries.
"""

import os
import random
import re
from datetime import time, timedelta

from sqlalchemy import insert, select

from reportapp import clock
from reportapp.access import FEWEST_STUDENTS
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    DeliveryStatus,
    EnrollmentRole,
    Reason,
    ReportType,
    Role,
    ScoreStatus,
)
from reportapp.delivery import deliver, plan_due
from reportapp.extensions import db, transaction
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    LineItem,
    ReportDelivery,
    ReportSchedule,
    Result,
    School,
    StudentReport,
    TeacherWeeklyReport,
    TutorLink,
    TutorWeeklyReport,
    User,
)
from tests.reports.matrix_school import DAY, DUE, END, START, TOMORROW, YESTERDAY, put_on
from tests.reports.opened import tables_in
from tests.reports.oracle import allowed_pairs, allowed_texts, others_in
from tests.reports.test_scope_matrix import labels_shown, labels_wanted

#: Teachers, students and schedules, each of which goes to 20 people.
TEACHERS, STUDENTS, SCHEDULES = (50, 500, 500) if os.environ.get("SOAK_EXAMPLES") else (6, 40, 15)
PER_SCHEDULE = 20


def many(model, rows):
    if rows:
        db.session.execute(insert(model), rows)


def dates(rng):
    """Links that have run for long, are over, end today or have not begun."""
    return {
        "begin_date": rng.choice([None, None, None, START - timedelta(days=40), TOMORROW]),
        "end_date": rng.choice([None, None, None, YESTERDAY, DAY, DAY + timedelta(days=90)]),
        "is_active": rng.random() < 0.9,
    }


def create_people(rng) -> dict[Role, list[int]]:
    db.session.add(School(id=1, name="School", time_zone="Pacific/Auckland", created_at=DUE))
    db.session.flush()
    sizes = {
        Role.ADMIN: 3,
        Role.TEACHER: TEACHERS,
        Role.TUTOR: 3 + TEACHERS // 5,
        Role.STUDENT: STUDENTS,
        Role.PARENT: STUDENTS,
    }
    roles = [role for role, size in sizes.items() for _ in range(size)]
    people = [
        {
            "id": n,
            "school_id": 1,
            "role": role,
            "given_name": f"nq{n}q",
            "family_name": "Any",
            "email": f"p{n}@example.com",
            "created_at": DUE,
            "is_active": rng.random() < 0.95,
        }
        for n, role in enumerate(roles, start=1)
    ]
    many(User, people)
    return {role: [p["id"] for p in people if p["role"] is role] for role in sizes}


def create_links(rng, ids) -> list[tuple[int, int]]:
    """Classes, enrolments, families (some with siblings, some in conflict) and tutors; every
    (student, class), also of those who have left."""
    rooms = range(1, TEACHERS + 1)
    many(Course, [{"id": 1, "school_id": 1, "title": "Course", "subject": "Subject"}])
    many(
        ClassGroup,
        [
            {
                "id": room,
                "school_id": 1,
                "course_id": 1,
                "title": f"K{room}k",
                "is_active": rng.random() < 0.9,
            }
            for room in rooms
        ],
    )
    seats = [(room, s) for s in ids[Role.STUDENT] for room in rng.sample(rooms, 2)]
    desks = [(room, t) for t in ids[Role.TEACHER] for room in rng.sample(rooms, 2)]
    many(
        Enrollment,
        [
            {"class_group_id": room, "user_id": user, "role": role, **dates(rng)}
            for role, places in ((EnrollmentRole.STUDENT, seats), (EnrollmentRole.TEACHER, desks))
            for room, user in places
        ],
    )
    families = {(p, s) for s in ids[Role.STUDENT] for p in rng.sample(ids[Role.PARENT], 2)}
    many(
        GuardianLink,
        [
            {
                "guardian_id": parent,
                "student_id": child,
                "no_contact": rng.random() < 0.1,
                **dates(rng),
            }
            for parent, child in sorted(families)
        ],
    )
    tutors = [
        {"tutor_id": rng.choice(ids[Role.TUTOR]), "student_id": s, **dates(rng)}
        for s in ids[Role.STUDENT]
    ]
    for row in tutors:
        del row["is_active"]
    many(TutorLink, tutors)
    return [(student, room) for room, student in seats]


def create_data(rng, ids, pairs) -> None:
    """Work, lessons and words on everybody everywhere: what is missing, is so for its reader."""
    many(
        LineItem,
        [
            {
                "id": room,
                "class_group_id": room,
                "title": f"Task {room}",
                "category": "homework",
                "due_date": START + timedelta(days=2),
                "assign_date": START,
                "result_value_max": 100,
            }
            for room in range(1, TEACHERS + 1)
        ],
    )
    status = ScoreStatus.FULLY_GRADED
    many(
        Result,
        [
            {"line_item_id": room, "student_id": s, "score": s % 101, "score_status": status}
            for s, room in pairs
        ],
    )
    many(
        AttendanceRecord,
        [
            {
                "class_group_id": room,
                "student_id": s,
                "date": START,
                "lesson": 1,
                "status": AttendanceStatus.PRESENT,
            }
            for s, room in pairs
        ],
    )

    def word(student, **fields):
        return {
            "student_id": student,
            "author_id": rng.choice(ids[Role.TEACHER]),
            "status": rng.choice(list(AuthoredStatus)),
            "show_to_parent": rng.random() < 0.6,
            "created_at": DUE,
            "updated_at": DUE,
            **fields,
        }

    week = {"period_start": START, "period_end": END}
    many(
        StudentReport,
        [word(s, class_group_id=room, behaviour=f"wb{s}x{room}w", **week) for s, room in pairs],
    )
    many(
        TeacherWeeklyReport,
        [
            word(s, class_group_id=room, notes=f"wn{s}x{room}w", week_start=START)
            for s, room in pairs
        ],
    )
    many(
        TutorWeeklyReport,
        [
            word(s, author_id=tutor, summary=f"wt{s}x{tutor}w", week_start=START)
            for s, tutor in db.session.execute(select(TutorLink.student_id, TutorLink.tutor_id))
        ],
    )


def place(rng, ids) -> ReportSchedule:
    """Past every check, also by people who may not order it."""
    staff = [id_ for role in (Role.ADMIN, Role.TEACHER, Role.TUTOR) for id_ in ids[role]]
    with transaction():
        schedule = ReportSchedule(
            name="Order",
            report_type=rng.choice(list(ReportType)),
            class_group_id=rng.choice([None, None, rng.randint(1, TEACHERS)]),
            created_by_id=rng.choice([rng.choice(ids[Role.ADMIN]), rng.choice(staff)]),
            frequency="weekly",
            day_of_week=1,
            days_of_week="1",
            time=time(12),
            time_zone="UTC",
            export_format=rng.choice(["csv", "xlsx"]),
            is_active=True,
            next_scheduled=DUE,
            created_at=DUE,
            updated_at=DUE,
        )
        db.session.add(schedule)
    return schedule


def wanted_fate(kind, author, reader, pairs, texts):
    if not author.is_active:
        return DeliveryStatus.SKIPPED, Reason.AUTHOR_INACTIVE
    if not reader.is_active:
        return DeliveryStatus.SKIPPED, Reason.INACTIVE
    if not pairs:
        return DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE
    if kind == "tutor_weekly_report" and not texts:
        return DeliveryStatus.SKIPPED, Reason.NO_DATA
    return DeliveryStatus.SENT, None


def crowds(pairs) -> dict[int, int]:
    """How many others there are beside the students of `pairs`, by class."""
    rooms = {room for _, room in pairs}
    own = {room: {student for student, other in pairs if other == room} for room in rooms}
    return {room: others_in(db.session, room, 1, own[room], DAY) for room in rooms}


def label(kind, student, other):
    name = f"nq{student}q Any"
    if kind == "tutor_weekly_report":
        return name, f"nq{other}q Any"
    return (name, "Subject", f"K{other}k") if "teacher" in kind else (name, f"K{other}k")


def check_mail(mail, schedule, reader, pairs, texts) -> None:
    kind, export_format = str(schedule.report_type), schedule.export_format
    tables = [(t, rows[1:]) for t, rows in tables_in(mail.attachment[1], export_format)]
    wanted = labels_wanted(kind, [label(kind, *pair) for pair in pairs])
    assert sorted(labels_shown(kind, tables)) == wanted
    everything = f"{mail.text}\n{mail.html}\n{tables}"
    assert set(re.findall(r"w[bnt]\d+x\d+w", everything)) == texts
    known = {student for student, _ in pairs} | {schedule.created_by_id, reader.id}
    if kind == "tutor_weekly_report":
        known |= {tutor for _, tutor in pairs}
    assert {int(n) for n in re.findall(r"nq(\d+)q", everything)} <= known
    if kind == "class_analytics" and reader.role is Role.TUTOR:
        for title, students, *figures in tables[0][1]:
            room = int(title[1:-1])
            own = {student for student, other in pairs if other == room}
            crowd = others_in(db.session, room, 1, own, DAY)
            if crowd < FEWEST_STUDENTS:
                assert {students, *figures} == {""}
            else:
                assert students == str(crowd + len(own))


def test_all_that_a_random_school_delivers_both_may_see(app, smtp):
    rng = random.Random(os.environ.get("SOAK_EXAMPLES", "1"))
    with transaction():
        ids = create_people(rng)
        create_data(rng, ids, create_links(rng, ids))
    everybody = [id_ for group in ids.values() for id_ in group]
    ends: dict = {}
    for _ in range(SCHEDULES):
        schedule = place(rng, ids)
        some = {
            *rng.sample(everybody, PER_SCHEDULE // 2),
            *(i for role in (Role.ADMIN, Role.TUTOR) for i in rng.sample(ids[role], 2)),
        }
        while len(some) < PER_SCHEDULE:
            some.add(rng.choice(ids[rng.choice([Role.TEACHER, Role.PARENT, Role.PARENT])]))
        readers = db.session.scalars(select(User).where(User.id.in_(some))).all()
        put_on(schedule, *readers)
        smtp.arrived.clear()
        assert plan_due(DUE).executions == 1
        deliver(clock.fixed(DUE))
        arrived = {mail.to: mail for mail in smtp.arrived}
        kind = str(schedule.report_type)
        for row in db.session.scalars(
            select(ReportDelivery).where(ReportDelivery.execution.has(schedule_id=schedule.id))
        ):
            reader = db.session.get_one(User, row.recipient_id)
            pairs = allowed_pairs(
                db.session,
                kind,
                schedule.created_by_id,
                reader.id,
                DAY,
                schedule.class_group_id,
            )
            texts = allowed_texts(db.session, kind, pairs, reader.id, START, END)
            case = (kind, schedule.created_by_id, reader.role, reader.id)
            author = schedule.created_by
            wanted = wanted_fate(kind, author, reader, pairs, texts)
            if row.reason is Reason.NO_DATA and wanted == (DeliveryStatus.SENT, None):
                # No figure of a small class is shown, and nothing may be left.
                assert (kind, reader.role) == ("class_analytics", Role.TUTOR), case
                assert max(crowds(pairs).values()) < FEWEST_STUDENTS, case
            else:
                assert (row.status, row.reason) == wanted, case
            mail = arrived.pop(reader.email, None)
            assert (mail is not None) is (row.status is DeliveryStatus.SENT), case
            if mail is not None:
                check_mail(mail, schedule, reader, pairs, texts)
            end = str(row.reason or row.status)
            ends[kind, end] = ends.get((kind, end), 0) + 1
        assert arrived == {}
    print(sorted(ends.items()))
    assert sum(ends.values()) == SCHEDULES * PER_SCHEDULE
    assert {kind for kind, end in ends if end == "sent"} == set(ReportType)
