"""The days a report covers: from the planned run before up to the planned day, never from a clock.

The rule: a run that stands for local day D (`planned_day`) covers [D - one step, D), a step being
a day, a week or a month. So the periods of one schedule touch and never overlap, a Monday run
covers the calendar week before and a run on the 1st the calendar month before.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reportapp.constants import Frequency


@dataclass(frozen=True, order=True)
class Period:
    """The days [start, end): `end` is the first day that no longer belongs to it."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period needs at least one day: {self.start} to {self.end}")

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def before(self) -> Period:
        """The period that ends where this one starts: the month before a calendar month, else as
        many days."""
        if self.is_month:
            last = self.start - timedelta(days=1)
            return Period(last.replace(day=1), self.start)
        return Period(self.start - timedelta(days=self.days), self.start)

    @property
    def is_month(self) -> bool:
        """Whether this is exactly one calendar month."""
        return self.start.day == 1 and self.end.day == 1 and self.days <= 31

    def mondays(self) -> list[date]:
        """The weeks that belong to this period, by their Mondays: those whose Thursday lies in it
        (ISO 8601's rule for the weeks of a year), so that consecutive periods share none; or, when
        there is no Thursday in it, the week it begins in."""
        thursday = self.start + timedelta(days=(3 - self.start.weekday()) % 7)
        weeks = range(-((thursday - self.end).days // 7))
        return [thursday + timedelta(weeks=n, days=-3) for n in weeks] or [
            self.start - timedelta(days=self.start.weekday())
        ]

    @property
    def words(self) -> str:
        """As a reader says it: `16–22 November 2026`, `30 November – 6 December 2026`."""
        first, last = self.start, self.last_day
        if first == last:
            return f"{first.day} {first:%B} {first:%Y}"
        if self.is_month:
            return f"{first:%B} {first:%Y}"
        if first.year != last.year:
            return f"{first.day} {first:%B} {first:%Y} – {last.day} {last:%B} {last:%Y}"
        if first.month != last.month:
            return f"{first.day} {first:%B} – {last.day} {last:%B} {last:%Y}"
        return f"{first.day}–{last.day} {last:%B} {last:%Y}"

    @property
    def slug(self) -> str:
        """For file names: `2026-11-16_2026-11-22` (both days included)."""
        first, last = self.start.isoformat(), self.last_day.isoformat()
        return first if first == last else f"{first}_{last}"


def planned_day(planned: datetime, zone: ZoneInfo, at: time | None = None) -> date:
    """The local date that a run planned for the aware instant `planned` stands for.

    `at` is the rule's local time. Where the zone skips it, the run comes when the gap ends; if that
    is past midnight (Nuuk's 23:30 in March), the run still stands for the day before.
    """
    local = planned.astimezone(zone).replace(tzinfo=None)
    second = timedelta(seconds=1)
    before = (planned.astimezone(UTC) - second).astimezone(zone).replace(tzinfo=None)
    gap_ends = local - before > second
    if at is not None and gap_ends and local.time() < at:
        return local.date() - timedelta(days=1)
    return local.date()


def period_for(
    frequency: Frequency,
    planned: datetime,
    zone: ZoneInfo,
    day_of_month: int | None = None,
    at: time | None = None,
) -> Period:
    """The period of a run planned for the aware instant `planned`.

    `day_of_month` (1-31, monthly rules): keeps the rule's own day across short months, so that
    a run on 28 February of a rule "on the 31st" begins on 31 January. `at`, the rule's local time:
    keeps its own day where a gap in the zone's clock moves the run past midnight.
    """
    end = planned_day(planned, zone, at)
    if frequency is Frequency.DAILY:
        return Period(end - timedelta(days=1), end)
    if frequency is Frequency.WEEKLY:
        return Period(end - timedelta(days=7), end)
    before = end.replace(day=1) - timedelta(days=1)
    wanted = day_of_month or end.day
    if end.day != min(wanted, monthrange(end.year, end.month)[1]):
        wanted = end.day  # not planned by the rule: somebody pressed "run now"
    return Period(before.replace(day=min(wanted, before.day)), end)
