"""A process that looks at a bundle and saves it as the import page does, and dies on its way.

`python -m tests.e2e.dying_import BUNDLE MOMENT`, with the application's environment; the moments
are the keys of `MOMENTS`.
"""

import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import event, select

from reportapp import clock
from reportapp.constants import ImportKind
from reportapp.extensions import db
from reportapp.models import ImportRun, User
from reportapp.school import oneroster_stage
from reportapp.school.import_files import Progress
from reportapp.school.import_runs import receive
from reportapp.school.import_work import start_check, start_save
from reportapp.school.oneroster import check_oneroster, save_oneroster
from tests.e2e.world import inside


def die(*_arguments: object, **_named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def while_reading() -> None:
    """After some of the files' rows."""

    def advance(progress: Progress, count: int = 1) -> None:
        progress.done += count
        if progress.done > 200:
            die()

    oneroster_stage.BATCH = 50
    Progress.advance = advance  # type: ignore[method-assign]


def while_writing(table: str) -> None:
    """After the first rows have gone into a table."""

    @event.listens_for(db.engine, "after_cursor_execute")
    def executed(_connection, _cursor, statement, *_others) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            die()


def around_commit(when: str) -> None:
    """Just before or after the commit of the transaction that has written scores."""
    written = []

    @event.listens_for(db.engine, "after_cursor_execute")
    def executed(_connection, _cursor, statement, *_others) -> None:
        if statement.startswith("INSERT INTO result "):
            written.append(1)

    if when == "before":
        event.listen(db.engine, "commit", lambda _connection: die() if written else None)
    else:
        event.listen(db.session, "after_commit", lambda _session: die() if written else None)


#: The phase that is killed, and how.
MOMENTS = {
    "check, reading": ("check", while_reading),
    "save, reading": ("save", while_reading),
    "save, writing people": ("save", lambda: while_writing("user")),
    "save, writing scores": ("save", lambda: while_writing("result")),
    "save, before the commit": ("save", lambda: around_commit("before")),
    "save, after the commit": ("save", lambda: around_commit("after")),
}


def main(bundle: str, moment: str) -> None:
    phase, arm = MOMENTS[moment]
    with inside(os.environ):
        ada = db.session.scalars(select(User).where(User.email.like("ada@%"))).one()
        with Path(bundle).open("rb") as stream:
            run = receive(ada, ImportKind.ONEROSTER, "school.zip", stream, datetime.now(UTC))
        if phase == "check":
            arm()
        start_check(ada, run.id, check_oneroster, clock.now)
        _join(run)
        arm()
        seen = str(run.summary).rpartition('"fingerprint": "')[2].rstrip('"}')
        start_save(ada, run.id, save_oneroster, clock.now, seen=seen)
        _join(run)


def _join(run: ImportRun) -> None:
    for thread in threading.enumerate():
        if thread.name == f"import-{run.id}":
            thread.join()
    db.session.rollback()
    db.session.refresh(run)


if __name__ == "__main__":
    main(*sys.argv[1:])
