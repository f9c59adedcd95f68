"""One cast of people, in one school, with two weeks of lessons; and a second school next door.

7a Mathematics (Tom): Ana, Ben.   7a English (Tea): Ana, Ben.   8b Biology (Tea): Cem.
Uma tutors Ana and Cem, Uwe tutors Ben.
Pia is the mother of Ana; Pol is the father of Ana and Cem; Nil has no child here.
Olga (admin), Otto (teacher), Oskar (student) and Ole (parent) belong to the other school.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count

from argon2 import PasswordHasher

from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    EnrollmentRole,
    Role,
    ScoreStatus,
)
from reportapp.extensions import db, transaction
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    LineItem,
    ReportSchedule,
    Result,
    School,
    StudentReport,
    TeacherWeeklyReport,
    TutorLink,
    TutorWeeklyReport,
    User,
)
from reportapp.schedules.edit import create_schedule
from reportapp.schedules.recipients import add_recipient

#: A Monday morning; the week before it has data.
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
WEEK = date(2026, 11, 16)
PASSWORD = "correct horse"
#: A quick one: real hashes are slow on purpose.
_PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
#: The cast's classes and their titles.
_CLASSES = {
    "maths": "7a Mathematics",
    "english": "7a English",
    "biology": "8b Biology",
    "other": "5x Art",
}
_numbers = count(1)


def create_school(name: str = "Lindenhof School", time_zone: str = "Europe/Berlin") -> School:
    school = School(name=name, time_zone=time_zone, created_at=NOW)
    db.session.add(school)
    db.session.flush()
    return school


def create_person(
    school: School,
    role: Role,
    given_name: str,
    family_name: str = "Example",
    *,
    email: str | None = "",
    **fields,
) -> User:
    """`email`: empty for given_name@school.example."""
    if email == "":
        email = f"{given_name.lower()}@{role}.example"
    person = User(
        school_id=school.id,
        role=role,
        given_name=given_name,
        family_name=family_name,
        email=email,
        password_hash=_PASSWORD_HASH if email else None,
        created_at=NOW,
        **fields,
    )
    db.session.add(person)
    db.session.flush()
    return person


def create_admins(school: School, number: int) -> list[User]:
    """So many people with the same rights, `admin0@admin.example` and on."""
    return [create_person(school, Role.ADMIN, f"Admin{n}") for n in range(number)]


def create_class(school: School, title: str, subject: str, teachers=(), students=()) -> ClassGroup:
    course = Course(school_id=school.id, title=subject, subject=subject)
    db.session.add(course)
    db.session.flush()
    group = ClassGroup(school_id=school.id, course_id=course.id, title=title)
    db.session.add(group)
    db.session.flush()
    for person in teachers:
        enroll(group, person, EnrollmentRole.TEACHER)
    for person in students:
        enroll(group, person, EnrollmentRole.STUDENT)
    return group


def enroll(group: ClassGroup, person: User, role: EnrollmentRole, **dates) -> Enrollment:
    enrollment = Enrollment(class_group_id=group.id, user_id=person.id, role=role, **dates)
    db.session.add(enrollment)
    db.session.flush()
    return enrollment


def create_guardian_link(guardian: User, child: User, **dates) -> GuardianLink:
    link = GuardianLink(guardian_id=guardian.id, student_id=child.id, **dates)
    db.session.add(link)
    db.session.flush()
    return link


def create_tutor_link(tutor: User, student: User, **dates) -> TutorLink:
    link = TutorLink(tutor_id=tutor.id, student_id=student.id, **dates)
    db.session.add(link)
    db.session.flush()
    return link


def create_score(
    group: ClassGroup,
    student: User,
    score: float | None,
    due: date,
    *,
    out_of: float = 100,
    status: ScoreStatus = ScoreStatus.FULLY_GRADED,
) -> LineItem:
    """One line item with this student's result."""
    item = LineItem(
        class_group_id=group.id,
        title=f"Task {next(_numbers)}",
        category="homework",
        assign_date=due - timedelta(days=3),
        due_date=due,
        result_value_max=out_of,
    )
    db.session.add(item)
    db.session.flush()
    db.session.add(
        Result(line_item_id=item.id, student_id=student.id, score=score, score_status=status)
    )
    db.session.flush()
    return item


def create_attendance(
    group: ClassGroup, student: User, day: date, status: AttendanceStatus, lesson: int = 1
) -> None:
    db.session.add(
        AttendanceRecord(
            class_group_id=group.id, student_id=student.id, date=day, status=status, lesson=lesson
        )
    )
    db.session.flush()


def create_student_report(author: User, student: User, group: ClassGroup, **fields):
    fields = {"status": AuthoredStatus.SENT, "show_to_parent": True, "grade": "2+", **fields}
    fields.setdefault("period_start", WEEK - timedelta(days=7))
    fields.setdefault("period_end", WEEK + timedelta(days=7))
    return _authored(
        StudentReport, author, student, class_group_id=group.id, **{"behaviour": "", **fields}
    )


def create_tutor_weekly(author: User, student: User, week_start: date = WEEK, **fields):
    fields = {"status": AuthoredStatus.SENT, "show_to_parent": True, **fields}
    return _authored(TutorWeeklyReport, author, student, week_start=week_start, **fields)


def create_teacher_weekly(
    author: User, student: User, group: ClassGroup, week_start: date = WEEK, **fields
):
    fields = {"status": AuthoredStatus.SENT, **fields}
    return _authored(
        TeacherWeeklyReport,
        author,
        student,
        class_group_id=group.id,
        week_start=week_start,
        **fields,
    )


def _authored(model, author, student, **fields):
    report = model(
        author_id=author.id, student_id=student.id, created_at=NOW, updated_at=NOW, **fields
    )
    db.session.add(report)
    db.session.flush()
    return report


def create_order(author: User, *recipients: User, now: datetime = NOW, **fields) -> ReportSchedule:
    """A schedule through the use-cases: weekly on Mondays at 09:00 in Berlin, CSV."""
    data = {
        "name": f"Order {next(_numbers)}",
        "report_type": "student_report",
        "frequency": "weekly",
        "day_of_week": 1,
        "day_of_month": 1,
        "time": "09:00",
        "time_zone": "Europe/Berlin",
        "export_format": "csv",
        "is_active": True,
        **fields,
    }
    schedule = create_schedule(author, data, now)
    for person in recipients:
        add_recipient(author, schedule.id, person.id, now)
    return schedule


@dataclass
class Cast:
    """Everybody, by first name, and the classes."""

    people: dict[str, User] = field(default_factory=dict)
    classes: dict[str, ClassGroup] = field(default_factory=dict)
    school: School | None = None

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None


def create_cast() -> Cast:
    """The whole cast, committed."""
    cast = Cast()
    with transaction():
        cast.school = create_school()
        for role, names in {
            Role.ADMIN: ("Ada",),
            Role.TEACHER: ("Tom", "Tea"),
            Role.TUTOR: ("Uma", "Uwe"),
            Role.STUDENT: ("Ana", "Ben", "Cem"),
            Role.PARENT: ("Pia", "Pol", "Nil"),
        }.items():
            for name in names:
                cast.people[name.lower()] = create_person(cast.school, role, name)
        cast.classes = {
            "maths": create_class(
                cast.school, _CLASSES["maths"], "Mathematics", [cast.tom], [cast.ana, cast.ben]
            ),
            "english": create_class(
                cast.school, _CLASSES["english"], "English", [cast.tea], [cast.ana, cast.ben]
            ),
            "biology": create_class(
                cast.school, _CLASSES["biology"], "Biology", [cast.tea], [cast.cem]
            ),
        }
        create_guardian_link(cast.pia, cast.ana)
        create_guardian_link(cast.pol, cast.ana)
        create_guardian_link(cast.pol, cast.cem)
        create_tutor_link(cast.uma, cast.ana)
        create_tutor_link(cast.uma, cast.cem)
        create_tutor_link(cast.uwe, cast.ben)
        _neighbours(cast)
        _lessons(cast)
        _reports(cast)
    return cast


def find_cast() -> Cast:
    """The cast in a database that is a copy of one in which `create_cast` made it."""
    groups = {group.title: group for group in db.session.query(ClassGroup)}
    cast = Cast(
        people={person.given_name.lower(): person for person in db.session.query(User)},
        classes={name: groups[title] for name, title in _CLASSES.items()},
        school=db.session.query(School).filter_by(name="Lindenhof School").one(),
    )
    db.session.commit()  # as after creating it: no transaction is open
    return cast


def _neighbours(cast: Cast) -> None:
    other = create_school("Other School")
    for role, name in (
        (Role.ADMIN, "Olga"),
        (Role.TEACHER, "Otto"),
        (Role.STUDENT, "Oskar"),
        (Role.PARENT, "Ole"),
    ):
        cast.people[name.lower()] = create_person(other, role, name)
    cast.classes["other"] = create_class(other, _CLASSES["other"], "Art", [cast.otto], [cast.oskar])
    create_guardian_link(cast.ole, cast.oskar)


def _lessons(cast: Cast) -> None:
    """Each student's score tells who it is of: Ana 81, Ben 62, Cem 93, Oskar 44 in the week."""
    for name, week, before in (
        ("ana", 81, 71),
        ("ben", 62, 62),
        ("cem", 93, 98),
        ("oskar", 44, 44),
    ):
        student = cast.people[name]
        for group in cast.classes.values():
            taught = db.session.query(Enrollment).filter_by(
                class_group_id=group.id, user_id=student.id
            )
            if taught.first() is None:
                continue
            create_score(group, student, week, WEEK + timedelta(days=2))
            create_score(group, student, before, WEEK - timedelta(days=5))
            for day in range(5):
                absent = name == "ben" and day == 0
                status = AttendanceStatus.ABSENT if absent else AttendanceStatus.PRESENT
                create_attendance(group, student, WEEK + timedelta(days=day), status)


def _reports(cast: Cast) -> None:
    maths, english, biology = (cast.classes[name] for name in ("maths", "english", "biology"))
    create_student_report(cast.tom, cast.ana, maths, behaviour="Ana is friendly.")
    create_student_report(cast.tom, cast.ben, maths, behaviour="Ben is lively.")
    create_student_report(
        cast.tea, cast.ana, english, concerns="Ana among teachers only.", show_to_parent=False
    )
    create_student_report(cast.tea, cast.cem, biology, recommendations="Cem should read.")
    create_tutor_weekly(cast.uma, cast.ana, summary="Uma on Ana.", notes="More practice.")
    create_tutor_weekly(cast.uma, cast.cem, summary="Uma on Cem.", show_to_parent=False)
    create_tutor_weekly(cast.uwe, cast.ben, summary="Uwe on Ben.")
    create_teacher_weekly(cast.tom, cast.ana, maths, notes="Tom on Ana.")
    create_teacher_weekly(cast.tea, cast.cem, biology, notes="Tea on Cem.")
