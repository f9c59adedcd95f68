"""When schedules run. Pure: time and zone come in as arguments."""

from reportapp.recurrence.calendar import SchoolCalendar, Span
from reportapp.recurrence.cron import Cron, parse_cron
from reportapp.recurrence.rule import (
    LAST,
    LEAST_GAP,
    NOTHING_CLOSED,
    Occurrence,
    Rule,
    next_occurrences,
    next_run_after,
    next_runs,
    run_at_or_before,
)
from reportapp.recurrence.words import describe, moment, place

__all__ = [
    "LAST",
    "LEAST_GAP",
    "NOTHING_CLOSED",
    "Cron",
    "Occurrence",
    "Rule",
    "SchoolCalendar",
    "Span",
    "describe",
    "moment",
    "next_occurrences",
    "next_run_after",
    "next_runs",
    "parse_cron",
    "place",
    "run_at_or_before",
]
