"""`next_run_after` against a brute-force oracle, over every zone and 2000-2037.

The oracle knows nothing of gaps and folds: it walks through UTC minute by minute, reads the local
clock, and fires at the minute in which a wanted local time is reached *or passed* for the first
time. SOAK_EXAMPLES=20000 (with --timeout=0) looks longer.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reportapp.constants import Frequency
from reportapp.recurrence import Rule, next_run_after, next_runs

DAILY, WEEKLY, MONTHLY = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY
ZONES = sorted(available_timezones())
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
TINY = timedelta(microseconds=1)
SMALL_STEPS = [0 * TINY, TINY, -TINY, SECOND, -SECOND, MINUTE, -MINUTE, 60 * MINUTE, -60 * MINUTE]

soaked = settings(
    max_examples=int(os.environ.get("SOAK_EXAMPLES", "500")),
    derandomize=False,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


FIRST, LAST = (int(utc(year, 1, 1).timestamp()) for year in (2000, 2038))


# The oracle


def wanted_on(rule: Rule, day: date) -> bool:
    if rule.frequency is WEEKLY:
        return day.isoweekday() == rule.day_of_week
    if rule.frequency is MONTHLY:
        last_of_month = (day + DAY).day == 1
        return day.day == rule.day_of_month or (last_of_month and day.day < rule.day_of_month)
    return True


def wanted_at(rule: Rule, local: datetime) -> bool:
    """Does the rule want this local minute?"""
    at = rule.time
    return local.minute == at.minute and local.hour == at.hour and wanted_on(rule, local.date())


def oracle(rule: Rule, instant: datetime) -> datetime:
    """The first minute strictly after `instant` in which a wanted local minute is first reached."""
    zone, at = rule.zone, rule.time
    # `fromutc` takes UTC's clock wearing the zone; datetimes of one zone compare by their faces.
    clock = (instant.astimezone(UTC) - DAY).replace(second=0, microsecond=0, tzinfo=zone)
    # From a day before: no clock was ever set back by more, so `reached` is right at `instant`.
    reached = zone.fromutc(clock)
    while True:
        clock += MINUTE
        local = zone.fromutc(clock)
        fires = False
        while reached < local:  # once, many times at a gap, never in a repeated hour
            reached += MINUTE
            if reached.minute == at.minute and wanted_at(rule, reached):
                fires = True
        if fires:
            run = clock.replace(tzinfo=UTC)
            if run > instant:
                return run


# The cases


def offset_at(seconds: int, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(seconds, zone).utcoffset() or timedelta()


@cache
def clock_changes(zone: ZoneInfo) -> tuple[int, ...]:
    """The POSIX seconds at which the zone's offset changes, 2000-2037. No zone changes twice
    within four days; one that did would only be tried less often."""
    found = []
    step = 4 * 86400
    for low in range(FIRST, LAST, step):
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


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rule, datetime]:
    """A rule and an instant: mostly such that a run falls on a change of the zone's clock,
    the others anywhere, though often near one."""
    aimed = draw(st.integers(1, 4)) != 4
    frequency = draw(st.sampled_from([DAILY, WEEKLY, MONTHLY]))
    zone = ZoneInfo(draw(st.sampled_from(changing_zones() if aimed else ZONES)))
    anywhere = st.integers(0, 38 * 365 * 1440).map(lambda n: utc(2000, 1, 1) + n * MINUTE)
    at_change = st.sampled_from(clock_changes(zone) or [FIRST]).map(
        lambda change: datetime.fromtimestamp(change, UTC)
    )
    anchor = draw(at_change if aimed else anywhere | at_change)

    # `wall` is a local minute that the change skips or repeats, or one just beside it.
    around = [(anchor + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in (-2, -1, 0, 1)]
    wall = min(around) + draw(st.integers(0, (max(around) - min(around)) // MINUTE)) * MINUTE
    rule = Rule(frequency, wall.time(), zone, wall.isoweekday(), wall.day)
    if not aimed:
        local = draw(st.just(wall.time()) | st.times())
        rule = Rule(
            frequency,
            local.replace(second=0, microsecond=0),
            zone,
            day_of_week=draw(st.integers(1, 7)),
            day_of_month=draw(st.integers(1, 31) | st.integers(28, 31)),
        )

    seconds = st.integers(0, 86400) if aimed else st.integers(-3 * 86400, 30 * 86400)
    step = draw(seconds.map(lambda n: n * SECOND) | st.sampled_from(SMALL_STEPS))
    run_time = datetime.combine(wall.date(), rule.time, zone).replace(fold=draw(st.integers(0, 1)))
    return rule, draw(st.sampled_from([anchor, run_time.astimezone(UTC)])) - step


def happens(run: datetime, zone: ZoneInfo) -> str:
    """For the statistics: `--hypothesis-show-statistics`."""
    local = run.astimezone(zone)
    before = (run - MINUTE).astimezone(zone).replace(tzinfo=None)
    if local.replace(tzinfo=None) - before > MINUTE:
        return "when a gap ends"
    return "twice" if local.utcoffset() != local.replace(fold=1).utcoffset() else "once"


def shown(runs: list[datetime], zone: ZoneInfo) -> list[str]:
    return [f"{run.astimezone(zone):%Y-%m-%d %H:%M}" for run in runs]


# The comparison and the properties


@soaked
@given(cases())
def test_the_next_run_is_the_one_that_a_minute_by_minute_walk_finds(case):
    rule, instant = case
    expected = oracle(rule, instant)
    event(f"{rule.frequency}, {happens(expected, rule.zone)}")
    assert next_run_after(rule, instant) == expected


@soaked
@given(cases())
def test_runs_are_in_utc_strictly_after_the_instant_and_rising(case):
    rule, instant = case
    runs = next_runs(rule, instant, 6)
    assert len(runs) == 6
    assert all(run.tzinfo is UTC for run in runs)
    assert all(earlier < later for earlier, later in zip([instant, *runs], runs, strict=False))


@soaked
@given(cases())
def test_the_next_runs_are_what_asking_again_from_each_run_gives(case):
    rule, instant = case
    again = []
    for _ in range(6):
        again.append(next_run_after(rule, again[-1] if again else instant))
    assert next_runs(rule, instant, 6) == again


@soaked
@given(cases(), st.sampled_from(ZONES))
def test_the_zone_in_which_the_instant_is_given_does_not_matter(case, other):
    rule, instant = case
    runs = next_runs(rule, instant, 3)
    assert next_runs(rule, instant.astimezone(ZoneInfo(other)), 3) == runs
    assert next_runs(rule, instant.astimezone(rule.zone), 3) == runs


@soaked
@given(cases())
def test_every_run_has_a_local_time_of_the_rule_or_ends_a_gap_that_holds_one(case):
    rule, instant = case
    for run in next_runs(rule, instant, 6):
        local = run.astimezone(rule.zone).replace(tzinfo=None)
        before = (run - MINUTE).astimezone(rule.zone).replace(tzinfo=None)
        skipped = [before + n * MINUTE for n in range(1, (local - before) // MINUTE + 1)]
        # No gap: `skipped` is the run's own minute. A repeated one may begin earlier than `before`.
        assert any(wanted_at(rule, minute) for minute in skipped or [local])


@soaked
@given(cases())
def test_no_run_is_left_out_between_two_runs(case):
    rule, instant = case
    first, second = next_runs(rule, instant, 2)
    longest = {DAILY: 1, WEEKLY: 7, MONTHLY: 31}[rule.frequency]
    assert second - first <= longest * DAY + timedelta(hours=4)


def test_every_clock_change_since_2000_falls_on_a_whole_minute():
    # What lets the oracle walk by minutes, and a rule be sure of a run on a whole minute.
    for key in ZONES:
        zone = ZoneInfo(key)
        for change in clock_changes(zone):
            assert change % 60 == 0, (key, change)
            assert offset_at(change, zone).total_seconds() % 60 == 0, (key, change)


# Examples that a reader can check


def test_a_local_time_that_is_skipped_runs_when_the_gap_ends():
    berlin = ZoneInfo("Europe/Berlin")
    runs = next_runs(Rule(DAILY, time(2, 30), berlin), utc(2026, 3, 27, 12), 3)
    assert shown(runs, berlin) == ["2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"]


def test_a_local_time_that_happens_twice_runs_at_the_first():
    berlin = ZoneInfo("Europe/Berlin")
    rule = Rule(DAILY, time(2, 30), berlin)
    first, second = next_runs(rule, utc(2026, 10, 24, 12), 2)
    assert first == utc(2026, 10, 25, 0, 30)
    assert second == utc(2026, 10, 26, 1, 30)


def test_a_gap_of_half_an_hour_delays_only_to_its_end():
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    runs = next_runs(Rule(DAILY, time(2, 15), lord_howe), utc(2026, 10, 2, 12), 2)
    assert shown(runs, lord_howe) == ["2026-10-03 02:15", "2026-10-04 02:30"]


def test_a_midnight_that_does_not_exist_runs_at_one():
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    runs = next_runs(Rule(DAILY, time(0, 0), sao_paulo), utc(2018, 11, 3, 12), 2)
    assert shown(runs, sao_paulo) == ["2018-11-04 01:00", "2018-11-05 00:00"]


def test_a_gap_before_midnight_moves_the_run_to_midnight_of_the_next_day():
    nuuk = ZoneInfo("America/Nuuk")
    runs = next_runs(Rule(DAILY, time(23, 30), nuuk), utc(2026, 3, 28, 12), 2)
    assert shown(runs, nuuk) == ["2026-03-29 00:00", "2026-03-29 23:30"]
    # Asked between the skipped time and its replacement on the day before, too.
    assert next_run_after(Rule(WEEKLY, time(23, 30), nuuk, 6), runs[0] - SECOND) == runs[0]


def test_a_day_that_the_zone_skips_runs_when_the_next_one_begins():
    apia = ZoneInfo("Pacific/Apia")
    runs = next_runs(Rule(DAILY, time(9, 0), apia), utc(2011, 12, 29, 12), 3)
    assert shown(runs, apia) == ["2011-12-29 09:00", "2011-12-31 00:00", "2011-12-31 09:00"]
    friday = next_run_after(Rule(WEEKLY, time(9, 0), apia, day_of_week=5), runs[0])
    assert shown([friday], apia) == ["2011-12-31 00:00"]


def test_two_days_that_begin_at_one_instant_run_once():
    apia = ZoneInfo("Pacific/Apia")
    runs = next_runs(Rule(DAILY, time(0, 0), apia), utc(2011, 12, 29, 12), 2)
    assert shown(runs, apia) == ["2011-12-31 00:00", "2012-01-01 00:00"]


def test_a_day_that_the_month_lacks_is_its_last_day():
    rule = Rule(MONTHLY, time(9, 0), ZoneInfo("UTC"), day_of_month=31)
    runs = next_runs(rule, utc(2028, 1, 1), 4)
    assert [(run.month, run.day) for run in runs] == [(1, 31), (2, 29), (3, 31), (4, 30)]


def test_the_instant_of_a_run_itself_leads_to_the_run_after_it():
    rule = Rule(WEEKLY, time(9, 0), ZoneInfo("UTC"), day_of_week=1)
    monday = utc(2026, 11, 30, 9)
    assert next_run_after(rule, monday - TINY) == monday
    assert next_run_after(rule, monday) == monday + 7 * DAY


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        next_run_after(Rule(DAILY, time(9, 0), ZoneInfo("UTC")), datetime(2026, 1, 1))
