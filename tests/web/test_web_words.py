"""Words for people."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reportapp.constants import (
    OPEN_DELIVERIES,
    CalendarKind,
    CalendarSource,
    DeliveryStatus,
    ExportFormat,
    Frequency,
    Reason,
    Role,
    Trigger,
)
from reportapp.models import ReportDelivery
from reportapp.web import words
from tests.cast import NOW

BERLIN = ZoneInfo("Europe/Berlin")


def test_every_word_of_the_database_has_one_for_people():
    for table, kind in (
        (words.ROLE, Role),
        (words.FREQUENCY, Frequency),
        (words.FORMAT, ExportFormat),
        (words.FORMAT_USE, ExportFormat),
        (words.TRIGGER, Trigger),
        (words.CALENDAR_KIND, CalendarKind),
        (words.CALENDAR_SOURCE, CalendarSource),
    ):
        assert set(table) == set(kind)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (timedelta(seconds=-20), "now"),
        (timedelta(0), "now"),
        (timedelta(seconds=45), "in less than a minute"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=59), "in 59 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(minutes=110), "in 2 hours"),
        (timedelta(hours=25), "tomorrow"),
        (timedelta(days=13), "in 13 days"),
        (timedelta(days=14), "in 2 weeks"),
        (timedelta(days=20), "in 3 weeks"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(hours=-33), "2 days ago"),
        (timedelta(hours=-20), "yesterday"),
    ],
)
def test_a_moment_is_told_by_its_distance(gap, text):
    assert words.relative(NOW + gap, NOW, BERLIN) == text


@pytest.mark.parametrize("hour", range(24))
def test_days_are_those_of_the_calendar_at_any_hour(hour):
    tuesday = datetime(2026, 11, 24, 12, tzinfo=BERLIN)
    for day, text in ((25, "tomorrow"), (27, "in 3 days"), (28, "in 4 days"), (30, "in 6 days")):
        planned = datetime(2026, 11, day, hour, tzinfo=BERLIN)
        assert words.relative(planned, tuesday, BERLIN) == text


def test_days_are_those_of_the_reader():
    now = datetime(2026, 11, 24, 20, tzinfo=UTC)
    planned = now + timedelta(hours=10)
    assert words.relative(planned, now, BERLIN) == "tomorrow"
    assert words.relative(planned, now, ZoneInfo("Asia/Tokyo")) == "in 10 hours"


def test_a_few_minutes_are_minutes_across_midnight_too():
    now = datetime(2026, 11, 24, 23, 50, tzinfo=BERLIN)
    assert words.relative(now + timedelta(minutes=20), now, BERLIN) == "in 20 minutes"


def test_the_clock_change_does_not_move_the_day():
    saturday = datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN)
    assert words.relative(datetime(2026, 10, 26, 0, 0, tzinfo=BERLIN), saturday, BERLIN) == (
        "in 2 days"
    )


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2026-12-21", "2027-01-06", "Mon 21 December 2026 – Wed 6 January 2027, 17 days"),
        ("2026-10-12", "2026-10-23", "Mon 12 October – Fri 23 October 2026, 12 days"),
        ("2026-12-25", "2026-12-25", "Fri 25 December 2026"),
    ],
)
def test_a_span_of_days_is_told_in_words(first, last, text):
    assert words.days(date.fromisoformat(first), date.fromisoformat(last)) == text


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("status", DeliveryStatus)
def test_whatever_a_mail_waits_for_nobody_is_told_that_we_gave_up(status, reason):
    text = words.what_happened(ReportDelivery(status=status, reason=reason))
    assert text.endswith(".")
    if status in OPEN_DELIVERIES:
        assert "gave up" not in text
    assert words.what_happened(ReportDelivery(status=status, reason=None)) == ""
