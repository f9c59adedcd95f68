"""The reports that teachers and tutors of the demo school have written."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from reportapp.constants import AuthoredStatus, ReportType
from reportapp.models import ReportReading, StudentReport, TeacherWeeklyReport, TutorWeeklyReport
from reportapp.school.demo_classes import Group
from reportapp.school.demo_lessons import Talent
from reportapp.school.demo_people import People, Person
from reportapp.school.demo_sentences import Sentences
from reportapp.school.demo_stage import WEEKS, Stage, instant

_STATUSES = tuple(AuthoredStatus)
_SHARES = (6, 51, 38, 5)
#: German school grades, each from so many percent on.
_GRADES = (
    (92, "1"),
    (87, "1-"),
    (82, "2+"),
    (77, "2"),
    (72, "2-"),
    (67, "3+"),
    (61, "3"),
    (55, "3-"),
    (50, "4+"),
    (44, "4"),
    (36, "4-"),
    (0, "5"),
)


def make_reports(
    stage: Stage, people: People, groups: list[Group], talents: dict[int, Talent]
) -> int:
    """All written reports, in the database; how many."""
    writer = _Writer(stage, talents)
    return (
        stage.add(StudentReport, writer.student_reports(groups))
        + stage.add(TutorWeeklyReport, writer.tutor_weeklies(people))
        + stage.add(TeacherWeeklyReport, writer.teacher_weeklies(groups))
    )


def make_readings(stage: Stage, people: People) -> int:
    """That families have read what is marked as read, in the database; how many readings. Every
    second reader has said so."""
    rows: list[dict[str, Any]] = []
    for kind, model in (
        (ReportType.STUDENT_REPORT, StudentReport),
        (ReportType.TUTOR_WEEKLY_REPORT, TutorWeeklyReport),
    ):
        read = stage.session.execute(
            select(model.id, model.student_id, model.read_at)
            .where(model.status == AuthoredStatus.READ, model.show_to_parent)
            .order_by(model.id)
        )
        for report_id, student_id, read_at in read:
            assert read_at is not None
            for guardian in people.guardians_of.get(student_id, ())[:1]:
                if not (guardian.is_active and guardian.email):
                    continue  # has no way to log in
                said_so = len(rows) % 2 == 0
                rows.append(
                    {
                        "kind": kind,
                        "report_id": report_id,
                        "reader_id": guardian.id,
                        "read_at": read_at,
                        "acknowledged_at": read_at + timedelta(minutes=3) if said_so else None,
                    }
                )
    return stage.add(ReportReading, rows)


class _Writer:
    def __init__(self, stage: Stage, talents: dict[int, Talent]) -> None:
        self.stage, self.dice, self.talents = stage, stage.dice, talents
        self.sentences = Sentences(stage.dice)

    def student_reports(self, groups: list[Group]) -> list[dict[str, Any]]:
        """Two for everybody in every class, each on four weeks."""
        rows: list[dict[str, Any]] = []
        for weeks_ago in (8, 4):
            start = self.stage.monday - timedelta(weeks=weeks_ago)
            end = start + timedelta(weeks=4)
            for group in groups:
                for student in group.students:
                    name, progress = student.name.given.text, self._progress(student, end)
                    rows.append(
                        {
                            **self._written(group.teachers[0], student, end, len(rows)),
                            "class_group_id": group.id,
                            "period_start": start,
                            "period_end": end,
                            "grade": _grade(progress),
                            "progress_percent": progress,
                            "behaviour": self.sentences.behaviour(name, group.subject),
                            "concerns": self.sentences.concerns(name, group.subject, progress),
                            "recommendations": self.sentences.recommendations(
                                name, group.subject, progress
                            ),
                        }
                    )
        return rows

    def tutor_weeklies(self, people: People) -> list[dict[str, Any]]:
        """Nearly every week on nearly every student."""
        rows: list[dict[str, Any]] = []
        for monday in self._mondays(6):
            for tutor in people.tutors:
                for student in people.students_of[tutor.id]:
                    if self.dice.random() < 0.08:
                        continue
                    name = student.name.given.text
                    progress = self._progress(student, monday)
                    rows.append(
                        {
                            **self._written(tutor, student, _after(monday), len(rows)),
                            "week_start": monday,
                            "summary": self.sentences.week(name, progress),
                            "progress_percent": progress,
                            "notes": self.sentences.tutor_notes(name),
                        }
                    )
        return rows

    def teacher_weeklies(self, groups: list[Group]) -> list[dict[str, Any]]:
        """On one student in three each week."""
        rows: list[dict[str, Any]] = []
        for monday in self._mondays(4):
            for group in groups:
                for student in group.students:
                    if self.dice.random() > 0.35:
                        continue
                    name = student.name.given.text
                    rows.append(
                        {
                            **self._written(
                                self.dice.choice(group.teachers), student, _after(monday), len(rows)
                            ),
                            # These are never for families.
                            "show_to_parent": False,
                            "class_group_id": group.id,
                            "week_start": monday,
                            "notes": self.sentences.teacher_notes(name, group.subject),
                        }
                    )
        return rows

    def _mondays(self, weeks: int) -> list[date]:
        """The first days of the last so many weeks, the oldest first."""
        return [self.stage.monday - timedelta(weeks=n) for n in range(weeks, 0, -1)]

    def _progress(self, student: Person, day: date) -> int:
        """About the student's average around `day`, in percent."""
        talent = self.talents[student.id]
        weeks = (day - self.stage.first_monday).days / 7 - WEEKS / 2
        return round(min(99, max(20, talent.ability + talent.trend * weeks)))

    def _written(self, author: Person, student: Person, end: date, number: int) -> dict[str, Any]:
        """What all written reports share. `end`: the Monday after the days covered. The first four
        have one status each."""
        status = _STATUSES[number] if number < 4 else self.dice.choices(_STATUSES, _SHARES)[0]
        written = instant(end - timedelta(days=3), 13, self.dice.randrange(60))
        sent = None if status is AuthoredStatus.DRAFT else written + timedelta(minutes=40)
        read = None
        if sent is not None and status is not AuthoredStatus.SENT:
            read = sent + timedelta(minutes=self.dice.randint(20, 420))
        return {
            "author_id": author.id,
            "student_id": student.id,
            "status": status,
            "show_to_parent": number % 2 == 0 if number < 8 else self.dice.random() < 0.85,
            "created_at": written,
            "updated_at": sent or written,
            "sent_at": sent,
            "read_at": read,
        }


def _after(monday: date) -> date:
    return monday + timedelta(weeks=1)


def _grade(percent: int) -> str:
    return next(grade for least, grade in _GRADES if percent >= least)
