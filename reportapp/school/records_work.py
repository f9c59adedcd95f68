"""Attendance and marks files in the life of an import: looking at one, and saving it."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.constants import ImportKind
from reportapp.errors import Conflict
from reportapp.extensions import db, transaction
from reportapp.models import School
from reportapp.school.attendance_import import AttendancePlan, plan_attendance, save_attendance
from reportapp.school.import_work import Outcome, Task
from reportapp.school.marks_import import MarksPlan, plan_marks, save_marks
from reportapp.school.records_mapping import AnyMapping, AttendanceMapping, from_json
from reportapp.school.records_table import read_table

#: The kinds of files whose columns somebody chooses.
RECORD_KINDS = (ImportKind.ATTENDANCE, ImportKind.MARKS)


@dataclass(frozen=True)
class RecordsWork:
    """The two pieces of work of an import. `mapping`: None for the one that the run keeps;
    `despite_errors`: the rows without errors are saved although others are rejected."""

    mapping: AnyMapping | None = None
    despite_errors: bool = False

    def check(self, task: Task) -> Outcome:
        """What saving would do now; nothing is written. Raises Forbidden, or InvalidInput when the
        file cannot be read."""
        require(task.actor, Action.IMPORT_DATA)
        return self._outcome(task, self._plan(db.session(), task))

    def save(self, task: Task) -> Outcome:
        """Save all that has no error, in one transaction; a second time changes nothing.

        Raises Forbidden; InvalidInput when the file cannot be read; Conflict when there are errors
        and nobody has said to save the rest, or when it would do something else than was shown.
        """
        require(task.actor, Action.IMPORT_DATA)
        with transaction() as session:
            # One import of a school at a time.
            school = select(School.id).where(School.id == task.actor.school_id)
            session.execute(school.with_for_update())
            plan = self._plan(session, task)
            outcome = self._outcome(task, plan)
            if plan.errors and not self.despite_errors:
                raise Conflict(
                    f"{task.problems.count:,} rows have errors, so nothing was saved. Correct "
                    "them, or say that the other rows shall be saved without them."
                )
            if task.seen is not None and not plan.is_empty and plan.fingerprint != task.seen:
                raise Conflict(
                    "The school's data has changed since you looked at this. Please look again."
                )
            if isinstance(plan, AttendancePlan):
                save_attendance(session, plan)
            else:
                save_marks(session, plan)
            task.record(session, outcome)
        return outcome

    def _plan(self, session: Session, task: Task) -> AttendancePlan | MarksPlan:
        mapping = self.mapping or from_json(task.run.kind, task.run.mapping or "")[0]
        table = read_table(task.path)
        with task.path.open("rb") as file:
            task.progress.total = sum(1 for _ in file)
        school_id = task.actor.school_id

        def progress(rows: int) -> None:
            task.progress.done = rows

        if isinstance(mapping, AttendanceMapping):
            today = _today(session, task)
            return plan_attendance(session, school_id, table, mapping, today, progress)
        return plan_marks(session, school_id, table, mapping, progress)

    def _outcome(self, task: Task, plan: AttendancePlan | MarksPlan) -> Outcome:
        for error in plan.errors:
            task.problems.add(task.run.filename, error.line, error.column, error.value, error.text)
        rejected = len({error.line for error in plan.errors})
        return Outcome({**plan.summary, "rejected": rejected}, plan.fingerprint)


def _today(session: Session, task: Task) -> date:
    zone = session.scalar(select(School.time_zone).where(School.id == task.actor.school_id))
    return task.now.astimezone(ZoneInfo(zone or "UTC")).date()
