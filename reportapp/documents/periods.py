"""The days a report covers: derived from the day that its run was planned for, never from a clock.

A run that stands for local day D (`planned_day`) covers days before D. By the rhythm of its rule it
covers [day of the run before, D): so the periods of one schedule touch and never overlap, a Monday
run covers the calendar week before, a run on the 1st the calendar month before, and the first run
after a holiday the whole break.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from reportapp.constants import PeriodKind


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

    @cached_property
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


def planned_day(planned: datetime, zone: ZoneInfo, latest: time | None = None) -> date:
    """The local date that a run planned for the aware instant `planned` stands for.

    `latest` is the latest local time of the rule's day. Where the zone skips it, the run comes when
    the gap ends; if that is past midnight (Nuuk's 23:30 in March), the run still stands for the day
    before.
    """
    local = planned.astimezone(zone).replace(tzinfo=None)
    if latest is not None and local.time() < latest:
        second = timedelta(seconds=1)
        before = (planned.astimezone(UTC) - second).astimezone(zone).replace(tzinfo=None)
        if local - before > second:
            return local.date() - timedelta(days=1)
    return local.date()


def period_for(
    kind: PeriodKind,
    day: date,
    *,
    run_before: date | None,
    term: tuple[date, date] | None = None,
    sent_until: date | None = None,
) -> Period:
    """The period of a run that stands for `day`; it ends with the day before.

    `run_before`: the day of the rule's run before; where there was none, the day before `day`.
    `term`: the first and last day of the one that the day before `day` lies in, or of the last one
    that had ended by then. `sent_until`: the end of the period that was last sent. Without the one
    that its kind needs, a period is that of the rhythm.
    """
    yesterday = day - timedelta(days=1)
    match kind:
        case PeriodKind.LAST_DAY:
            return Period(yesterday, day)
        case PeriodKind.LAST_WEEK:
            monday = day - timedelta(days=day.weekday())
            return Period(monday - timedelta(days=7), monday)
        case PeriodKind.LAST_MONTH:
            first = day.replace(day=1)
            return Period((first - timedelta(days=1)).replace(day=1), first)
        case PeriodKind.LAST_7_DAYS:
            return Period(day - timedelta(days=7), day)
        case PeriodKind.LAST_30_DAYS:
            return Period(day - timedelta(days=30), day)
        case PeriodKind.TERM_TO_DATE if term is not None and term[0] < day:
            return Period(term[0], min(day, term[1] + timedelta(days=1)))
        case PeriodKind.SINCE_SENT if sent_until is not None and sent_until < day:
            return Period(sent_until, day)
        case _:
            return Period(run_before if run_before and run_before < day else yesterday, day)
