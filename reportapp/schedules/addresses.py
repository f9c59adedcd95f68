"""Addresses that have refused so many mails that none are sent there any more."""

import logging
from datetime import datetime

from sqlalchemy import delete, select

from reportapp.access import Action, require
from reportapp.errors import NotFound
from reportapp.extensions import db, transaction
from reportapp.models import AddressTrouble, User
from reportapp.schedules.find import get_schedule
from reportapp.schedules.reach import reachable

log = logging.getLogger(__name__)

IS_SUSPENDED = AddressTrouble.suspended_at.is_not(None)
IS_OF_USER = AddressTrouble.address == User.email


def troubles_at(school_id: int) -> dict[int, AddressTrouble]:
    """By user id, those people of a school to whose address nothing is sent any more: few, however
    many people there are."""
    rows = db.session.execute(
        select(User.id, AddressTrouble)
        .join(AddressTrouble, IS_OF_USER)
        .where(User.school_id == school_id, IS_SUSPENDED)
    )
    return {user_id: trouble for user_id, trouble in rows}  # noqa: C416 (a row is no pair to mypy)


def trouble_of(person: User) -> AddressTrouble | None:
    """Why nothing is sent to the person's address any more; None where mails are."""
    return db.session.scalar(
        select(AddressTrouble).join(User, IS_OF_USER).where(User.id == person.id, IS_SUSPENDED)
    )


def send_again_for_schedule(actor: User, schedule_id: int, user_id: int, now: datetime) -> User:
    """Let mails go to the address of somebody again to whom the schedule's author may send it; the
    person. Doing it again changes nothing. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    person = db.session.scalar(reachable(schedule, now).where(User.id == user_id))
    if person is None:
        raise NotFound("Recipient not found")
    return _forgive(actor, person)


def send_again_to(actor: User, user_id: int) -> User:
    """Let mails go to the address of somebody of an admin's school again; the person. Doing it
    again changes nothing. Raises Forbidden, or NotFound."""
    require(actor, Action.MANAGE_PEOPLE)
    person = db.session.get(User, user_id)
    if person is None or person.school_id != actor.school_id:
        raise NotFound("There is no such person.")
    return _forgive(actor, person)


def _forgive(actor: User, person: User) -> User:
    with transaction() as session:
        address = select(User.email).where(User.id == person.id).scalar_subquery()
        session.execute(
            delete(AddressTrouble)
            .where(AddressTrouble.address == address)
            .execution_options(synchronize_session=False)
        )
    log.info("mails go to the address of person %s again: person %s said so", person.id, actor.id)
    return person
