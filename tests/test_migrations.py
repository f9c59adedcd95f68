"""The migrations make exactly the tables of the models, up and down, on both databases."""

from datetime import UTC, date, datetime, time

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import MetaData, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from reportapp import create_app
from reportapp.extensions import db
from reportapp.models.access_change import WATCHED


def up_check_down_up(app) -> None:
    with app.app_context():
        upgrade()
        check()
        assert len(inspect(db.engine).get_table_names()) == len(db.metadata.tables) + 1
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        upgrade()
        check()
        db.session.remove()
        db.engine.dispose()


def triggers() -> dict[str, str]:
    """{name: words} of the database's triggers."""
    if db.engine.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    with db.engine.connect() as connection:
        return {
            name: " ".join(words.replace('"', "").split())
            for name, words in connection.execute(text(query))
        }


def same_triggers(tmp_path, migrated: str, made: str) -> None:
    found = []
    for url in (migrated, made):
        app = create_app({"INSTANCE_PATH": str(tmp_path / "instance"), "DATABASE_URL": url})
        with app.app_context():
            upgrade() if url == migrated else db.create_all()
            found.append(triggers())
            db.session.remove()
            db.engine.dispose()
    assert found[0] == found[1]
    assert len(found[0]) == 2 * len(WATCHED)


def test_the_migrations_make_the_triggers_of_the_models_on_sqlite(tmp_path):
    """A later migration that makes one of the tables anew would lose its triggers."""
    same_triggers(tmp_path, f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db")


@pytest.mark.xdist_group("postgresql")
def test_the_migrations_make_the_triggers_of_the_models_on_postgresql(tmp_path, new_postgresql):
    same_triggers(tmp_path, new_postgresql(), new_postgresql())


def test_on_sqlite(tmp_path):
    up_check_down_up(create_app({"INSTANCE_PATH": str(tmp_path)}))


@pytest.mark.xdist_group("postgresql")
def test_on_postgresql(tmp_path, empty_postgresql):
    up_check_down_up(create_app({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": empty_postgresql}))


# The rhythms: what the older tables hold is kept and filled in


def before_and_after(slug: str) -> tuple[str, str]:
    """The revisions around the migration of that name."""
    scripts = ScriptDirectory("migrations").walk_revisions()
    (found,) = (one for one in scripts if one.path.endswith(f"_{slug}.py"))
    return found.down_revision, found.revision


def tables() -> dict:
    """The tables as they now are, whatever the models say."""
    db.session.remove()
    found = MetaData()
    found.reflect(db.engine)
    return found.tables


AT = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
OLD = [
    {"id": 1, "frequency": "daily", "next_scheduled": AT},
    {"id": 2, "frequency": "weekly", "day_of_week": 5, "next_scheduled": AT},
    {"id": 3, "frequency": "monthly", "day_of_month": 31, "is_active": False},
]


def fill(connection, found) -> None:
    """A school, an author, a schedule of each kind, two executions, one of them by hand."""
    people = {"school_id": 1, "role": "teacher", "given_name": "Tom", "family_name": "Example"}
    stamp = {"created_at": AT, "updated_at": AT}
    order = {
        "name": "Order",
        "report_type": "student_report",
        "time": time(9, 30),
        "time_zone": "Europe/Berlin",
        "export_format": "csv",
        "created_by_id": 1,
        "is_active": True,
        **stamp,
    }
    run = {"schedule_id": 2, "scheduled_for": AT, "started_at": AT, "status": "completed"}
    run |= {"total_recipients": 0, "successful_sends": 0, "failed_sends": 0, "skipped": 0}
    run |= {"unknown_sends": 0, "planned_day": date(2026, 11, 16)}
    week = {"period_start": date(2026, 11, 9), "period_end": date(2026, 11, 16)}
    until_now = {"period_start": date(2026, 11, 11), "period_end": date(2026, 11, 18)}
    rows = {
        "school": [
            {"id": 1, "name": "Lindenhof", "is_demo": False, "time_zone": "Europe/Berlin", **stamp}
        ],
        "user": [
            {"id": 1, **people, **stamp, "is_active": True, "session_version": 1, "locale": "en"}
        ],
        "report_schedule": [order | one for one in OLD],
        "report_schedule_execution": [
            {"id": 1, "trigger": "schedule", **run, **week},
            {"id": 2, "trigger": "manual", **run, **until_now},
        ],
    }
    for name, values in rows.items():
        columns = found[name].columns.keys()
        for value in values:
            known = {key: entry for key, entry in value.items() if key in columns}
            connection.execute(insert(found[name]).values(known))


def rows_of(name: str) -> dict[int, dict]:
    table = tables()[name]
    with db.engine.connect() as connection:
        return {row.id: dict(row._mapping) for row in connection.execute(select(table))}


def refused(values: dict) -> bool:
    """Whether the table takes no such change of the weekly schedule."""
    table = tables()["report_schedule"]
    try:
        with db.engine.begin() as connection:
            connection.execute(table.update().where(table.c.id == 2).values(values))
    except IntegrityError:
        return True
    return False


def rhythms_up_and_down(app) -> None:
    older, newer = before_and_after("rhythms")
    with app.app_context():
        upgrade(revision=older)
        with db.engine.begin() as connection:
            fill(connection, tables())
        kept = rows_of("report_schedule"), rows_of("report_schedule_execution")

        upgrade(revision=newer)
        schedules, executions = rows_of("report_schedule"), rows_of("report_schedule_execution")
        for old, new in zip(kept, (schedules, executions), strict=True):
            assert old.keys() == new.keys()
            for id_, row in old.items():
                assert {name: new[id_][name] for name in row} == row
        assert {id_: row["days_of_week"] for id_, row in schedules.items()} == {
            1: "",
            2: "5",
            3: "",
        }
        added = {
            "interval": 1,
            "month_mode": "day",
            "nth": 1,
            "cron": None,
            "start_date": None,
            "end_date": None,
            "paused_until": None,
            "max_runs": None,
            "closed_days": "send",
            "exams_closed": False,
            "period": "rhythm",
        }
        for row in schedules.values():
            assert {name: row[name] for name in added} == added
        assert {id_: row["planned_day"] for id_, row in executions.items()} == {
            1: date(2026, 11, 16),
            2: date(2026, 11, 18),
        }
        for wrong in (
            {"interval": 0},
            {"interval": 53},
            {"max_runs": 0},
            {"month_mode": "nonsense"},
            {"closed_days": "nonsense"},
            {"period": "nonsense"},
            {"frequency": "hourly"},
            {"frequency": "cron"},
            {"frequency": "monthly"},
            {"start_date": date(2026, 12, 2), "end_date": date(2026, 12, 1)},
        ):
            assert refused(wrong), wrong
        # What only the newer version knows: a cron rule, and a monthly one without a day.
        table = tables()["report_schedule"]
        with db.engine.begin() as connection:
            for id_, values in {
                1: {"frequency": "cron", "cron": "0 9 * * 1-5", "time": time(0)},
                2: {"days_of_week": "25", "max_runs": 3, "period": "last_week"},
                3: {"frequency": "monthly", "month_mode": "school_day", "day_of_month": None},
            }.items():
                connection.execute(table.update().where(table.c.id == id_).values(values))

        downgrade(revision=older)
        again = rows_of("report_schedule")
        assert again[2] == kept[0][2]
        assert rows_of("report_schedule_execution") == kept[1]
        for id_ in (1, 3):
            row = again[id_]
            assert (row["frequency"], row["is_active"], row["next_scheduled"]) == (
                "daily",
                False,
                None,
            )
            assert row["name"] == "Order"
        assert refused({"frequency": "cron"})
        upgrade()
        check()
        assert rows_of("report_schedule")[2]["days_of_week"] == "5"
        # Rows are held together again.
        assert refused({"created_by_id": 999})
        db.session.remove()
        db.engine.dispose()


def test_rhythms_keep_and_fill_in_rows_on_sqlite(tmp_path):
    rhythms_up_and_down(create_app({"INSTANCE_PATH": str(tmp_path)}))


@pytest.mark.xdist_group("postgresql")
def test_rhythms_keep_and_fill_in_rows_on_postgresql(tmp_path, empty_postgresql):
    rhythms_up_and_down(
        create_app({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": empty_postgresql})
    )


# School data: what an older version has no words for stops or is said more coarsely


def insert_into(name: str, **values) -> None:
    with db.engine.begin() as connection:
        connection.execute(insert(tables()[name]).values(values))


def school_data_down(app) -> None:
    older, newer = before_and_after("school_data")
    with app.app_context():
        upgrade(revision=newer)
        stamp = {"created_at": AT, "updated_at": AT}
        with db.engine.begin() as connection:
            fill(connection, tables())
        insert_into("course", id=1, school_id=1, title="Maths", subject="Maths")
        insert_into("class_group", id=1, school_id=1, course_id=1, title="7a", is_active=True)
        schedules = tables()["report_schedule"]
        with db.engine.begin() as connection:
            change = schedules.update()
            one = {"report_type": "class_analytics"}
            connection.execute(change.where(schedules.c.id == 1).values(one))
            two = {"class_group_id": 1}
            connection.execute(change.where(schedules.c.id == 2).values(two))
        insert_into(
            "report_schedule_recipient",
            id=1,
            schedule_id=2,
            recipient_id=1,
            is_subscribed=True,
            is_direct=False,
            unsubscribe_token="token",
            added_at=AT,
        )
        day = date(2026, 11, 16)
        for id_, group, status in ((1, 1, "left_early"), (2, None, "absent")):
            insert_into(
                "attendance_record",
                id=id_,
                student_id=1,
                class_group_id=group,
                date=day,
                lesson=1,
                status=status,
            )
        text = {"author_id": 1, "student_id": 1, "show_to_parent": False, **stamp}
        week = {"week_start": day, "summary": "", "notes": ""}
        insert_into("tutor_weekly_report", id=1, version=1, status="archived", **text, **week)
        insert_into("tutor_weekly_report", id=2, version=2, status="sent", **text, **week)

        downgrade(revision=older)
        found = rows_of("report_schedule")
        for id_ in (1, 2):  # Neither grows into a report on more than was ordered.
            assert (found[id_]["is_active"], found[id_]["next_scheduled"]) == (False, None)
        assert found[1]["deleted_at"] is not None
        assert rows_of("report_schedule_recipient")[1]["removed_at"] is not None
        kept = {id_: row["status"] for id_, row in rows_of("attendance_record").items()}
        assert kept == {1: "present"}
        assert list(rows_of("tutor_weekly_report")) == [2]
        upgrade()
        check()
        assert rows_of("attendance_record")[1]["status"] == "present"
        db.session.remove()
        db.engine.dispose()


def test_what_came_with_school_data_stops_in_an_older_version_on_sqlite(tmp_path):
    school_data_down(create_app({"INSTANCE_PATH": str(tmp_path)}))


@pytest.mark.xdist_group("postgresql")
def test_what_came_with_school_data_stops_in_an_older_version_on_postgresql(
    tmp_path, empty_postgresql
):
    school_data_down(create_app({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": empty_postgresql}))
