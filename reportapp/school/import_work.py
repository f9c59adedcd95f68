"""The work on a file of school data: in the background of the web process, or at once by a command.

An importer brings two pieces of work, to check and to save. Both get a `Task` and return an
`Outcome`. Saving must be one transaction that ends with `Task.record`, so that the run never
says anything else than the data; be harmless to repeat; and refuse (Conflict) when it would now do
something else than `Task.seen`, the fingerprint of what was shown.
"""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from flask import Flask, current_app
from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.clock import Clock
from reportapp.constants import ImportKind, ImportStatus, Role
from reportapp.errors import Conflict, InvalidInput, NotFound, ReportappError
from reportapp.extensions import db, learn_sizes, rows_changed, transaction
from reportapp.models import ImportRun, School, User
from reportapp.school.import_files import (
    Folder,
    ProblemList,
    Progress,
    RowProblem,
    read_problems,
    shown_name,
)
from reportapp.school.import_runs import get_run, imports_root, new_run

log = logging.getLogger(__name__)

_OUR_MISTAKE = "Sorry, that went wrong, and it is our mistake. Nothing was written."


@dataclass(frozen=True)
class Outcome:
    """What would be done, or is: `summary` goes to JSON and back to a page; two plans that would do
    the same have the same `fingerprint`."""

    summary: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""


@dataclass(frozen=True)
class Task:
    """What a piece of work is given. `run` is read only; `seen` is None while checking.

    `record` writes into the session that saves what came of it; it raises Conflict when the work
    was taken for dead, and somebody has begun anew.
    """

    actor: User
    run: ImportRun
    path: Path
    problems: ProblemList
    progress: Progress
    now: datetime
    record: Callable[[Session, Outcome], None]
    seen: str | None = None


Work = Callable[[Task], Outcome]


def start_check(
    actor: User, run_id: int, work: Work, at: Clock, *, mapping: dict[str, Any] | None = None
) -> None:
    """Look at the file in the background, again if need be. `mapping` is kept with the run.

    Raises Forbidden, NotFound, or Conflict while somebody works on it or once it is saved.
    """
    values: dict[str, Any] = {"summary": None, "message": None, "error_count": 0}
    if mapping is not None:
        values["mapping"] = json.dumps(mapping)
    _start(actor, run_id, ImportStatus.CHECKING, work, at, values)


def start_save(actor: User, run_id: int, work: Work, at: Clock, *, seen: str) -> None:
    """Save in the background what was shown: `seen` is its fingerprint.

    Raises Forbidden, NotFound, or Conflict when it is not what the last look has found.
    """
    found = get_run(actor, run_id, at())
    if found.run.status is not ImportStatus.CHECKED or not seen or seen != found.fingerprint:
        raise Conflict("This is not what was last looked at. Please look at the file again.")
    _start(actor, run_id, ImportStatus.SAVING, work, at, {"message": None}, seen)


def school_admin(school: str | None) -> User:
    """For a command: the admin in whose name it acts, of the only school or of the one with this
    name or number. Raises NotFound, or Conflict."""
    query = select(School).order_by(School.id)
    if school is not None:
        is_number = school.isascii() and school.isdigit() and len(school) < 10
        named = School.name == school
        query = query.where(or_(named, School.id == int(school)) if is_number else named)
    schools = db.session.scalars(query.limit(2)).all()
    if not schools:
        raise NotFound("There is no such school." if school else "There is no school yet.")
    if len(schools) > 1:
        raise Conflict("There are several such schools; say which with --school and its number.")
    admin = db.session.scalar(
        select(User)
        .where(User.school_id == schools[0].id, User.role == Role.ADMIN, User.is_active)
        .order_by(User.id)
        .limit(1)
    )
    if admin is None:
        raise Conflict("The school has no administrator yet; make one with `flask users create`.")
    return admin


def run_now(
    actor: User,
    kind: ImportKind,
    path: Path,
    work: Work,
    at: Clock,
    progress: Progress,
    *,
    most: int = 100,
) -> tuple[Outcome, int, list[RowProblem]]:
    """For a command: do the work on a file or folder of its own at once. One that saves is listed
    among the school's imports. Returns how many rows were rejected, and the first of them.

    Raises Forbidden, and what the work raises.
    """
    require(actor, Action.IMPORT_DATA)
    run = new_run(actor, kind, shown_name(path.name), ImportStatus.DONE, at())

    def record(session: Session, outcome: Outcome) -> None:
        run.summary, run.error_count = _summary(outcome), problems.count
        run.rows_done = run.rows_total = progress.done
        run.completed_at = at()
        session.add(run)

    root = imports_root()
    root.mkdir(parents=True, exist_ok=True)
    # Here it is removed some day even if the command is killed.
    with TemporaryDirectory(prefix="command-", dir=root) as kept:
        problems = ProblemList(Path(kept) / "problems.csv")
        try:
            outcome = work(Task(actor, run, path, problems, progress, at(), record))
        finally:
            problems.close()
        first = read_problems(problems.path, most)
    _learn()
    return outcome, problems.count, first


def _learn() -> None:
    """Many rows may be new."""
    with suppress(SQLAlchemyError):  # else a job does so within the hour
        learn_sizes()


@dataclass(frozen=True)
class _Claim:
    """Whose turn it is to work on a run."""

    run_id: int
    phase: ImportStatus
    claimed: datetime

    def close(self, session: Session, now: datetime, values: dict[str, Any]) -> bool:
        """Write what came of it; False when that is done already, or when the worker was taken for
        dead and somebody has begun anew."""
        mine = update(ImportRun).where(
            ImportRun.id == self.run_id,
            ImportRun.status == self.phase,
            ImportRun.heartbeat_at == self.claimed,
        )
        return bool(rows_changed(session.execute(mine.values(completed_at=now, **values))))


def _start(
    actor: User,
    run_id: int,
    phase: ImportStatus,
    work: Work,
    at: Clock,
    values: dict[str, Any],
    seen: str | None = None,
) -> None:
    """Claim the run, so that a second click finds it at work, and begin."""
    now = at()
    found = get_run(actor, run_id, now)
    run = found.run
    if run.status is ImportStatus.DONE or not found.can_be_tried:
        raise Conflict("This import is at work, or its file is not kept any more.")
    claim = (ImportRun.status == run.status, ImportRun.heartbeat_at == run.heartbeat_at)
    asked = update(ImportRun).where(ImportRun.id == run_id, *claim)
    with transaction() as session:
        mine = asked.values(status=phase, heartbeat_at=now, rows_done=0, rows_total=0, **values)
        if not rows_changed(session.execute(mine)):
            raise Conflict("Somebody else has just begun to work on this import.")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    arguments = (app, _Claim(run_id, phase, now), actor.id, work, at, seen)
    Thread(target=_work, args=arguments, name=f"import-{run_id}", daemon=True).start()


def _work(
    app: Flask, claim: _Claim, actor_id: int, work: Work, at: Clock, seen: str | None
) -> None:
    with app.app_context():
        try:
            values = _worked(claim, actor_id, work, at, seen)
        except InvalidInput as error:
            words = " ".join(text for texts in error.fields.values() for text in texts)
            values = {"status": ImportStatus.FAILED, "message": words}
        except ReportappError as error:
            values = {"status": ImportStatus.FAILED, "message": str(error)}
        except Exception:
            log.exception("import %s", claim.run_id)
            values = {"status": ImportStatus.FAILED, "message": _OUR_MISTAKE}
        db.session.rollback()
        try:
            with transaction() as session:
                claim.close(session, at(), values)
        except Exception:
            log.exception("import %s could not be closed; it will look broken off", claim.run_id)
        if claim.phase is ImportStatus.SAVING:
            _learn()


def _worked(
    claim: _Claim, actor_id: int, work: Work, at: Clock, seen: str | None
) -> dict[str, Any]:
    """Does the work; the run's new values, which are written already if the work has recorded."""
    run, actor = db.session.get_one(ImportRun, claim.run_id), db.session.get_one(User, actor_id)
    require(actor, Action.IMPORT_DATA)
    folder, progress = Folder(imports_root(), run.stored_as or ""), Progress()
    problems = ProblemList(folder.problems)
    saved = claim.phase is ImportStatus.SAVING

    def values(outcome: Outcome) -> dict[str, Any]:
        return {
            "status": ImportStatus.DONE if saved else ImportStatus.CHECKED,
            "summary": _summary(outcome),
            "error_count": problems.count,
            "rows_done": progress.total,
            "rows_total": progress.total,
        }

    def record(session: Session, outcome: Outcome) -> None:
        problems.close()  # all of them are on disk before the run says how many there are
        if not claim.close(session, at(), values(outcome)):
            raise Conflict("Somebody else has begun to work on this import.")

    try:
        with folder.beating(progress, at):
            outcome = work(Task(actor, run, folder.upload, problems, progress, at(), record, seen))
    finally:
        problems.close()
    if saved:
        folder.upload.unlink(missing_ok=True)
    return values(outcome)


def _summary(outcome: Outcome) -> str:
    return json.dumps({**outcome.summary, "fingerprint": outcome.fingerprint})
