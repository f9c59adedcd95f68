"""Who would get what from a schedule if it ran now, and who would get nothing and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from reportapp.constants import Reason
from reportapp.extensions import db
from reportapp.models import AddressTrouble, ReportSchedule, ReportScheduleRecipient, User
from reportapp.reports import Scope, scopes_of
from reportapp.reports.names import plain
from reportapp.schedules.addresses import troubles_at
from reportapp.schedules.audiences import Wanted, audience_titles
from reportapp.schedules.find import get_schedule
from reportapp.schedules.reach import is_on, select_members, why_nothing
from reportapp.schedules.recipients import Subjects, named_subjects

#: So many who would get nothing are listed; a search finds the others.
NOTHING_LISTED = 100
#: So many people's scopes are read at once: a database takes so many values in one query.
_CHUNK = 10_000


@dataclass(frozen=True)
class Reader:
    """Somebody on a schedule, or who would be. `through`: what their audiences are called;
    `already`: on it without the audience that is to be added; `reason`: why they get nothing;
    `trouble`: what their address has refused, where nothing is sent there any more."""

    person: User
    row: ReportScheduleRecipient | None
    through: tuple[str, ...]
    already: bool
    scope: Scope
    reason: Reason | None
    trouble: AddressTrouble | None

    @property
    def by_name(self) -> bool:
        return self.row is not None and self.row.is_direct

    @property
    def left_out(self) -> bool:
        """Whether the author took them off by name."""
        return self.row is not None and self.row.removed_at is not None


@dataclass(frozen=True)
class Overview:
    """Numbers are of everybody (`gets`, `gets_nothing`, `already`) or of who was searched for
    (`found`, `found_nothing`); the lists are one page, and the first of the others."""

    gets: int
    gets_nothing: int
    already: int
    found: int
    found_nothing: int
    readers: list[tuple[Reader, Subjects]]
    others: list[Reader]


def who_gets_what(
    actor: User,
    schedule_id: int,
    now: datetime,
    *,
    text: str = "",
    page: int = 1,
    page_size: int = 50,
    adding: Wanted | None = None,
) -> Overview:
    """Everybody on the schedule by name or through its audiences, by name; `adding`: instead, who
    is in an audience that it does not have yet. `text`: only those with all its words in their name
    or address. Whether there is something to report, only making the reports can tell.

    The number of queries does not grow with the number of people. Raises NotFound.
    """
    everybody = _readers(actor, get_schedule(actor, schedule_id), adding, now)
    shown = _found(everybody, text)
    gets = [reader for reader in shown if reader.reason is None]
    others = [reader for reader in shown if reader.reason is not None]
    getting = sum(reader.reason is None for reader in everybody)
    listed = gets[(page - 1) * page_size : page * page_size]
    return Overview(
        getting,
        len(everybody) - getting,
        sum(reader.already for reader in everybody),
        len(gets),
        len(others),
        _with_subjects(listed),
        others[:NOTHING_LISTED],
    )


def list_readers(
    actor: User,
    schedule_id: int,
    now: datetime,
    *,
    text: str = "",
    gets: bool | None = None,
    adding: Wanted | None = None,
    page: int,
    page_size: int,
) -> tuple[list[tuple[Reader, Subjects]], int]:
    """The same as one list: a page of everybody, by name, and how many there are. `gets`: only who
    would get something, or nothing. Raises NotFound."""
    everybody = _readers(actor, get_schedule(actor, schedule_id), adding, now)
    shown = [
        reader
        for reader in _found(everybody, text)
        if gets is None or gets is (reader.reason is None)
    ]
    return _with_subjects(shown[(page - 1) * page_size : page * page_size]), len(shown)


def _found(readers: Iterable[Reader], text: str) -> list[Reader]:
    words = plain(text).split()[:5]
    return [reader for reader in readers if _matches(reader.person, words)]


def _with_subjects(readers: Sequence[Reader]) -> list[tuple[Reader, Subjects]]:
    subjects = named_subjects({reader.person.id: reader.scope for reader in readers})
    return [(reader, subjects[reader.person.id]) for reader in readers]


def _readers(
    actor: User, schedule: ReportSchedule, adding: Wanted | None, now: datetime
) -> list[Reader]:
    rows = {
        row.recipient_id: row
        for row in db.session.scalars(
            select(ReportScheduleRecipient)
            .where(ReportScheduleRecipient.schedule_id == schedule.id)
            .options(joinedload(ReportScheduleRecipient.recipient))
        )
    }
    people: dict[int, User] = {}
    through: dict[int, set[int]] = {}
    for person, audience_id in db.session.execute(select_members(schedule, now)):
        people[person.id] = person
        through.setdefault(person.id, set()).add(audience_id)
    on_it = {user_id for user_id in through if is_on(rows.get(user_id), True)}
    on_it |= {user_id for user_id, row in rows.items() if is_on(row, False)}
    if adding is None:
        # Who was taken off belongs here only as somebody who would otherwise get it.
        people |= {user_id: rows[user_id].recipient for user_id in on_it - people.keys()}
    else:
        planned = (adding.kind, adding.class_group_id)
        members = db.session.execute(select_members(schedule, now, planned=planned))
        people = {person.id: person for person, _ in members}
    titles = {audience.id: title for audience, title in audience_titles(actor, schedule).items()}
    scopes = _scopes(schedule, list(people.values()), now)
    troubles = troubles_at(schedule.created_by.school_id)
    nobody = None if schedule.created_by.is_active else Reason.AUTHOR_INACTIVE
    return [
        Reader(
            person,
            row := rows.get(person.id),
            tuple(title for one, title in titles.items() if one in through.get(person.id, ())),
            person.id in on_it,
            scopes[person.id],
            nobody
            or why_nothing(
                person,
                row,
                adding is not None or person.id in through,
                scopes[person.id],
                person.id in troubles,
            ),
            troubles.get(person.id),
        )
        for person in _by_name(people.values())
    ]


def _scopes(schedule: ReportSchedule, people: Sequence[User], now: datetime) -> dict[int, Scope]:
    scopes: dict[int, Scope] = {}
    for start in range(0, len(people), _CHUNK):
        scopes |= scopes_of(db.session(), schedule, people[start : start + _CHUNK], now)
    return scopes


def _by_name(people: Iterable[User]) -> list[User]:
    return sorted(people, key=lambda one: (plain(one.family_name), plain(one.given_name), one.id))


def _matches(person: User, words: Sequence[str]) -> bool:
    text = plain(f"{person.name} {person.email or ''}")
    return all(word in text for word in words)
