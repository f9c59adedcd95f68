"""A school's calendar: its holidays, closures, exams, terms and weekdays, changed one by one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.constants import TERM_TYPES, YEAR_TYPE, CalendarSource
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import AcademicSession, CalendarEntry, ClassGroup, School, User
from reportapp.reports.calendar import load_calendar
from reportapp.schedules.timing_after_calendar import calendar_changed
from reportapp.school.calendar_values import EntryInput, TermInput, check_entry, check_term
from reportapp.school.countries import check_country

__all__ = [
    "add_entry",
    "add_term",
    "change_entry",
    "change_term",
    "delete_entry",
    "delete_term",
    "get_entry",
    "get_term",
    "load_calendar",
    "set_country",
    "set_weekdays",
]

#: More than anybody has in all years together; it keeps the page and the planning quick.
MOST_ENTRIES = 5_000
_TWICE = {"title": ["This is already in the calendar, on the same days."]}


def get_entry(actor: User, entry_id: int) -> CalendarEntry:
    """An entry of the actor's school, for changing it. Raises Forbidden, or NotFound."""
    require(actor, Action.EDIT_CALENDAR)
    entry = db.session.get(CalendarEntry, entry_id)
    if entry is None or entry.school_id != actor.school_id:
        raise NotFound("There is no such entry in the calendar.")
    return entry


def get_term(actor: User, term_id: int) -> AcademicSession:
    """A term (or year) of the actor's school, for changing it. Raises Forbidden, or NotFound."""
    require(actor, Action.EDIT_CALENDAR)
    term = db.session.get(AcademicSession, term_id)
    known = term is not None and term.type in (*TERM_TYPES, YEAR_TYPE)
    if term is None or not known or term.school_id != actor.school_id:
        raise NotFound("There is no such term.")
    return term


def add_entry(actor: User, data: Mapping[str, Any], now: datetime) -> CalendarEntry:
    """A new entry of kind, title, first_day and last_day (both included).

    Raises Forbidden; InvalidInput with all fields that are wrong, or when it is already there.
    """
    require(actor, Action.EDIT_CALENDAR)
    checked = check_entry(data)
    with calendar_change(actor, now) as session:
        refuse_too_many(session, actor.school_id, 1)
        _refuse_same_entry(session, actor.school_id, checked)
        entry = CalendarEntry(
            school_id=actor.school_id, source=CalendarSource.FORM, **asdict(checked)
        )
        session.add(entry)
    return entry


def change_entry(
    actor: User, entry_id: int, data: Mapping[str, Any], now: datetime
) -> CalendarEntry:
    """The entry with the fields in `data` changed; a later import of its source sets it back.

    Raises Forbidden, NotFound, or InvalidInput with all fields that are wrong.
    """
    entry = get_entry(actor, entry_id)
    kept = {name: getattr(entry, name) for name in ("title", "first_day", "last_day", "kind")}
    checked = check_entry({**kept, **data})
    with calendar_change(actor, now) as session:
        entry = get_entry(actor, entry_id)
        _refuse_same_entry(session, actor.school_id, checked, but=entry_id)
        for name, value in asdict(checked).items():
            setattr(entry, name, value)
    return entry


def delete_entry(actor: User, entry_id: int, now: datetime) -> None:
    """Take an entry out of the calendar. Raises Forbidden, or NotFound."""
    get_entry(actor, entry_id)
    with calendar_change(actor, now) as session:
        session.delete(get_entry(actor, entry_id))


def add_term(actor: User, data: Mapping[str, Any], now: datetime) -> AcademicSession:
    """A new term of title, first_day and last_day (both included).

    Raises Forbidden; InvalidInput with all fields that are wrong, or when it is already there.
    """
    require(actor, Action.EDIT_CALENDAR)
    checked = check_term(data)
    with calendar_change(actor, now) as session:
        refuse_too_many(session, actor.school_id, 1)
        _refuse_same_term(session, actor.school_id, checked)
        term = AcademicSession(school_id=actor.school_id, type=TERM_TYPES[0])
        _set_term(term, checked)
        session.add(term)
    return term


def change_term(
    actor: User, term_id: int, data: Mapping[str, Any], now: datetime
) -> AcademicSession:
    """The term with the fields in `data` changed.

    Raises Forbidden, NotFound, or InvalidInput with all fields that are wrong.
    """
    term = get_term(actor, term_id)
    kept = {"title": term.title, "first_day": term.start_date, "last_day": term.end_date}
    checked = check_term({**kept, **data})
    with calendar_change(actor, now) as session:
        term = get_term(actor, term_id)
        _refuse_same_term(session, actor.school_id, checked, but=term_id)
        _set_term(term, checked)
    return term


def delete_term(actor: User, term_id: int, now: datetime) -> None:
    """Take a term away. Raises Forbidden, NotFound, or Conflict while classes belong to it."""
    get_term(actor, term_id)
    with calendar_change(actor, now) as session:
        term = get_term(actor, term_id)
        classes = session.scalar(
            select(func.count())
            .select_from(ClassGroup)
            .where(ClassGroup.academic_session_id == term_id)
        )
        if classes:
            noun = "class belongs" if classes == 1 else "classes belong"
            raise Conflict(f"{classes} {noun} to “{term.title}”, so it cannot be deleted.")
        session.delete(term)


def set_weekdays(actor: User, weekdays: Iterable[int], now: datetime) -> None:
    """Say on which weekdays there are lessons (1 = Monday .. 7 = Sunday). Raises Forbidden, or
    InvalidInput."""
    require(actor, Action.EDIT_CALENDAR)
    days = set(weekdays)
    if not days or not days <= set(range(1, 8)):
        raise InvalidInput({"weekdays": ["Choose at least one of the weekdays, 1 to 7."]})
    with calendar_change(actor, now) as session:
        school = session.get_one(School, actor.school_id)
        school.weekdays = "".join(map(str, sorted(days)))


def set_country(actor: User, country: str | None, now: datetime) -> None:
    """Say whose public holidays the school keeps, such as `DE` or `DE-BE`; it takes none yet.
    Raises Forbidden, or InvalidInput."""
    require(actor, Action.EDIT_CALENDAR)
    checked = check_country(country) if country else None
    with calendar_change(actor, now) as session:
        session.get_one(School, actor.school_id).country = checked


@contextmanager
def calendar_change(actor: User, now: datetime) -> Iterator[Session]:
    """One change of the calendar of the actor's school: alone at it, and followed, in the same
    transaction, by what depends on the calendar."""
    school_id = actor.school_id
    with transaction() as session:
        session.execute(select(School.id).where(School.id == school_id).with_for_update())
        yield session
        session.flush()
        calendar_changed(session, school_id, now)


def refuse_too_many(session: Session, school_id: int, added: int) -> None:
    """Raises InvalidInput when so many entries more would be too many."""
    rows = [
        session.scalar(select(func.count()).select_from(table).where(table.school_id == school_id))
        for table in (CalendarEntry, AcademicSession)
    ]
    if sum(count or 0 for count in rows) + added > MOST_ENTRIES:
        text = f"A calendar holds at most {MOST_ENTRIES:,} entries; delete old ones first."
        raise InvalidInput({"title": [text]})


def _refuse_same_entry(
    session: Session, school_id: int, checked: EntryInput, but: int | None = None
) -> None:
    same = select(CalendarEntry.id).where(
        CalendarEntry.school_id == school_id,
        CalendarEntry.kind == checked.kind,
        CalendarEntry.title == checked.title,
        CalendarEntry.first_day == checked.first_day,
        CalendarEntry.last_day == checked.last_day,
    )
    if set(session.scalars(same)) - {but}:
        raise InvalidInput(_TWICE)


def _refuse_same_term(
    session: Session, school_id: int, checked: TermInput, but: int | None = None
) -> None:
    same = select(AcademicSession.id).where(
        AcademicSession.school_id == school_id,
        AcademicSession.type.in_(TERM_TYPES),
        AcademicSession.title == checked.title,
        AcademicSession.start_date == checked.first_day,
        AcademicSession.end_date == checked.last_day,
    )
    if set(session.scalars(same)) - {but}:
        raise InvalidInput(_TWICE)


def _set_term(term: AcademicSession, checked: TermInput) -> None:
    term.title = checked.title
    term.start_date, term.end_date = checked.first_day, checked.last_day
