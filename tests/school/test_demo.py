"""Loading the demo school: it can be made again, in any size, and leaves real data alone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from reportapp.constants import AuthoredStatus, ExecutionStatus
from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import Base, db, transaction
from reportapp.models import (
    ClassGroup,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    School,
    User,
)
from reportapp.school.demo import demo_is_loaded, demo_logins, load_demo
from tests.cast import create_school
from tests.school.reading import NOW, WRITTEN, count, values

SECRETS = {"password_hash", "unsubscribe_token"}
FOLLOW_THE_CLOCK = {"report_schedule", "report_schedule_execution", "report_delivery"}


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


def test_the_same_seed_and_day_make_the_same_school_and_another_seed_another(app):
    load_demo(NOW, students=4, seed=7)
    first, tokens = dump(), values(ReportScheduleRecipient.unsubscribe_token)
    reload_demo(students=4, seed=7)
    assert dump() == first
    assert not tokens & values(ReportScheduleRecipient.unsubscribe_token), "can be guessed"
    reload_demo(NOW + timedelta(hours=5), students=4, seed=7)
    assert dump(but=FOLLOW_THE_CLOCK) == {
        name: rows for name, rows in first.items() if name not in FOLLOW_THE_CLOCK
    }
    reload_demo(students=4, seed=8)
    second = dump()
    for table in ("user", "result", "attendance_record", "student_report"):
        assert second[table] != first[table]


def test_real_data_is_left_alone(app):
    with transaction():
        create_school("A real school")
    before = dump()
    with pytest.raises(Conflict, match="real data"):
        load_demo(NOW)
    assert dump() == before
    assert not demo_is_loaded()
    assert demo_logins() == []


def test_a_second_demo_school_is_refused(demo):
    with pytest.raises(Conflict, match=r"^The demo school is already loaded\.$"):
        load_demo(NOW, students=1)
    assert count(School) == 1
    assert count(User) == sum(
        demo.counts[role] for role in ("admins", "teachers", "tutors", "guardians", "students")
    )


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
        ExecutionStatus.STARTED,
        ExecutionStatus.MISSED,
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
