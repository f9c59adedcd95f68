"""The people of the demo school and how they belong together."""

from collections import Counter

from argon2 import PasswordHasher
from email_validator import validate_email
from sqlalchemy import select

from reportapp.constants import EnrollmentRole, Role
from reportapp.extensions import db
from reportapp.models import (
    AcademicSession,
    AttendanceRecord,
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportDelivery,
    Result,
    School,
    TutorLink,
    User,
)
from reportapp.school.demo import DEMO_PASSWORD, demo_is_loaded, demo_logins
from tests.school.reading import NOW, count, people


def test_the_school_has_its_people_and_classes(demo):
    school = db.session.scalars(select(School)).one()
    assert (school.name, school.is_demo, school.time_zone) == (
        "Lindenhof School",
        True,
        "Europe/Berlin",
    )
    numbers = {role: len(people(role)) for role in Role}
    guardians = numbers.pop(Role.PARENT)
    assert numbers == {Role.ADMIN: 1, Role.TEACHER: 6, Role.TUTOR: 4, Role.STUDENT: 120}
    assert count(ClassGroup) == 8
    assert demo.counts["guardians"] == guardians > 60
    assert demo.counts["attendance"] == count(AttendanceRecord)
    assert demo.counts["results"] == count(Result)
    assert demo.counts["deliveries"] == count(ReportDelivery)
    sessions = db.session.scalars(select(AcademicSession)).all()
    present = [s.type for s in sessions if s.start_date <= NOW.date() <= s.end_date]
    assert sorted(present) == ["schoolYear", "term"]
    assert sorted(s.type for s in sessions) == ["schoolYear", "term", "term"]


def test_every_student_is_in_two_classes_of_thirty(demo):
    students = Enrollment.role == EnrollmentRole.STUDENT
    per_student = Counter(db.session.scalars(select(Enrollment.user_id).where(students)))
    assert set(per_student.values()) == {2}
    assert len(per_student) == 120
    per_class = Counter(db.session.scalars(select(Enrollment.class_group_id).where(students)))
    assert set(per_class.values()) == {30}


def test_the_first_teacher_teaches_two_classes_and_one_class_has_two_teachers(demo):
    taught = db.session.execute(
        select(Enrollment.class_group_id, Enrollment.user_id).where(
            Enrollment.role == EnrollmentRole.TEACHER
        )
    ).all()
    per_teacher = Counter(teacher for _, teacher in taught)
    assert per_teacher[people(Role.TEACHER)[0].id] == 2
    assert len(per_teacher) == 6
    assert sorted(Counter(group for group, _ in taught).values()) == [1] * 7 + [2]


def test_guardians_are_of_every_kind(demo):
    today = NOW.date()
    links = db.session.scalars(select(GuardianLink)).all()
    running = [link for link in links if link.end_date is None]
    per_child = Counter(link.student_id for link in running)
    kinds = Counter(per_child.get(student.id, 0) for student in people(Role.STUDENT))
    assert kinds[1] > kinds[2] > 0
    assert kinds[0] > 0
    assert any(link.end_date and link.end_date < today for link in links)
    guardians = people(Role.PARENT)
    linked = {link.guardian_id for link in links}
    assert [guardian.id in linked for guardian in guardians].count(False) == 1
    assert [guardian.email for guardian in guardians].count(None) == 1
    inactive = [guardian for guardian in guardians if not guardian.is_active]
    assert len(inactive) == 1
    assert inactive[0].password_hash is None


def test_the_parent_who_can_log_in_has_children_in_two_year_groups(demo):
    parent = db.session.scalars(select(User).where(User.email == "parent@family.example")).one()
    children = db.session.scalars(
        select(GuardianLink.student_id).where(GuardianLink.guardian_id == parent.id)
    ).all()
    titles = {
        title.split()[0]
        for title in db.session.scalars(
            select(ClassGroup.title)
            .join(Enrollment, Enrollment.class_group_id == ClassGroup.id)
            .where(Enrollment.user_id.in_(children))
        )
    }
    assert len(children) == 2
    assert len(titles) == 2


def test_tutors_have_about_ten_students_and_some_students_two_tutors(demo):
    links = db.session.scalars(select(TutorLink)).all()
    assert all(10 <= number <= 13 for number in Counter(link.tutor_id for link in links).values())
    assert 2 in Counter(link.student_id for link in links if not link.end_date).values()
    assert [link.end_date is None for link in links].count(False) == 1


def test_addresses_are_plain_and_names_are_not(demo):
    everybody = db.session.scalars(select(User)).all()
    emails = [person.email for person in everybody if person.email]
    for email in emails:
        assert email.isascii()
        validate_email(email, check_deliverability=False)
    domains = {person.role: (person.email or "@").split("@")[1] for person in everybody}
    assert domains[Role.TEACHER] == domains[Role.ADMIN] == "lindenhof.example"
    with_address = [student.email is not None for student in people(Role.STUDENT)]
    assert 40 <= with_address.count(True) <= 80
    assert len({person.name for person in everybody}) > 0.95 * len(everybody)
    text = "".join(person.name for person in everybody)
    for name in (
        "Müller",
        "Łukasz",
        "Nguyễn",
        "Ольга",
        "王",
        "佐藤",
        "김",
        "अनन्या",
        "محمد",
        "Ñuñez",
    ):
        assert name in text
    assert "O'Neil" in text


def test_the_fixed_people_can_log_in(demo):
    logins = demo_logins()
    assert [(role, email) for role, _, email in logins] == [
        ("admin", "admin@lindenhof.example"),
        ("teacher", "teacher@lindenhof.example"),
        ("tutor", "tutor@lindenhof.example"),
        ("parent", "parent@family.example"),
    ]
    hashes = {person.password_hash for person in db.session.scalars(select(User))} - {None}
    assert len(hashes) == 1
    assert PasswordHasher().verify(hashes.pop(), DEMO_PASSWORD)
    assert demo_is_loaded()
