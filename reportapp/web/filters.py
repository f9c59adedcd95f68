"""What templates can call."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, current_app
from flask_login import current_user

from reportapp import clock
from reportapp.access import Action, may
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    CalendarKind,
    CalendarSource,
    ClosedDays,
    DeliveryMode,
    DeliveryStatus,
    ExecutionStatus,
    ExportFormat,
    Frequency,
    LinkAccess,
    LinkKind,
    PeopleShown,
    PeriodKind,
    Reason,
    Role,
    Trigger,
    WhenEmpty,
)
from reportapp.models import ReportSchedule
from reportapp.recurrence import describe, moment, place
from reportapp.rendering import display
from reportapp.reports import REPORTS
from reportapp.schedules.timing import sentence_of
from reportapp.schedules.upcoming import Upcoming
from reportapp.school.calendar_list import Line
from reportapp.school.calendar_values import EntryInput
from reportapp.web import words
from reportapp.web.guards import has_mailbox
from reportapp.web.notices import news_count, system_trouble
from reportapp.written.kinds import WRITTEN, is_for_families, period_of

_WORDS: dict[type[StrEnum], dict] = {
    Role: words.ROLE,
    LinkKind: words.LINK_KIND,
    PeopleShown: words.PEOPLE_SHOWN,
    Frequency: words.FREQUENCY,
    ClosedDays: words.CLOSED_DAYS,
    PeriodKind: words.PERIOD,
    ExportFormat: words.FORMAT,
    DeliveryMode: words.DELIVERY_MODE,
    LinkAccess: words.LINK_ACCESS,
    WhenEmpty: words.WHEN_EMPTY,
    Trigger: words.TRIGGER,
    ExecutionStatus: words.RUN,
    DeliveryStatus: words.MAIL,
    Reason: words.REASON,
    AttendanceStatus: words.ATTENDANCE_STATUS,
    CalendarKind: words.CALENDAR_KIND,
    CalendarSource: words.CALENDAR_SOURCE,
    AuthoredStatus: words.WRITTEN,
}


def register(app: Flask) -> None:
    app.jinja_env.filters.update(
        describe=describe,
        moment=_moment,
        day=_day,
        word=_word,
        relative=_relative,
        sentence=_sentence,
        place=_place,
        what_happened=words.what_happened,
        days=_days,
        grouped=_grouped,
        display=display,
        period_of=period_of,
    )
    app.jinja_env.globals.update(
        REPORTS=REPORTS,
        WRITTEN=WRITTEN,
        is_for_families=is_for_families,
        days_in_words=words.days,
        LINK_KINDS=words.LINK_KINDS,
        Action=Action,
        may=may,
        has_mailbox=has_mailbox,
        zone_names=_zone_names,
        news_count=news_count,
        system_trouble=system_trouble,
    )
    app.context_processor(lambda: {"platform_name": current_app.config["PLATFORM_NAME"]})


def _moment(instant: datetime, zone_name: str | None = None) -> str:
    """An instant in the reader's zone, or in the one named."""
    return moment(instant, ZoneInfo(zone_name or current_user.zone_name))


def _day(day: date) -> str:
    """`Fri 25 Dec 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def _word(value: StrEnum) -> str:
    """What one of the database's words means to a person."""
    return _WORDS[type(value)][value]


def _relative(instant: datetime) -> str:
    return words.relative(instant, clock.now(), ZoneInfo(current_user.zone_name))


def _sentence(schedule: ReportSchedule) -> str:
    """When the schedule runs: `Mondays at 09:00, Berlin`."""
    return sentence_of(schedule, clock.now())


def _grouped(runs: Iterable[Upcoming]) -> list[list[Upcoming]]:
    """Runs one by one, and together those days that are left out one after the other for the same
    reason."""
    return [list(group) for _, group in groupby(runs, lambda one: one.run or one.reason)]


def _days(span: EntryInput | Line) -> str:
    """From when to when something in the calendar lasts."""
    return words.days(span.first_day, span.last_day)


def _place(zone_name: str) -> str:
    return place(ZoneInfo(zone_name))


def _zone_names() -> list[str]:
    return sorted(available_timezones())
