"""From claimed deliveries to mails: each document built once per scope, each file made once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from reportapp.constants import DeliveryStatus, Reason, Trigger
from reportapp.delivery.policy import Outcome, after_error, unwritable
from reportapp.documents import Period, ReportDocument
from reportapp.mail import Letter, SealedMail, compose, encode_attachment
from reportapp.models import (
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
)
from reportapp.recurrence import describe
from reportapp.rendering import RENDERERS, file_name
from reportapp.reports import REPORTS, Order, Scope, load_scopes
from reportapp.schedules.timing import rule_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A delivery that this process has claimed."""

    id: int
    execution_id: int
    recipient_id: int
    message_id: str
    attempts: int


@dataclass(frozen=True)
class Mail:
    """A delivery ready to be sent; `subscription_id` is looked at once more just before it is."""

    sealed: SealedMail
    artefact: str
    subscription_id: int | None


@dataclass(frozen=True)
class _File:
    """A letter whose attachment is made, with the SHA-256 of the attached file."""

    letter: Letter
    artefact: str


def produce(
    session: Session, claims: Sequence[Claim], now: datetime
) -> Iterator[tuple[Claim, Mail | Outcome]]:
    """The mail of each claim, in their order, or what becomes of it without one. Documents and
    files are made as they are asked for. One document's failure is its own deliveries' only."""
    batches: dict[int, _Batch | Exception] = {}
    for claim in claims:
        if claim.execution_id not in batches:
            mine = [other for other in claims if other.execution_id == claim.execution_id]
            batches[claim.execution_id] = _read(session, mine, now)
        batch = batches[claim.execution_id]
        if isinstance(batch, Exception):
            yield claim, after_error(batch, claim.attempts, now)
        else:
            yield claim, batch.mail(claim)


def _read(session: Session, claims: Sequence[Claim], now: datetime) -> _Batch | Exception:
    """What the claims, all of one execution, need from the database. Rendering, and the
    conversation with the server, hold no transaction open."""
    execution_id = claims[0].execution_id
    try:
        batch = _Batch(session, execution_id, claims, now)
    except Exception as error:
        log.exception("execution %s: no documents", execution_id)
        session.rollback()
        return error
    session.commit()
    return batch


class _Batch:
    """Deliveries of one execution: the data is read for all of them together."""

    def __init__(
        self, session: Session, execution_id: int, claims: Sequence[Claim], now: datetime
    ) -> None:
        self.now = now
        execution = session.get_one(ReportScheduleExecution, execution_id, populate_existing=True)
        schedule = session.get_one(ReportSchedule, execution.schedule_id, populate_existing=True)
        author = session.get_one(User, schedule.created_by_id, populate_existing=True)
        ids = [claim.recipient_id for claim in claims]
        recipients = session.scalars(
            select(User)
            .where(User.id.in_(ids))
            .options(joinedload(User.school))
            .execution_options(populate_existing=True)
        ).all()
        self.people = {
            person.id: _Person(person.name, person.email, person.is_active) for person in recipients
        }
        self.subscriptions = _subscriptions(session, schedule.id, ids)
        self.is_test = execution.trigger is Trigger.TEST
        self.everyone_skipped = _nobody_gets_it(execution, schedule, author)
        self.scopes = load_scopes(session, schedule.report_type, author, recipients, now)
        order = Order(
            schedule.report_type,
            author.school.name,
            author.name,
            Period(execution.period_start, execution.period_end),
        )
        distinct = {scope for scope in self.scopes.values() if scope}
        self.documents: dict[Scope, ReportDocument] = {}
        if distinct and self.everyone_skipped is None:
            self.documents = REPORTS[schedule.report_type].build(session, order, distinct)
        self.export_format = schedule.export_format
        self.schedule_name = schedule.name
        self.rhythm = describe(rule_of(schedule))
        self.reply_to = (author.name, author.email) if author.email else None
        self._files: dict[Scope, _File | Outcome] = {}

    def mail(self, claim: Claim) -> Mail | Outcome:
        person = self.people[claim.recipient_id]
        reason = self._skip(claim.recipient_id, person)
        if reason is not None:
            return Outcome(DeliveryStatus.SKIPPED, reason, charged=False)
        assert person.email is not None
        subscription = self.subscriptions.get(claim.recipient_id)
        try:
            made = self._file(self.scopes[claim.recipient_id])
            if isinstance(made, Outcome):
                return made
            message = compose(
                made.letter,
                to=(person.name, person.email),
                message_id=claim.message_id,
                unsubscribe_token=subscription.token if subscription else None,
                now=self.now,
            )
        except Exception as error:
            log.exception("delivery %s: no mail", claim.id)
            return after_error(error, claim.attempts, self.now)
        try:
            sealed = message.sealed()
        except ValueError as error:
            return unwritable(error)
        watched = None if self.is_test or subscription is None else subscription.id
        return Mail(sealed, made.artefact, watched)

    def _skip(self, recipient_id: int, person: _Person) -> Reason | None:
        """Why this person gets nothing, as things stand at this moment."""
        subscription = self.subscriptions.get(recipient_id)
        if self.everyone_skipped is not None:
            return self.everyone_skipped
        if not self.is_test:
            if subscription is None or subscription.removed:
                return Reason.REMOVED
            if not subscription.subscribed:
                return Reason.UNSUBSCRIBED
        if not person.is_active:
            return Reason.INACTIVE
        if not person.email:
            return Reason.NO_ADDRESS
        scope = self.scopes[recipient_id]
        if not scope:
            return Reason.OUT_OF_SCOPE
        return None if self.documents[scope].has_data else Reason.NO_DATA

    def _file(self, scope: Scope) -> _File | Outcome:
        if scope not in self._files:
            self._files[scope] = self._render(self.documents[scope])
        return self._files[scope]

    def _render(self, document: ReportDocument) -> _File | Outcome:
        renderer = RENDERERS[self.export_format]
        data = renderer.render(document)
        limit = current_app.config["MAX_ATTACHMENT_BYTES"]
        if len(data) > limit:
            reply = f"The file has {len(data):,} bytes; at most {limit:,} are sent."
            return Outcome(DeliveryStatus.FAILED, Reason.TOO_LARGE, reply)
        letter = Letter(
            document,
            self.schedule_name,
            self.rhythm,
            encode_attachment(file_name(document, self.export_format), renderer.content_type, data),
            self.reply_to,
            self.is_test,
        )
        return _File(letter, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class _Person:
    name: str
    email: str | None
    is_active: bool


@dataclass(frozen=True)
class _Subscription:
    id: int
    token: str
    subscribed: bool
    removed: bool


def _subscriptions(
    session: Session, schedule_id: int, ids: Sequence[int]
) -> dict[int, _Subscription]:
    rows = session.execute(
        select(
            ReportScheduleRecipient.recipient_id,
            ReportScheduleRecipient.id,
            ReportScheduleRecipient.unsubscribe_token,
            ReportScheduleRecipient.is_subscribed,
            ReportScheduleRecipient.removed_at,
        ).where(
            ReportScheduleRecipient.schedule_id == schedule_id,
            ReportScheduleRecipient.recipient_id.in_(ids),
        )
    )
    return {
        recipient: _Subscription(id_, token, subscribed, removed_at is not None)
        for recipient, id_, token, subscribed, removed_at in rows
    }


def _nobody_gets_it(
    execution: ReportScheduleExecution, schedule: ReportSchedule, author: User
) -> Reason | None:
    if not author.is_active:
        return Reason.AUTHOR_INACTIVE
    if schedule.deleted_at is not None:
        return Reason.SCHEDULE_OFF
    if execution.trigger is Trigger.SCHEDULE and not schedule.is_active:
        return Reason.SCHEDULE_OFF
    return None
