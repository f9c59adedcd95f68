"""The demo school: what it holds, that it can be made again, and that it leaves real data alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from email_validator import validate_email
from sqlalchemy import func, select

from reportapp import create_app
from reportapp.access import REPORT_AUTHORS, REPORT_READERS
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    DeliveryStatus,
    EnrollmentRole,
    ExecutionStatus,
    ExportFormat,
    Frequency,
    Reason,
    ReportType,
    Role,
    ScoreStatus,
)
from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import Base, db, transaction
from reportapp.models import (
    AcademicSession,
    AttendanceRecord,
    ClassGroup,
    Enrollment,
    GuardianLink,
    LineItem,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    Result,
    School,
    StudentReport,
    TeacherWeeklyReport,
    TutorLink,
    TutorWeeklyReport,
    User,
)
from reportapp.recurrence import next_run_after
from reportapp.reports import load_scopes
from reportapp.schedules.timing import period_of, rule_of
from reportapp.school.demo import DEMO_PASSWORD, demo_is_loaded, demo_logins, load_demo
from tests.cast import create_school

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SECRETS = {"password_hash", "unsubscribe_token"}
FOLLOW_THE_CLOCK = {"report_schedule", "report_schedule_execution", "report_delivery"}
WRITTEN = (StudentReport, TutorWeeklyReport, TeacherWeeklyReport)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An application with the demo school of 120 students, loaded once for the whole module."""
    folder = tmp_path_factory.mktemp("demo")
    app = create_app(
        {
            "INSTANCE_PATH": str(folder / "instance"),
            "DATABASE_URL": f"sqlite:///{folder}/demo.db",
            "SECRET_KEY": "only for tests",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_USE_TLS": "false",
            "MAIL_DEFAULT_SENDER": "Reports <reports@lindenhof.example>",
            "BASE_URL": "https://reports.lindenhof.example",
            "TESTING": True,
        }
    )
    with app.app_context():
        db.create_all()
        app.summary = load_demo(NOW)
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def demo(loaded):
    """Inside the context of `loaded`; for tests that only read."""
    with loaded.app_context():
        yield loaded.summary
        db.session.remove()


def dump(*, but=frozenset()) -> dict[str, list]:
    """Every table's rows but for secrets."""
    tables = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in but:
            columns = [column for column in table.columns if column.name not in SECRETS]
            tables[table.name] = sorted(db.session.execute(select(*columns)), key=repr)
    db.session.commit()
    return tables


def reload_demo(now=NOW, **options) -> None:
    with transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    load_demo(now, **options)


def count(model, *where) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where))


def people(role: Role) -> list[User]:
    return list(db.session.scalars(select(User).where(User.role == role).order_by(User.id)))


def values(column) -> set:
    return set(db.session.scalars(select(column).distinct()))


# --- Made again -----------------------------------------------------------------------------


def test_the_same_seed_on_the_same_day_makes_the_same_school(app):
    load_demo(NOW, students=4, seed=7)
    first, tokens = dump(), values(ReportScheduleRecipient.unsubscribe_token)
    reload_demo(students=4, seed=7)
    assert dump() == first
    assert not tokens & values(ReportScheduleRecipient.unsubscribe_token), "can be guessed"
    reload_demo(NOW + timedelta(hours=5), students=4, seed=7)
    assert dump(but=FOLLOW_THE_CLOCK) == {
        name: rows for name, rows in first.items() if name not in FOLLOW_THE_CLOCK
    }


def test_another_seed_makes_another_school(app):
    load_demo(NOW, students=4, seed=7)
    first = dump()
    reload_demo(students=4, seed=8)
    second = dump()
    for table in ("user", "result", "attendance_record", "student_report"):
        assert second[table] != first[table]


# --- People ---------------------------------------------------------------------------------


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
    for session in db.session.scalars(select(AcademicSession)):
        assert session.start_date <= NOW.date() <= session.end_date


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


# --- Lessons and written reports ------------------------------------------------------------


def test_lessons_are_on_weekdays_of_the_last_ten_weeks_up_to_today(demo):
    days = values(AttendanceRecord.date)
    assert all(day.weekday() < 5 for day in days)
    assert max(days) <= NOW.date()
    assert (NOW.date() - min(days)).days >= 63
    statuses = Counter(db.session.scalars(select(AttendanceRecord.status)))
    assert set(statuses) == set(AttendanceStatus)
    assert 0.90 < statuses[AttendanceStatus.PRESENT] / statuses.total() < 0.94


def test_only_graded_work_has_a_score_and_it_fits_the_points(demo):
    rows = db.session.execute(
        select(Result.score, Result.score_status, LineItem.result_value_max).join(LineItem)
    ).all()
    graded = {ScoreStatus.FULLY_GRADED, ScoreStatus.PARTIALLY_GRADED}
    for score, status, most in rows:
        assert (score is not None) == (status in graded)
        assert score is None or 0 <= score <= most
    assert {status for _, status, _ in rows} == set(ScoreStatus)
    assert values(LineItem.result_value_max) == {10, 20, 50, 100}
    per_class = count(LineItem) / count(ClassGroup)
    assert 20 <= per_class <= 22


@pytest.mark.parametrize("model", WRITTEN)
def test_written_reports_have_every_status_and_both_audiences(demo, model):
    assert values(model.status) == set(AuthoredStatus)
    assert values(model.show_to_parent) == {True, False}
    for report in db.session.scalars(select(model)):
        assert (report.sent_at is None) == (report.status is AuthoredStatus.DRAFT)
        assert (report.read_at or report.sent_at or report.created_at) <= NOW


def test_written_reports_reach_up_to_last_week(demo):
    last_monday = NOW.date() - timedelta(days=8)
    assert last_monday == max(values(TutorWeeklyReport.week_start))
    assert last_monday == max(values(TeacherWeeklyReport.week_start))
    assert last_monday + timedelta(days=7) == max(values(StudentReport.period_end))


# --- Schedules and what they sent -----------------------------------------------------------


def test_schedules_are_of_every_kind_and_by_every_author_role(demo):
    assert values(ReportSchedule.report_type) == set(ReportType)
    assert values(ReportSchedule.frequency) == set(Frequency)
    assert values(ReportSchedule.export_format) == set(ExportFormat)
    schedules = db.session.scalars(select(ReportSchedule)).all()
    assert {s.created_by.role for s in schedules} == {Role.ADMIN, Role.TEACHER, Role.TUTOR}
    assert [s.is_active for s in schedules].count(False) == 1
    for schedule in schedules:
        wanted = next_run_after(rule_of(schedule), NOW) if schedule.is_active else None
        assert schedule.next_scheduled == wanted


def test_authors_and_recipients_are_allowed_to_be_that(demo):
    childless = 0
    for schedule in db.session.scalars(select(ReportSchedule)):
        author, kind = schedule.created_by, schedule.report_type
        assert author.role in REPORT_AUTHORS[kind]
        recipients = db.session.scalars(
            select(User)
            .join(ReportScheduleRecipient)
            .where(ReportScheduleRecipient.schedule_id == schedule.id)
        ).all()
        assert author in recipients
        assert all(person.role in REPORT_READERS[kind] for person in recipients)
        scopes = load_scopes(db.session(), kind, author, recipients, NOW)
        childless += sum(not scopes[person.id] for person in recipients if person.is_active)
    assert childless == 1
    assert values(ReportScheduleRecipient.is_subscribed) == {True, False}


def test_the_counts_of_every_execution_are_those_of_its_deliveries(demo):
    executions = db.session.scalars(select(ReportScheduleExecution)).all()
    for execution in executions:
        deliveries = db.session.scalars(
            select(ReportDelivery).where(ReportDelivery.execution_id == execution.id)
        ).all()
        ends = Counter(delivery.status for delivery in deliveries)
        assert execution.total_recipients == len(deliveries)
        assert execution.successful_sends == ends[DeliveryStatus.SENT]
        assert execution.failed_sends == ends[DeliveryStatus.FAILED]
        assert execution.skipped == ends[DeliveryStatus.SKIPPED]
        assert sum(ends.values()) == execution.successful_sends + execution.failed_sends + (
            execution.skipped
        )
        period = period_of(execution.schedule, execution.scheduled_for)
        assert (execution.period_start, execution.period_end) == (period.start, period.end)
        assert execution.scheduled_for <= execution.started_at <= execution.completed_at <= NOW
    statuses = Counter(execution.status for execution in executions)
    assert statuses[ExecutionStatus.PARTIAL] == statuses[ExecutionStatus.FAILED] == 1
    assert statuses[ExecutionStatus.COMPLETED] == len(executions) - 2 > 20


def test_the_partial_and_the_failed_run_tell_why(demo):
    def fates(status: ExecutionStatus) -> list[ReportDelivery]:
        return list(
            db.session.scalars(
                select(ReportDelivery)
                .join(ReportScheduleExecution)
                .where(ReportScheduleExecution.status == status)
            )
        )

    partial = Counter((d.status, d.reason) for d in fates(ExecutionStatus.PARTIAL))
    assert partial[DeliveryStatus.FAILED, Reason.PERMANENT] == 1
    assert partial[DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED] == 1
    assert partial[DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE] == 1
    assert partial[DeliveryStatus.SENT, None] > 1
    refused = db.session.scalars(
        select(ReportDelivery.smtp_reply).where(ReportDelivery.reason == Reason.PERMANENT)
    ).one()
    assert refused == "550 5.1.1 No such mailbox"
    failed = fates(ExecutionStatus.FAILED)
    assert {(d.status, d.reason) for d in failed} == {(DeliveryStatus.FAILED, Reason.SERVER)}
    sentence = db.session.scalars(
        select(ReportScheduleExecution.error_message).where(
            ReportScheduleExecution.status == ExecutionStatus.FAILED
        )
    ).one()
    assert sentence == f"{len(failed)} mails could not be delivered."


def test_sent_deliveries_say_when_and_how(demo):
    deliveries = db.session.scalars(select(ReportDelivery)).all()
    for delivery in deliveries:
        sent = delivery.status is DeliveryStatus.SENT
        assert (delivery.sent_at is not None) == sent
        assert not sent or (delivery.attempts, delivery.smtp_reply) == (1, "250 OK")
        key, _, domain = delivery.message_id.partition("@")
        assert len(bytes.fromhex(key)) == 12
        assert domain == "lindenhof.example"
    for schedule in db.session.scalars(select(ReportSchedule)):
        ended = db.session.scalar(
            select(func.max(ReportScheduleExecution.completed_at)).where(
                ReportScheduleExecution.schedule_id == schedule.id,
                ReportScheduleExecution.successful_sends > 0,
            )
        )
        assert schedule.last_sent == ended
        assert schedule.last_generated == ended


# --- Refusals and sizes ---------------------------------------------------------------------


def test_real_data_is_left_alone(app):
    with transaction():
        create_school("A real school")
    before = dump()
    with pytest.raises(Conflict, match="real data"):
        load_demo(NOW)
    assert dump() == before
    assert not demo_is_loaded()
    assert demo_logins() == []


def test_a_second_demo_school_is_refused(app):
    load_demo(NOW, students=1)
    before = dump()
    with pytest.raises(Conflict, match=r"^The demo school is already loaded\.$"):
        load_demo(NOW, students=1)
    assert dump() == before


def test_an_error_on_the_way_leaves_nothing_behind(app, monkeypatch):
    def fail(*_arguments):
        raise RuntimeError("half way")

    monkeypatch.setattr("reportapp.school.demo.place_orders", fail)
    with pytest.raises(RuntimeError, match="half way"):
        load_demo(NOW, students=8)
    assert not any(dump().values())


def test_an_impossible_number_of_students_is_refused(app):
    for students in (0, -1, 20_001):
        with pytest.raises(InvalidInput) as caught:
            load_demo(NOW, students=students)
        assert list(caught.value.fields) == ["students"]
    assert not demo_is_loaded()


def test_eight_students_are_enough_for_everything(app):
    summary = load_demo(NOW, students=8)
    assert (summary.counts["students"], summary.counts["classes"]) == (8, 8)
    for model in WRITTEN:
        assert values(model.status) == set(AuthoredStatus)
    assert set(ExecutionStatus) - values(ReportScheduleExecution.status) == {
        ExecutionStatus.STARTED
    }


def test_a_larger_school_has_parallel_year_groups_and_more_teachers(app):
    counts = load_demo(NOW, students=140).counts
    assert (counts["students"], counts["classes"], counts["teachers"]) == (140, 16, 7)
    titles = values(ClassGroup.title)
    assert len(titles) == 16
    assert {"7a Mathematics", "8b Biology", "7b Mathematics", "8a Biology"} <= titles


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2028, 2, 29, 22, 59, tzinfo=UTC),
        datetime(2026, 11, 22, 23, 30, tzinfo=UTC),
    ],
)
def test_it_can_be_loaded_on_any_day(app, now):
    load_demo(now, students=2)
    assert all(run <= now for run in values(ReportScheduleExecution.completed_at))
    assert all(run > now for run in values(ReportSchedule.next_scheduled) - {None})
