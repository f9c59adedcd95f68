"""Who belongs to whom, changed by an admin: guardians and tutors, and contact that is forbidden."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from reportapp.accounts.people import get_person, matches, people_change
from reportapp.constants import LinkKind, Role
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db
from reportapp.models import GuardianLink, TutorLink, User
from reportapp.reports.scope import school_day
from reportapp.school.calendar_values import read_date

log = logging.getLogger(__name__)

MOST_RELATION = 50
Link = GuardianLink | TutorLink


@dataclass(frozen=True)
class LinkShape:
    """How a person and the others of one kind hang together in the database."""

    table: type[GuardianLink] | type[TutorLink]
    #: The link's column of the person, and of the other one.
    own: str
    other: str
    own_role: Role
    other_role: Role


LINKS: dict[LinkKind, LinkShape] = {
    LinkKind.GUARDIAN: LinkShape(
        GuardianLink, "student_id", "guardian_id", Role.STUDENT, Role.PARENT
    ),
    LinkKind.CHILD: LinkShape(GuardianLink, "guardian_id", "student_id", Role.PARENT, Role.STUDENT),
    LinkKind.TUTOR: LinkShape(TutorLink, "student_id", "tutor_id", Role.STUDENT, Role.TUTOR),
    LinkKind.STUDENT: LinkShape(TutorLink, "tutor_id", "student_id", Role.TUTOR, Role.STUDENT),
}


@dataclass(frozen=True)
class FoundLink:
    """A link with its two people; `adult`: the guardian or the tutor."""

    link: Link
    adult: User
    student: User


def get_guardian_link(actor: User, link_id: int) -> FoundLink:
    """A guardian and a child of the actor's school. Raises Forbidden, or NotFound."""
    return _found(actor, db.session.get(GuardianLink, link_id))


def get_tutor_link(actor: User, link_id: int) -> FoundLink:
    """A tutor and a student of the actor's school. Raises Forbidden, or NotFound."""
    return _found(actor, db.session.get(TutorLink, link_id))


def _found(actor: User, link: Link | None) -> FoundLink:
    if link is None:
        raise NotFound("There is no such link.")
    adult_id = link.tutor_id if isinstance(link, TutorLink) else link.guardian_id
    return FoundLink(link, get_person(actor, adult_id), get_person(actor, link.student_id))


def find_others(
    actor: User, user_id: int, kind: LinkKind, text: str, now: datetime, limit: int = 20
) -> Sequence[User]:
    """People who can be linked as `kind` to the person, by name; `text` as for `list_people`.
    Raises Forbidden, or NotFound for a person who can have no such links."""
    person, shape = _can_have(actor, user_id, kind), LINKS[kind]
    table: Any = shape.table
    day = school_day(db.session(), actor, now)
    linked = select(getattr(table, shape.other)).where(
        getattr(table, shape.own) == person.id,
        or_(table.end_date.is_(None), table.end_date >= day),
    )
    if table is GuardianLink:
        linked = linked.where(GuardianLink.is_active)
    return db.session.scalars(
        select(User)
        .where(
            User.school_id == actor.school_id,
            User.role == shape.other_role,
            User.is_active,
            User.id.not_in(linked),
            *matches(text),
        )
        .order_by(User.family_name, User.given_name, User.id)
        .limit(limit)
    ).all()


def add_link(
    actor: User, user_id: int, kind: LinkKind, other_id: int, data: Mapping[str, Any], now: datetime
) -> Link:
    """Link the other as `kind` to the person, from begin_date to end_date (both included, both may
    be empty), for guardians with their relation. A link that has ended begins anew; a forbidden
    contact stays forbidden.

    Raises Forbidden, NotFound, InvalidInput with all fields that are wrong, or Conflict when they
    are linked already.
    """
    person, shape = _can_have(actor, user_id, kind), LINKS[kind]
    values = _check_link(data, with_relation=shape.table is GuardianLink)
    try:
        with people_change(actor) as session:
            other = get_person(actor, other_id)
            if other.role is not shape.other_role:
                raise NotFound("There is no such person.")
            ends = {shape.own: person.id, shape.other: other.id}
            link: Link | None = session.scalar(select(shape.table).filter_by(**ends))  # type: ignore[assignment]
            if link is None:
                link = shape.table(**ends)
                session.add(link)
            elif _runs_or_will(link, school_day(session, actor, now)):
                raise Conflict(f"{person.name} and {other.name} are linked already.")
            _set(link, values)
            if isinstance(link, GuardianLink):
                link.is_active = True
    except IntegrityError:  # by an import at the same time
        raise Conflict("They are linked already.") from None
    log.info("persons %s and %s were linked as %s by %s", user_id, other_id, kind, actor.id)
    return link


def change_guardian_link(actor: User, link_id: int, data: Mapping[str, Any]) -> FoundLink:
    """The link with begin_date, end_date and relation as in `data`. Raises Forbidden, NotFound, or
    InvalidInput with all fields that are wrong."""
    return _change(actor, link_id, data, get_guardian_link)


def change_tutor_link(actor: User, link_id: int, data: Mapping[str, Any]) -> FoundLink:
    """The same for a tutor, who has no relation."""
    return _change(actor, link_id, data, get_tutor_link)


def _change(
    actor: User, link_id: int, data: Mapping[str, Any], get: Callable[[User, int], FoundLink]
) -> FoundLink:
    with_relation = isinstance(get(actor, link_id).link, GuardianLink)
    values = _check_link(data, with_relation=with_relation)
    with people_change(actor):
        found = get(actor, link_id)
        _set(found.link, values)
    log.info("the link of persons %s and %s was changed by %s", *_ids(found), actor.id)
    return found


def set_no_contact(actor: User, link_id: int, forbidden: bool) -> FoundLink:
    """Say that the guardian gets and sees nothing about the child from now on, mails that wait
    included; or take that back. Raises Forbidden, or NotFound."""
    get_guardian_link(actor, link_id)
    with people_change(actor):
        found = get_guardian_link(actor, link_id)
        assert isinstance(found.link, GuardianLink)
        found.link.no_contact = forbidden
    log.info("no contact of persons %s and %s is %s, by %s", *_ids(found), forbidden, actor.id)
    return found


def _ids(found: FoundLink) -> tuple[int, int]:
    return found.adult.id, found.student.id


def _can_have(actor: User, user_id: int, kind: LinkKind) -> User:
    person = get_person(actor, user_id)
    if person.role is not LINKS[kind].own_role:
        raise NotFound("Nobody can be linked to this person in that way.")
    return person


def _runs_or_will(link: Link, day: date) -> bool:
    return getattr(link, "is_active", True) and (link.end_date is None or link.end_date >= day)


def _set(link: Link, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(link, name, value)


def _check_link(data: Mapping[str, Any], *, with_relation: bool) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    checked: dict[str, Any] = {}
    for field in ("begin_date", "end_date"):
        raw = data.get(field)
        try:
            checked[field] = read_date(raw) if raw not in (None, "") else None
        except ValueError as error:
            problems[field] = [str(error)]
    first, last = checked.get("begin_date"), checked.get("end_date")
    if first and last and last < first:
        problems["end_date"] = ["The last day is before the first one."]
    if with_relation:
        relation = " ".join(str(data.get("relation") or "").split())
        if len(relation) > MOST_RELATION or not relation.isprintable():
            problems["relation"] = [f"Use at most {MOST_RELATION} letters, such as “mother”."]
        checked["relation"] = relation or None
    if problems:
        raise InvalidInput(problems)
    return checked
