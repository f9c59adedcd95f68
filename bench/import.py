"""Rows per second and peak memory of a OneRoster import, as a ratio to a bare `csv` + executemany.

Each size runs in a process of its own: check, save, and the same again with 0 changes. The bare
half reads the same result rows with `csv` and writes them to the same table of another database.
"""

import argparse
import csv
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

from reportapp import clock, create_app
from reportapp.constants import ImportKind, Role
from reportapp.extensions import db, transaction
from reportapp.models import School, User
from reportapp.school.import_files import Progress
from reportapp.school.import_work import run_now, school_admin
from reportapp.school.oneroster import check_oneroster, save_oneroster
from tests.school.bundles import write_large

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
STUDENTS = 5_000


def timed(work):
    begun = time.perf_counter()
    value = work()
    return time.perf_counter() - begun, value


def bare(folder: Path) -> float:
    """Seconds for the result rows alone, without looking at any of them."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute(
        "CREATE TABLE result (id INTEGER PRIMARY KEY, item, student, sid, status, score, "
        "UNIQUE (item, student), UNIQUE (item, sid))"
    )

    def work():
        with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            next(rows)
            database.execute("BEGIN")
            database.executemany(
                "INSERT INTO result (sid, item, student, status, score) VALUES (?, ?, ?, ?, ?)",
                rows,
            )
            database.execute("COMMIT")

    return timed(work)[0]


def measure(results: int) -> dict:
    with tempfile.TemporaryDirectory() as kept:
        folder = write_large(Path(kept) / "bundle", STUDENTS, results)
        rows = sum(sum(1 for _ in path.open(encoding="utf-8")) - 1 for path in folder.glob("*.csv"))
        app = create_app(
            {
                "INSTANCE_PATH": kept,
                "DATABASE_URL": f"sqlite:///{kept}/t.db",
                "SECRET_KEY": "b" * 20,
            }
        )
        with app.app_context():
            db.create_all()
            with transaction() as session:
                school = School(name="Large", time_zone="Europe/Berlin", created_at=NOW)
                session.add(school)
                session.flush()
                session.add(
                    User(
                        school_id=school.id, role=Role.ADMIN, given_name="A", family_name="B",
                        email="a@large.example", created_at=NOW,
                    )
                )  # fmt: skip
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

            def run(work):
                return run_now(
                    school_admin(None), ImportKind.ONEROSTER, folder, work, clock.now,
                    Progress(),
                )  # fmt: skip

            checked, _ = timed(lambda: run(check_oneroster))
            saved, _ = timed(lambda: run(save_oneroster))
            again, (outcome, _, _) = timed(lambda: run(save_oneroster))
            assert outcome.summary["is_empty"], "the second import must change nothing"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            alone = bare(folder)
            db.engine.dispose()
    return {
        "result_rows": results,
        "rows": rows,
        "check_rows_per_s": round(rows / checked),
        "save_rows_per_s": round(rows / saved),
        "again_rows_per_s": round(rows / again),
        "peak_mb": round(peak / 1024),
        "of_which_import_mb": round((peak - before) / 1024),
        "bare_rows_per_s": round(results / alone),
        "ratio_to_bare": round((results / alone) / (rows / saved), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    for size in arguments.sizes:
        subprocess.run([sys.executable, __file__, "--one", str(size)], check=True)


if __name__ == "__main__":
    main()
