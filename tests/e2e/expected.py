"""What a student report's rows must be, by plain SQL that shares nothing with the product."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

#: One row per student and class that author and recipient both may see; the cast has no links that
#: begin or end.
_ROWS = """
WITH
author AS (SELECT * FROM "user" WHERE email = :author),
recipient AS (SELECT * FROM "user" WHERE email = :recipient),
pairs AS (
    SELECT s.user_id AS student, s.class_group_id AS class
    FROM enrollment s JOIN class_group c ON c.id = s.class_group_id
    WHERE s.role = 'student'
      AND c.school_id = (SELECT school_id FROM author)
      AND ((SELECT role FROM author) = 'admin' OR s.class_group_id IN (
            SELECT class_group_id FROM enrollment
            WHERE role = 'teacher' AND user_id = (SELECT id FROM author)))
      AND ((SELECT id FROM recipient) = (SELECT id FROM author) OR s.user_id IN (
            SELECT student_id FROM guardian_link
            WHERE guardian_id = (SELECT id FROM recipient)))
),
marks AS (
    SELECT r.student_id AS student, l.class_group_id AS class, l.due_date AS day, r.score_status,
           100.0 * r.score / l.result_value_max AS percent
    FROM result r JOIN line_item l ON l.id = r.line_item_id
)
SELECT
    u.given_name || ' ' || u.family_name AS name,
    c.title AS class,
    (SELECT avg(percent) FROM marks m
      WHERE m.student = p.student AND m.class = p.class AND m.score_status <> 'exempt'
        AND m.day >= :start AND m.day < :end) AS average,
    (SELECT avg(percent) FROM marks m
      WHERE m.student = p.student AND m.class = p.class AND m.score_status <> 'exempt'
        AND m.day >= :before AND m.day < :start) AS average_before,
    (SELECT count(*) FROM attendance_record a
      WHERE a.student_id = p.student AND a.class_group_id = p.class
        AND a.date >= :start AND a.date < :end AND a.status IN ('present', 'late')) AS attended,
    (SELECT count(*) FROM attendance_record a
      WHERE a.student_id = p.student AND a.class_group_id = p.class
        AND a.date >= :start AND a.date < :end AND a.status <> 'excused') AS lessons,
    (SELECT count(*) FROM marks m
      WHERE m.student = p.student AND m.class = p.class AND m.day >= :start AND m.day < :end
        AND m.score_status IN ('fully graded', 'partially graded', 'submitted')) AS done,
    (SELECT count(*) FROM line_item l
      WHERE l.class_group_id = p.class AND l.due_date >= :start AND l.due_date < :end)
    - (SELECT count(*) FROM marks m
        WHERE m.student = p.student AND m.class = p.class AND m.day >= :start AND m.day < :end
          AND m.score_status = 'exempt') AS total,
    w.grade, w.progress_percent, w.behaviour, w.concerns, w.recommendations
FROM pairs p
JOIN "user" u ON u.id = p.student
JOIN class_group c ON c.id = p.class
LEFT JOIN student_report w ON w.id = (
    SELECT id FROM student_report
    WHERE student_id = p.student AND class_group_id = p.class AND status IN ('sent', 'read')
      AND period_end <= :end
      AND (show_to_parent OR (SELECT role FROM recipient) NOT IN ('parent', 'student'))
    ORDER BY period_end DESC, id DESC LIMIT 1)
ORDER BY u.family_name, u.given_name, u.id, c.title
"""


@dataclass(frozen=True)
class Expected:
    """The table's rows, None for an empty cell, and the summary: label, value as text."""

    rows: list[tuple]
    summary: list[tuple[str, str]]


def expected_report(
    database: Path, author: str, recipient: str, start: date, end: date, before: date
) -> Expected:
    """The report on [start, end), compared with [before, start)."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(
            _ROWS,
            {
                "author": author,
                "recipient": recipient,
                "start": start.isoformat(),
                "end": end.isoformat(),
                "before": before.isoformat(),
            },
        ).fetchall()
    rows = [_row(each) for each in found]
    averages = [row[2] for row in rows if row[2] is not None]
    lessons, total = (sum(each[column] for each in found) for column in ("lessons", "total"))
    attended, done = (sum(each[column] for each in found) for column in ("attended", "done"))
    students = len({row[0] for row in rows})
    return Expected(
        rows,
        [
            ("Student" if students == 1 else "Students", str(students)),
            ("Average score", f"{sum(averages) / len(averages):.1f} %"),
            ("Attendance", f"{100 * attended / lessons:.1f} %"),
            ("Assignments done", f"{100 * done / total:.1f} %"),
        ],
    )


def _row(found: sqlite3.Row) -> tuple:
    average, before = (_tenth(found[name]) for name in ("average", "average_before"))
    return (
        found["name"],
        found["class"],
        average,
        None if average is None or before is None else round(average - before, 1),
        _tenth(100.0 * found["attended"] / found["lessons"]) if found["lessons"] else None,
        found["done"],
        found["total"],
        *(
            found[name] or None
            for name in ("grade", "progress_percent", "behaviour", "concerns", "recommendations")
        ),
    )


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def days_before(frequency: str, day: date) -> tuple[date, date, date]:
    """(start, end, start of the days to compare with) of a run planned for the local `day`."""
    if frequency == "monthly":
        last_month = day.replace(day=1) - timedelta(days=1)
        start = last_month.replace(day=min(day.day, last_month.day))
        if day.day == 1:
            return start, day, (start - timedelta(days=1)).replace(day=1)
    else:
        start = day - timedelta(days={"daily": 1, "weekly": 7}[frequency])
    return start, day, start - (day - start)
