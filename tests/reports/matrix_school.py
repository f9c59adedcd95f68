"""A school in which every way of being in and out of sight is somebody's case.

It is in Auckland, where the day of sending has begun (Tuesday 24 November) while it is still
Monday 23 in UTC, in which the schedules are written. DAY is the day that counts.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from reportapp.constants import AttendanceStatus, AuthoredStatus, EnrollmentRole, Role
from reportapp.extensions import db, transaction
from reportapp.models import ClassGroup, ReportScheduleRecipient, User
from reportapp.tokens import new_unsubscribe_token
from tests.cast import (
    Cast,
    create_attendance,
    create_class,
    create_guardian_link,
    create_person,
    create_school,
    create_score,
    create_student_report,
    create_teacher_weekly,
    create_tutor_link,
    create_tutor_weekly,
    enroll,
)

#: Monday noon in UTC, 01:00 on Tuesday in Auckland.
DUE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = date(2026, 11, 24)
#: The period of a weekly run at DUE in UTC.
START, END = date(2026, 11, 16), date(2026, 11, 23)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)

PEOPLE = {
    Role.ADMIN: ("Ada", "Adi"),
    Role.TEACHER: ("Tom", "Tea", "Tim", "Tor"),
    Role.TUTOR: ("Uma", "Uwe", "Ulf"),
    Role.STUDENT: ("Ana", "Ben", "Cem", "Dan", "Eva", "Fay", "Gus", "Hal", "Ivo", "Jan"),
    Role.PARENT: ("Pia", "Pol", "Pam", "Per", "Pip", "Poe", "Nil", "Pax"),
}


TITLES = {
    "maths": "7a-M",
    "english": "7a-E",
    "biology": "8b-B",
    "closed": "9c-X",
    "art": "5x-A",
}


def create_matrix_school() -> None:
    """Everybody, committed. Each comment says what a person is for."""
    cast = Cast()
    with transaction():
        cast.school = create_school(time_zone="Pacific/Auckland")
        for role, names in PEOPLE.items():
            for name in names:
                cast.people[name.lower()] = create_person(
                    cast.school, role, name, time_zone="America/Los_Angeles"
                )
        other = create_school("Other School", "Pacific/Auckland")
        for role, name in (
            (Role.ADMIN, "Olga"),
            (Role.TEACHER, "Otto"),
            (Role.TUTOR, "Otis"),
            (Role.STUDENT, "Oskar"),
            (Role.PARENT, "Ole"),
        ):
            cast.people[name.lower()] = create_person(other, role, name)
        for role, name in (
            (Role.PARENT, "Pan"),
            (Role.PARENT, "Pit"),
            (Role.STUDENT, "Kai"),
            (Role.TEACHER, "Tam"),
        ):
            cast.people[name.lower()] = create_person(cast.school, role, name)
        cast.dan.is_active = False
        cast.pax.is_active = False
        _classes(cast, other)
        _links(cast)
        _data(cast)


def find_matrix_school() -> Cast:
    """The same, where the database has it already."""
    everybody = db.session.scalars(select(User).order_by(User.id))
    groups = {group.title: group for group in db.session.scalars(select(ClassGroup))}
    return Cast(
        people={person.given_name.lower(): person for person in everybody},
        classes={name: groups[title] for name, title in TITLES.items()},
    )


def _classes(cast: Cast, other) -> None:
    students = [cast.ana, cast.ben, cast.dan]
    maths = create_class(cast.school, TITLES["maths"], "Mathematics", [cast.tom], students)
    both = [cast.ana, cast.ben]
    english = create_class(cast.school, TITLES["english"], "English", [cast.tea], both)
    biology = create_class(cast.school, TITLES["biology"], "Biology", [cast.tea], [cast.cem])
    closed = create_class(cast.school, TITLES["closed"], "Latin", [cast.tom], [cast.ana, cast.ivo])
    closed.is_active = False
    art = create_class(other, TITLES["art"], "Art", [cast.otto], [cast.oskar])
    cast.classes = {
        "maths": maths,
        "english": english,
        "biology": biology,
        "closed": closed,
        "art": art,
    }
    role = EnrollmentRole.STUDENT
    enroll(maths, cast.eva, role, begin_date=None, end_date=YESTERDAY)  # has left
    enroll(maths, cast.fay, role, begin_date=DAY)  # is new today
    enroll(maths, cast.gus, role, begin_date=TOMORROW)  # comes tomorrow
    enroll(maths, cast.hal, role, begin_date=DAY - timedelta(days=90), end_date=DAY)  # last day
    enroll(maths, cast.kai, role, is_active=False)  # an import took this back
    role = EnrollmentRole.TEACHER
    enroll(maths, cast.tam, role, is_active=False)  # and this
    enroll(maths, cast.tim, role, end_date=YESTERDAY)  # taught until yesterday
    enroll(english, cast.tim, role, end_date=DAY)  # teaches until today
    enroll(biology, cast.tor, role, begin_date=TOMORROW)  # teaches from tomorrow
    # What no import should do: people of one school in classes of the other.
    enroll(maths, cast.otto, role)
    enroll(maths, cast.oskar, EnrollmentRole.STUDENT)
    enroll(art, cast.ana, EnrollmentRole.STUDENT)
    enroll(art, cast.tea, role)
    # And a grown-up who sits in a lesson.
    enroll(maths, cast.tea, EnrollmentRole.STUDENT)


def _links(cast: Cast) -> None:
    create_guardian_link(cast.pia, cast.ana)
    create_guardian_link(cast.pol, cast.ana)
    create_guardian_link(cast.pol, cast.cem)
    create_guardian_link(cast.pol, cast.oskar)  # a child at the other school too
    create_guardian_link(cast.pam, cast.ben, end_date=YESTERDAY)  # no longer
    create_guardian_link(cast.pam, cast.cem, begin_date=TOMORROW)  # not yet
    create_guardian_link(cast.per, cast.ben, begin_date=DAY, end_date=DAY)  # only today
    create_guardian_link(cast.pip, cast.dan)  # the child is inactive
    create_guardian_link(cast.poe, cast.oskar)  # the child is elsewhere
    create_guardian_link(cast.pax, cast.ana)  # the parent is inactive
    create_guardian_link(cast.pan, cast.ana, no_contact=True)
    create_guardian_link(cast.pit, cast.ana, is_active=False)
    create_guardian_link(cast.ole, cast.oskar)
    create_guardian_link(cast.ole, cast.ana)  # the parent belongs to the other school
    create_guardian_link(cast.ada, cast.ben)  # an admin who is a mother, too
    create_guardian_link(cast.tea, cast.ben)  # a teacher who is one
    create_tutor_link(cast.uma, cast.ana)
    create_tutor_link(cast.uma, cast.cem)
    create_tutor_link(cast.uma, cast.dan)
    create_tutor_link(cast.uwe, cast.ben, begin_date=DAY, end_date=DAY)
    create_tutor_link(cast.uwe, cast.ana, end_date=YESTERDAY)
    create_tutor_link(cast.uwe, cast.oskar)
    create_tutor_link(cast.ulf, cast.cem, begin_date=TOMORROW)
    create_tutor_link(cast.otis, cast.oskar)
    create_tutor_link(cast.otis, cast.ana)


def _data(cast: Cast) -> None:
    """Every student has lessons, scores and texts of every status in every class: what is missing
    in a report is missing because of its reader, never for want of data."""
    for student in students():
        for group in cast.classes.values():
            create_score(group, student, 50 + student.id % 7, START + timedelta(days=2))
            create_attendance(group, student, START, AttendanceStatus.PRESENT)
            _student_reports(cast, student, group)
            _teacher_weeklies(cast, student, group)
        _tutor_weeklies(cast, student)


def _student_reports(cast: Cast, student, group) -> None:
    """The newest that anybody may read is hidden from families; newer ones are not out."""
    for weeks, status, shown, word in (
        (5, AuthoredStatus.READ, True, "old"),
        (4, AuthoredStatus.SENT, True, "open"),
        (3, AuthoredStatus.READ, False, "inner"),
        (2, AuthoredStatus.ARCHIVED, True, "archived"),
        (1, AuthoredStatus.DRAFT, True, "draft"),
        (0, AuthoredStatus.SENT, True, "later"),
    ):
        start = START - timedelta(weeks=weeks - 1)
        create_student_report(
            cast.tom,
            student,
            group,
            status=status,
            show_to_parent=shown,
            period_start=start,
            period_end=start + timedelta(weeks=1),
            grade="1",
            behaviour=f"q{word}{student.id}x{group.id}q",
        )


def _teacher_weeklies(cast: Cast, student, group) -> None:
    for author, status, shown, word in (
        (cast.tom, AuthoredStatus.SENT, True, "open"),
        (cast.tea, AuthoredStatus.READ, False, "inner"),
        (cast.tim, AuthoredStatus.DRAFT, True, "draft"),
        (cast.tor, AuthoredStatus.ARCHIVED, True, "archived"),
    ):
        notes = f"q{word}{student.id}x{group.id}q"
        create_teacher_weekly(
            author, student, group, START, status=status, show_to_parent=shown, notes=notes
        )
    for weeks in (-1, 1):
        create_teacher_weekly(
            cast.tom,
            student,
            group,
            START + timedelta(weeks=weeks),
            notes=f"qother{weeks}{student.id}x{group.id}q",
        )


def _tutor_weeklies(cast: Cast, student) -> None:
    """What a pair's only report of the week is goes round: shown, hidden, draft, archived."""
    kinds = (
        (AuthoredStatus.SENT, True, "open"),
        (AuthoredStatus.READ, False, "inner"),
        (AuthoredStatus.DRAFT, True, "draft"),
        (AuthoredStatus.ARCHIVED, True, "archived"),
    )
    for number, tutor in enumerate((cast.uma, cast.uwe, cast.ulf, cast.otis)):
        status, shown, word = kinds[(student.id + number) % len(kinds)]
        summary = f"q{word}{student.id}x{tutor.id}q"
        create_tutor_weekly(
            tutor, student, START, status=status, show_to_parent=shown, summary=summary
        )


def students() -> list[User]:
    """Of both schools."""
    return list(db.session.scalars(select(User).where(User.role == Role.STUDENT)))


def put_on(schedule, *people: User) -> None:
    """Recipients straight into the database, past every check."""
    with transaction():
        for person in people:
            db.session.add(
                ReportScheduleRecipient(
                    schedule_id=schedule.id,
                    recipient_id=person.id,
                    unsubscribe_token=new_unsubscribe_token(),
                    added_at=DUE,
                )
            )
