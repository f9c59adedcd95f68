"""Sending: hands the mails of claimed deliveries to the mail server, over several sessions, and
notes each one's fate."""

from __future__ import annotations

import gc
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from threading import Condition, Event
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
from reportapp.delivery.work import Item, Work
from reportapp.extensions import db
from reportapp.mail import Blame, MailSession, SealedMail, SendFailure, Stage, mail

log = logging.getLogger(__name__)

#: Seconds after which a session without a mail is asked whether it still stands.
_IDLE = 5.0
#: Seconds after which a session that has nothing to send looks again, while others are at work.
_LOOK_AGAIN = 1.0
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
        self.number = app.config["DELIVERY_WORKERS"]
        self.senders: list[_Sender] = []
        self.idle, self.idling = 0, Condition()
        self.recorder = Recorder(db.engine, self.owner, clock)
        #: Set when there is no point in going on.
        self.halt = Event()
        #: The mail server was in trouble when it was last heard of.
        self.troubled = True

    def run(self) -> Counter[DeliveryStatus]:
        _set_aside()
        with kept_alive(self.app, self.owner, self.wall, self.lease):
            work = Work(self.app, self.owner, self.clock, self.wall, self.recorder)
            try:
                return self._in_sessions(work)
            finally:
                work.close()
                self._finish(work.executions)

    def _in_sessions(self, work: Work) -> Counter[DeliveryStatus]:
        if self.number == 1:
            return _Sender(self, work).run()

        def session(_number: int) -> Counter[DeliveryStatus]:
            with self.app.app_context():
                return _Sender(self, work).run()

        with ThreadPoolExecutor(self.number, thread_name_prefix="deliver") as pool:
            return sum(pool.map(session, range(self.number)), Counter[DeliveryStatus]())

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

    def wait_for_more(self) -> bool:
        """Called by a session that has nothing to send: whether to look again. The mail server may
        keep another one busy for minutes, which what becomes due meanwhile must not wait for."""
        with self.idling:
            self.idle += 1
            self.idling.wait_for(lambda: self.idle == self.number, _LOOK_AGAIN)
            if self.idle == self.number:
                self.idling.notify_all()
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
    """One thread's work over one SMTP session at a time."""

    def __init__(self, shared: _Delivering, work: Work) -> None:
        self.shared, self.work = shared, work
        self.counts: Counter[DeliveryStatus] = Counter()
        self.sessions = ExitStack()
        self.session: MailSession | None = None
        #: Mails sent over the session, and when the last one was.
        self.mails, self.last = 0, 0.0
        self.most = shared.app.config["DELIVERY_MAILS_PER_SESSION"]
        #: The next mails, made while the server looked at those before; the first may be announced.
        self.upcoming: deque[Item] = deque()
        shared.senders.append(self)

    def run(self) -> Counter[DeliveryStatus]:
        with self.sessions, self._stopping_the_others():
            has_waited = False
            while not self.shared.is_over:
                item = self._next(has_waited)
                has_waited = item is None
                if item is not None:
                    self._deal_with(item)
                elif not self.shared.wait_for_more():
                    break
        return self.counts

    def _next(self, has_waited: bool) -> Item | None:
        item = _taken(self.upcoming.popleft) or self.work.next()
        if item is None:
            # What another one has made waits as long as that one's server thinks.
            spare = (
                _taken(each.upcoming.pop)
                for each in self.shared.senders
                # Its session ends with a mail that was announced and is not sent.
                if has_waited or len(each.upcoming) > 1
            )
            item = next(filter(None, spare), None)
        return item

    @contextmanager
    def _stopping_the_others(self) -> Iterator[None]:
        """Without the database, or after an error that nobody thought of, nothing goes on."""
        try:
            yield
        except BaseException:
            self.shared.halt.set()
            raise

    def _deal_with(self, item: Item) -> None:
        claimed, made = item.claim, item.made
        outcome = self._send(item, made) if isinstance(made, Mail) else made
        if outcome is None:
            return
        told = in_doubt(outcome, claimed.doubt)
        # First of all: whatever fails from here on, the server's answer is known.
        self.shared.recorder.note(claimed, told)
        self.counts[told.status] += 1
        self.shared.heard(outcome)

    def _send(self, item: Item, ready: Mail) -> Outcome | None:
        """What became of one mail; None when it was no longer ours or no longer right."""
        claimed = item.claim
        assert ready.standing.email is not None
        later = self.work.limits.put_off(ready.standing.email, self.shared.clock())
        if later is not None:
            words = "This domain's share of the minute is used up."
            return Outcome(DeliveryStatus.PENDING, None, words, later, charged=False)
        self.work.limits.wait(self.shared.stop)
        begun = False

        def before_content() -> bool:
            nonlocal begun
            begun = self.work.may_send(item)
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
            reply = session.deliver(ready.sealed, before_content, self._following, self._look_ahead)
            self.mails += 1
            return reply
        finally:
            self.last = stopwatch()

    def _following(self) -> SealedMail | None:
        """The mail that comes next, if it can follow at once."""
        if not self.upcoming:
            self._look_ahead()
        if self.work.limits.are_set or self.mails + 1 >= self.most:
            return None
        with suppress(IndexError):
            made = self.upcoming[0].made
            return made.sealed if isinstance(made, Mail) else None
        return None

    def _look_ahead(self) -> None:
        """Make one more mail while the server looks at others."""
        item = None
        try:
            if not self.shared.is_over:
                item = self.work.next_quick()
        except Exception:
            # The reply to the mail in hand is still to be heard; the trouble comes up again.
            log.exception("no mail could be made while the server looked at another")
        if item is not None:
            self.upcoming.append(item)

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
        self.session = self.sessions.enter_context(mail.connect())
        self.mails, self.last = 0, stopwatch()
        return self.session

    def _close(self) -> None:
        self.sessions.close()
        self.session = None


def _taken(take: Callable[[], Item]) -> Item | None:
    """The one that is taken; whoever else asks at the same moment does not get it."""
    with suppress(IndexError):
        return take()
    return None
