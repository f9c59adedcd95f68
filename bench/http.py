"""Requests per second of the API's schedules, as a ratio to a bare Flask view.

A list of 25 out of a thousand schedules, and one schedule with its recipients and last five runs.
The bare view gives the very bytes of those answers, ready-made, without a database, a token or a
header of ours, under the same gunicorn (one process of 8 threads, as `python app.py` runs it). Both
take turns, so that noise meets both; the best round counts.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bench.parts.databases import NAMES, bench_app, database, learn_sizes
from bench.parts.http_client import Connection, request_for, requests_per_second
from reportapp.accounts.tokens import create_token
from reportapp.constants import DeliveryStatus, ExecutionStatus
from reportapp.extensions import db, transaction
from reportapp.models import (
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
)
from reportapp.schedules.runs import run_now
from reportapp.tokens import new_unsubscribe_token
from tests.cast import NOW, create_cast, create_order

ROOT = Path(__file__).parent.parent
RECIPIENTS = ("pia", "pol", "uma", "tea", "ada")
RUNS = 5


def fill(schedules: int) -> tuple[str, int]:
    """A teacher's schedules with five recipients each, the first one with runs; their token, and
    its id."""
    db.create_all()
    cast = create_cast()
    order = create_order(cast.tom, *(cast.people[name] for name in RECIPIENTS))
    for _ in range(RUNS):
        run_id = run_now(cast.tom, order.id, NOW, message_domain="bench.example")
        with transaction() as session:
            done = {"status": ExecutionStatus.COMPLETED, "completed_at": NOW}
            session.execute(update(ReportScheduleExecution).values(done))
            sent = {"status": DeliveryStatus.SENT, "sent_at": NOW}
            session.execute(update(ReportDelivery).values(sent))
    assert run_id == RUNS
    with transaction() as session:
        _copy(session, order, schedules - 1)
    learn_sizes()
    return create_token(cast.tom, "bench", NOW), order.id


def _copy(session: Session, order: ReportSchedule, number: int) -> None:
    """So many schedules like this one, with its recipients."""
    one = _values(order)
    rows = [{**one, "name": f"Copy {n}"} for n in range(number)]
    ids = session.scalars(insert(ReportSchedule).returning(ReportSchedule.id), rows).all()
    row = ReportScheduleRecipient
    people = session.scalars(select(row).where(row.schedule_id == order.id)).all()
    session.execute(
        insert(row),
        [
            {
                **_values(person),
                "schedule_id": schedule_id,
                "unsubscribe_token": new_unsubscribe_token(),
            }
            for schedule_id in ids
            for person in people
        ],
    )


def _values(row: Any) -> dict[str, Any]:
    names = row.__table__.columns.keys()
    return {name: getattr(row, name) for name in names if name != "id"}


@contextmanager
def gunicorn(folder: Path, url: str, bare: Path) -> Iterator[int]:
    """The app and the bare view at this port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"DATABASE_URL": url, "INSTANCE_PATH": str(folder), "SECRET_KEY": "b" * 20}
    settings |= {"BENCH_BARE": str(bare), "API_REQUESTS_PER_MINUTE": "1000000"}
    command = [sys.executable, "-m", "gunicorn", "bench.parts.http_app:app", "-k", "gthread"]
    command += ["--threads", "8", "-b", f"127.0.0.1:{port}", "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


def measure(name: str, port: int, path: str, token: str, bare: Path, options) -> None:
    ours = request_for(path, token)
    connection = Connection(port)
    body = connection.ask(ours)
    connection.close()
    theirs = request_for(f"/bare/{name}", token)
    best = {ours: 0.0, theirs: 0.0}
    for _ in range(options.rounds):
        for request in best:
            rate = requests_per_second(port, request, options.seconds, options.connections)
            best[request] = max(best[request], rate)
    rate, limit = best[ours], best[theirs]
    print(
        f"    {name:7}{len(body):7,} bytes  {rate:7.0f} /s   bare {limit:7.0f} /s"
        f"   ratio {rate / limit:.3f}   {1000 / rate - 1000 / limit:.2f} ms more each"
    )


def run(database_name: str, folder: Path, url: str, options) -> None:
    app = bench_app(folder, url)
    with app.app_context():
        token, schedule_id = fill(options.schedules)
        db.session.remove()
        client = app.test_client()
        paths = {
            "list": "/api/reports/schedules/",
            "detail": f"/api/reports/schedules/{schedule_id}/",
        }
        bare = folder / "bare"
        bare.mkdir()
        for name, path in paths.items():
            answer = client.get(path, headers={"Authorization": f"Token {token}"})
            (bare / name).write_bytes(answer.data)
        db.session.remove()
        db.engine.dispose()
    print(f"  {database_name}, {options.schedules:,} schedules, {options.connections} connections")
    with gunicorn(folder, url, bare) as port:
        for name, path in paths.items():
            measure(name, port, path, token, bare, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--database", choices=NAMES, action="append")
    options = parser.parse_args()
    print("http: requests per second under gunicorn")
    for name in options.database or NAMES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            with database(name, folder) as url:
                if url is not None:
                    run(name, folder, url, options)


if __name__ == "__main__":
    main()
