"""Leaving a report and coming back: by the link in a mail, or signed in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from reportapp.errors import NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ReportSchedule, ReportScheduleRecipient, User
from reportapp.schedules.reach import is_on, members, with_member


def find_subscription(token: str) -> ReportScheduleRecipient:
    """The subscription of an unsubscribe token. Raises NotFound for any other text."""
    row = None
    # PostgreSQL refuses to look for a NUL.
    if len(token) <= 43 and token.isascii() and token.isprintable():
        row = db.session.scalar(
            select(ReportScheduleRecipient).where(
                ReportScheduleRecipient.unsubscribe_token == token
            )
        )
    if row is None:
        raise NotFound("This link is not valid, or no longer.")
    return row


def set_subscribed(token: str, subscribed: bool, now: datetime) -> ReportScheduleRecipient:
    """Unsubscribe, or take that back; doing it twice changes nothing. Raises NotFound."""
    row = find_subscription(token)
    with transaction() as session:
        # One statement that looks at the present state: two clicks keep the first one's time.
        session.execute(
            update(ReportScheduleRecipient)
            .where(
                ReportScheduleRecipient.id == row.id,
                ReportScheduleRecipient.is_subscribed.is_not(subscribed),
            )
            .values(is_subscribed=subscribed, unsubscribed_at=None if subscribed else now)
        )
    db.session.refresh(row)
    return row


def is_coming(row: ReportScheduleRecipient, now: datetime) -> bool:
    """Whether a next mail is planned of which nothing but their own word keeps the person: the
    schedule runs, and they are on it by name or through a group."""
    schedule = row.schedule
    if schedule.deleted_at is not None or schedule.next_scheduled is None:
        return False
    belongs = not row.is_direct and bool(members(db.session(), schedule, now, [row.recipient_id]))
    return is_on(row, belongs)


def my_subscriptions(actor: User, now: datetime) -> Sequence[ReportScheduleRecipient]:
    """Every schedule that the actor is on, also those the actor has left, by name."""
    rows = db.session.scalars(
        select(ReportScheduleRecipient)
        .join(ReportSchedule, ReportSchedule.id == ReportScheduleRecipient.schedule_id)
        .where(
            ReportScheduleRecipient.recipient_id == actor.id,
            ReportScheduleRecipient.removed_at.is_(None),
            ReportSchedule.deleted_at.is_(None),
        )
        .options(joinedload(ReportScheduleRecipient.schedule).joinedload(ReportSchedule.created_by))
        .order_by(ReportSchedule.name, ReportSchedule.id)
    ).all()
    through = [row.schedule for row in rows if not row.is_direct]
    belongs = with_member(db.session(), through, actor, now) if through else set()
    return [row for row in rows if is_on(row, row.schedule_id in belongs)]


def set_my_subscription(
    actor: User, subscription_id: int, subscribed: bool, now: datetime
) -> ReportScheduleRecipient:
    """The same, signed in, for one of the actor's own. Raises NotFound for any other."""
    row = db.session.get(ReportScheduleRecipient, subscription_id)
    if row is None or row.recipient_id != actor.id:
        raise NotFound("There is no such subscription.")
    return set_subscribed(row.unsubscribe_token, subscribed, now)
