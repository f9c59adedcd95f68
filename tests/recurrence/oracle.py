"""When rules run, found the slow way. Shares no code with `reportapp.recurrence`.

It knows nothing of gaps and folds: it walks through UTC minute by minute, reads the local clock,
and fires at the minute in which a wanted local time is reached *or passed* for the first time.
Only where no day of the rule is near does it go day by day.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence import LAST, Rule, SchoolCalendar

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEARS_AHEAD = 41
MOST_CLOSED = 400

# Cron

_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
MONTHS = {name: number for number, name in enumerate(_NAMES.split(" "), 1)}
_NAMES = "sun mon tue wed thu fri sat"
WEEKDAYS = {name: number for number, name in enumerate(_NAMES.split(" "))}


class Fields(NamedTuple):
    minute: int
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    #: 1 = Monday .. 7 = Sunday
    weekdays: frozenset[int]
    both: bool

    def is_on(self, day: date) -> bool:
        by_day, by_weekday = day.day in self.days, day.isoweekday() in self.weekdays
        on = (by_day and by_weekday) if self.both else (by_day or by_weekday)
        return on and day.month in self.months

    def ever_comes(self) -> bool:
        """28 years hold every day of the year on every weekday."""
        return any(self.is_on(date(2000, 1, 1) + n * DAY) for n in range(28 * 366))


def _numbers(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    def number(word: str) -> int:
        return names[word.lower()] if word.lower() in names else int(word)

    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        ends = (low, high) if span == "*" else (number(first), number(last or first))
        found.update(range(ends[0], ends[1] + 1, int(step or 1)))
    return frozenset(found)


@cache
def read_cron(text: str) -> Fields:
    """For well-formed text only."""
    minute, hours, days, months, weekdays = text.split()
    return Fields(
        int(minute),
        _numbers(hours, 0, 23, {}),
        _numbers(days, 1, 31, {}),
        _numbers(months, 1, 12, MONTHS),
        frozenset(n or 7 for n in _numbers(weekdays, 0, 7, WEEKDAYS)),
        both=days.startswith("*") or weekdays.startswith("*"),
    )


# Days


class Days:
    """What a rule and a calendar say about days. Nothing here depends on a clock."""

    def __init__(self, rule: Rule, calendar: SchoolCalendar, bounded: bool = True) -> None:
        self.rule, self.calendar = rule, calendar
        bounds = [day for day in (rule.start, rule.paused_until) if day] if bounded else []
        self.low = max(bounds, default=date.min)
        self.high = (rule.end or date.max) if bounded else date.max
        self._open: dict[date, bool] = {}
        self._meant: dict[date, date | None] = {}
        self._sent: dict[date, list[date]] = {}

    def within(self, day: date) -> bool:
        return self.low <= day <= self.high

    def is_open(self, day: date) -> bool:
        if day not in self._open:
            self._open[day] = self._is_open(day)
        return self._open[day]

    def _is_open(self, day: date) -> bool:
        calendar = self.calendar
        shut = [*calendar.closed, *(calendar.exams if self.rule.exams_closed else ())]
        if day.isoweekday() not in calendar.weekdays:
            return False
        if any(span.first <= day <= span.last for span in shut):
            return False
        in_term = any(term.first <= day <= term.last for term in calendar.terms)
        after_one = any(term.last < day for term in calendar.terms)
        before_one = any(day < term.first for term in calendar.terms)
        return in_term or not (after_one and before_one)

    def is_meant(self, day: date) -> bool:
        """Is it one of the rule's own days, wherever its run then goes?"""
        rule = self.rule
        match rule.frequency:
            case Frequency.DAILY:
                return True
            case Frequency.WEEKLY:
                anchor = rule.start or date(2000, 1, 3)
                weeks = (_monday(day) - _monday(anchor)).days // 7
                return weeks % rule.interval == 0 and day.isoweekday() in rule.days_of_week
            case Frequency.CRON:
                return read_cron(rule.cron.text).is_on(day)
        month = day.replace(day=1)
        if month not in self._meant:
            self._meant[month] = self._meant_in(month)
        return day == self._meant[month]

    def _meant_in(self, month: date) -> date | None:
        rule = self.rule
        days = [month + n * DAY for n in range(31) if (month + n * DAY).month == month.month]
        match rule.month_mode:
            case MonthMode.DAY:
                return days[min(rule.day_of_month, len(days)) - 1]
            case MonthMode.WEEKDAY:
                days = [day for day in days if day.isoweekday() in rule.days_of_week]
            case MonthMode.SCHOOL_DAY:
                days = [day for day in days if self.is_open(day)]
        return days[LAST if rule.nth == LAST else rule.nth - 1] if days else None

    def goes_to(self, day: date) -> date | None:
        """The day on which a run meant for `day` is sent."""
        if self.rule.closed_days == ClosedDays.SEND or self.is_open(day):
            return day
        if self.rule.closed_days == ClosedDays.SKIP:
            return None
        step = -DAY if self.rule.closed_days == ClosedDays.BEFORE else DAY
        for closed in range(1, MOST_CLOSED + 1):
            if self.is_open(day + closed * step):
                return day + closed * step
        return None

    def sent_on(self, day: date) -> list[date]:
        """The days whose runs are sent on `day`: itself, and closed days beside it."""
        if day not in self._sent:
            self._sent[day] = self._sent_on(day)
        return self._sent[day]

    def _sent_on(self, day: date) -> list[date]:
        policy = self.rule.closed_days
        if policy == ClosedDays.SEND:
            return [day] if self.is_meant(day) else []
        if not self.is_open(day):
            return []
        days = [day]
        if policy != ClosedDays.SKIP:
            step = DAY if policy == ClosedDays.BEFORE else -DAY
            while len(days) <= MOST_CLOSED and not self.is_open(days[-1] + step):
                days.append(days[-1] + step)
        return [other for other in days if self.is_meant(other)]


def _monday(day: date) -> date:
    return day - (day.isoweekday() - 1) * DAY


# Instants


def times_of(rule: Rule) -> set[time]:
    if rule.frequency != Frequency.CRON:
        return {rule.time}
    fields = read_cron(rule.cron.text)
    return {time(hour, fields.minute) for hour in fields.hours}


@lru_cache(10_000)
def fires(local: datetime, zone: ZoneInfo) -> datetime:
    """The first minute in which the local clock reaches or passes `local` (without a zone)."""
    # No zone was ever further ahead of UTC than 16 hours.
    clock = (local - 16 * HOUR).replace(tzinfo=zone)
    while zone.fromutc(clock).replace(tzinfo=None) < local:
        clock += MINUTE
    return clock.replace(tzinfo=UTC)


def _candidates(rule: Rule, days: Days, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every allowed run after `begin` + 1 day and until `end`, rising, each instant once."""
    zone, times = rule.zone, times_of(rule)
    (minute,) = {at.minute for at in times}
    # `fromutc` takes UTC's clock wearing the zone; datetimes of one zone compare by their faces.
    clock = begin.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=zone)
    end = end.astimezone(UTC).replace(tzinfo=zone)
    reached = zone.fromutc(clock)
    since = clock
    while clock <= end:
        if clock >= since:  # once a day: is any day near one of the rule's?
            since = clock + DAY
            around = [reached.date() + n * DAY for n in range(-1, 4)]
            if around[0] > days.high or days.low > days.high:
                return
            # Until the next look, `reached` passes through this day, the next, and where a zone
            # skips a day, the one after.
            if around[-1] < days.low or not any(days.sent_on(day) for day in around[1:4]):
                clock += DAY
                reached = zone.fromutc(clock)
                continue
        clock += MINUTE
        local = zone.fromutc(clock)
        fired = False
        while reached < local:  # once, many times at a gap, never in a repeated hour
            reached += MINUTE
            if reached.minute == minute and reached.time() in times:
                meant = days.sent_on(reached.date())
                if any(days.within(day) for day in meant) and days.within(local.date()):
                    fired = True
        if fired and clock <= end:
            yield clock.replace(tzinfo=UTC)


def _kept(candidates: Iterator[datetime]) -> Iterator[datetime]:
    before = None
    for run in candidates:
        if before is None or run - before >= HOUR:
            yield run
        before = run


def oracle(rule: Rule, instant: datetime, calendar: SchoolCalendar) -> datetime | None:
    """The first run strictly after `instant`."""
    days = Days(rule, calendar)
    # From days before: no clock was ever set back by more, so `reached` is right at `instant`.
    horizon = instant + YEARS_AHEAD * 365.25 * DAY
    for run in _kept(_candidates(rule, days, instant - 2 * DAY, horizon)):
        if run > instant:
            return run
    return None


def oracle_before(rule: Rule, instant: datetime, calendar: SchoolCalendar) -> datetime | None:
    """The last run at or before `instant`, had the rule neither start, end nor pause."""
    days = Days(rule, calendar, bounded=False)
    day = instant.astimezone(rule.zone).date() + DAY
    for _ in range(int(YEARS_AHEAD * 365.25)):
        if days.sent_on(day):
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            end = min(instant, noon + 2 * DAY)
            runs = list(_kept(_candidates(rule, days, noon - 3 * DAY, end)))
            if runs:
                return runs[-1]
        day -= DAY
    return None
