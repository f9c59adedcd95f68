"""The classes of the demo school: sessions, courses, year groups, and who is in them."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

from reportapp.constants import EnrollmentRole
from reportapp.models import AcademicSession, ClassGroup, Course, Enrollment
from reportapp.school.demo_people import People, Person
from reportapp.school.demo_stage import Stage

#: Four year groups, each with the grade it is of and the two subjects it has.
_YEAR_GROUPS = (
    (7, ("Mathematics", "English")),
    (8, ("Biology", "History")),
    (9, ("Geography", "Physics")),
    (10, ("Mathematics", "English")),
)
#: So many students make four year groups; more make parallel ones.
_BLOCK = 120


@dataclass(eq=False)
class Group:
    """A class with its people; `id` is set when the database has given one."""

    title: str
    subject: str
    grade: int
    teachers: list[Person]
    students: list[Person]
    id: int = 0


def year_groups(students: int) -> int:
    """How many year groups so many students make."""
    return len(_YEAR_GROUPS) * ceil(students / _BLOCK)


def make_classes(stage: Stage, people: People) -> list[Group]:
    """All classes with their enrolments, in the database."""
    groups = _groups(people)
    _give_teachers(groups, people.teachers)
    year, term = _sessions(stage)
    courses = _courses(stage, {(group.subject, group.grade): None for group in groups})
    rows = [
        {
            "school_id": stage.school_id,
            "course_id": courses[group.subject, group.grade],
            "academic_session_id": term,
            "sourced_id": f"demo-class-{number:03d}",
            "title": group.title,
        }
        for number, group in enumerate(groups, 1)
    ]
    for group, id_ in zip(groups, stage.add_with_ids(ClassGroup, rows), strict=True):
        group.id = id_
    _enroll(stage, groups, year)
    return groups


def _groups(people: People) -> list[Group]:
    """Year group by year group, so that students in a row sit together."""
    count, students = year_groups(len(people.students)), people.students
    groups = []
    for number in range(count):
        grade, subjects = _YEAR_GROUPS[number % len(_YEAR_GROUPS)]
        members = [s for n, s in enumerate(students) if n * count // len(students) == number]
        for subject in subjects:
            title = f"{_year_group(number, grade)} {subject}"
            groups.append(Group(title, subject, grade, [], members))
    return groups


def _year_group(number: int, grade: int) -> str:
    """7a, 8b, 9a, 10b; then 7b, 8a, 9b, 10a; then 7c, 8d and so on."""
    block = number // len(_YEAR_GROUPS)
    letter = block ^ (number % 2)
    letters = chr(ord("a") + letter % 26)
    if letter >= 26:
        letters = chr(ord("a") + letter // 26 - 1) + letters
    return f"{grade}{letters}"


def _give_teachers(groups: list[Group], teachers: list[Person]) -> None:
    """In turn, so that the first ones teach two or more classes; two share the second class."""
    for number, group in enumerate(groups):
        group.teachers.append(teachers[number % len(teachers)])
    groups[1].teachers.append(teachers[2])


def _sessions(stage: Stage) -> tuple[date, int]:
    """The school year (from August on) and its halves, which are the terms: its first day, and the
    id of the present term."""
    today = stage.today
    begin = date(today.year if today.month >= 8 else today.year - 1, 8, 1)
    middle = date(begin.year + 1, 2, 1)
    end = date(begin.year + 1, 8, 1)
    title = f"{begin.year}/{end.year}"
    sessions = (
        ("demo-year", f"School year {title}", "schoolYear", begin, end),
        ("demo-term-1", f"First term {title}", "term", begin, middle),
        ("demo-term-2", f"Second term {title}", "term", middle, end),
    )
    rows = [
        {
            "school_id": stage.school_id,
            "sourced_id": sourced_id,
            "title": title,
            "type": type_,
            "start_date": start,
            "end_date": after - timedelta(days=1),
        }
        for sourced_id, title, type_, start, after in sessions
    ]
    ids = stage.add_with_ids(AcademicSession, rows)
    return begin, ids[1 if today < middle else 2]


def _courses(stage: Stage, wanted: dict[tuple[str, int], None]) -> dict[tuple[str, int], int]:
    rows = [
        {
            "school_id": stage.school_id,
            "sourced_id": f"demo-course-{subject.lower()}-{grade}",
            "title": f"{subject}, grade {grade}",
            "subject": subject,
        }
        for subject, grade in wanted
    ]
    return dict(zip(wanted, stage.add_with_ids(Course, rows), strict=True))


def _enroll(stage: Stage, groups: list[Group], year: date) -> None:
    rows: list[dict[str, Any]] = []
    for group in groups:
        members = [(person, EnrollmentRole.TEACHER) for person in group.teachers]
        members += [(person, EnrollmentRole.STUDENT) for person in group.students]
        rows.extend(
            {
                "class_group_id": group.id,
                "user_id": person.id,
                "sourced_id": f"demo-enrollment-{len(rows) + n:04d}",
                "role": role,
                "begin_date": min(year, stage.first_monday),
                "end_date": None,
            }
            for n, (person, role) in enumerate(members, 1)
        )
    stage.add(Enrollment, rows)
