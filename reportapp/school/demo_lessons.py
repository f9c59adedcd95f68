"""What happens in the demo school's classes: lessons, attendance, assignments and results."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from reportapp.constants import AttendanceStatus, ScoreStatus
from reportapp.models import AttendanceRecord, LineItem, Result
from reportapp.school.demo_classes import Group
from reportapp.school.demo_people import Person
from reportapp.school.demo_stage import WEEKS, Stage

_TOPICS = {
    "Mathematics": (
        "fractions, percentages, linear equations, angles, circles, probability, "
        "negative numbers, powers and roots, proportions, statistics, triangles"
    ),
    "English": (
        "irregular verbs, a book review, reported speech, a letter to a friend, conditionals, "
        "a short story, phrasal verbs, an argument, the passive, a poem, listening"
    ),
    "Biology": (
        "the cell, photosynthesis, the heart, food chains, the senses, genetics, insects, "
        "digestion, ecosystems, evolution, bones and muscles"
    ),
    "History": (
        "the Romans, medieval towns, the printing press, the Reformation, the French Revolution, "
        "the railways, industrialisation, 1848, emigration, the Weimar Republic, sources"
    ),
    "Geography": (
        "reading maps, rivers, volcanoes, climate zones, migration, trade routes, the Alps, "
        "megacities, agriculture, the oceans, renewable energy"
    ),
    "Physics": (
        "forces, motion, energy, electric circuits, light and lenses, sound, heat, pressure, "
        "magnetism, density, simple machines"
    ),
}
_POINTS = {"homework": (10, 20), "quiz": (20, 50, 100)}
_PRAISE = ("Well done.", "Clear and complete.", "A pleasure to read.", "Excellent work.")
_ADVICE = ("Please look at this again.", "Show your steps.", "Come and ask me.", "Mind the units.")
_EXCUSES = ("Doctor's appointment", "Ill, note from home", "School orchestra", "Family occasion")
_LATE = ("Bus was late", "5 minutes", "10 minutes", "Came from the sports hall")


@dataclass(frozen=True)
class Talent:
    """How one student does in general: percent, percentage points a week, part of lessons."""

    ability: float
    trend: float
    presence: float


def make_talents(stage: Stage, students: list[Person]) -> dict[int, Talent]:
    """Each student's talent, by id. One in twelve misses many lessons."""
    dice = stage.dice
    return {
        student.id: Talent(
            min(96.0, max(38.0, dice.gauss(73, 12))),
            dice.gauss(0.2, 0.7),
            0.80 if dice.random() < 0.08 else 0.935,
        )
        for student in students
    }


def make_lessons(stage: Stage, groups: list[Group], talents: dict[int, Talent]) -> Counter[str]:
    """Everything that happened in the classes up to today, in the database; how much of each."""
    counts: Counter[str] = Counter()
    for number, group in enumerate(groups):
        counts.update(_hold_lessons(stage, group, number, talents))
        counts.update(_give_work(stage, group, talents))
    return counts


def _hold_lessons(
    stage: Stage, group: Group, number: int, talents: dict[int, Talent]
) -> dict[str, int]:
    """Three lessons a week; those of the two classes of a year group are at different hours."""
    dice = stage.dice
    weekdays = sorted(dice.sample(range(5), 3))
    hours = {day: dice.randint(1, 3) + 3 * (number % 2) for day in weekdays}
    lessons = [
        (day, hours[weekday])
        for week in range(WEEKS + 1)
        for weekday in weekdays
        if (day := stage.first_monday + timedelta(weeks=week, days=weekday)) <= stage.today
    ]
    rows = []
    for day, lesson in lessons:
        for student in group.students:
            status, note = _presence(stage, talents[student.id])
            rows.append(
                {
                    "student_id": student.id,
                    "class_group_id": group.id,
                    "date": day,
                    "lesson": lesson,
                    "status": status,
                    "note": note,
                }
            )
    return {"lessons": len(lessons), "attendance": stage.add(AttendanceRecord, rows)}


def _presence(stage: Stage, talent: Talent) -> tuple[AttendanceStatus, str | None]:
    roll = stage.dice.random()
    if roll < talent.presence:
        return AttendanceStatus.PRESENT, None
    rest = (roll - talent.presence) / (1 - talent.presence)
    if rest < 0.4:
        return AttendanceStatus.LATE, stage.dice.choice((None, *_LATE))
    if rest < 0.45:
        return AttendanceStatus.LEFT_EARLY, None
    if rest < 0.5:
        return AttendanceStatus.PARTIAL, None
    if rest < 0.75:
        return AttendanceStatus.ABSENT, None
    return AttendanceStatus.EXCUSED, stage.dice.choice(_EXCUSES)


def _give_work(stage: Stage, group: Group, talents: dict[int, Talent]) -> dict[str, int]:
    """A homework and a quiz a week, as far as they are due by today, with everybody's results."""
    items = _line_items(stage, group)
    ids = stage.add_with_ids(LineItem, items)
    rows = []
    for id_, item in zip(ids, items, strict=True):
        for number, student in enumerate(group.students, 1):
            rows.append(
                {
                    "line_item_id": id_,
                    "student_id": student.id,
                    "sourced_id": f"{item['sourced_id']}-result-{number:03d}",
                    **_result(stage, item, talents[student.id]),
                }
            )
    return {"assignments": len(items), "results": stage.add(Result, rows)}


def _line_items(stage: Stage, group: Group) -> list[dict[str, Any]]:
    dice = stage.dice
    topics = _TOPICS[group.subject].split(", ")
    items: list[dict[str, Any]] = []
    for week in range(WEEKS + 1):
        monday = stage.first_monday + timedelta(weeks=week)
        topic = topics[week % len(topics)]
        for category, weekday in (("homework", dice.randint(0, 2)), ("quiz", dice.randint(2, 4))):
            due = monday + timedelta(days=weekday)
            points = dice.choice(_POINTS[category])
            if due > stage.today:
                continue
            items.append(
                {
                    "class_group_id": group.id,
                    "sourced_id": f"demo-item-{group.id}-{len(items) + 1:02d}",
                    "title": f"{category.capitalize()} {week + 1}: {topic}",
                    "category": category,
                    "assign_date": due - timedelta(days=4 if category == "homework" else 7),
                    "due_date": due,
                    "result_value_min": 0.0,
                    "result_value_max": float(points),
                }
            )
    return items


def _result(stage: Stage, item: dict[str, Any], talent: Talent) -> dict[str, Any]:
    """What one student made of one line item. The newest work is not marked yet."""
    dice = stage.dice
    due: date = item["due_date"]
    marked = due + timedelta(days=dice.randint(1, 4))
    status = _score_status(dice.random())
    if marked > stage.today and status in (ScoreStatus.FULLY_GRADED, ScoreStatus.PARTIALLY_GRADED):
        status = ScoreStatus.SUBMITTED
    graded = status in (ScoreStatus.FULLY_GRADED, ScoreStatus.PARTIALLY_GRADED)
    score = comment = None
    if graded:
        weeks = (due - stage.first_monday).days / 7
        percent = talent.ability + talent.trend * (weeks - WEEKS / 2) + dice.gauss(0, 7)
        percent = min(100.0, max(5.0, percent))
        score = round(percent * item["result_value_max"] / 50) / 2
        if dice.random() < 0.08:
            comment = dice.choice(_PRAISE if percent >= 75 else _ADVICE)
    return {
        "score_status": status,
        "score": score,
        "score_date": marked if graded else None,
        "comment": comment,
    }


def _score_status(roll: float) -> ScoreStatus:
    for status, up_to in (
        (ScoreStatus.FULLY_GRADED, 0.90),
        (ScoreStatus.PARTIALLY_GRADED, 0.915),
        (ScoreStatus.SUBMITTED, 0.94),
        (ScoreStatus.NOT_SUBMITTED, 0.98),
    ):
        if roll < up_to:
            return status
    return ScoreStatus.EXEMPT
