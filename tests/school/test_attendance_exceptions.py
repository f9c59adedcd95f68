"""Files of exceptions against an oracle: every record that the rule asks for, and no other."""

from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import text

from reportapp.constants import EnrollmentRole
from reportapp.extensions import db, transaction
from reportapp.models import AttendanceRecord, CalendarEntry, Enrollment
from tests.cast import create_class, create_person
from tests.school.records import attendance_of, file_of, name_cast, stored, take

FIRST = date(2026, 9, 28)
DAYS = 28
CODES = {"A": "absent", "L": "late", "E": "excused"}


def random_school(cast, dice: Random) -> None:
    name_cast(cast)
    with transaction() as session:
        session.query(AttendanceRecord).delete()
        session.query(Enrollment).delete()
        people = [
            create_person(cast.school, "student", f"S{n}", sourced_id=f"s{n}", email=None)
            for n in range(12)
        ]
        for number in range(4):
            group = create_class(cast.school, f"C{number}", "Art")
            group.sourced_id = f"c{number}"
            for person in dice.sample(people, 7):
                begin, end = (FIRST + timedelta(dice.randint(-9, DAYS + 9)) for _ in range(2))
                session.add(
                    Enrollment(
                        class_group_id=group.id,
                        user_id=person.id,
                        role=EnrollmentRole.STUDENT,
                        begin_date=dice.choice([None, begin]),
                        end_date=dice.choice([None, end]),
                        is_active=dice.random() < 0.9,
                    )
                )
        for person in dice.sample(people, 2):
            person.is_active = False
        for _ in range(2):
            begin = FIRST + timedelta(dice.randint(0, DAYS))
            last = begin + timedelta(dice.randint(0, 4))
            session.add(
                CalendarEntry(
                    school_id=cast.school.id,
                    kind="holiday",
                    title=f"Off {begin}",
                    first_day=begin,
                    last_day=last,
                    source="form",
                )
            )


def random_rows(dice: Random, groups: list[str]) -> dict[tuple, str]:
    """(student, class, day, lesson) -> code; each lesson of a class is always the same one."""
    rows = {}
    for _ in range(25):
        group = dice.choice(groups)
        day = (FIRST + timedelta(dice.randrange(DAYS))).isoformat()
        lesson = int(group[1:]) + 1 if group else 0
        rows[f"s{dice.randrange(12)}", group, day, lesson] = dice.choice(list(CODES))
    return rows


def enrolled(group: str, day: str) -> set[str]:
    """Who is in the class (empty: in any) on that day, in plain SQL."""
    rows = db.session.execute(
        text(
            'SELECT DISTINCT u.sourced_id FROM enrollment e JOIN "user" u ON u.id = e.user_id '
            "JOIN class_group g ON g.id = e.class_group_id WHERE e.role = 'student' "
            "AND e.is_active AND u.is_active AND (g.sourced_id = :group OR :group = '') "
            "AND (e.begin_date IS NULL OR e.begin_date <= :day) "
            "AND (e.end_date IS NULL OR e.end_date >= :day)"
        ),
        {"group": group, "day": day},
    )
    return {row[0] for row in rows}


def is_open(day: str) -> bool:
    closed = db.session.execute(
        text("SELECT count(*) FROM calendar_entry WHERE first_day <= :day AND last_day >= :day"),
        {"day": day},
    ).scalar()
    return not closed and date.fromisoformat(day).weekday() < 5


@pytest.mark.parametrize("whole_days", [True, False])
@pytest.mark.parametrize("others", ["present", "present_where_listed"])
@pytest.mark.parametrize("seed", range(4))
def test_everybody_else_is_present_exactly_when_the_rule_says_so(
    cast, tmp_path, whole_days, others, seed
):
    dice = Random(seed)
    random_school(cast, dice)
    groups = [""] if whole_days else ["c0", "c1", "c2"]
    rows = random_rows(dice, groups)
    lines = [f"{s},{day},{g},{n or ''},{code}" for (s, g, day, n), code in rows.items()]
    path = file_of(tmp_path, "student,date,class,lesson,code", *lines)
    plan = take(cast.school, path, attendance_of(path, others=others))

    expected = {(s, g or None, day, n): CODES[code] for (s, g, day, n), code in rows.items()}
    listed = {(g, day, n) for _, g, day, n in rows}
    days = [day for _, day, _ in listed]
    if others == "present":
        first, last = (date.fromisoformat(pick(days)) for pick in (min, max))
        span = [(first + timedelta(n)).isoformat() for n in range((last - first).days + 1)]
        listed = {(g, day, n) for g, _, n in listed for day in span}
    for g, day, n in listed:
        if is_open(day):
            for student in enrolled(g, day):
                expected.setdefault((student, g or None, day, n), "present")
    assert stored() == sorted(
        ((*slot, status) for slot, status in expected.items()),
        key=lambda row: [str(cell) for cell in row],
    )
    assert plan.presumed == len(expected) - len(rows)
    assert take(cast.school, path, attendance_of(path, others=others)).is_empty
