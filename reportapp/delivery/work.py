"""What is to be sent: claimed batch by batch, and given out mail by mail to several sessions."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from math import inf

from flask import Flask

from reportapp.clock import Clock, stopwatch
from reportapp.delivery.claims import Claim, claim
from reportapp.delivery.limits import Limits
from reportapp.delivery.policy import Outcome
from reportapp.delivery.produce import Batch, Mail, Producer
from reportapp.delivery.record import Recorder
from reportapp.extensions import db, transaction
from reportapp.schedules.ledger import settle

log = logging.getLogger(__name__)

#: Deliveries claimed at a time: enough to read their data together, few enough to give back soon.
BATCH = 200
#: Seconds. Whose data a mail may hold was read at most so long before its content leaves, even if
#: nothing has changed since but the time: links end with a day.
FRESH = 1.0
#: How often a delivery is made anew in one go because things have changed, before it is left for
#: the next time.
_CHANGES = 3


@dataclass(frozen=True)
class Item:
    """A claim with its mail, or with what becomes of it without one."""

    claim: Claim
    made: Mail | Outcome
    reading: Reading


class Reading:
    """A batch of mails, and how old the knowledge is whose data they may hold."""

    def __init__(self, batch: Batch, claims: list[Claim], since: float) -> None:
        self.batch, self.since = batch, since
        self.unsent = {claim.id: claim for claim in claims}


class Work:
    """Shared by all sessions. `wait_for` a file is how one waits whose mail needs it. Close it at
    the end, when no session uses it any more."""

    def __init__(
        self,
        app: Flask,
        owner: str,
        clock: Clock,
        wall: Clock,
        recorder: Recorder,
        wait_for: Callable[[Future[bytes]], None],
    ) -> None:
        self.owner, self.clock, self.wall, self.recorder = owner, clock, wall, recorder
        self._wait_for = wait_for
        self.lease = timedelta(seconds=app.config["DELIVERY_LEASE_SECONDS"])
        self.limits = Limits(
            app.config["DELIVERY_PER_SECOND"], app.config["DELIVERY_PER_DOMAIN_AND_MINUTE"]
        )
        #: All executions whose deliveries were claimed.
        self.executions: set[int] = set()
        self._producer = Producer(app.config["PDF_WORKERS"], app.config["PDF_SECONDS"])
        self._claims: deque[Claim] = deque()
        self._reading: Reading | None = None
        self._changes: Counter[int] = Counter()

    def next(self) -> Item | None:
        """The next mail; None: there is nothing more to do. Reads the next batch when this one is
        given out, and waits for its file where that takes long."""
        while True:
            if not self._claims and not self._read_batch():
                return None
            claimed, reading = self._claims.popleft(), self._reading
            assert reading is not None
            # Its recipient's standing may be read again meanwhile: then it may need another one.
            while (pdf := reading.batch.pdf(claimed)) is not None:
                self.recorder.write()
                self._wait_for(pdf)
            item = self._item(claimed, reading)
            if item is not None:
                return item

    def next_quick(self) -> Item | None:
        """The next mail if that takes no time; None: ask `next`."""
        reading = self._reading
        if not self._claims or reading is None or reading.batch.pdf(self._claims[0]) is not None:
            return None
        return self._item(self._claims.popleft(), reading)

    def _item(self, claimed: Claim, reading: Reading) -> Item | None:
        made = reading.batch.mail(claimed)
        if made is None:
            self._changes[claimed.id] += 1
            self.recorder.give_back(claimed)
            return None
        return Item(claimed, made, reading)

    def _read_batch(self) -> bool:
        # What was sent is written first: claiming and making take their time.
        self.recorder.write()
        claims: list[Claim] = []
        while not claims:
            found = claim(self.owner, self.clock(), self.wall() + self.lease, BATCH)
            self._settle({each.execution_id for each in found})
            if not found:
                return False
            claims = [each for each in found if self._changes[each.id] < _CHANGES]
        self.executions.update(each.execution_id for each in claims)
        since = stopwatch()
        batch = self._producer.batch(db.session(), claims, self.clock())
        self._reading = Reading(batch, claims, since)
        self._claims.extend(claims)
        return True

    def _settle(self, at_work: set[int]) -> None:
        """End the executions that have nothing open; those `at_work` have."""
        executions = self.executions - at_work
        if executions:
            with transaction() as session:
                self.executions.difference_update(settle(session, executions, self.clock()))

    def may_send(self, item: Item) -> bool:
        """Whether the mail may leave now, which is written down: it is good for what its recipient
        may see, as that was read a moment ago and has not changed since. If not, it goes back, to
        be made anew."""
        assert isinstance(item.made, Mail)
        reading = item.reading
        if stopwatch() - reading.since > FRESH:
            self._read_again(reading)
        # In this order: what is read again from now on, by another session, is not about this one.
        version = reading.batch.access_version
        reading.unsent.pop(item.claim.id, None)
        if reading.batch.standing(item.claim) != item.made.standing:
            log.info("delivery %s goes back: things have changed", item.claim.id)
            self.recorder.give_back(item.claim)
        elif self.recorder.may_send(item.claim, item.made, version):
            return True
        else:
            # Whatever has changed may be about the others of its batch, too.
            reading.since = -inf
        self._changes[item.claim.id] += 1
        return False

    def _read_again(self, reading: Reading) -> None:
        since = stopwatch()
        reading.batch.read_again(db.session(), list(reading.unsent.values()), self.clock())
        reading.since = since

    def close(self) -> None:
        self._producer.close()
