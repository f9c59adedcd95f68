"""How fast mails may leave: so many a second in all, so many a minute to one domain."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from reportapp.clock import stopwatch

_MINUTE = timedelta(minutes=1)
#: Minutes for which a mail is put off at most; then it is looked at again.
_FARTHEST = 60


class Limits:
    """For all sessions of one process. Zero stands for no limit."""

    def __init__(self, per_second: int, per_domain_and_minute: int) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._per_domain = per_domain_and_minute
        self._next = 0.0
        self._sent: Counter[tuple[str, datetime]] = Counter()
        self._put_off: Counter[str] = Counter()

    @property
    def are_set(self) -> bool:
        """Whether a mail may have to wait for its turn."""
        return bool(self._interval or self._per_domain)

    def put_off(self, address: str, now: datetime) -> datetime | None:
        """Until when a mail to the address has to wait, its domain having had its share of this
        minute at the aware instant `now`; None: it may go now, and counts."""
        if not self._per_domain:
            return None
        domain = address.rpartition("@")[2].lower()
        minute = now.replace(second=0, microsecond=0)
        if self._sent[domain, minute] < self._per_domain:
            self._sent[domain, minute] += 1
            return None
        # Not all to the next minute, which could not take them either.
        later = self._put_off[domain] // self._per_domain
        self._put_off[domain] += 1
        return minute + _MINUTE * min(1 + later, _FARTHEST)

    def delay(self) -> float:
        """Seconds until the next mail's turn, which is then over for the others."""
        if not self._interval:
            return 0.0
        now = stopwatch()
        turn = max(self._next, now)
        self._next = turn + self._interval
        return turn - now
