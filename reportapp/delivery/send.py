"""Sending: hands the mails of claimed deliveries to the mail server, over several sessions in turn,
and notes each one's fate."""

from __future__ import annotations

import gc
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from threading import Event
from uuid import uuid4

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from reportapp.clock import Clock, stopwatch
from reportapp.clock import now as wall_clock
from reportapp.constants import DeliveryStatus, Reason
from reportapp.delivery.claims import Claim, kept_alive
from reportapp.delivery.health import note_trouble, standstill, try_again
from reportapp.delivery.policy import Outcome, after_error, after_failure, in_doubt, unwritable
from reportapp.delivery.produce import Mail
from reportapp.delivery.record import Recorder
from reportapp.delivery.turns import Turns
from reportapp.delivery.work import Item, Work
from reportapp.extensions import db
from reportapp.mail import Blame, MailSession, SealedMail, SendFailure, Stage, mail

log = logging.getLogger(__name__)

#: Seconds after which a session without a mail is asked whether it still stands.
_IDLE = 5.0
#: Seconds after which a session that has nothing to send looks again, while others are at work.
_LOOK_AGAIN = 1.0
#: Seconds after which one that waits for its turn has noticed that it is to stop.
_NOTICE = 0.2
#: Seconds to wait between attempts to write down at the end what was sent: a database that is
#: locked, or a disk that is full, may heal.
_WRITE_AGAIN = (1, 5, 20, 0)
_SERVERS = frozenset({Reason.SERVER, Reason.CONFIGURATION})

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

    When `stop` is set, the mails in hand are finished and the rest given back. Leases go by the
    `wall` clock even if `clock` does not: other processes judge them.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    counts: Counter[DeliveryStatus] = Counter()
    in_the_way = standstill(app.config, clock())
    db.session.rollback()  # no transaction stays open while the mails are sent
    if in_the_way is None:
        counts = _Delivering(app, clock, wall, stop or Event()).run()
    db.session.rollback()
    return {word: counts[status] for status, word in _WORDS.items()}


@cache
def _set_aside() -> None:
    """What was there before the first mail is not searched for garbage over and over: with all the
    libraries' objects that costs a tenth of the time. Once for all, since taking it back would put
    each time's garbage where it is hardly ever looked for."""
    gc.collect()
    gc.freeze()


class _Delivering:
    """One call's work: what its sessions share."""

    def __init__(self, app: Flask, clock: Clock, wall: Clock, stop: Event) -> None:
        self.app, self.clock, self.wall, self.stop = app, clock, wall, stop
        self.owner = uuid4().hex
        self.lease = timedelta(seconds=app.config["DELIVERY_LEASE_SECONDS"])
        self.resend = app.config["AMBIGUOUS_DELIVERY"] == "resend"
        self.turns = Turns(self._make_ahead)
        self.recorder = Recorder(db.engine, self.owner, clock, self.turns.gather)
        self.work = Work(app, self.owner, clock, wall, self.recorder, self.turns.done)
        self.senders = [_Sender(self) for _ in range(app.config["DELIVERY_WORKERS"])]
        #: How many of them have nothing to send.
        self.idle = 0
        #: Made while the servers looked at others.
        self.ahead: deque[Item] = deque()
        self.counts: Counter[DeliveryStatus] = Counter()
        #: Set when there is no point in going on.
        self.halt = Event()
        #: The mail server was in trouble when it was last heard of.
        self.troubled = True

    def run(self) -> Counter[DeliveryStatus]:
        _set_aside()
        with kept_alive(self.app, self.owner, self.wall, self.lease):
            try:
                self.turns.run([sender.run for sender in self.senders])
            finally:
                self.work.close()
                self._finish(self.work.executions)
        return self.counts

    def _finish(self, executions: set[int]) -> None:
        for pause in _WRITE_AGAIN:
            try:
                self.recorder.finish(executions)
            except SQLAlchemyError:
                if not pause:
                    raise
                log.exception("what was sent cannot be written down; trying again")
                self.stop.wait(pause)
            else:
                return

    @property
    def is_over(self) -> bool:
        return self.stop.is_set() or self.halt.is_set()

    def next(self, has_waited: bool) -> Item | None:
        """The next mail for a session; None: there is nothing to do for it."""
        item = self.ahead.popleft() if self.ahead else self.work.next()
        if item is None and has_waited:
            # What was announced to another one's server waits as long as that one thinks; there,
            # the session ends with it.
            held = next((sender for sender in self.senders if sender.upcoming), None)
            if held is not None:
                item, held.upcoming = held.upcoming, None
        # It may have waited for its file; what was not begun by now goes back.
        return None if self.is_over else item

    def next_made(self) -> Item | None:
        """The next mail, if it is there or made at once."""
        if not self.ahead:
            self._make_ahead()
        return self.ahead.popleft() if self.ahead else None

    def _make_ahead(self) -> bool:
        """Make one more mail while all wait; whether there may be more to make."""
        item = None
        try:
            if not self.is_over and len(self.ahead) < len(self.senders):
                item = self.work.next_quick()
        except Exception:
            # The replies to the mails in hand are still to be heard; the trouble comes up again.
            log.exception("no mail could be made while the server looked at another")
        if item is not None:
            self.ahead.append(item)
        return item is not None

    def wait_for_more(self) -> bool:
        """Called by a session that has nothing to send: whether to look again. The mail server may
        keep another one busy for minutes, which what becomes due meanwhile must not wait for."""

        def is_the_end() -> bool:
            return self.idle == len(self.senders) or self.is_over

        self.idle += 1
        if self.turns.until(is_the_end, _LOOK_AGAIN):
            return False
        self.idle -= 1
        return True

    def heard(self, outcome: Outcome) -> None:
        """What an outcome tells about the mail server."""
        if outcome.reason in _SERVERS:
            self.troubled = True
            log.warning("mail server: %s", outcome.reply)
            if note_trouble(self.app.config, outcome, self.clock()):
                self.halt.set()
        elif outcome.status is DeliveryStatus.SENT and self.troubled:
            self.troubled = False
            try_again()


class _Sender:
    """One SMTP session's work, over one after the other."""

    def __init__(self, shared: _Delivering) -> None:
        self.shared = shared
        self.sessions = ExitStack()
        self.session: MailSession | None = None
        #: Mails sent over the session, and when the last one was.
        self.mails, self.last = 0, 0.0
        self.most = shared.app.config["DELIVERY_MAILS_PER_SESSION"]
        #: The next mail, which the server may have been told of.
        self.upcoming: Item | None = None

    def run(self) -> None:
        with self.sessions, self._stopping_the_others():
            has_waited = False
            while not self.shared.is_over:
                item, self.upcoming = self.upcoming, None
                item = item or self.shared.next(has_waited)
                has_waited = item is None
                if item is not None:
                    self._deal_with(item)
                elif not self.shared.wait_for_more():
                    break

    @contextmanager
    def _stopping_the_others(self) -> Iterator[None]:
        """Without the database, or after an error that nobody thought of, nothing goes on."""
        try:
            yield
        except BaseException:
            self.shared.halt.set()
            # It may be broken, and is the others', too, and that of what is written at the end.
            db.session.rollback()
            raise

    def _deal_with(self, item: Item) -> None:
        claimed, made = item.claim, item.made
        outcome = self._send(item, made) if isinstance(made, Mail) else made
        if outcome is None:
            return
        told = in_doubt(outcome, claimed.doubt)
        # First of all: whatever fails from here on, the server's answer is known.
        self.shared.recorder.note(claimed, told)
        self.shared.counts[told.status] += 1
        self.shared.heard(outcome)

    def _send(self, item: Item, ready: Mail) -> Outcome | None:
        """What became of one mail; None when it was no longer ours or no longer right."""
        claimed = item.claim
        assert ready.standing.email is not None
        work, limits = self.shared.work, self.shared.work.limits
        later = limits.put_off(ready.standing.email, self.shared.clock())
        if later is not None:
            words = "This domain's share of the minute is used up."
            return Outcome(DeliveryStatus.PENDING, None, words, later, charged=False)
        if not self._wait(limits.delay()):
            return None
        begun = False

        def before_content() -> bool:
            nonlocal begun
            begun = work.may_send(item)
            return begun

        try:
            reply = self._hand_over(ready, before_content)
        except SendFailure as failure:
            return self._after_failure(claimed, ready, failure)
        except SQLAlchemyError:
            # Without the database nothing can be written down, so nothing must be sent.
            raise
        except Exception as error:
            # One mail's trouble, whatever it is, must not hold up the others.
            db.session.rollback()  # it may have come while reading again
            log.exception("delivery %s was not sent", claimed.id)
            if begun:
                words = f"Interrupted while the mail was handed over ({type(error).__name__})."
                broken_off = SendFailure(Blame.AMBIGUOUS, Stage.CONTENT, words)
                return self._after_failure(claimed, ready, broken_off)
            if isinstance(error, ValueError):
                return unwritable(error)
            return after_error(error, claimed.attempts, self.shared.clock())
        if reply is None:
            return None
        return Outcome(
            DeliveryStatus.SENT,
            reply=reply,
            sent_at=self.shared.clock(),
            forgiven=ready.standing.email if ready.standing.refused_before else None,
        )

    def _after_failure(self, claimed: Claim, ready: Mail, failure: SendFailure) -> Outcome:
        outcome = after_failure(
            failure.blame,
            failure.reply,
            claimed.attempts,
            self.shared.clock(),
            random.uniform(-1, 1),  # noqa: S311 (spreads retries, keeps no secret)
            resend=self.shared.resend,
            can_link=ready.file is not None and not claimed.as_link,
        )
        if failure.refused_address:
            outcome = replace(outcome, refused=ready.standing.email)
        return outcome

    def _hand_over(self, ready: Mail, before_content: Callable[[], bool]) -> str | None:
        reused = self.session is not None and self.session.is_open
        try:
            return self._over(self._session(), ready, before_content)
        except SendFailure as failure:
            # A server may close a session at any time between two mails; a new one tells whether
            # that was all.
            if reused and failure.blame is Blame.SERVER and failure.stage is Stage.MAIL:
                self._close()
                return self._over(self._session(), ready, before_content)
            raise

    def _over(
        self, session: MailSession, ready: Mail, before_content: Callable[[], bool]
    ) -> str | None:
        try:
            reply = session.deliver(ready.sealed, before_content, self._following)
            self.mails += 1
            return reply
        finally:
            self.last = stopwatch()

    def _wait(self, seconds: float) -> bool:
        """Wait so long for its turn; False: all are to stop, what was not begun goes back."""
        end = stopwatch() + seconds
        while (left := end - stopwatch()) > 0:
            if self.shared.turns.until(lambda: self.shared.is_over, min(left, _NOTICE)):
                return False
        return True

    def _following(self) -> SealedMail | None:
        """The mail that comes next, if it can follow at once."""
        if self.shared.work.limits.are_set or self.mails + 1 >= self.most:
            return None
        self.upcoming = self.shared.next_made()
        made = self.upcoming.made if self.upcoming else None
        return made.sealed if isinstance(made, Mail) else None

    def _session(self) -> MailSession:
        session = self.session
        if (
            session is not None
            and session.is_open
            and self.mails < self.most
            and (stopwatch() - self.last < _IDLE or session.still_there())
        ):
            return session
        self._close()
        self.session = self.sessions.enter_context(mail.connect(waiting=self.shared.turns))
        self.mails, self.last = 0, stopwatch()
        return self.session

    def _close(self) -> None:
        self.sessions.close()
        self.session = None
