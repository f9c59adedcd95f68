"""A school for a bench, with as many children and readers as wanted, in a few statements."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    EnrollmentRole,
    Role,
    ScoreStatus,
)
from reportapp.extensions import transaction
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    LineItem,
    ReportSchedule,
    ReportScheduleRecipient,
    Result,
    School,
    StudentReport,
    User,
)
from reportapp.schedules.edit import create_schedule
from reportapp.tokens import new_unsubscribe_token

#: A Monday; schedules of the bench are due half an hour later.
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
DUE = NOW + timedelta(minutes=30)
_WEEK = date(2026, 11, 16)
_CLASS = 25


def families(number: int, letters: int, export_format: str = "csv") -> int:
    """A schedule of a teacher who has that many children in classes of 25, sent to one guardian of
    each: every reader has a document of their own. `letters`: of what the teacher has written about
    each child. Its id."""
    with transaction() as session:
        school = _school(session)
        (teacher,) = _people(session, school, Role.TEACHER, 1)
        children = _people(session, school, Role.STUDENT, number)
        guardians = _people(session, school, Role.PARENT, number)
        rows = [
            {"guardian_id": guardian, "student_id": child}
            for guardian, child in zip(guardians, children, strict=True)
        ]
        session.execute(insert(GuardianLink), rows)
        _classes(session, school, teacher, children, letters)
        author = session.get_one(User, teacher)
    return _schedule(author, guardians, export_format)


def colleagues(number: int, children: int) -> int:
    """A schedule of an admin, sent to that many admins of a school with so many children: all have
    one document. Its id."""
    with transaction() as session:
        school = _school(session)
        (teacher,) = _people(session, school, Role.TEACHER, 1)
        readers = _people(session, school, Role.ADMIN, number)
        _classes(session, school, teacher, _people(session, school, Role.STUDENT, children), 0)
        author = session.get_one(User, readers[0])
    return _schedule(author, readers, "csv")


def _school(session: Session) -> int:
    school = School(name="Bench School", time_zone="Europe/Berlin", created_at=NOW)
    session.add(school)
    session.flush()
    return school.id


def _people(session: Session, school: int, role: Role, number: int) -> list[int]:
    rows = [
        {
            "school_id": school,
            "role": role,
            "given_name": f"{role.title()} {n}",
            "family_name": "Bench",
            "email": f"{role}{n}@school{school}.example",
            "is_active": True,
            "created_at": NOW,
        }
        for n in range(number)
    ]
    return list(session.scalars(insert(User).returning(User.id), rows))


def _classes(
    session: Session, school: int, teacher: int, children: list[int], letters: int
) -> None:
    course = Course(school_id=school, title="Mathematics", subject="Mathematics")
    session.add(course)
    session.flush()
    firsts = range(0, len(children), _CLASS)
    groups = session.scalars(
        insert(ClassGroup).returning(ClassGroup.id, sort_by_parameter_order=True),
        [
            {
                "school_id": school,
                "course_id": course.id,
                "title": f"Class {first // _CLASS + 1}",
                "is_active": True,
            }
            for first in firsts
        ],
    ).all()
    seats = [
        (child, group)
        for first, group in zip(firsts, groups, strict=True)
        for child in children[first : first + _CLASS]
    ]
    session.execute(
        insert(Enrollment),
        [
            {"class_group_id": group, "user_id": user, "role": role}
            for role, some in (
                (EnrollmentRole.STUDENT, seats),
                (EnrollmentRole.TEACHER, [(teacher, group) for group in groups]),
            )
            for user, group in some
        ],
    )
    _lessons(session, list(groups), seats)
    if letters:
        session.execute(
            insert(StudentReport), [_written(teacher, *seat, letters // 3) for seat in seats]
        )


def _lessons(session: Session, groups: list[int], seats: list[tuple[int, int]]) -> None:
    """Two scores and five lessons for every child."""
    for day in (1, 3):
        items = session.scalars(
            insert(LineItem).returning(LineItem.id, sort_by_parameter_order=True),
            [
                {
                    "class_group_id": group,
                    "title": f"Task {day}",
                    "category": "homework",
                    "assign_date": _WEEK,
                    "due_date": _WEEK + timedelta(days=day),
                }
                for group in groups
            ],
        ).all()
        item_of = dict(zip(groups, items, strict=True))
        session.execute(
            insert(Result),
            [
                {
                    "line_item_id": item_of[group],
                    "student_id": child,
                    "score_status": ScoreStatus.FULLY_GRADED,
                    "score": float(50 + child % 50),
                }
                for child, group in seats
            ],
        )
    session.execute(
        insert(AttendanceRecord),
        [
            {
                "student_id": child,
                "class_group_id": group,
                "date": _WEEK + timedelta(days=day),
                "lesson": 1,
                "status": AttendanceStatus.PRESENT,
            }
            for day in range(5)
            for child, group in seats
        ],
    )


def _written(teacher: int, child: int, group: int, letters: int) -> dict[str, Any]:
    words = f"Child {child} has worked well. " * (letters // 20)
    return {
        "author_id": teacher,
        "student_id": child,
        "class_group_id": group,
        "period_start": _WEEK,
        "period_end": _WEEK + timedelta(days=7),
        "grade": "2+",
        "progress_percent": 80,
        "behaviour": words[:letters],
        "concerns": words[:letters],
        "recommendations": words[:letters],
        "status": AuthoredStatus.SENT,
        "show_to_parent": True,
        "sent_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _schedule(author: User, readers: list[int], export_format: str) -> int:
    schedule: ReportSchedule = create_schedule(
        author,
        {
            "name": "Bench",
            "report_type": "student_report",
            "frequency": "weekly",
            "day_of_week": 1,
            "time": "09:00",
            "time_zone": "Europe/Berlin",
            "export_format": export_format,
            "is_active": True,
        },
        NOW,
    )
    with transaction() as session:
        session.execute(insert(ReportScheduleRecipient), recipients(schedule.id, readers))
        return schedule.id


def recipients(schedule: int, people: list[int]) -> list[dict[str, Any]]:
    """Rows that put the people on the schedule by name."""
    return [
        {
            "schedule_id": schedule,
            "recipient_id": person,
            "is_subscribed": True,
            "unsubscribe_token": new_unsubscribe_token(),
            "added_at": NOW,
        }
        for person in people
    ]
