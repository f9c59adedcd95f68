"""What a file of section marks would change, and changing it: all of it in one go."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from reportapp.constants import ScoreStatus
from reportapp.models import AcademicSession, ClassGroup, LineItem, Result
from reportapp.school.calendar_found import RowError
from reportapp.school.marks_read import Item, Mark, ReadMarks, read_marks
from reportapp.school.records_mapping import MarksMapping
from reportapp.school.records_people import load_directory
from reportapp.school.records_read import Progress
from reportapp.school.records_table import Table

CATEGORY = "Mark"
_CHUNK = 5_000


@dataclass
class MarksPlan:
    """What saving a file would do now; each term's mark of each class is a piece of work."""

    items_added: list[Item] = field(default_factory=list)
    items_changed: list[tuple[int, Item]] = field(default_factory=list)
    added: list[tuple[Item, int, Mark]] = field(default_factory=list)
    changed: list[tuple[int, Mark]] = field(default_factory=list)
    highest: float = 100.0
    unchanged: int = 0
    rows: int = 0
    left_out: int = 0
    repeated: int = 0
    #: Rows about somebody who has not been in the class by the end of the term.
    not_enrolled: int = 0
    #: Marks in letters or words only, which no average counts.
    words_only: int = 0
    errors: list[RowError] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.items_added or self.items_changed or self.added or self.changed)

    @property
    def fingerprint(self) -> str:
        """The same for two plans that would do the same."""
        parts = (self.items_added, self.items_changed, self.added, self.changed, self.highest)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def summary(self) -> dict[str, Any]:
        """For showing and for scripts; what JSON can hold."""
        return {
            "rows": self.rows,
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "left_out": self.left_out,
            "repeated": self.repeated,
            "not_enrolled": self.not_enrolled,
            "words_only": self.words_only,
            "errors": len(self.errors),
            "columns_added": len(self.items_added),
            "columns_changed": len(self.items_changed),
        }


def plan_marks(
    session: Session,
    school_id: int,
    table: Table,
    mapping: MarksMapping,
    progress: Progress = lambda _rows: None,
) -> MarksPlan:
    """What saving the file would do now; a constant number of queries. Raises InvalidInput where
    the file cannot be read."""
    directory = load_directory(session, school_id)
    terms = session.scalars(
        select(AcademicSession)
        .where(AcademicSession.school_id == school_id)
        .order_by(AcademicSession.id)
    ).all()
    read = read_marks(table, mapping, directory, terms, progress)
    plan = MarksPlan(
        highest=mapping.highest,
        rows=read.rows,
        left_out=read.left_out,
        repeated=read.repeated,
        errors=read.errors,
        words_only=sum(number is None for number, _ in read.said.values()),
        not_enrolled=sum(
            student not in directory.places.get(item.group, ()) for item, student in read.said
        ),
    )
    _compare(session, school_id, read, plan)
    return plan


def save_marks(session: Session, plan: MarksPlan) -> None:
    """Write what `plan` says, in the caller's transaction."""
    if plan.items_added:
        items = [_row_of(item, plan.highest) for item in plan.items_added]
        session.execute(insert(LineItem), items)
    if plan.items_changed:
        rows = [{"id": id_, **_row_of(item, plan.highest)} for id_, item in plan.items_changed]
        session.execute(update(LineItem), rows)
    ids = _ids(session, {item for item, _, _ in plan.added})
    rows = [
        {"line_item_id": ids[item.group, item.key], "student_id": student, **_values_of(mark)}
        for item, student, mark in plan.added
    ]
    for begin in range(0, len(rows), _CHUNK):
        session.execute(insert(Result), rows[begin : begin + _CHUNK])
    if plan.changed:
        session.execute(
            update(Result), [{"id": id_, **_values_of(mark)} for id_, mark in plan.changed]
        )


def _compare(session: Session, school_id: int, read: ReadMarks, plan: MarksPlan) -> None:
    keys = {item.key for item, _ in read.said}
    of_school = (ClassGroup.school_id == school_id, LineItem.sourced_id.in_(keys))
    items = {
        (row.class_group_id, row.sourced_id): row
        for row in session.scalars(select(LineItem).join(ClassGroup).where(*of_school))
    }
    results = {
        (row.line_item_id, row.student_id): row
        for row in session.execute(
            select(
                Result.id,
                Result.line_item_id,
                Result.student_id,
                Result.score,
                Result.text_score,
                Result.score_status,
                Result.is_active,
            )
            .join(LineItem, LineItem.id == Result.line_item_id)
            .join(ClassGroup, ClassGroup.id == LineItem.class_group_id)
            .where(*of_school)
        )
    }
    for item in sorted({item for item, _ in read.said}):
        stored = items.get((item.group, item.key))
        if stored is None:
            plan.items_added.append(item)
        elif _row_of(item, plan.highest) != _stored_row(stored):
            plan.items_changed.append((stored.id, item))
    for item, student in sorted(read.said):
        mark = read.said[item, student]
        stored = items.get((item.group, item.key))
        result = results.get((stored.id, student)) if stored is not None else None
        if result is None:
            plan.added.append((item, student, mark))
        elif {name: getattr(result, name) for name in _values_of(mark)} != _values_of(mark):
            plan.changed.append((result.id, mark))
        else:
            plan.unchanged += 1


def _row_of(item: Item, highest: float) -> dict[str, Any]:
    return {
        "class_group_id": item.group,
        "sourced_id": item.key,
        "title": item.title,
        "category": CATEGORY,
        "assign_date": item.due,
        "due_date": item.due,
        "result_value_min": 0.0,
        "result_value_max": highest,
        "is_active": True,
    }


def _stored_row(row: LineItem) -> dict[str, Any]:
    names = _row_of(Item(0, "", "", row.due_date), 1)
    return {name: getattr(row, name) for name in names}


def _values_of(mark: Mark) -> dict[str, Any]:
    return {
        "score": mark[0],
        "text_score": mark[1],
        "score_status": ScoreStatus.FULLY_GRADED,
        "is_active": True,
    }


def _ids(session: Session, items: set[Item]) -> dict[tuple[int, str], int]:
    rows = session.execute(
        select(LineItem.class_group_id, LineItem.sourced_id, LineItem.id).where(
            LineItem.sourced_id.in_({item.key for item in items})
        )
    )
    return {(group, key or ""): id_ for group, key, id_ in rows}
