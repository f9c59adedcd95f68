"""Rules, calendars and instants for the generated tests, aimed at changes of clocks."""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence import LAST, Rule, SchoolCalendar, Span, parse_cron
from tests.recurrence.oracle import DAY, MINUTE, MONTHS, WEEKDAYS, read_cron

ZONES = sorted(available_timezones())
#: Half an hour; clocks set back for Ramadan; a missing day; a quarter past; a gap before midnight;
#: a missing midnight.
ODD_ZONES = [
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Nuuk",
    "America/Sao_Paulo",
]
KINDS = ["daily", "weekly", "monthly", "school_day", "cron"]
SECOND, TINY = timedelta(seconds=1), timedelta(microseconds=1)
SMALL_STEPS = [0 * TINY, TINY, -TINY, SECOND, -SECOND, MINUTE, -MINUTE, 60 * MINUTE, -60 * MINUTE]
EVERY_DAY = frozenset(range(1, 8))


def soaked(usual: int) -> settings:
    """So many cases usually, SOAK_EXAMPLES in `make soak`."""
    return settings(
        max_examples=int(os.environ.get("SOAK_EXAMPLES", usual)),
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow],
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


FIRST, LAST_SECOND = (int(utc(year, 1, 1).timestamp()) for year in (2000, 2038))


class Case(NamedTuple):
    rule: Rule
    instant: datetime
    calendar: SchoolCalendar


# Changes of clocks


def offset_at(seconds: int, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(seconds, zone).utcoffset() or timedelta()


@cache
def clock_changes(zone: ZoneInfo) -> tuple[int, ...]:
    """The POSIX seconds at which the zone's offset changes, 2000-2037. No zone changes twice
    within four days; one that did would only be tried less often."""
    found = []
    step = 4 * 86400
    for low in range(FIRST, LAST_SECOND, step):
        high = low + step
        before = offset_at(low, zone)
        if before == offset_at(high, zone):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset_at(middle, zone) == before:
                low = middle
            else:
                high = middle
        found.append(high)
    return tuple(found)


@cache
def changing_zones() -> list[str]:
    return [key for key in ZONES if clock_changes(ZoneInfo(key))]


# Calendars


@st.composite
def spans(draw: st.DrawFn, day: date, most: int, longest: int) -> tuple[Span, ...]:
    """Some near `day`: they may overlap, end just before it, or begin just after it."""
    found = []
    for _ in range(draw(st.integers(0, most))):
        length = draw(st.integers(0, longest))
        first = day + draw(st.integers(-longest - 3, 3) | st.integers(-120, 120)) * DAY
        found.append(Span(first, first + length * DAY))
    return tuple(found)


@st.composite
def calendars(draw: st.DrawFn, day: date) -> SchoolCalendar:
    if draw(st.integers(1, 4)) == 4:
        return SchoolCalendar()
    closed = draw(spans(day, 3, 12))
    if draw(st.integers(1, 12)) == 12:  # about as long as a shift may be
        length = draw(st.integers(395, 405))
        first = day + draw(st.integers(-410, 10)) * DAY
        closed += (Span(first, first + length * DAY),)
    weekdays = draw(
        st.sampled_from([frozenset({1, 2, 3, 4, 5}), EVERY_DAY, frozenset({7, 1, 2, 3, 4})])
        | st.frozensets(st.integers(1, 7), min_size=1)
    )
    return SchoolCalendar(weekdays, closed, draw(spans(day, 1, 12)), draw(spans(day, 3, 80)))


# Cron


def _some(draw: st.DrawFn, low: int, high: int, wanted: int, names: list[str]) -> str:
    """A field, mostly with `wanted` in it."""

    def named(number: int) -> str:
        name = names[number - low] if names and number - low < len(names) else ""
        return draw(st.sampled_from([name, name.upper(), str(number)])) if name else str(number)

    number = st.integers(low, high)
    match draw(st.integers(0, 7)):
        case 0 | 1 | 2:
            return "*"
        case 3:
            return f"*/{draw(st.integers(1, 9))}"
        case 4:
            return named(wanted)
        case 5:
            return (
                f"{named(draw(st.integers(low, wanted)))}-{named(draw(st.integers(wanted, high)))}"
            )
        case 6:
            a, b = sorted([draw(number), draw(number)])
            return f"{named(a)}-{named(b)}/{draw(st.integers(1, 5))}"
    parts = [wanted, *draw(st.lists(number, max_size=3))]
    return ",".join(named(part) for part in draw(st.permutations(parts)))


@st.composite
def crons(draw: st.DrawFn, wall: datetime = datetime(2024, 2, 29, 8, 30)) -> str:
    """Cron's text for days that come, mostly with `wall` among its times."""
    fields = [
        str(wall.minute),
        _some(draw, 0, 23, wall.hour, []),
        _some(draw, 1, 31, wall.day, []),
        _some(draw, 1, 12, wall.month, list(MONTHS)),
        _some(draw, 0, 7, wall.isoweekday(), list(WEEKDAYS)),
    ]
    text = " ".join(fields)
    if not read_cron(text).ever_comes():
        return " ".join([*fields[:2], "*", *fields[3:]])
    return text


# Rules


@st.composite
def bounds(draw: st.DrawFn, day: date) -> dict[str, date]:
    """Mostly none; else days near `day`, in any order."""
    if draw(st.booleans()):
        return {}
    near = st.integers(-3, 3) | st.integers(-40, 400)
    return {
        "start": draw(st.none() | near.map(lambda n: day + (n - 10) * DAY)),
        "end": draw(st.none() | near.map(lambda n: day + n * DAY)),
        "paused_until": draw(st.none() | near.map(lambda n: day + (n - 3) * DAY)),
    }


@st.composite
def rules(draw: st.DrawFn, wall: datetime, zone: ZoneInfo, kind: str, aimed: bool) -> Rule:
    """A rule that, when aimed, mostly means `wall` itself."""
    more = {
        **draw(bounds(wall.date())),
        "closed_days": draw(st.sampled_from(ClosedDays)),
        "exams_closed": draw(st.booleans()),
    }
    at = wall.time() if aimed else draw(st.just(wall.time()) | st.times())
    at = at.replace(second=0, microsecond=0, fold=0)  # `times` draws folds, too
    weekday = wall.isoweekday() if aimed else draw(st.integers(1, 7))
    match kind:
        case "daily":
            return Rule(Frequency.DAILY, at, zone, **more)
        case "weekly":
            days = {weekday, *draw(st.lists(st.integers(1, 7), max_size=3))}
            interval = draw(st.just(1) | st.integers(1, 6) | st.integers(7, 60))
            if more.get("start") and draw(st.booleans()):  # the week of `wall` is one of them
                weeks = draw(st.integers(0, 3)) * interval
                more["start"] = wall.date() - (weeks * 7 + draw(st.integers(0, 1))) * DAY
            return Rule(Frequency.WEEKLY, at, zone, tuple(sorted(days)), interval=interval, **more)
        case "monthly":
            if draw(st.booleans()):
                day = draw(st.integers(1, 31) | st.integers(28, 31))
                more["day_of_month"] = wall.day if aimed else day
                return Rule(Frequency.MONTHLY, at, zone, **more)
            nth = [(wall.day - 1) // 7 + 1] if aimed and wall.day < 29 else [1, 2, 3, 4]
            if not aimed or (wall + 7 * DAY).month != wall.month:
                nth = [*nth, LAST]
            more["nth"] = draw(st.sampled_from(nth))
            more["month_mode"] = MonthMode.WEEKDAY
            return Rule(Frequency.MONTHLY, at, zone, (weekday,), **more)
        case "school_day":
            more["nth"] = draw(st.sampled_from([1, LAST]))
            more["month_mode"] = MonthMode.SCHOOL_DAY
            return Rule(Frequency.MONTHLY, at, zone, **more)
        case "cron":
            text = draw(crons(wall if aimed else datetime.combine(wall.date(), at)))
            return Rule(Frequency.CRON, time(0), zone, cron=parse_cron(text), **more)
    raise ValueError(kind)


@st.composite
def cases(draw: st.DrawFn, kind: str | None = None) -> Case:
    """A rule, an instant and a calendar: mostly such that a run falls on a change of the zone's
    clock, or is moved there, the others anywhere, though often near one."""
    aimed = draw(st.integers(1, 4)) != 4
    if draw(st.integers(1, 6)) == 6:
        zone = ZoneInfo(draw(st.sampled_from(ODD_ZONES)))
    else:
        zone = ZoneInfo(draw(st.sampled_from(changing_zones() if aimed else ZONES)))
    anywhere = st.integers(0, 38 * 365 * 1440).map(lambda n: utc(2000, 1, 1) + n * MINUTE)
    changes = clock_changes(zone)
    at_change = st.sampled_from(changes or [FIRST]).map(lambda s: datetime.fromtimestamp(s, UTC))
    anchor = draw(at_change if aimed and changes else anywhere | at_change)

    # `wall` is a local minute that the change skips or repeats, or one just beside it.
    around = [(anchor + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in (-2, -1, 0, 1)]
    wall = min(around) + draw(st.integers(0, (max(around) - min(around)) // MINUTE)) * MINUTE
    calendar = draw(calendars(wall.date()))
    rule = draw(rules(wall, zone, kind or draw(st.sampled_from(KINDS)), aimed))

    at = wall.time() if rule.cron else rule.time
    seconds = st.integers(0, 86400) if aimed else st.integers(-3 * 86400, 30 * 86400)
    far = st.integers(0, 500 * 86400)
    step = draw(
        seconds.map(lambda n: n * SECOND)
        | st.sampled_from(SMALL_STEPS)
        | far.map(lambda n: n * SECOND)
    )
    run_time = datetime.combine(wall.date(), at, zone).replace(fold=draw(st.integers(0, 1)))
    return Case(rule, draw(st.sampled_from([anchor, run_time.astimezone(UTC)])) - step, calendar)
