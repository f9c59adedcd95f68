"""Mails people what they have been told in the app: one mail with all news, not too often."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event

from flask import current_app
from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import joinedload

from reportapp.delivery.health import standstill
from reportapp.extensions import db, rows_changed, transaction
from reportapp.mail import Blame, SendFailure, compose_news, mail
from reportapp.models import Notice, ReportScheduleRecipient, User
from reportapp.schedules.addresses import IS_OF_USER, IS_SUSPENDED
from reportapp.schedules.my_notices import is_open_and_concerns
from reportapp.schedules.notice_words import news_of
from reportapp.tokens import new_message_key

log = logging.getLogger(__name__)

#: At most one mail to one person in so long; what comes meanwhile goes with the next one.
PAUSE = timedelta(hours=1)
#: Longer than the mail server may take for one mail: then another process may try.
CLAIM = timedelta(minutes=30)
#: Failures after which every other mail would fail as well.
_SERVERS = (Blame.SERVER, Blame.CONFIGURATION)


def tell(now: datetime, stop: Event) -> int:
    """Mail everybody what is new for them at the aware instant `now`; how many mails were sent. A
    mail that could not be sent is tried again at the next look. Nobody else sends the same one,
    except where a process dies in the middle of it."""
    sent = 0
    if standstill(current_app.config, now) is not None:
        return sent
    for user_id in _people(now):
        if stop.is_set():
            break
        claimed = _claim(user_id, now)
        if not claimed:
            continue
        try:
            told = _send(user_id, claimed, now)
        except SendFailure as failure:
            log.warning("news for person %s were not sent: %s", user_id, failure.reply)
            if failure.blame is not Blame.PERMANENT:  # else it is not asked again in a minute
                # What the mail server may have is not sent a second time.
                _release(claimed, now if failure.blame is Blame.AMBIGUOUS else None)
            if failure.blame in _SERVERS:
                break
        except ValueError:
            log.exception("no mail with news can be written to person %s", user_id)
            _release(claimed, now)
        except BaseException:
            _release(claimed, None)
            raise
        else:
            _release(claimed, now if told else None)
            sent += told
    return sent


def _people(now: datetime) -> list[int]:
    """Who is to get a mail now."""
    pause = exists().where(
        Notice.user_id == User.id, Notice.mailed_at > now - PAUSE, Notice.mailed_at <= now
    )
    return list(
        db.session.scalars(
            select(User.id)
            .where(~pause, exists().where(Notice.user_id == User.id, *_unsaid(now)))
            .order_by(User.id)
        )
    )


def _unsaid(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Of a Notice with its User: to be mailed, by nobody else yet. Who has unsubscribed from a
    schedule's mails gets none about it either."""
    row = ReportScheduleRecipient
    left = exists().where(
        row.schedule_id == Notice.schedule_id,
        row.recipient_id == User.id,
        row.is_subscribed.is_(False),
    )
    refuses = exists().where(IS_OF_USER, IS_SUSPENDED)
    claim = Notice.claimed_until
    return (
        is_open_and_concerns(),
        Notice.mailed_at.is_(None),
        # No clock gives a claim for longer, unless it was wrong.
        or_(claim.is_(None), claim <= now, claim > now + CLAIM),
        User.email.is_not(None),
        # Said explicitly, since all this is asked inside of another question.
        ~left.correlate(Notice, User),
        ~refuses.correlate(Notice, User),
    )


def _claim(user_id: int, now: datetime) -> list[int]:
    """The ids of the person's news, now claimed by us: all of them, or none."""
    with transaction() as session:
        # The person's row: two processes claim for one person one after the other.
        session.execute(select(User.id).where(User.id == user_id).with_for_update())
        ids = list(
            session.scalars(
                select(Notice.id)
                .join(User, User.id == Notice.user_id)
                .where(User.id == user_id, *_unsaid(now))
                .order_by(Notice.id)
            )
        )
        claimed = session.execute(
            update(Notice)
            .where(Notice.id.in_(ids), Notice.mailed_at.is_(None))
            .values(claimed_until=now + CLAIM)
            .execution_options(synchronize_session=False)
        )
        return ids if rows_changed(claimed) == len(ids) else []


def _send(user_id: int, notice_ids: list[int], now: datetime) -> bool:
    """Whether there was somebody and something to tell."""
    user = db.session.get(User, user_id, populate_existing=True)
    notices = db.session.scalars(
        select(Notice)
        .where(Notice.id.in_(notice_ids))
        .options(joinedload(Notice.schedule), joinedload(Notice.execution))
        .order_by(Notice.id)
    ).all()
    if user is None or not user.is_active or not user.email or not notices:
        return False
    message = compose_news(
        [news_of(notice, user) for notice in notices],
        to=(user.name, user.email),
        school=user.school.name,
        key=new_message_key(),
        now=now,
    )
    # No transaction is open while the mail server thinks.
    db.session.rollback()
    with mail.connect() as session:
        session.deliver(message.sealed(), before_content=lambda: True)
    return True


def _release(notice_ids: list[int], mailed_at: datetime | None) -> None:
    with transaction() as session:
        session.execute(
            update(Notice)
            .where(Notice.id.in_(notice_ids))
            .values(claimed_until=None, mailed_at=mailed_at)
            .execution_options(synchronize_session=False)
        )
