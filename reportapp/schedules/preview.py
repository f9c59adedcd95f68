"""What one recipient would get from a schedule now, without sending it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from reportapp.constants import Reason
from reportapp.documents import Period, ReportDocument
from reportapp.errors import NotFound
from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleRecipient, User
from reportapp.reports import REPORTS, Order, scopes_of
from reportapp.schedules.find import get_schedule
from reportapp.schedules.reach import is_on, members
from reportapp.schedules.timing import covered_now


@dataclass(frozen=True)
class Preview:
    """A document, or the reason why this person would get nothing."""

    recipient: User
    period: Period
    document: ReportDocument | None
    reason: Reason | None


def preview(actor: User, schedule_id: int, recipient_id: int, now: datetime) -> Preview:
    """What `recipient_id` would get if the schedule ran now. The person must be the actor or on
    the schedule, by name or through an audience. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    if recipient_id != actor.id and not _is_on(schedule, recipient_id, now):
        raise NotFound("Recipient not found")
    return _preview(schedule, db.session.get_one(User, recipient_id), now)


def _is_on(schedule: ReportSchedule, recipient_id: int, now: datetime) -> bool:
    row = db.session.scalar(
        select(ReportScheduleRecipient).where(
            ReportScheduleRecipient.schedule_id == schedule.id,
            ReportScheduleRecipient.recipient_id == recipient_id,
        )
    )
    return is_on(row, bool(members(db.session(), schedule, now, [recipient_id])))


def preview_by_id(schedule_id: int, recipient_id: int, now: datetime) -> Preview:
    """The same without looking at who asks: for commands run by whoever runs the server. Raises
    NotFound."""
    schedule = db.session.get(ReportSchedule, schedule_id)
    if schedule is None or schedule.deleted_at is not None:
        raise NotFound("There is no such schedule.")
    recipient = db.session.get(User, recipient_id)
    if recipient is None:
        raise NotFound("Recipient not found")
    return _preview(schedule, recipient, now)


def _preview(schedule: ReportSchedule, recipient: User, now: datetime) -> Preview:
    author = schedule.created_by
    session = db.session()
    period = covered_now(session, schedule, now)
    scope = scopes_of(session, schedule, [recipient], now)[recipient.id]
    if not author.is_active:
        return Preview(recipient, period, None, Reason.AUTHOR_INACTIVE)
    if not recipient.is_active:
        return Preview(recipient, period, None, Reason.INACTIVE)
    if not scope:
        return Preview(recipient, period, None, Reason.OUT_OF_SCOPE)
    order = Order(schedule.report_type, author.school.name, author.name, period)
    document = REPORTS[schedule.report_type].build(session, order, [scope])[scope]
    if not document.has_data:
        return Preview(recipient, period, None, Reason.NO_DATA)
    return Preview(recipient, period, document, None)
