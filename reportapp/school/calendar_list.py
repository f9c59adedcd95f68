"""The school calendar as its page shows it: school year by school year."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from reportapp.access import Action, require
from reportapp.constants import YEAR_TYPE, CalendarKind, CalendarSource
from reportapp.extensions import db
from reportapp.models import AcademicSession, CalendarEntry, School, User
from reportapp.reports.calendar import terms_of

#: Where a school has not said when its years begin.
_FIRST_MONTH = 8


@dataclass(frozen=True)
class Line:
    """One entry, or one term when it has no `kind`."""

    id: int
    kind: CalendarKind | None
    title: str
    first_day: date
    last_day: date
    source: CalendarSource | None


@dataclass(frozen=True)
class SchoolYear:
    """What begins in one school year: what is over by now, and the rest."""

    title: str
    past: list[Line]
    coming: list[Line]


@dataclass(frozen=True)
class CalendarList:
    """The whole calendar on the day `today`, where the school is."""

    school: School
    today: date
    years: list[SchoolYear]

    @property
    def weekdays(self) -> list[int]:
        return [int(digit) for digit in self.school.weekdays]


def list_calendar(actor: User, now: datetime) -> CalendarList:
    """The calendar of the actor's school at the aware instant `now`. Raises Forbidden."""
    require(actor, Action.READ_CALENDAR)
    school = db.session.get_one(School, actor.school_id)
    today = now.astimezone(ZoneInfo(school.time_zone)).date()
    named = db.session.scalars(
        select(AcademicSession)
        .where(AcademicSession.school_id == school.id, AcademicSession.type == YEAR_TYPE)
        .order_by(AcademicSession.start_date, AcademicSession.id)
    ).all()
    groups: dict[tuple[date, str], list[Line]] = defaultdict(list)
    for line in _lines(school.id):
        groups[_year_of(line.first_day, named)].append(line)
    years = [
        SchoolYear(
            title,
            [line for line in lines if line.last_day < today],
            [line for line in lines if line.last_day >= today],
        )
        for (_, title), lines in sorted(groups.items())
    ]
    return CalendarList(school, today, years)


def _lines(school_id: int) -> list[Line]:
    entries = db.session.scalars(
        select(CalendarEntry).where(CalendarEntry.school_id == school_id)
    ).all()
    lines = [
        Line(row.id, row.kind, row.title, row.first_day, row.last_day, row.source)
        for row in entries
    ]
    lines += [
        Line(term.id, None, term.title, term.start_date, term.end_date, None)
        for term in terms_of(db.session(), school_id)
    ]
    # A term comes before what begins with it.
    return sorted(
        lines, key=lambda line: (line.first_day, bool(line.kind), line.last_day, line.title)
    )


def _year_of(day: date, named: Sequence[AcademicSession]) -> tuple[date, str]:
    for year in named:
        if year.start_date <= day <= year.end_date:
            return year.start_date, year.title
    begin = day.year if day.month >= _FIRST_MONTH else day.year - 1
    return date(begin, _FIRST_MONTH, 1), f"School year {begin}/{begin + 1}"
