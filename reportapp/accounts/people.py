"""The people of a school, for its admins: finding them, adding, changing and switching them off."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from reportapp.access import Action, require
from reportapp.accounts.users import check_email
from reportapp.constants import PeopleShown, Role
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink, School, User

log = logging.getLogger(__name__)

MOST_NAME = 100
_ADDRESS_TAKEN = {"email": ["There is already a person with this address."]}


@dataclass(frozen=True)
class ListedPerson:
    """A row of the list; `children`: the names of those whose guardian they are."""

    person: User
    children: tuple[str, ...] = ()


def list_people(
    actor: User,
    *,
    text: str = "",
    role: Role | None = None,
    shown: PeopleShown = PeopleShown.ACTIVE,
    page: int = 1,
    page_size: int = 25,
) -> tuple[list[ListedPerson], int]:
    """One page of the people of the actor's school, by name, and how many there are: those who have
    every word of `text` in their name or address, or in the name of a child of theirs. Raises
    Forbidden."""
    require(actor, Action.MANAGE_PEOPLE)
    query = select(User).where(User.school_id == actor.school_id, _is_shown(shown))
    if role is not None:
        query = query.where(User.role == role)
    for match in matches(text):
        query = query.where(match)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    people = db.session.scalars(
        query.order_by(User.family_name, User.given_name, User.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    ).all()
    children = _children(people)
    return [ListedPerson(person, tuple(children[person.id])) for person in people], total


def matches(text: str) -> list[ColumnElement[bool]]:
    """What must hold of a user who is meant by `text`."""
    words = text.split()[:5]
    if not all(word.isprintable() for word in words):
        # NUL and half a surrogate pair are in nobody's name, and in no database's text.
        return [User.id.is_(None)]
    child = aliased(User)
    return [
        or_(
            _has(User, word, "given_name", "family_name", "email"),
            User.id.in_(
                select(GuardianLink.guardian_id)
                .join(child, child.id == GuardianLink.student_id)
                .where(_has(child, word, "given_name", "family_name"))
            ),
        )
        for word in words
    ]


def _has(person: Any, word: str, *columns: str) -> ColumnElement[bool]:
    return or_(*(getattr(person, name).icontains(word[:100], autoescape=True) for name in columns))


def _is_shown(shown: PeopleShown) -> ColumnElement[bool]:
    if shown is PeopleShown.NEW:
        return User.is_active & User.password_hash.is_(None) & User.email.is_not(None)
    return User.is_active.is_(shown is PeopleShown.ACTIVE)


def _children(people: Sequence[User]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    rows = db.session.execute(
        select(GuardianLink.guardian_id, User)
        .join(User, User.id == GuardianLink.student_id)
        .where(GuardianLink.guardian_id.in_([person.id for person in people]))
        .order_by(User.given_name, User.id)
    )
    for guardian_id, child in rows:
        names[guardian_id].append(child.name)
    return names


def get_person(actor: User, user_id: int) -> User:
    """Somebody of the actor's school. Raises Forbidden, or NotFound."""
    require(actor, Action.MANAGE_PEOPLE)
    person = db.session.get(User, user_id)
    if person is None or person.school_id != actor.school_id:
        raise NotFound("There is no such person.")
    return person


def add_person(actor: User, data: Mapping[str, Any], now: datetime) -> User:
    """A new person of role, given_name, family_name and email; without a password, which they
    choose by a log-in link. Raises Forbidden, or InvalidInput with all fields that are wrong."""
    require(actor, Action.MANAGE_PEOPLE)
    checked = _check_person(data)
    try:
        with people_change(actor) as session:
            person = User(school_id=actor.school_id, created_at=now, **checked)
            session.add(person)
    except IntegrityError:
        raise InvalidInput(_ADDRESS_TAKEN) from None
    log.info("person %s was added by person %s", person.id, actor.id)
    return person


def change_person(actor: User, user_id: int, data: Mapping[str, Any]) -> User:
    """The person with role, given_name, family_name and email as in `data`. A link that was mailed
    to an earlier address is void.

    Raises Forbidden, NotFound, or InvalidInput with all fields that are wrong.
    """
    get_person(actor, user_id)
    checked = _check_person(data)
    try:
        with people_change(actor) as session:
            person = get_person(actor, user_id)
            if person.id == actor.id and checked["role"] is not person.role:
                text = "Only another administrator can change your own role."
                raise InvalidInput({"role": [text]})
            for name, value in checked.items():
                setattr(person, name, value)
            session.flush()
    except IntegrityError:
        raise InvalidInput(_ADDRESS_TAKEN) from None
    log.info("person %s was changed by person %s", user_id, actor.id)
    return person


def switch_person(actor: User, user_id: int, active: bool) -> User:
    """Deactivate a person, which ends their log-ins at once, or take that back; doing it twice
    changes nothing. Whoever does it stays an active admin, so the school always has one.

    Raises Forbidden, NotFound, or Conflict for oneself.
    """
    get_person(actor, user_id)
    with people_change(actor):
        person = get_person(actor, user_id)
        if person.id == actor.id:
            raise Conflict("Only another administrator can switch off your own account.")
        if person.is_active and not active:
            person.session_version += 1
        person.is_active = active
    log.info("person %s was set active=%s by person %s", user_id, active, actor.id)
    return person


@contextmanager
def people_change(actor: User) -> Iterator[Session]:
    """One change of the people of the actor's school, alone at it and by somebody who still may:
    two admins cannot switch off each other. Raises Forbidden."""
    school_id = actor.school_id
    with transaction() as session:
        session.execute(select(School.id).where(School.id == school_id).with_for_update())
        session.refresh(actor)
        require(actor, Action.MANAGE_PEOPLE)
        yield session


def _check_person(data: Mapping[str, Any]) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    checked: dict[str, Any] = {"email": None}
    for field in ("given_name", "family_name"):
        name = " ".join(str(data.get(field) or "").split())
        if len(name) > MOST_NAME:
            problems[field] = [f"Use at most {MOST_NAME} characters; this has {len(name):,}."]
        elif not name.isprintable():
            problems[field] = ["There is an invisible character in this name; type it again."]
        checked[field] = name
    if not problems and not (checked["given_name"] or checked["family_name"]):
        problems["given_name"] = ["Give a name."]
    try:
        checked["role"] = Role(str(data.get("role") or ""))
    except ValueError:
        problems["role"] = [f"Choose one of: {', '.join(Role)}."]
    email = str(data.get("email") or "").strip()
    try:
        checked["email"] = check_email(email) if email else None
    except ValueError as error:
        problems["email"] = [str(error)]
    if problems:
        raise InvalidInput(problems)
    return checked
