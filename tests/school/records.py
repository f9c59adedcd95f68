"""What the tests of attendance and marks files share: files, a school that fits the samples, and
what is stored."""

import csv
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select

from reportapp.constants import EnrollmentRole, ImportKind, Role
from reportapp.extensions import db, transaction
from reportapp.models import (
    AcademicSession,
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    LineItem,
    Result,
    School,
    User,
)
from reportapp.school.attendance_import import plan_attendance, save_attendance
from reportapp.school.marks_import import plan_marks, save_marks
from reportapp.school.records_guess import guess_mapping
from reportapp.school.records_mapping import check_mapping
from reportapp.school.records_table import read_table
from tests.cast import NOW

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared/samples/attendance-oea"
WHOLE_DAYS = "batch1_studentattendance.csv"
LESSONS = "contoso_day1_studentattendance.csv"
MARKS = "studentsectionmark.csv"
TODAY = NOW.date()


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"NOT TESTED: the sample {path} is not on this machine")
    return path


def values_in(path: Path, column: str) -> list[str]:
    """The different values of a column, in their order."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(dict.fromkeys(row[column] for row in csv.DictReader(file)))


def file_of(folder: Path, *lines: str, name: str = "records.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def name_cast(cast) -> None:
    """Give the cast identifiers as the school's own system has them."""
    with transaction():
        for name, person in cast.people.items():
            person.sourced_id = f"{name}-1"
        for name, group in cast.classes.items():
            group.sourced_id = name


def create_school_of(students, groups=(), terms=()) -> School:
    """A school with these identifiers; everybody is in every class."""
    with transaction() as session:
        school = School(name="Sample School", time_zone="Europe/London", created_at=NOW)
        session.add(school)
        session.flush()
        course = Course(school_id=school.id, title="All", subject="All")
        session.add(course)
        session.flush()
        people = [
            {
                "school_id": school.id,
                "role": Role.STUDENT,
                "given_name": f"S{number}",
                "family_name": "Sample",
                "sourced_id": student,
                "created_at": NOW,
            }
            for number, student in enumerate(students)
        ]
        classes = [
            {
                "school_id": school.id,
                "course_id": course.id,
                "title": group,
                "sourced_id": group,
            }
            for group in groups
        ]
        sessions = [
            {
                "school_id": school.id,
                "sourced_id": term,
                "title": f"Term {term}",
                "type": "term",
                "start_date": date(2021, 1 + number, 1),
                "end_date": date(2021, 1 + number, 28),
            }
            for number, term in enumerate(terms)
        ]
        for table, rows in ((User, people), (ClassGroup, classes), (AcademicSession, sessions)):
            if rows:
                session.execute(insert(table), rows)
        enroll_all(session, school)
    return db.session.get_one(School, school.id)


def enroll_all(session, school) -> None:
    students = session.scalars(select(User.id).where(User.school_id == school.id)).all()
    groups = session.scalars(select(ClassGroup.id).where(ClassGroup.school_id == school.id)).all()
    rows = [
        {"class_group_id": group, "user_id": student, "role": EnrollmentRole.STUDENT}
        for group in groups
        for student in students
    ]
    if rows:
        session.execute(insert(Enrollment), rows)


def attendance_of(path: Path, **changes):
    """The mapping that is guessed for a file, with some of it changed."""
    return _mapping(ImportKind.ATTENDANCE, path, changes)


def marks_of(path: Path, **changes):
    return _mapping(ImportKind.MARKS, path, changes)


def _mapping(kind, path, changes):
    table = read_table(path)
    return check_mapping(kind, {**guess_mapping(kind, table).data, **changes}, table.columns)


def look_at(school, path, mapping, today=TODAY):
    """The plan of an attendance file."""
    return plan_attendance(db.session(), school.id, read_table(path), mapping, today)


def take(school, path, mapping, today=TODAY):
    """Plan and save, errors or not."""
    with transaction() as session:
        plan = plan_attendance(session, school.id, read_table(path), mapping, today)
        save_attendance(session, plan)
    return plan


def take_marks(school, path, mapping):
    with transaction() as session:
        plan = plan_marks(session, school.id, read_table(path), mapping)
        save_marks(session, plan)
    return plan


@contextmanager
def statements():
    """The SQL that is sent meanwhile."""
    seen = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def errors_of(plan) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.value) for error in plan.errors]


def stored() -> list[tuple[str, str | None, str, int, str]]:
    """(student, class, day, lesson, status) of all records, in order."""
    db.session.rollback()
    rows = db.session.execute(
        select(
            User.sourced_id,
            ClassGroup.sourced_id,
            AttendanceRecord.date,
            AttendanceRecord.lesson,
            AttendanceRecord.status,
        )
        .select_from(AttendanceRecord)
        .join(User, User.id == AttendanceRecord.student_id)
        .outerjoin(ClassGroup, ClassGroup.id == AttendanceRecord.class_group_id)
    )
    return sorted(
        ((s, g, d.isoformat(), n, str(t)) for s, g, d, n, t in rows),
        key=lambda row: [str(cell) for cell in row],
    )


def stored_marks() -> list[tuple]:
    """(student, class, title, due, highest, score, words) of all imported marks, in order."""
    db.session.rollback()
    rows = db.session.execute(
        select(
            User.sourced_id,
            ClassGroup.sourced_id,
            LineItem.title,
            LineItem.due_date,
            LineItem.result_value_max,
            Result.score,
            Result.text_score,
        )
        .select_from(Result)
        .join(LineItem, LineItem.id == Result.line_item_id)
        .join(User, User.id == Result.student_id)
        .join(ClassGroup, ClassGroup.id == LineItem.class_group_id)
        .where(LineItem.category == "Mark")
    )
    return sorted(
        ((s, g, t, d.isoformat(), m, n, w) for s, g, t, d, m, n, w in rows),
        key=lambda row: [str(cell) for cell in row],
    )
