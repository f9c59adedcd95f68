"""Sending: claims deliveries, hands them to the mail server one by one, writes down each fate."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from threading import Event
from uuid import uuid4

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from reportapp.clock import Clock
from reportapp.clock import now as wall_clock
from reportapp.constants import DeliveryStatus, Reason
from reportapp.delivery.claims import Recorder, claim, kept_alive
from reportapp.delivery.policy import (
    Outcome,
    after_error,
    after_failure,
    behind,
    in_doubt,
    unwritable,
)
from reportapp.delivery.produce import Claim, Mail, produce
from reportapp.extensions import db
from reportapp.mail import Blame, MailSession, SendFailure, Stage, mail

log = logging.getLogger(__name__)

#: Deliveries claimed at a time: enough to read their data together, few enough to give back soon.
BATCH = 100

_WORDS = {
    DeliveryStatus.SENT: "sent",
    DeliveryStatus.FAILED: "failed",
    DeliveryStatus.PENDING: "retrying",
    DeliveryStatus.SKIPPED: "skipped",
    DeliveryStatus.UNKNOWN: "unknown",
}


def deliver(clock: Clock, stop: Event | None = None, *, wall: Clock = wall_clock) -> dict[str, int]:
    """Send everything that can be sent now, over DELIVERY_WORKERS sessions, and return how many
    were sent, failed, are to be retried, were skipped, and have an unknown fate.

    When `stop` is set, the mail in hand is finished and the rest given back. Leases go by the
    `wall` clock even if `clock` does not: other processes judge them.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    stop = stop or Event()
    workers = app.config["DELIVERY_WORKERS"]
    if workers == 1:
        return _totals([_Sender(app, clock, wall, stop).run()])

    def run(_number: int) -> Counter[DeliveryStatus]:
        with app.app_context():
            return _Sender(app, clock, wall, stop).run()

    with ThreadPoolExecutor(workers, thread_name_prefix="deliver") as pool:
        return _totals(list(pool.map(run, range(workers))))


def _totals(counts: list[Counter[DeliveryStatus]]) -> dict[str, int]:
    whole = sum(counts, Counter[DeliveryStatus]())
    return {word: whole[status] for status, word in _WORDS.items()}


class _Sender:
    """One thread's work over one SMTP session at a time."""

    def __init__(self, app: Flask, clock: Clock, wall: Clock, stop: Event) -> None:
        self.app, self.clock, self.wall, self.stop = app, clock, wall, stop
        self.owner = uuid4().hex
        self.lease = timedelta(seconds=app.config["DELIVERY_LEASE_SECONDS"])
        self.resend = app.config["AMBIGUOUS_DELIVERY"] == "resend"
        self.recorder = Recorder(self.owner, clock)
        self.counts: Counter[DeliveryStatus] = Counter()
        self.sessions = ExitStack()
        self.session: MailSession | None = None

    def run(self) -> Counter[DeliveryStatus]:
        with self.sessions:
            while not self.stop.is_set():
                claims = claim(self.owner, self.clock(), self.wall() + self.lease, BATCH)
                if not claims or not self._send_batch(claims):
                    break
        return self.counts

    def _send_batch(self, claims: list[Claim]) -> bool:
        """False: the mail server is out of order, so that there is no point in going on."""
        pause: Outcome | None = None
        with kept_alive(self.app, self.owner, self.wall, self.lease):
            try:
                for claimed, made in produce(db.session(), claims, self.clock()):
                    if self.stop.is_set():
                        break
                    outcome = made if isinstance(made, Outcome) else self._send(claimed, made)
                    if outcome is None:
                        continue
                    if outcome.reason is Reason.SERVER:
                        log.warning("mail server out of order: %s", outcome.reply)
                        pause, outcome = outcome, behind(outcome)
                    outcome = in_doubt(outcome, claimed.doubt)
                    self.recorder.note(claimed, outcome)
                    self.counts[outcome.status] += 1
                    if pause is not None:
                        break
            finally:
                self.recorder.finish({claimed.execution_id for claimed in claims}, pause)
        return pause is None

    def _send(self, claimed: Claim, ready: Mail) -> Outcome | None:
        """What became of one mail; None when it was no longer ours or no longer right."""
        begun = False

        def before_content() -> bool:
            nonlocal begun
            begun = self.recorder.may_send(claimed, ready.standing)
            return begun

        try:
            reply = self._hand_over(ready, before_content)
        except SendFailure as failure:
            return self._after_failure(claimed, failure.blame, failure.reply)
        except SQLAlchemyError:
            # Without the database nothing can be written down, so nothing must be sent.
            raise
        except Exception as error:
            # One mail's trouble, whatever it is, must not hold up the others.
            log.exception("delivery %s was not sent", claimed.id)
            if begun:
                words = f"Interrupted while the mail was handed over ({type(error).__name__})."
                return self._after_failure(claimed, Blame.AMBIGUOUS, words)
            if isinstance(error, ValueError):
                return unwritable(error)
            return after_error(error, claimed.attempts, self.clock())
        if reply is None:
            return None
        return Outcome(
            DeliveryStatus.SENT, reply=reply, sent_at=self.clock(), artefact=ready.artefact
        )

    def _after_failure(self, claimed: Claim, blame: Blame, reply: str) -> Outcome:
        return after_failure(
            blame,
            reply,
            claimed.attempts,
            self.clock(),
            random.uniform(-1, 1),  # noqa: S311 (spreads retries, keeps no secret)
            resend=self.resend,
        )

    def _hand_over(self, ready: Mail, before_content: Callable[[], bool]) -> str | None:
        reused = self.session is not None and self.session.is_open
        try:
            return self._session().deliver(ready.sealed, before_content)
        except SendFailure as failure:
            # A server may close a session at any time between two mails; a new one tells whether
            # that was all.
            if reused and failure.blame is Blame.SERVER and failure.stage is Stage.MAIL:
                self._close()
                return self._session().deliver(ready.sealed, before_content)
            raise

    def _session(self) -> MailSession:
        if self.session is None or not self.session.is_open:
            self._close()
            self.session = self.sessions.enter_context(mail.connect())
        return self.session

    def _close(self) -> None:
        self.sessions.close()
        self.session = None
