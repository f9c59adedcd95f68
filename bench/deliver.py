"""Deliveries per second through the whole engine, as a ratio to raw smtplib with ready-made bytes.

2,000 guardians, each with an own child and so an own document, CSV. Both halves send to the same
sink, a process of its own: first the engine (claims, documents, files, mails, records), then the
very bytes that arrived, over one reused smtplib connection.
"""

import argparse
import multiprocessing
import os
import smtplib
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import event, func, insert, select

from reportapp import clock, create_app
from reportapp.constants import (
    AttendanceStatus,
    DeliveryStatus,
    EnrollmentRole,
    Role,
    ScoreStatus,
)
from reportapp.delivery import deliver, plan_due
from reportapp.extensions import db, transaction
from reportapp.mail.mailbox import LoopbackServer
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    LineItem,
    ReportDelivery,
    ReportScheduleRecipient,
    Result,
    School,
    User,
)
from reportapp.schedules.edit import create_schedule
from reportapp.tokens import new_unsubscribe_token

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
DUE = NOW + timedelta(minutes=30)
WEEK = date(2026, 11, 16)


class _Keeping:
    """Keeps what arrives, for the raw half."""

    def __init__(self, mails) -> None:
        self.mails = mails

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


def _sink(pipe) -> None:
    """Its own process: runs a server, tells its port, hands over what it kept when asked."""
    mails: list = []
    server = LoopbackServer(_Keeping(mails))
    server.start()
    pipe.send(server.port)
    while pipe.recv() == "mails":
        pipe.send(list(mails))
        mails.clear()
    server.stop()


def fill(recipients: int) -> None:
    """A school with one teacher, and as many children and guardians as wanted."""
    with transaction() as session:
        school = School(name="Bench School", time_zone="Europe/Berlin", created_at=NOW)
        session.add(school)
        session.flush()

        def people(role: Role, number: int) -> list[int]:
            rows = [
                {
                    "school_id": school.id,
                    "role": role,
                    "given_name": f"{role.title()} {n}",
                    "family_name": "Bench",
                    "email": f"{role}{n}@bench.example",
                    "is_active": True,
                    "created_at": NOW,
                }
                for n in range(number)
            ]
            return list(session.scalars(insert(User).returning(User.id), rows))

        (teacher,) = people(Role.TEACHER, 1)
        children, guardians = people(Role.STUDENT, recipients), people(Role.PARENT, recipients)
        course = Course(school_id=school.id, title="Mathematics", subject="Mathematics")
        session.add(course)
        session.flush()
        group = ClassGroup(school_id=school.id, course_id=course.id, title="7a Mathematics")
        session.add(group)
        session.flush()
        session.add(
            Enrollment(class_group_id=group.id, user_id=teacher, role=EnrollmentRole.TEACHER)
        )
        session.execute(
            insert(Enrollment),
            [
                {"class_group_id": group.id, "user_id": child, "role": EnrollmentRole.STUDENT}
                for child in children
            ],
        )
        session.execute(
            insert(GuardianLink),
            [
                {"guardian_id": guardian, "student_id": child}
                for guardian, child in zip(guardians, children, strict=True)
            ],
        )
        lessons(session, group.id, children)
        author = session.get_one(User, teacher)
    schedule = create_schedule(
        author,
        {
            "name": "Bench",
            "report_type": "student_report",
            "frequency": "weekly",
            "day_of_week": 1,
            "time": "09:00",
            "time_zone": "Europe/Berlin",
            "export_format": "csv",
            "is_active": True,
        },
        NOW,
    )
    with transaction() as session:
        session.execute(
            insert(ReportScheduleRecipient),
            [
                {
                    "schedule_id": schedule.id,
                    "recipient_id": guardian,
                    "is_subscribed": True,
                    "unsubscribe_token": new_unsubscribe_token(),
                    "added_at": NOW,
                }
                for guardian in guardians
            ],
        )


def lessons(session, group: int, children: list[int]) -> None:
    """Two scores and five lessons for every child."""
    for day in (1, 3):
        item = LineItem(
            class_group_id=group,
            title=f"Task {day}",
            category="homework",
            assign_date=WEEK,
            due_date=WEEK + timedelta(days=day),
        )
        session.add(item)
        session.flush()
        session.execute(
            insert(Result),
            [
                {
                    "line_item_id": item.id,
                    "student_id": child,
                    "score_status": ScoreStatus.FULLY_GRADED,
                    "score": float(50 + child % 50),
                }
                for child in children
            ],
        )
    session.execute(
        insert(AttendanceRecord),
        [
            {
                "student_id": child,
                "class_group_id": group,
                "date": WEEK + timedelta(days=day),
                "lesson": 1,
                "status": AttendanceStatus.PRESENT,
            }
            for day in range(5)
            for child in children
        ],
    )


def raw(port: int, mails: list) -> float:
    """Seconds that plain smtplib takes for the same mails on one connection."""
    connection = smtplib.SMTP("127.0.0.1", port, "bench.example")
    begin = time.perf_counter()
    for sender, to, content in mails:
        connection.sendmail(sender, [to], content)
    seconds = time.perf_counter() - begin
    connection.quit()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=2000)
    number = parser.parse_args().recipients
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_sink, args=(other,), daemon=True)
    process.start()
    port = pipe.recv()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            {
                "INSTANCE_PATH": folder,
                "DATABASE_URL": os.environ.get(
                    "BENCH_DATABASE_URL", f"sqlite:///{folder}/bench.db"
                ),
                "MAIL_SERVER": "127.0.0.1",
                "MAIL_PORT": port,
                "MAIL_USE_TLS": "false",
                "MAIL_DEFAULT_SENDER": "Reports <reports@bench.example>",
            }
        )
        with app.app_context():
            db.create_all()
            fill(number)
            plan_due(DUE)
            queries = 0

            def count(*_args) -> None:
                nonlocal queries
                queries += 1

            event.listen(db.engine, "before_cursor_execute", count)
            begin = time.perf_counter()
            totals = deliver(clock.fixed(DUE))
            engine = time.perf_counter() - begin
            pipe.send("mails")
            mails = pipe.recv()
            sent = db.session.scalar(
                select(func.count()).where(ReportDelivery.status == DeliveryStatus.SENT)
            )
            assert totals["sent"] == sent == len(mails) == len({to for _, to, _ in mails}) == number
            db.session.remove()
            db.engine.dispose()
    limit = raw(port, mails)
    pipe.send("end")
    process.join()
    size = sum(len(content) for *_, content in mails) / number
    print(f"deliver: {number} recipients with an own scope each, CSV, {size:,.0f} bytes a mail")
    print(
        f"  engine       {number / engine:8.0f} deliveries/s ({queries / number:.1f} queries each)"
    )
    print(f"  raw smtplib  {number / limit:8.0f} mails/s")
    print(f"  ratio        {limit / engine:8.2f}")


if __name__ == "__main__":
    main()
