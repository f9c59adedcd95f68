"""What an attendance file would change, and changing it: all of it in one go."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from reportapp.constants import AttendanceStatus, Others
from reportapp.errors import InvalidInput
from reportapp.models import AttendanceRecord, User
from reportapp.recurrence import SchoolCalendar
from reportapp.reports.calendar import load_calendar
from reportapp.school.attendance_read import ReadAttendance, Slot, read_attendance
from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import AttendanceMapping
from reportapp.school.records_people import Directory, load_directory
from reportapp.school.records_read import Progress
from reportapp.school.records_table import Table

MOST_PRESUMED = 500_000
MOST_DAYS = 400
_CHUNK = 5_000
_DAY = timedelta(days=1)


@dataclass
class AttendancePlan:
    """What saving a file would do now. `presumed`: how many students count as present in it without
    having a row."""

    added: list[tuple[Slot, AttendanceStatus]] = field(default_factory=list)
    changed: list[tuple[int, AttendanceStatus, AttendanceStatus]] = field(default_factory=list)
    unchanged: int = 0
    presumed: int = 0
    rows: int = 0
    left_out: int = 0
    repeated: int = 0
    #: Rows about somebody who was not in the class on that day.
    not_enrolled: int = 0
    #: Rows about days without school.
    closed_days: int = 0
    first_day: date | None = None
    last_day: date | None = None
    errors: list[RowError] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed)

    @property
    def fingerprint(self) -> str:
        """The same for two plans that would do the same."""
        return sha256(repr((self.added, self.changed)).encode()).hexdigest()[:16]

    @property
    def summary(self) -> dict[str, Any]:
        """For showing and for scripts; what JSON can hold."""
        return {
            "rows": self.rows,
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "presumed_present": self.presumed,
            "left_out": self.left_out,
            "repeated": self.repeated,
            "not_enrolled": self.not_enrolled,
            "closed_days": self.closed_days,
            "errors": len(self.errors),
            "first_day": self.first_day and self.first_day.isoformat(),
            "last_day": self.last_day and self.last_day.isoformat(),
            "added_by_status": dict(Counter(status.value for _, status in self.added)),
            "changes": [
                {"before": before, "after": after, "count": count}
                for (before, after), count in Counter(
                    (old.value, new.value) for _, old, new in self.changed
                ).most_common()
            ],
        }


def plan_attendance(
    session: Session,
    school_id: int,
    table: Table,
    mapping: AttendanceMapping,
    today: date,
    progress: Progress = lambda _rows: None,
) -> AttendancePlan:
    """What saving the file would do now, by the school's day `today`; a constant number of
    queries. Raises InvalidInput where the file cannot be read, or would presume too much."""
    directory = load_directory(session, school_id)
    found = read_attendance(table, mapping, directory, today, progress)
    read = found.read
    calendar = load_calendar(session, school_id)
    plan = AttendancePlan(
        rows=read.rows, left_out=read.left_out, repeated=read.repeated, errors=read.errors
    )
    plan.not_enrolled = sum(
        group is not None and not directory.is_in(student, group, day)
        for student, group, day, _ in read.said
    )
    plan.closed_days = sum(not calendar.is_open(day) for _, _, day, _ in read.said)
    statuses = dict(read.said)
    for slot in _presumed(found, mapping, directory, calendar, today):
        statuses.setdefault(slot, AttendanceStatus.PRESENT)
    plan.presumed = len(statuses) - len(read.said)
    _compare(session, school_id, statuses, plan)
    return plan


def save_attendance(session: Session, plan: AttendancePlan) -> None:
    """Write what `plan` says, in the caller's transaction."""
    rows = [
        {"student_id": student, "class_group_id": group, "date": day, "lesson": lesson, "status": s}
        for (student, group, day, lesson), s in plan.added
    ]
    for begin in range(0, len(rows), _CHUNK):
        session.execute(insert(AttendanceRecord), rows[begin : begin + _CHUNK])
    if plan.changed:
        changes = [{"id": record, "status": new} for record, _, new in plan.changed]
        session.execute(update(AttendanceRecord), changes)


def _compare(
    session: Session, school_id: int, statuses: dict[Slot, AttendanceStatus], plan: AttendancePlan
) -> None:
    if not statuses:
        return
    plan.first_day = min(day for _, _, day, _ in statuses)
    plan.last_day = max(day for _, _, day, _ in statuses)
    stored = _stored(session, school_id, statuses)
    for slot in sorted(statuses, key=lambda slot: (slot[2], slot[1] or 0, slot[3], slot[0])):
        new = statuses[slot]
        if slot not in stored:
            plan.added.append((slot, new))
            continue
        id_, old = stored[slot]
        if old is new:
            plan.unchanged += 1
        else:
            plan.changed.append((id_, old, new))


def _stored(
    session: Session, school_id: int, slots: Collection[Slot]
) -> dict[Slot, tuple[int, AttendanceStatus]]:
    """Those of `slots` that there are; the school's other records are not held in memory."""
    record = AttendanceRecord
    rows = session.execute(
        select(
            record.student_id,
            record.class_group_id,
            record.date,
            record.lesson,
            record.id,
            record.status,
        )
        .join(User, User.id == record.student_id)
        .where(User.school_id == school_id, record.date.in_({day for _, _, day, _ in slots}))
        .execution_options(yield_per=_CHUNK)
    )
    return {
        slot: (id_, status)
        for student, group, day, lesson, id_, status in rows
        if (slot := (student, group, day, lesson)) in slots
    }


def _presumed(
    found: ReadAttendance,
    mapping: AttendanceMapping,
    directory: Directory,
    calendar: SchoolCalendar,
    today: date,
) -> Iterator[Slot]:
    """Everybody who counts as present because the file does not list them."""
    if mapping.others is Others.UNKNOWN:
        return
    said = found.read.said
    lessons: dict[tuple[int | None, date], set[int]] = defaultdict(set)
    if mapping.others is Others.PRESENT_WHERE_LISTED:
        for _, group, day, lesson in said:
            if calendar.is_open(day):
                lessons[group, day].add(lesson)
    else:
        by_group: dict[int | None, set[int]] = defaultdict(set)
        for _, group, _, lesson in said:
            by_group[group].add(lesson)
        if not by_group and mapping.group is None:
            by_group[None] = {0}
        for day in _covered({day for _, _, day, _ in said}, mapping, calendar, today):
            lessons.update({(group, day): numbers for group, numbers in by_group.items()})
    members = {group: _members(directory, group) for group, _ in lessons}
    most = sum(len(members[group]) * len(numbers) for (group, _), numbers in lessons.items())
    if most > MOST_PRESUMED:
        text = f"So many days would make {most:,} records at once; at most {MOST_PRESUMED:,} can be"
        raise InvalidInput({"last_day": [f"{text} made. Choose fewer days."]})
    for (group, day), numbers in lessons.items():
        for student, spans in members[group].items():
            doubts = found.doubtful.get(student, ())
            if day in doubts or None in doubts:
                continue
            if any(first <= day <= last for first, last in spans):
                for lesson in numbers:
                    yield (student, group, day, lesson)


def _covered(
    days: set[date], mapping: AttendanceMapping, calendar: SchoolCalendar, today: date
) -> list[date]:
    """The school days that the file covers; `days` have a row in it."""
    first, last = (
        mapping.first_day or min(days, default=None),
        mapping.last_day or max(days, default=None),
    )
    if first is None or last is None:
        return []
    last = min(last, today)
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(
            {"last_day": [f"From {first} to {last} is more than {MOST_DAYS} days; choose fewer."]}
        )
    span = (first + number * _DAY for number in range((last - first).days + 1))
    return [day for day in span if calendar.is_open(day)]


def _members(directory: Directory, group: int | None) -> dict[int, list[tuple[date, date]]]:
    """Who is in a class, or in any class of the school, and when."""
    members: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for place, students in directory.places.items():
        if group is None or place == group:
            for student, span in students.items():
                members[student].append(span)
    return members
