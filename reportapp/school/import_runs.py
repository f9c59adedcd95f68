"""Files of school data that were brought: receiving, listing, looking at and forgetting them.

The work on them is in `import_work`.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import delete, select, update

from reportapp.access import Action, require
from reportapp.constants import RUNNING_IMPORTS, ImportKind, ImportStatus
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ImportRun, User
from reportapp.school.import_files import (
    Folder,
    RowProblem,
    read_problems,
    remove_old,
    shown_name,
)

#: Silent for so long, whoever worked on it has died.
DEAD_AFTER = timedelta(seconds=30)
#: An upload is kept for so long, saved or not.
KEPT_FOR = timedelta(days=1)
_MOST_LISTED = 50


@dataclass(frozen=True)
class Progressing:
    """A run as a page shows it: with how far it is, and whether its worker has died."""

    run: ImportRun
    done: int
    total: int
    is_broken: bool

    @property
    def is_running(self) -> bool:
        return self.run.status in RUNNING_IMPORTS and not self.is_broken

    @property
    def percent(self) -> int:
        """0-100."""
        return min(100, 100 * self.done // self.total) if self.total else 0

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.run.summary) if self.run.summary else {}

    @property
    def fingerprint(self) -> str:
        """What the page with the plan sends back with the yes."""
        return str(self.summary.get("fingerprint", ""))

    @property
    def can_be_tried(self) -> bool:
        """Its file is still there, and nobody is at work on it."""
        return self.run.stored_as is not None and not self.is_running


def receive(
    actor: User, kind: ImportKind, filename: str | None, stream: BinaryIO, now: datetime
) -> ImportRun:
    """Keep an upload under a random name; nothing is read of it yet.

    Raises Forbidden, or InvalidInput (field `file`) when it is empty or too large.
    """
    require(actor, Action.IMPORT_DATA)
    purge(now)
    folder = Folder(imports_root())
    folder.receive(stream)
    with transaction() as session:
        run = new_run(actor, kind, shown_name(filename), ImportStatus.RECEIVED, now)
        run.stored_as = folder.name
        session.add(run)
    return run


def get_run(actor: User, run_id: int, now: datetime) -> Progressing:
    """A run of the actor's school as it stands. Raises Forbidden, or NotFound."""
    require(actor, Action.IMPORT_DATA)
    run = db.session.get(ImportRun, run_id)
    if run is None or run.school_id != actor.school_id:
        raise NotFound("There is no such import.")
    return _standing(run, now)


def list_runs(actor: User, now: datetime, *kinds: ImportKind) -> list[Progressing]:
    """The newest runs of the actor's school, of these kinds or of all. Raises Forbidden."""
    require(actor, Action.IMPORT_DATA)
    query = select(ImportRun).where(ImportRun.school_id == actor.school_id)
    if kinds:
        query = query.where(ImportRun.kind.in_(kinds))
    newest = query.order_by(ImportRun.created_at.desc(), ImportRun.id.desc()).limit(_MOST_LISTED)
    return [_standing(run, now) for run in db.session.scalars(newest)]


def upload_path(actor: User, run_id: int, now: datetime) -> Path:
    """Where the upload lies. Raises Forbidden, NotFound, or Conflict when it is gone."""
    run = get_run(actor, run_id, now).run
    if run.stored_as is None:
        raise Conflict("This file is not kept any more. Please choose it again.")
    return Folder(imports_root(), run.stored_as).upload


def first_problems(actor: User, run_id: int, now: datetime, most: int = 100) -> list[RowProblem]:
    """The first rejected rows of the last look. Raises Forbidden, or NotFound."""
    path = problems_path(actor, run_id, now)
    return read_problems(path, most) if path else []


def problems_path(actor: User, run_id: int, now: datetime) -> Path | None:
    """All rejected rows of the last look as a CSV file, or None while it is written or when it is
    gone. Raises Forbidden, or NotFound."""
    run = get_run(actor, run_id, now).run
    if run.stored_as is None or run.status in RUNNING_IMPORTS:
        return None
    path = Folder(imports_root(), run.stored_as).problems
    return path if path.exists() else None


def cancel(actor: User, run_id: int, now: datetime) -> None:
    """Forget the file and its run; nothing was saved. Raises Forbidden, NotFound, or Conflict while
    somebody works on it or once it is saved."""
    found = get_run(actor, run_id, now)
    if found.is_running or found.run.status is ImportStatus.DONE:
        raise Conflict("This import is at work or done, so it cannot be cancelled.")
    name = found.run.stored_as
    with transaction() as session:
        session.execute(delete(ImportRun).where(ImportRun.id == run_id))
    if name:
        Folder(imports_root(), name).remove()


def purge(now: datetime) -> None:
    """Remove what was uploaded over a day ago. Saved data stays, of course."""
    old = now - KEPT_FOR
    with transaction() as session:
        stored = [ImportRun.created_at < old, ImportRun.stored_as.is_not(None)]
        unsaved = update(ImportRun).where(*stored, ImportRun.status != ImportStatus.DONE)
        text = "It was not saved within a day, so its file was removed."
        session.execute(unsaved.values(status=ImportStatus.FAILED, message=text, summary=None))
        session.execute(update(ImportRun).where(*stored).values(stored_as=None))
    names = select(ImportRun.stored_as).where(ImportRun.stored_as.is_not(None))
    remove_old(imports_root(), old, {name for name in db.session.scalars(names) if name})


def _standing(run: ImportRun, now: datetime) -> Progressing:
    done, total, at = run.rows_done, run.rows_total, run.heartbeat_at
    beat = None
    if run.status in RUNNING_IMPORTS and run.stored_as:
        beat = Folder(imports_root(), run.stored_as).beat()
    if beat and beat.at >= at:
        done, total, at = beat.done, beat.total, beat.at
    is_broken = run.status in RUNNING_IMPORTS and now - at > DEAD_AFTER
    return Progressing(run, done, total, is_broken)


def new_run(
    actor: User, kind: ImportKind, filename: str, status: ImportStatus, now: datetime
) -> ImportRun:
    """A run that is not stored yet."""
    return ImportRun(
        school_id=actor.school_id,
        started_by_id=actor.id,
        kind=kind,
        status=status,
        filename=filename,
        created_at=now,
        heartbeat_at=now,
    )


def imports_root() -> Path:
    """Where uploads lie."""
    return Path(current_app.instance_path) / "imports"
