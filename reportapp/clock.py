"""The one reader of the wall clock: everywhere else time is an argument."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

#: Where the present moment comes from: `now` in production, a fixed answer in a test or a replay.
Clock = Callable[[], datetime]


def now() -> datetime:
    """The present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def fixed(instant: datetime) -> Clock:
    """A clock that always answers `instant` (aware; any zone)."""
    return lambda: instant.astimezone(UTC)


def stopwatch() -> float:
    """Seconds since some moment, for measuring how long something takes: never set back."""
    return time.monotonic()
