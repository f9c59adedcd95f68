"""What one person has been told by the system and has not put away: in words, with a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from reportapp.access import Action, require
from reportapp.constants import AUTHOR_ROLES, Role
from reportapp.errors import NotFound
from reportapp.extensions import db, transaction
from reportapp.mail import News
from reportapp.models import Notice, ReportSchedule, User
from reportapp.schedules.notice_words import news_of


@dataclass(frozen=True)
class Told:
    """A notice and what it says."""

    notice: Notice
    news: News


def is_open_and_concerns() -> ColumnElement[bool]:
    """Of a Notice with its User: still open, and about something that the person may look after
    now. Who is no author or admin any more is told nothing."""
    author = aliased(User)
    still_theirs = exists(
        select(1)
        .select_from(ReportSchedule)
        .join(author, author.id == ReportSchedule.created_by_id)
        .where(
            ReportSchedule.id == Notice.schedule_id,
            ReportSchedule.deleted_at.is_(None),
            or_(
                author.id == User.id,
                and_(User.role == Role.ADMIN, author.school_id == User.school_id),
            ),
        )
        .correlate(Notice, User)
    )
    of_all = and_(Notice.schedule_id.is_(None), User.role == Role.ADMIN)
    return and_(
        Notice.closed_at.is_(None),
        User.is_active,
        User.role.in_(AUTHOR_ROLES),
        or_(still_theirs, of_all),
    )


def count_open(actor: User) -> int:
    """How many notices the actor has not put away."""
    mine = _mine(select(func.count()).select_from(Notice), actor)
    return db.session.scalar(mine) or 0


def list_open(actor: User, limit: int, offset: int = 0) -> list[Told]:
    """The actor's open notices, newest first. Raises Forbidden."""
    require(actor, Action.MAKE_SCHEDULES)
    found = db.session.scalars(
        _mine(select(Notice), actor)
        .options(joinedload(Notice.schedule), joinedload(Notice.execution))
        .order_by(Notice.created_at.desc(), Notice.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Told(notice, news_of(notice, actor)) for notice in found]


def put_away(actor: User, notice_id: int, now: datetime) -> None:
    """Close one of the actor's notices; one that is closed already is fine. Raises Forbidden, or
    NotFound for one that is not theirs."""
    require(actor, Action.MAKE_SCHEDULES)
    with transaction() as session:
        notice = session.get(Notice, notice_id, populate_existing=True)
        if notice is None or notice.user_id != actor.id:
            raise NotFound("There is no such notice.")
        notice.closed_at = notice.closed_at or now


def put_all_away(actor: User, newest: int, now: datetime) -> None:
    """Close all notices of the actor up to the one with the id `newest`: later ones have not been
    seen. Raises Forbidden."""
    require(actor, Action.MAKE_SCHEDULES)
    with transaction() as session:
        session.execute(
            update(Notice)
            .where(Notice.user_id == actor.id, Notice.id <= newest, Notice.closed_at.is_(None))
            .values(closed_at=now)
            .execution_options(synchronize_session=False)
        )


def _mine(query: Select[Any], actor: User) -> Select[Any]:
    mine = (Notice.user_id == actor.id, is_open_and_concerns())
    return query.join(User, User.id == Notice.user_id).where(*mine)
