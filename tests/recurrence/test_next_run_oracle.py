"""`next_run_after` and `run_at_or_before` against a brute-force oracle, over every zone, 2000-2037.

SOAK_EXAMPLES=20000 (with --timeout=0) looks longer: 100,000 cases over the five kinds of rules.
"""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reportapp.constants import Frequency
from reportapp.recurrence import Rule, next_run_after, next_runs, run_at_or_before
from tests.recurrence.cases import (
    KINDS,
    SECOND,
    TINY,
    ZONES,
    cases,
    clock_changes,
    offset_at,
    soaked,
    utc,
)
from tests.recurrence.oracle import DAY, MINUTE, oracle, oracle_before

DAILY, WEEKLY, MONTHLY = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY


def happens(run, zone: ZoneInfo) -> str:
    """For the statistics: `--hypothesis-show-statistics`."""
    if run is None:
        return "never"
    local = run.astimezone(zone)
    before = (run - MINUTE).astimezone(zone).replace(tzinfo=None)
    if local.replace(tzinfo=None) - before > MINUTE:
        return "when a gap ends"
    return "twice" if local.utcoffset() != local.replace(fold=1).utcoffset() else "once"


@pytest.mark.parametrize("kind", KINDS)
@soaked(400)
@given(st.data())
def test_the_next_run_is_the_one_that_a_minute_by_minute_walk_finds(kind, data):
    rule, instant, calendar = data.draw(cases(kind))
    expected = oracle(rule, instant, calendar)
    event(f"{rule.closed_days}, {happens(expected, rule.zone)}")
    assert next_run_after(rule, instant, calendar) == expected


@soaked(400)
@given(cases())
def test_the_run_before_is_the_last_one_that_the_walk_finds(case):
    rule, instant, calendar = case
    expected = oracle_before(rule, instant, calendar)
    event(f"{rule.closed_days}, {happens(expected, rule.zone)}")
    assert run_at_or_before(rule, instant, calendar) == expected


@soaked(400)
@given(cases(), st.sampled_from(ZONES))
def test_the_zone_in_which_the_instant_is_given_does_not_matter(case, other):
    rule, instant, calendar = case
    runs = next_runs(rule, instant, 3, calendar)
    assert all(run.tzinfo is UTC for run in runs)
    assert next_runs(rule, instant.astimezone(ZoneInfo(other)), 3, calendar) == runs
    assert next_runs(rule, instant.astimezone(rule.zone), 3, calendar) == runs


def test_every_clock_change_since_2000_falls_on_a_whole_minute():
    # What lets the oracle walk by minutes, and a rule be sure of a run on a whole minute.
    for key in ZONES:
        zone = ZoneInfo(key)
        for change in clock_changes(zone):
            assert change % 60 == 0, (key, change)
            assert offset_at(change, zone).total_seconds() % 60 == 0, (key, change)


# Examples that a reader can check


def shown(runs, zone: ZoneInfo) -> list[str]:
    return [f"{run.astimezone(zone):%Y-%m-%d %H:%M}" for run in runs]


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
    assert next_run_after(Rule(WEEKLY, time(23, 30), nuuk, (6,)), runs[0] - SECOND) == runs[0]


def test_a_day_that_the_zone_skips_runs_when_the_next_one_begins():
    apia = ZoneInfo("Pacific/Apia")
    runs = next_runs(Rule(DAILY, time(9, 0), apia), utc(2011, 12, 29, 12), 3)
    assert shown(runs, apia) == ["2011-12-29 09:00", "2011-12-31 00:00", "2011-12-31 09:00"]
    friday = next_run_after(Rule(WEEKLY, time(9, 0), apia, days_of_week=(5,)), runs[0])
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
    rule = Rule(WEEKLY, time(9, 0), ZoneInfo("UTC"), days_of_week=(1,))
    monday = utc(2026, 11, 30, 9)
    assert next_run_after(rule, monday - TINY) == monday
    assert next_run_after(rule, monday) == monday + 7 * DAY


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        next_run_after(Rule(DAILY, time(9, 0), ZoneInfo("UTC")), datetime(2026, 1, 1))
