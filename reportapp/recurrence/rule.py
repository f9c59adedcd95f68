"""When a schedule runs: the next instants of a rule in its time zone."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from reportapp.constants import Frequency

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """A rhythm in local time. `day_of_week` 1 = Monday .. 7 (weekly), `day_of_month` 1-31, a day
    that the month lacks being its last (monthly), `time` whole minutes."""

    frequency: Frequency
    time: time
    zone: ZoneInfo
    day_of_week: int | None = None
    day_of_month: int | None = None


def next_run_after(rule: Rule, instant: datetime) -> datetime:
    """The first run strictly after the aware `instant`, in UTC.

    A local time that the zone skips runs at the first instant after the gap; one that happens
    twice runs at the first.
    """
    return next(_runs(rule, instant))


def next_runs(rule: Rule, instant: datetime, count: int) -> list[datetime]:
    """The first `count` runs strictly after the aware `instant`, in UTC, rising."""
    return list(islice(_runs(rule, instant), count))


def _runs(rule: Rule, instant: datetime) -> Iterator[datetime]:
    # A gap can push a run past midnight, so the day before is looked at too.
    for day in _days_from(rule, instant.astimezone(rule.zone).date() - _DAY):
        run = _instant_of(day, rule.time, rule.zone)
        if run > instant:
            yield run
            # Two local days can lead to one instant where a zone skipped a whole day.
            instant = run


def _days_from(rule: Rule, day: date) -> Iterator[date]:
    """The rule's local dates from `day` on."""
    if rule.frequency is Frequency.MONTHLY:
        assert rule.day_of_month is not None
        year, month = day.year, day.month
        while True:
            found = date(year, month, min(rule.day_of_month, monthrange(year, month)[1]))
            if found >= day:
                yield found
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    step = _DAY
    if rule.frequency is Frequency.WEEKLY:
        assert rule.day_of_week is not None
        step = timedelta(days=7)
        day += timedelta(days=(rule.day_of_week - day.isoweekday()) % 7)
    while True:
        yield day
        day += step


def _instant_of(day: date, local: time, zone: ZoneInfo) -> datetime:
    """The instant of a local time: fold=0 is the first of two. In a gap, PEP 495 reads the local
    time with the offset from before, which lands after the gap by the time skipped over; the
    gap's end is found by halving."""
    run = datetime.combine(day, local, tzinfo=zone)
    instant = run.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == run.replace(tzinfo=None):
        return instant
    # The local clock jumps over the wanted time somewhere in (before, after].
    wanted = run.replace(tzinfo=None)
    before = int(run.replace(fold=1).astimezone(UTC).timestamp())
    after = int(instant.timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        local_middle = datetime.fromtimestamp(middle, zone).replace(tzinfo=None)
        if local_middle < wanted:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)
