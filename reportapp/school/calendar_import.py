"""Taking a calendar from a file, or the public holidays of a country, in two steps: first a look at
what would change, then one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.constants import CalendarKind, CalendarSource
from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import db
from reportapp.models import CalendarEntry, School, User
from reportapp.school.calendar import calendar_change, refuse_too_many
from reportapp.school.calendar_csv import read_csv
from reportapp.school.calendar_found import Found, FoundCalendar
from reportapp.school.calendar_ics import read_ics
from reportapp.school.calendar_values import EntryInput, check_entry
from reportapp.school.countries import check_country, public_holidays

MOST_BYTES = 1_000_000
MOST_FOUND = 2_000
#: This year and so many more.
COUNTRY_YEARS = 2


@dataclass(frozen=True)
class ImportPlan:
    """What taking a found calendar would do now. `gone` has come from the same source, is not over
    yet, and is not in the new one any more; it is removed only when that is asked for."""

    added: list[Found] = field(default_factory=list)
    changed: list[tuple[EntryInput, Found]] = field(default_factory=list)
    gone: list[Found] = field(default_factory=list)
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.gone)

    @property
    def fingerprint(self) -> str:
        """The same for two plans that would do the same."""
        return sha256(repr((self.added, self.changed, self.gone)).encode()).hexdigest()[:16]


def read_file(
    actor: User, content: bytes, now: datetime, kind: str = CalendarKind.HOLIDAY
) -> FoundCalendar:
    """What a CSV or .ics file says; which of them it is, it shows itself. `kind` is that of the
    events of a calendar file, where they do not tell their own.

    Raises Forbidden, or InvalidInput (field `file` or `kind`) when it cannot be read at all; what
    is wrong in single rows is in `errors`.
    """
    require(actor, Action.EDIT_CALENDAR)
    text = _text(content)
    if text.lstrip()[:15].upper() != "BEGIN:VCALENDAR":
        return read_csv(text, MOST_FOUND)
    try:
        chosen = CalendarKind(kind)
    except ValueError:
        raise InvalidInput({"kind": [f"Choose one of: {', '.join(CalendarKind)}."]}) from None
    zone = ZoneInfo(_school(actor).time_zone)
    return read_ics(text, MOST_FOUND, now.astimezone(zone).date(), zone, chosen)


def read_country(actor: User, country: str, now: datetime) -> FoundCalendar:
    """The public holidays of a country, or a part of one, from today on, of this year and the next
    two.

    Raises Forbidden, or InvalidInput (field `country`).
    """
    require(actor, Action.EDIT_CALENDAR)
    code = check_country(country)
    today = _today(actor, now)
    years = range(today.year, today.year + COUNTRY_YEARS + 1)
    days = [(day, name) for day, name in public_holidays(code, years) if day >= today]
    if not days:
        raise InvalidInput({"country": ["No public holidays are known for it."]})
    found = [
        Found(name[:200].strip(), day, day, CalendarKind.HOLIDAY, day.isoformat())
        for day, name in days
    ]
    return FoundCalendar(CalendarSource.COUNTRY, tuple(found))


def look_at(actor: User, found: FoundCalendar, now: datetime) -> ImportPlan:
    """What `save_import` would do now; nothing is changed. Raises Forbidden."""
    require(actor, Action.EDIT_CALENDAR)
    return _plan(db.session(), actor.school_id, found, _today(actor, now))


def save_import(
    actor: User,
    found: FoundCalendar,
    now: datetime,
    *,
    remove: bool = False,
    seen: str | None = None,
    country: str | None = None,
) -> ImportPlan:
    """Take all that was found, or nothing; with `remove`, what is `gone` is removed. Doing it twice
    changes nothing. `seen` is the fingerprint of the plan that the actor has looked at; `country`
    is remembered as the one whose public holidays these are.

    Raises Forbidden; InvalidInput for a calendar with errors; Conflict when the calendar has
    changed since it was looked at.
    """
    require(actor, Action.EDIT_CALENDAR)
    _refuse_wrong(found)
    code = check_country(country) if country else None
    today = _today(actor, now)
    with calendar_change(actor, now) as session:
        plan = _plan(session, actor.school_id, found, today)
        nothing_left = not (plan.added or plan.changed or (remove and plan.gone))
        if seen is not None and plan.fingerprint != seen and not nothing_left:
            raise Conflict("The calendar has changed since you looked at this. Please look again.")
        refuse_too_many(session, actor.school_id, len(plan.added))
        _write(session, actor.school_id, found.source, plan, remove)
        if code:
            session.get_one(School, actor.school_id).country = code
    return plan


def _text(content: bytes) -> str:
    """The text of a file. Raises InvalidInput, in words for whoever knows no encodings."""
    if not content.strip():
        raise InvalidInput({"file": ["Choose a file; this one is empty."]})
    if len(content) > MOST_BYTES:
        text = f"The file has {len(content):,} bytes; at most {MOST_BYTES:,} can be taken."
        raise InvalidInput({"file": [text]})
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content:
        raise InvalidInput({"file": [_NO_TEXT]})
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            {"file": [f"{_NO_TEXT} (Line {line} is the first that fails.)"]}
        ) from None


_NO_TEXT = (
    "This is no text in UTF-8, so it cannot be read. In a spreadsheet, save it as “CSV UTF-8”; "
    "in a calendar, export it as .ics."
)


def _school(actor: User) -> School:
    return db.session.get_one(School, actor.school_id)


def _today(actor: User, now: datetime) -> date:
    return now.astimezone(ZoneInfo(_school(actor).time_zone)).date()


def _refuse_wrong(found: FoundCalendar) -> None:
    """Also what has come back from a page is checked once more."""
    if found.errors or len(found.entries) > MOST_FOUND:
        raise InvalidInput({"file": ["There are errors in it, so nothing of it can be saved."]})
    for entry in found.entries:
        check_entry(asdict(entry))
    if len({entry.uid for entry in found.entries}) < len(found.entries):
        raise InvalidInput({"file": ["It has the same entry twice."]})


def _stored(session: Session, school_id: int, source: CalendarSource) -> dict[str, CalendarEntry]:
    rows = session.scalars(
        select(CalendarEntry)
        .where(CalendarEntry.school_id == school_id, CalendarEntry.source == source)
        .order_by(CalendarEntry.first_day, CalendarEntry.id)
    )
    return {row.uid: row for row in rows if row.uid is not None}


def _plan(session: Session, school_id: int, found: FoundCalendar, today: date) -> ImportPlan:
    stored = _stored(session, school_id, found.source)
    new = {entry.uid: entry for entry in found.entries}
    pairs = [(_values(stored[uid]), entry) for uid, entry in new.items() if uid in stored]
    changed = [(old, entry) for old, entry in pairs if _values(entry) != old]
    return ImportPlan(
        added=_in_order([entry for uid, entry in new.items() if uid not in stored]),
        changed=sorted(changed, key=lambda pair: (pair[1].first_day, pair[1].title)),
        gone=[
            Found.of(_values(row), uid)
            for uid, row in stored.items()
            if uid not in new and row.last_day >= today
        ],
        unchanged=len(pairs) - len(changed),
    )


def _write(
    session: Session, school_id: int, source: CalendarSource, plan: ImportPlan, remove: bool
) -> None:
    stored = _stored(session, school_id, source)
    for entry in plan.gone if remove else []:
        session.delete(stored[entry.uid])
    for _, entry in plan.changed:
        for name, value in asdict(_values(entry)).items():
            setattr(stored[entry.uid], name, value)
    session.add_all(
        CalendarEntry(school_id=school_id, source=source, **asdict(entry)) for entry in plan.added
    )


def _values(row: CalendarEntry | Found) -> EntryInput:
    return EntryInput(row.title, row.first_day, row.last_day, row.kind)


def _in_order(entries: Sequence[Found]) -> list[Found]:
    return sorted(entries, key=lambda entry: (entry.first_day, entry.last_day, entry.title))
