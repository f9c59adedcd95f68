"""What a school has said about its days, as the recurrence rules want it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.constants import CLOSED_KINDS, TERM_TYPES, YEAR_TYPE, CalendarKind
from reportapp.models import AcademicSession, CalendarEntry, School
from reportapp.recurrence import SchoolCalendar, Span


def load_calendar(session: Session, school_id: int) -> SchoolCalendar:
    """What the school has said about its days, in three queries; for a school that does not exist,
    as if it had said nothing."""
    weekdays = session.scalar(select(School.weekdays).where(School.id == school_id)) or "12345"
    entries = session.scalars(
        select(CalendarEntry)
        .where(CalendarEntry.school_id == school_id)
        .order_by(CalendarEntry.first_day, CalendarEntry.last_day, CalendarEntry.id)
    ).all()
    terms = terms_of(session, school_id)
    return SchoolCalendar(
        frozenset(map(int, weekdays)),
        closed=tuple(_span(entry) for entry in entries if entry.kind in CLOSED_KINDS),
        exams=tuple(_span(entry) for entry in entries if entry.kind is CalendarKind.EXAM),
        terms=tuple(Span(term.start_date, term.end_date, term.title) for term in terms),
    )


def _span(entry: CalendarEntry) -> Span:
    return Span(entry.first_day, entry.last_day, entry.title)


def terms_of(session: Session, school_id: int) -> list[AcademicSession]:
    """The school's terms in their order; where it has none, its years."""
    sessions = session.scalars(
        select(AcademicSession)
        .where(
            AcademicSession.school_id == school_id,
            AcademicSession.is_active,
            AcademicSession.type.in_((*TERM_TYPES, YEAR_TYPE)),
        )
        .order_by(AcademicSession.start_date, AcademicSession.end_date, AcademicSession.id)
    ).all()
    terms = [one for one in sessions if one.type in TERM_TYPES]
    return terms or list(sessions)
