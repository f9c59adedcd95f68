"""When a schedule runs: the next instants of a rule in its time zone and its school's calendar."""

from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence.calendar import MOST_CLOSED_DAYS, SchoolCalendar
from reportapp.recurrence.cron import Cron

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
#: A schedule runs by itself at most once an hour.
LEAST_GAP = timedelta(hours=1)
#: A day that does not come within so many years never comes: 29 February is a Sunday, say, every
#: 28 years, or 40 around 2100.
HORIZON_YEARS = 41
#: The Monday from which weeks are counted where a rule has no start date.
_FIRST_MONDAY = date(2000, 1, 3)
LAST = -1
NOTHING_CLOSED = SchoolCalendar()


@dataclass(frozen=True)
class Rule:
    """A rhythm in local time, whole minutes.

    - daily: every day.
    - weekly: on `days_of_week` (1 = Monday .. 7) of every `interval`-th week, counted from the week
      of `start`.
    - monthly: by `month_mode` on `day_of_month` (1-31; a day that the month lacks is its last one),
      on the `nth` (1-4, or LAST) of the one weekday in `days_of_week`, or on the first (`nth` 1) or
      last school day.
    - cron: as `cron` says; `time` is not looked at.

    No run comes on a day before `start` or `paused_until`, or after `end`; nor does one that was
    meant for such a day. `closed_days`: what becomes of a run meant for a day on which the school
    is closed; `exams_closed`: exam weeks count as such.
    """

    frequency: Frequency
    time: time
    zone: ZoneInfo
    days_of_week: tuple[int, ...] = ()
    day_of_month: int | None = None
    interval: int = 1
    month_mode: MonthMode = MonthMode.DAY
    nth: int = 1
    cron: Cron | None = None
    start: date | None = None
    end: date | None = None
    paused_until: date | None = None
    closed_days: ClosedDays = ClosedDays.SEND
    exams_closed: bool = False


@dataclass(frozen=True)
class Occurrence:
    """One day of a rule: when it runs, or why not."""

    #: The day that the rhythm alone would choose.
    meant: date
    #: None: skipped.
    run: datetime | None
    #: Why it was moved to another day or skipped, in a reader's words.
    reason: str | None = None


def next_run_after(
    rule: Rule, instant: datetime, calendar: SchoolCalendar = NOTHING_CLOSED
) -> datetime | None:
    """The first run strictly after the aware `instant`, in UTC; None when there is none any more.

    A local time that the zone skips runs at the first instant after the gap; one that happens
    twice runs at the first. A run that a change of clocks brings within an hour of the one before
    is left out.
    """
    return next(_runs(rule, instant, calendar), None)


def next_runs(
    rule: Rule, instant: datetime, count: int, calendar: SchoolCalendar = NOTHING_CLOSED
) -> list[datetime]:
    """The first `count` runs strictly after the aware `instant`, in UTC, rising; fewer when the
    rule ends."""
    return list(islice(_runs(rule, instant, calendar), count))


def run_at_or_before(
    rule: Rule, instant: datetime, calendar: SchoolCalendar = NOTHING_CLOSED
) -> datetime | None:
    """The last run at or before the aware `instant`, as if the rule had always been in force:
    without its start, end and pause. None when there was none within the horizon."""
    # Most rules have run within days; looking far back only where needed keeps this quick.
    for days in (9, 70, 800, HORIZON_YEARS * 366):
        found = None
        try:
            since = instant - timedelta(days=days)
        except OverflowError:
            return None
        for run in _runs(rule, since, calendar, bounded=False):
            if run > instant:
                break
            found = run
        if found is not None:
            return found
    return None


def next_occurrences(
    rule: Rule, instant: datetime, count: int, calendar: SchoolCalendar = NOTHING_CLOSED
) -> list[Occurrence]:
    """The rule's next days after the aware `instant`, among them those that are skipped, until
    `count` of them run. Runs that fall together are one."""
    found: list[Occurrence] = []
    for occurrence in _occurrences(rule, instant, calendar, all_skipped=True):
        found.append(occurrence)
        count -= occurrence.run is not None
        if count <= 0:
            break
    return found


def _runs(
    rule: Rule, instant: datetime, calendar: SchoolCalendar, bounded: bool = True
) -> Iterator[datetime]:
    for occurrence in _occurrences(rule, instant, calendar, bounded=bounded):
        if occurrence.run is not None:
            yield occurrence.run


def _occurrences(
    rule: Rule,
    instant: datetime,
    calendar: SchoolCalendar,
    *,
    bounded: bool = True,
    all_skipped: bool = False,
) -> Iterator[Occurrence]:
    """What comes strictly after `instant`, in its order."""
    times = rule.cron.times if rule.cron is not None else (rule.time,)
    before: datetime | None = None
    # At the ends of time (the years 1 and 9999) nothing comes.
    with suppress(OverflowError):
        begin = _scan_from(rule, instant, calendar)
        days = _days(rule, begin, calendar, bounded=bounded, all_skipped=all_skipped)
        for meant, day, reason in days:
            if day is None:
                if _instant_of(meant, times[0], rule.zone) > instant:
                    yield Occurrence(meant, None, reason)
                continue
            for at in times:
                run = _instant_of(day, at, rule.zone)
                if bounded and rule.end and run.astimezone(rule.zone).date() > rule.end:
                    continue  # a gap moves it past midnight
                # Two runs meet where one is shifted to the other's day, and where a zone skipped
                # an hour or a whole day.
                if run > instant and (before is None or run - before >= LEAST_GAP):
                    yield Occurrence(meant, run, reason)
                before = run if before is None else max(before, run)


def _scan_from(rule: Rule, instant: datetime, calendar: SchoolCalendar) -> date:
    """The first day that must be looked at so that no run after `instant` is missed."""
    day = instant.astimezone(rule.zone).date()
    # A gap can push a run past midnight, so the day before is looked at, too.
    if day > date.min + 3 * _DAY:
        day -= 2 * _DAY
    if rule.closed_days is ClosedDays.AFTER:
        calendar = calendar.exams_closed if rule.exams_closed else calendar
        # Runs meant for closed days before come now.
        for _ in range(MOST_CLOSED_DAYS):
            if day == date.min or calendar.is_open(day):
                break
            day -= _DAY
    return day


def _days(
    rule: Rule, day: date, calendar: SchoolCalendar, *, bounded: bool, all_skipped: bool
) -> Iterator[tuple[date, date | None, str | None]]:
    """(the day meant, the day it runs on or None, why it is another one), from `day` on; of closed
    days in a row only the first, unless `all_skipped` are wanted."""
    first = max(filter(None, (rule.start, rule.paused_until)), default=date.min)
    last = rule.end or date.max
    if not bounded:
        first, last = date.min, date.max
    calendar = calendar.exams_closed if rule.exams_closed else calendar
    day = max(day, first)
    horizon, policy = day.year + HORIZON_YEARS, rule.closed_days
    if not calendar.weekdays and policy is not ClosedDays.SEND:
        return
    days = _meant_days(rule, day, calendar)
    while (meant := next(days, None)) is not None:
        if meant > last or meant.year > horizon:
            return
        if policy is ClosedDays.SEND or calendar.is_open(meant):
            yield meant, meant, None
            continue
        step = {ClosedDays.BEFORE: -1, ClosedDays.AFTER: 1}.get(policy)
        shifted = calendar.open_day_from(meant, step) if step else None
        moved = shifted if shifted is not None and first <= shifted <= last else None
        if not all_skipped:
            yield meant, moved, None
            on = _after_closed(policy, meant, shifted, calendar)
            if on is None:
                return
            if on - meant > _DAY:
                days = _meant_days(rule, on, calendar)
        elif shifted is not None and moved is None:
            edge = "before its first day" if shifted < first else "after its last day"
            yield meant, None, f"{calendar.why_closed(meant)}; {edge}"
        else:
            yield meant, moved, calendar.why_closed(meant)


def _after_closed(
    policy: ClosedDays, meant: date, shifted: date | None, calendar: SchoolCalendar
) -> date | None:
    """From which day on there can be another run, after `meant` was closed; None: from none."""
    if meant == date.max:
        return None
    until = calendar.closed_until(meant) or meant
    if policy is ClosedDays.AFTER:
        # The others of these closed days come together with this one, or are too far, too.
        until = shifted - _DAY if shifted else until - min(until - meant, MOST_CLOSED_DAYS * _DAY)
    return max(meant, until) + _DAY if until < date.max else None


def _meant_days(rule: Rule, day: date, calendar: SchoolCalendar) -> Iterator[date]:
    """The rule's own dates from `day` on, rising, to the end of time."""
    match rule.frequency:
        case Frequency.DAILY:
            days = _every_day(day)
        case Frequency.WEEKLY:
            days = _weekly(rule, day)
        case Frequency.MONTHLY:
            days = _monthly(rule, day, calendar)
        case Frequency.CRON:
            assert rule.cron is not None
            days = _by_cron(rule.cron, day)
    return days


def _every_day(day: date) -> Iterator[date]:
    yield day
    while day < date.max:
        day += _DAY
        yield day


def _weekly(rule: Rule, day: date) -> Iterator[date]:
    first_week = _monday(rule.start or _FIRST_MONDAY)
    monday = _monday(day)
    monday -= _WEEK * (((monday - first_week) // _WEEK) % rule.interval)
    while True:
        for weekday in sorted(rule.days_of_week):
            found = monday + (weekday - 1) * _DAY
            if found >= day:
                yield found
        if date.max - monday < _WEEK * (rule.interval + 1):
            return
        monday += _WEEK * rule.interval


def _monthly(rule: Rule, day: date, calendar: SchoolCalendar) -> Iterator[date]:
    for first in _months(day):
        found = _day_of_month(rule, first, calendar)
        if found is not None and found >= day:
            yield found


def _day_of_month(rule: Rule, first: date, calendar: SchoolCalendar) -> date | None:
    """The rule's day in the month that begins with `first`; None where it has no school day."""
    length = monthrange(first.year, first.month)[1]
    end = first.replace(day=length)
    match rule.month_mode:
        case MonthMode.DAY:
            assert rule.day_of_month is not None
            return first.replace(day=min(rule.day_of_month, length))
        case MonthMode.WEEKDAY:
            (weekday,) = rule.days_of_week
            if rule.nth == LAST:
                return end - ((end.isoweekday() - weekday) % 7) * _DAY
            return first + ((weekday - first.isoweekday()) % 7 + 7 * (rule.nth - 1)) * _DAY
        case MonthMode.SCHOOL_DAY:
            step = -1 if rule.nth == LAST else 1
            found = calendar.open_day_from(end if rule.nth == LAST else first, step)
            return found if found is not None and found.month == first.month else None


def _by_cron(cron: Cron, day: date) -> Iterator[date]:
    for first in _months(day):
        if first.month in cron.months:
            for number in range(monthrange(first.year, first.month)[1]):
                found = first + number * _DAY
                if found >= day and cron.is_on(found):
                    yield found


def _months(day: date) -> Iterator[date]:
    """The first days of the months from that of `day` on, to the horizon."""
    year, month = day.year, day.month
    while year <= min(date.max.year, day.year + HORIZON_YEARS):
        yield date(year, month, 1)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _monday(day: date) -> date:
    return day - (day.isoweekday() - 1) * _DAY


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
