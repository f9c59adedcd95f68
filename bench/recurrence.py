"""How long `next_run_after` takes over hard rules, as a ratio to bare conversions of local times.

Hard: 29 February by cron with closed days skipped, ends far away, long closures, every N weeks,
hourly cron. The limit is what no implementation can do without: turning one local time into an
instant with `datetime` and `zoneinfo`, measured in the same run.
"""

import argparse
import gc
import random
import statistics
import sys
import time as clock
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

from reportapp.constants import ClosedDays, Frequency, MonthMode
from reportapp.recurrence import LAST, Rule, SchoolCalendar, Span, next_run_after, parse_cron

MEDIAN, WORST = 1.0, 20.0  # the goals, in milliseconds
ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC"]
DAY = timedelta(days=1)


def school_year(year: int) -> SchoolCalendar:
    """Ten years of terms and holidays around `year`."""
    closed, terms = [], []
    for first in range(year - 2, year + 8):
        terms += [
            Span(date(first, 1, 8), date(first, 7, 20)),
            Span(date(first, 9, 1), date(first, 12, 20)),
        ]
        closed += [
            Span(date(first, 4, 1), date(first, 4, 14)),
            Span(date(first, 10, 3), date(first, 10, 3)),
        ]
    return SchoolCalendar(closed=tuple(closed), terms=tuple(terms))


def hard_cases(number: int) -> list[tuple[str, Rule, datetime, SchoolCalendar]]:
    chance = random.Random(20260101)
    cases = []
    for n in range(number):
        zone = ZoneInfo(chance.choice(ZONES))
        instant = datetime(2026, 1, 1, tzinfo=UTC) + chance.randrange(10 * 365 * 1440) * timedelta(
            minutes=1
        )
        day = instant.date()
        calendar = school_year(day.year)
        at = time(chance.randrange(24), chance.randrange(60))
        policy = chance.choice(list(ClosedDays))
        daily = Rule(Frequency.DAILY, at, zone, closed_days=policy)
        match n % 8:
            case 0:
                cron = parse_cron(f"{at.minute} {at.hour} 29 2 *")
                rule = Rule(Frequency.CRON, at, zone, cron=cron, closed_days=ClosedDays.SKIP)
                name = "29 February, skipped when closed"
            case 1:
                # Sundays are closed: there never is one, and 41 years must be looked through.
                cron = parse_cron(f"{at.minute} {at.hour} 29 2 */7")
                rule = Rule(Frequency.CRON, at, zone, cron=cron, closed_days=ClosedDays.SKIP)
                name = "29 February on a Sunday, never open"
            case 2:
                rule = Rule(Frequency.DAILY, at, zone, start=day + 3000 * DAY, end=date.max)
                name = "starts in years, ends in 9999"
            case 3:
                length = chance.randrange(300, 500)
                spans = (*calendar.closed, Span(day - 30 * DAY, day + length * DAY))
                calendar = SchoolCalendar(closed=spans, terms=calendar.terms)
                rule, name = daily, "a closure of about 400 days"
            case 4:
                calendar = SchoolCalendar(closed=(Span(day - 30 * DAY, day + 16000 * DAY),))
                rule, name = daily, "a closure of 44 years"
            case 5:
                weeks = chance.randrange(2, 53)
                days = tuple(sorted(chance.sample(range(1, 8), 2)))
                start = day - chance.randrange(8000) * DAY
                rule = Rule(
                    Frequency.WEEKLY,
                    at,
                    zone,
                    days,
                    interval=weeks,
                    start=start,
                    closed_days=policy,
                )
                name = "every N weeks"
            case 6:
                cron = parse_cron(f"{at.minute} * * * *")
                rule = Rule(Frequency.CRON, at, zone, cron=cron, closed_days=policy)
                name = "hourly cron"
            case _:
                mode = chance.choice([MonthMode.SCHOOL_DAY, MonthMode.WEEKDAY])
                rule = Rule(
                    Frequency.MONTHLY, at, zone, (1,), month_mode=mode, nth=LAST, closed_days=policy
                )
                name = "last school day or Monday of the month"
        cases.append((name, rule, instant, calendar))
    return cases


def conversion(cases) -> float:
    """Milliseconds of one bare conversion of a local time to UTC and back."""
    begin = clock.perf_counter()
    for _, rule, instant, _ in cases:
        local = instant.astimezone(rule.zone)
        datetime.combine(local.date(), rule.time, rule.zone).astimezone(UTC)
    return (clock.perf_counter() - begin) * 1000 / len(cases)


def _once(rule: Rule, instant: datetime, calendar: SchoolCalendar) -> float:
    """Milliseconds; the best of a few, since other processes share the machine's cores. The
    calendar is copied, so that nothing is remembered from the last time."""
    calendar = replace(calendar)
    begin = clock.process_time()
    next_run_after(rule, instant, calendar)
    return (clock.process_time() - begin) * 1000


def verdict(figure: float, goal: float) -> str:
    return f"{figure:9.3f} ms  (goal: under {goal:g} ms, {'met' if figure < goal else 'NOT met'})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=4000)
    cases = hard_cases(parser.parse_args().rules)
    conversion(cases)  # reads the zones
    gc.freeze()  # a collection of these thousands of calendars would be counted to one rule
    limit = conversion(cases)
    taken = defaultdict(list)
    for name, rule, instant, calendar in cases:
        taken[name].append(min(_once(rule, instant, calendar) for _ in range(3)))
    every = [one for some in taken.values() for one in some]
    median, worst = statistics.median(every), max(every)
    print(f"recurrence: next_run_after, {len(cases)} hard rules, each with a calendar of its own")
    print(f"  median       {verdict(median, MEDIAN)}")
    print(f"  worst        {verdict(worst, WORST)}")
    print(f"  conversion   {limit:9.5f} ms, bare datetime and zoneinfo")
    print(f"  ratio        {median / limit:9.1f} (median to conversion)")
    for name, some in taken.items():
        print(f"    {name:42} median {statistics.median(some):8.3f}  worst {max(some):9.3f} ms")


if __name__ == "__main__":
    main()
