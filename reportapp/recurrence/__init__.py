"""When schedules run. Pure: time and zone come in as arguments."""

from reportapp.recurrence.rule import Rule, next_run_after, next_runs
from reportapp.recurrence.words import describe, moment, place

__all__ = ["Rule", "describe", "moment", "next_run_after", "next_runs", "place"]
