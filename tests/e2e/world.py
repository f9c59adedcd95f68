"""The cast in a real process's database, with lessons up to the real today; and plain SQL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import NullPool, create_engine, make_url, text

from reportapp import create_app
from reportapp.constants import AttendanceStatus, Role, ScoreStatus
from reportapp.extensions import db, transaction
from reportapp.models import User
from tests.cast import (
    Cast,
    create_attendance,
    create_cast,
    create_class,
    create_guardian_link,
    create_person,
    create_score,
    create_student_report,
)

ZONE = "Europe/Berlin"
#: The cast's own lessons are the first of their day.
_LESSON = 2


def today() -> date:
    return datetime.now(ZoneInfo(ZONE)).date()


@contextmanager
def inside(env: Mapping[str, str]) -> Iterator[Flask]:
    """The application of a process with the environment `env`, in this process, for its use-cases;
    the database is left alone afterwards."""
    app = create_app(env)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def create_recent_cast() -> Cast:
    """The cast, and for its school two more weeks of lessons, up to and with the real today."""
    cast = create_cast()
    last = today()
    with transaction():
        for name, group, score in (
            ("ana", "maths", 83),
            ("ana", "english", 77),
            ("ben", "maths", 58),
            ("ben", "english", 69),
            ("cem", "biology", 91),
        ):
            _recent_lessons(cast, cast.people[name], cast.classes[group], score, last)
        # Newer than the cast's own, so that these are what the next report shows.
        for author, student, group, fields in (
            (cast.tom, cast.ana, "maths", {"grade": "1-", "recommendations": "Keep at it, Ana."}),
            (cast.tea, cast.ben, "english", {"concerns": "Ben forgets homework; often."}),
            (cast.tea, cast.cem, "biology", {"progress_percent": 64, "behaviour": "Cem helps."}),
            (cast.tea, cast.ana, "english", {"concerns": "Secret.", "show_to_parent": False}),
        ):
            create_student_report(
                author,
                student,
                cast.classes[group],
                period_start=last - timedelta(days=13),
                period_end=last - timedelta(days=1),
                **fields,
            )
    return cast


def _recent_lessons(cast: Cast, student: User, group: Any, score: int, last: date) -> None:
    for back in range(16):
        day = last - timedelta(days=back)
        status = AttendanceStatus.PRESENT
        if back % 5 == 2:
            status = AttendanceStatus.LATE
        elif (back + student.id) % 4 == 1:
            status = AttendanceStatus.ABSENT
        elif back % 7 == 5:
            status = AttendanceStatus.EXCUSED
        create_attendance(group, student, day, status, _LESSON)
        if back < 14 and back % 3 != 2:
            create_score(group, student, score - back / 2, day)
    create_score(group, student, None, last - timedelta(days=3), status=ScoreStatus.NOT_SUBMITTED)
    create_score(group, student, None, last - timedelta(days=4), status=ScoreStatus.EXEMPT)
    create_score(group, student, 7, last - timedelta(days=5), out_of=20)


def create_many_families(cast: Cast, teacher: User, number: int) -> list[User]:
    """`number` guardians with one child each, all in one new class of `teacher`'s, with a score
    and a lesson yesterday and today."""
    last = today()
    guardians = []
    with transaction():
        assert cast.school is not None
        children = [
            create_person(cast.school, Role.STUDENT, f"Child{index:03}", email=None)
            for index in range(number)
        ]
        group = create_class(cast.school, "9c Physics", "Physics", [teacher], children)
        for index, child in enumerate(children):
            guardian = create_person(cast.school, Role.PARENT, f"Guardian{index:03}")
            create_guardian_link(guardian, child)
            create_attendance(
                group, child, last - timedelta(days=1), AttendanceStatus.PRESENT, _LESSON
            )
            create_attendance(group, child, last, AttendanceStatus.PRESENT, _LESSON)
            guardians.append(guardian)
    return guardians


def select(env: Mapping[str, str], sql: str, **values: Any) -> list[Any]:
    """Rows by plain SQL, on a connection of its own."""
    url = make_url(env["DATABASE_URL"])
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(sql), values))
    finally:
        engine.dispose()
