"""Mails per second through the whole engine, as a ratio to raw smtplib with ready-made bytes.

Two runs, both with claims, documents, files, mails and records: (a) all recipients share one
document, (b) each has an own one. Raw are the very bytes of those mails over one reused smtplib
connection to the same sink. The plain way (c) loads, builds and composes per recipient, with
Flask-Mail's own Message. Raw and engine take turns, so that noise meets both; the best counts.
"""

import argparse
import json
import os
import resource
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

import flask_mail
import pytest
from flask import current_app
from sqlalchemy import event, select

from bench.parts.databases import NAMES, bench_app, database, learn_sizes
from bench.parts.school import DUE, colleagues, families
from bench.parts.sink import sink
from reportapp import clock
from reportapp.delivery import deliver
from reportapp.documents import Period
from reportapp.extensions import db
from reportapp.mail import Letter, MailSession, compose, encode_attachment
from reportapp.models import (
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
)
from reportapp.rendering import RENDERERS, file_name
from reportapp.reports import REPORTS, Order, scopes_of
from reportapp.schedules.runs import run_now
from reportapp.schedules.timing import sentence_of
from tests.delivery.told import steps_told

#: So many children, or letters about one, make a CSV of about 8 KB.
CHILDREN, LETTERS = 100, 7_900
#: Recipients of the plain way, which is too slow for more.
PLAIN = 300
FILL: dict[str, Callable[[int], int]] = {
    "a": lambda number: colleagues(number, CHILDREN),
    "b": lambda number: families(number, LETTERS),
}
WORDS = {"a": "share one document", "b": "each have an own document"}


def plan(schedule_id: int) -> int:
    """Plan a run of the schedule by hand; the execution's id."""
    author = db.session.get_one(ReportSchedule, schedule_id).created_by
    return run_now(author, schedule_id, DUE, message_domain="bench.example")


@contextmanager
def kept_mails():
    """The bytes that the engine hands over meanwhile."""
    mails = []
    original = MailSession.deliver

    def keep(session, sealed, *rest):
        mails.append((sealed.sender, sealed.to, sealed.wire.removesuffix(b".\r\n")))
        return original(session, sealed, *rest)

    with mock.patch.object(MailSession, "deliver", keep):
        yield mails


@contextmanager
def counted_queries():
    count = [0]

    def one_more(*_args) -> None:
        count[0] += 1

    event.listen(db.engine, "before_cursor_execute", one_more)
    with pytest.MonkeyPatch.context() as patch:
        told = steps_told(patch)
        yield lambda: count[0] + len(told)
    event.remove(db.engine, "before_cursor_execute", one_more)


def engine(schedule_id: int, sessions: int, number: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, that the engine takes for a run."""
    plan(schedule_id)
    current_app.config["DELIVERY_WORKERS"] = sessions
    begin, processor = time.perf_counter(), time.process_time()
    totals = deliver(clock.fixed(DUE))
    seconds = time.perf_counter() - begin, time.process_time() - processor
    assert totals["sent"] == number, totals
    return seconds


def raw(port: int, mails: list, before: Callable[[int], None] = lambda number: None) -> float:
    """Seconds that plain smtplib takes for the same mails on one connection. `before` is called
    with each one's number."""
    connection = smtplib.SMTP("127.0.0.1", port, "bench.example")
    begin = time.perf_counter()
    for number, (sender, to, content) in enumerate(mails):
        before(number)
        connection.sendmail(sender, [to], content)
    seconds = time.perf_counter() - begin
    connection.quit()
    return seconds


def raw_and_written_down(port: int, mails: list) -> float:
    """The same with one bare UPDATE of a row before each mail, committed as the engine commits:
    what any sender takes that knows after a crash what may have left."""
    ids = db.session.scalars(select(ReportDelivery.id).limit(len(mails))).all()
    db.session.rollback()
    sign = "?" if db.engine.dialect.name == "sqlite" else "%s"
    sql = f"UPDATE report_delivery SET attempts = attempts + 0 WHERE id = {sign}"
    connection = db.engine.raw_connection()
    cursor = connection.cursor()

    def write(number: int) -> None:
        cursor.execute(sql, (ids[number],))  # SQLite commits by itself: its isolation level is None
        connection.commit()

    try:
        return raw(port, mails, write)
    finally:
        connection.close()


def plain(schedule_id: int, number: int) -> float:
    """Seconds that it takes to send the last run's report to so many recipients the plain way."""
    # Flask-Mail as it comes; ours would do more.
    mail = flask_mail.Mail().init_mail(current_app.config)
    recipients = db.session.scalars(
        select(ReportScheduleRecipient.recipient_id)
        .where(ReportScheduleRecipient.schedule_id == schedule_id)
        .limit(number)
    ).all()
    begin = time.perf_counter()
    for recipient_id in recipients:
        db.session.rollback()
        _send_plainly(mail, schedule_id, recipient_id)
    return time.perf_counter() - begin


def _send_plainly(mail, schedule_id: int, recipient_id: int) -> None:
    session = db.session
    schedule = session.get_one(ReportSchedule, schedule_id)
    row = session.scalars(
        select(ReportScheduleRecipient).where(
            ReportScheduleRecipient.schedule_id == schedule_id,
            ReportScheduleRecipient.recipient_id == recipient_id,
        )
    ).one()
    run = session.scalars(
        select(ReportScheduleExecution).where(ReportScheduleExecution.schedule_id == schedule_id)
    ).first()
    reader, author = session.get_one(User, recipient_id), schedule.created_by
    scope = scopes_of(session(), schedule, [reader], DUE)[reader.id]
    period = Period(run.period_start, run.period_end)
    order = Order(schedule.report_type, author.school.name, author.name, period)
    document = REPORTS[schedule.report_type].build(session(), order, [scope])[scope]
    data = RENDERERS[schedule.export_format].render(document)
    content_type = RENDERERS[schedule.export_format].content_type
    name = file_name(document, schedule.export_format)
    letter = Letter(
        document,
        schedule.name,
        sentence_of(schedule, DUE),
        encode_attachment(name, content_type, b""),  # only its name: Flask-Mail encodes
        (author.name, author.email),
    )
    ours = compose(
        letter,
        to=(reader.name, reader.email),
        message_id=f"{schedule_id}.{recipient_id}@bench.example",
        unsubscribe_token=row.unsubscribe_token,
        now=DUE,
    )
    message = flask_mail.Message(
        ours.subject,
        [ours.to],
        body=ours.text,
        html=ours.html,
        sender=ours.sender,
        reply_to=author.email,
        extra_headers=dict(ours.headers),
    )
    message.attach(name, content_type.partition(";")[0], data)
    mail.send(message)


def measure(kind: str, number: int, rounds: int, port: int) -> None:
    schedule_id = FILL[kind](number)
    learn_sizes()
    with kept_mails() as mails, counted_queries() as queries:
        engine(schedule_id, 1, number)
        asked = queries() / number
    size = sum(len(content) for *_, content in mails) / number
    print(f" ({kind}) {number} recipients who {WORDS[kind]}, {size:,.0f} bytes a mail")
    limit = written = 9e9
    one = four = (9e9, 9e9)
    for _ in range(rounds):
        limit = min(limit, raw(port, mails))
        written = min(written, raw_and_written_down(port, mails))
        one = min(one, engine(schedule_id, 1, number))
        four = min(four, engine(schedule_id, 4, number))
    per_mail = 1e6 / number
    for words, seconds in (("raw smtplib", limit), ("  and one commit", written)):
        print(f"   {words:19} {number / seconds:7.0f} mails/s {seconds * per_mail:7.0f} µs")
    for words, (seconds, processor), goal in (
        ("engine, 1 session", one, 0.80 if kind == "a" else 0.35),
        ("engine, 4 sessions", four, 1.5 if kind == "a" else None),
    ):
        print(
            f"   {words:19} {number / seconds:7.0f} mails/s {seconds * per_mail:7.0f} µs each,"
            f" {processor * per_mail:.0f} µs of processor time"
        )
        show("ratio to raw", limit / seconds, goal)
        show("with the commit", written / seconds, None)
    print(f"   {asked:.2f} statements per delivery")
    if kind == "b":
        few = min(PLAIN, number)
        seconds = plain(schedule_id, few)
        print(
            f" (c) the plain way, {few} of them:"
            f" {few / seconds:.0f} mails/s {seconds * 1e6 / few:.0f} µs each"
        )
        show("engine to plain", (number / one[0]) / (few / seconds), 5)


def show(words: str, ratio: float, goal: float | None) -> None:
    verdict = f"  (goal {goal:g}: {'met' if ratio >= goal else 'NOT met'})" if goal else ""
    print(f"     {words:17} {ratio:7.2f}{verdict}")


def peak(number: int, port: int) -> int:
    """Peak memory in MB of a process that only delivers, to so many recipients of (b)."""
    with tempfile.TemporaryDirectory() as folder:
        done = [
            subprocess.run(
                [sys.executable, __file__, "--memory", step, folder, str(number), str(port)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for step in ("fill", "deliver")
        ]
    return int(json.loads(done[1].splitlines()[-1]))


def memory_step(step: str, folder: str, number: str, port: str) -> None:
    app = bench_app(Path(folder), f"sqlite:///{folder}/bench.db", int(port))
    with app.app_context():
        if step == "fill":
            db.create_all()
            plan(FILL["b"](int(number)))
        else:
            assert deliver(clock.fixed(DUE))["sent"] == int(number)
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        db.session.remove()
        db.engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="ab")
    parser.add_argument("--databases", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--sizes", nargs="*", type=int, default=[1_000, 20_000])
    parser.add_argument("--memory", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        memory_step(*arguments.memory)
        return
    with sink() as (server, port):
        for name in arguments.databases:
            with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as url:
                if url is None:
                    continue
                load = os.getloadavg()[0]
                print(f"deliver: to {server}, records in {name}, load of the machine {load:.1f}")
                with bench_app(Path(folder), url, port).app_context():
                    db.create_all()
                    for kind in arguments.kinds:
                        measure(kind, arguments.recipients, arguments.rounds, port)
                    db.session.remove()
                    db.engine.dispose()
        peaks = [(size, peak(size, port)) for size in arguments.sizes]
        print("deliver: peak memory of the engine's process, own documents, SQLite")
        for size, megabytes in peaks:
            print(f"   {size:7,} recipients {megabytes:5} MB")


if __name__ == "__main__":
    main()
