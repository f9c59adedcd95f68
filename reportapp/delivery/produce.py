"""From claimed deliveries to mails: each document built once per scope, each file made once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from reportapp.constants import DeliveryStatus, Reason, Trigger
from reportapp.delivery.policy import Outcome, after_error, unwritable
from reportapp.delivery.standing import Standing, load_run
from reportapp.documents import Period, ReportDocument
from reportapp.mail import Letter, SealedMail, compose, encode_attachment
from reportapp.rendering import RENDERERS, file_name
from reportapp.reports import REPORTS, Order, Scope
from reportapp.schedules.timing import sentence_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A delivery that this process has claimed."""

    id: int
    execution_id: int
    recipient_id: int
    message_id: str
    attempts: int
    #: Not None: it may have arrived before (see `policy.doubt`).
    doubt: str | None


@dataclass(frozen=True)
class Mail:
    """A delivery ready to be sent, to be looked at once more just before it is: it is good for
    this standing only."""

    sealed: SealedMail
    artefact: str
    standing: Standing


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
        run = load_run(session, execution_id, [claim.recipient_id for claim in claims], now)
        schedule, author = run.schedule, run.author
        self.standings = run.standings
        self.is_test = run.execution.trigger is Trigger.TEST
        order = Order(
            schedule.report_type,
            author.school.name,
            author.name,
            Period(run.execution.period_start, run.execution.period_end),
        )
        distinct = {standing.scope for standing in run.standings.values() if not standing.skip}
        self.documents: dict[Scope, ReportDocument] = {}
        if distinct:
            self.documents = REPORTS[schedule.report_type].build(session, order, distinct)
        self.export_format = schedule.export_format
        self.schedule_name = schedule.name
        self.rhythm = sentence_of(schedule, now)
        self.reply_to = (author.name, author.email) if author.email else None
        self._files: dict[Scope, _File | Outcome] = {}

    def mail(self, claim: Claim) -> Mail | Outcome:
        standing = self.standings[claim.recipient_id]
        reason = standing.skip
        if reason is None and not self.documents[standing.scope].has_data:
            reason = Reason.NO_DATA
        if reason is not None:
            return Outcome(DeliveryStatus.SKIPPED, reason, charged=False)
        assert standing.email is not None
        try:
            made = self._file(standing.scope)
            if isinstance(made, Outcome):
                return made
            message = compose(
                made.letter,
                to=(standing.name, standing.email),
                message_id=claim.message_id,
                unsubscribe_token=standing.unsubscribe_token,
                now=self.now,
            )
        except Exception as error:
            log.exception("delivery %s: no mail", claim.id)
            return after_error(error, claim.attempts, self.now)
        try:
            sealed = message.sealed()
        except ValueError as error:
            return unwritable(error)
        return Mail(sealed, made.artefact, standing)

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
