"""OneRoster bundles: what one would do to the school, and doing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from reportapp.access import Action, require
from reportapp.errors import Conflict
from reportapp.extensions import db
from reportapp.models import School
from reportapp.school.calendar import calendar_change
from reportapp.school.import_work import Outcome, Task
from reportapp.school.oneroster_current import load_current, read_fingerprint
from reportapp.school.oneroster_plan import Counts, Plan, make_plan
from reportapp.school.oneroster_resolve import resolve
from reportapp.school.oneroster_source import Source
from reportapp.school.oneroster_stage import Stage
from reportapp.school.oneroster_write import write_plan


def check_oneroster(task: Task) -> Outcome:
    """What saving the bundle at `task.path` (a zip or a folder) would do now; nothing is changed.

    Raises Forbidden, or InvalidInput (field `file`) when it cannot be read at all; what is wrong
    in single rows goes to `task.problems`.
    """
    require(task.actor, Action.IMPORT_DATA)
    with _staged(task) as stage:
        plan, _ = _planned(stage, task)
        return _outcome(stage, task, plan)


def save_oneroster(
    task: Task, *, allow_deactivation: bool = False, allow_rejected: bool = False
) -> Outcome:
    """Do it, in one transaction. Doing it twice changes nothing.

    Raises Forbidden; InvalidInput as `check_oneroster`; Conflict when it would do something else
    than was shown (`task.seen`), deactivate more than a quarter of anything (unless allowed), or
    leave rows with errors behind (unless allowed).
    """
    require(task.actor, Action.IMPORT_DATA)
    with _staged(task) as stage:
        # Outside of the transaction: on SQLite it keeps everybody else from writing, also from
        # writing down which mails were sent.
        plan, current = _planned(stage, task)
        with calendar_change(task.actor, task.now) as session:
            if not plan.is_empty:
                changed = read_fingerprint(session, task.actor.school_id) != current
                if changed or task.seen not in (None, plan.fingerprint):
                    text = "The school's data has changed since you looked. Please look again."
                    raise Conflict(text)
                if not allow_deactivation:
                    _refuse_much(plan)
            errors = task.problems.count - stage.left_out
            if errors and not allow_rejected:
                text = f"Rows with errors: {errors:,}. Correct them, or allow to leave them out."
                raise Conflict(text)
            write_plan(stage, session, task.actor.school_id, task.now)
            outcome = _outcome(stage, task, plan)
            task.record(session, outcome)
    return outcome


def _refuse_much(plan: Plan) -> None:
    much = [one for one in plan.kinds if one.is_much]
    if much:
        told = " and ".join(f"{one.gone:,} of {one.active:,} {one.kind.words[1]}" for one in much)
        raise Conflict(f"This would deactivate {told}. If that is right, allow it explicitly.")


@contextmanager
def _staged(task: Task) -> Iterator[Stage]:
    """The bundle read and checked row by row; no lock is held meanwhile."""
    # Beside the upload, with which it is removed even if this process is killed.
    with TemporaryDirectory(prefix="stage-", dir=task.problems.path.parent) as folder:
        stage = Stage(Path(folder) / "stage.db", task.problems, task.progress)
        try:
            source = Source(task.path)
            try:
                stage.load(source)
            finally:
                source.close()
            yield stage
        finally:
            stage.close()


def _planned(stage: Stage, task: Task) -> tuple[Plan, str]:
    """The plan, and the fingerprint of what it is for."""
    session = db.session()
    school = session.get_one(School, task.actor.school_id)
    today = task.now.astimezone(ZoneInfo(school.time_zone)).date()
    current = load_current(stage, session, school.id)
    resolve(stage, today, task.actor.id)
    return make_plan(stage), current


def _outcome(stage: Stage, task: Task, plan: Plan) -> Outcome:
    task.progress.done = task.progress.total
    summary: dict[str, Any] = {
        "kinds": [_told(one) for one in plan.kinds],
        "notes": stage.notes,
        "left_out": stage.left_out,
        "errors": task.problems.count - stage.left_out,
        "much": [one.kind.words[1] for one in plan.kinds if one.is_much],
        "is_empty": plan.is_empty,
    }
    return Outcome(summary, plan.fingerprint)


def _told(one: Counts) -> dict[str, Any]:
    return {
        "name": one.kind.name,
        "words": one.kind.words,
        "added": one.added,
        "changed": one.changed,
        "gone": one.gone,
        "active": one.active,
        "examples": one.examples,
    }
