"""How a schedule looks from outside, and what can be sent for one."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from reportapp.api.paging import PageQuery, pages_of
from reportapp.api.run_schemas import RunAnswer, run_fields
from reportapp.api.schemas import Answer, Body, Choice, Day, Flag, QueryFlag, ReadOnly, Whole
from reportapp.constants import (
    AudienceKind,
    ClosedDays,
    DeliveryMode,
    ExportFormat,
    Frequency,
    LinkAccess,
    MonthMode,
    PeriodKind,
    ReportType,
    WhenEmpty,
)
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule, User
from reportapp.recurrence import LAST
from reportapp.schedules.edit import DEFAULTS, fields_of
from reportapp.schedules.find import ORDERS, ListedSchedule
from reportapp.schedules.seen import SeenSchedule
from reportapp.schedules.timing import sentence_of
from reportapp.schedules.validation import FIELDS


def _said(text: str, example: Any = None) -> dict[str, Any]:
    return {"metadata": {"description": text} | ({} if example is None else {"example": example})}


class _Rule(Schema):
    """What a person sets, alike on the way in and on the way out."""

    name = fields.String(validate=validate.Length(1, 200), **_said("At most 200 signs."))
    report_type = Choice(ReportType)
    class_group_id = Whole(1, allow_none=True, **_said("Only about this class; null: about all."))
    frequency = Choice(Frequency)
    day_of_week = Whole(
        1, 7, allow_none=True, **_said("1 = Monday to 7 = Sunday; weekly ones need it.", 1)
    )
    days_of_week = fields.List(
        Whole(1, 7),
        validate=validate.Length(max=20),
        **_said("Instead of `day_of_week`, which is the first of them.", [1, 4]),
    )
    interval = Whole(1, 52, **_said("Every so many weeks."))
    day_of_month = Whole(
        1, 31, allow_none=True, **_said("Or the month's last day; monthly ones need it.", 1)
    )
    month_mode = Choice(
        MonthMode, **_said("By what a monthly one counts: that day, a weekday, a school day.")
    )
    nth = fields.Integer(
        strict=True,
        validate=validate.OneOf([1, 2, 3, 4, LAST]),
        **_said("The 1st to 4th weekday of the month, or -1, the last; school days: 1 or -1."),
    )
    cron = fields.String(
        allow_none=True, validate=validate.Length(max=100), **_said("Five fields.", "0 8 * * 1-5")
    )
    time = fields.String(**_said("Local time in `time_zone`.", "09:00"))
    time_zone = fields.String(**_said("By its IANA name.", "Europe/Berlin"))
    start_date = Day(allow_none=True, **_said("The first day on which it may run."))
    end_date = Day(allow_none=True, **_said("The last day on which it may run."))
    paused_until = Day(allow_none=True, **_said("The first day after a pause."))
    max_runs = Whole(1, 10_000, allow_none=True, **_said("After so many runs it has ended."))
    closed_days = Choice(
        ClosedDays, **_said("On days without school: send, skip, or the school day before or after")
    )
    exams_closed = Flag(**_said("Exam weeks count as days without school."))
    period = Choice(PeriodKind, **_said("Which days a report covers."))
    export_format = Choice(ExportFormat)
    delivery_mode = Choice(DeliveryMode, **_said("How the file arrives."))
    link_access = Choice(LinkAccess, **_said("What a link asks for."))
    when_empty = Choice(WhenEmpty, **_said("What comes where there is nothing to report."))
    is_active = Flag(**_said("It is sent by itself at these times."))


class ScheduleBody(_Rule, Body):
    """What can be set."""

    time = fields.String(
        validate=validate.Regexp(r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:00)?$"),
        **_said("Local time in `time_zone`.", "09:00"),
    )

    def load(self, data: Any, **options: Any) -> dict[str, Any]:
        loaded = super().load(data, **options)
        day, days = loaded.get("day_of_week"), loaded.get("days_of_week")
        if isinstance(day, int) and isinstance(days, list) and days and day != min(days):
            # One of the two was changed in what had been read; which, nobody can tell.
            text = f"The first of days_of_week is {min(days)}; leave one of the two fields out."
            raise InvalidInput({"day_of_week": [text]})
        return loaded

    id = ReadOnly()
    created_by = ReadOnly()
    created_by_name = ReadOnly()
    last_sent = ReadOnly()
    last_generated = ReadOnly()
    next_scheduled = ReadOnly()
    paused_reason = ReadOnly()
    created_at = ReadOnly()
    updated_at = ReadOnly()
    description = ReadOnly()
    active_recipients_count = ReadOnly()
    recipients = ReadOnly()
    audiences = ReadOnly()
    recent_executions = ReadOnly()


class NewScheduleBody(ScheduleBody):
    """What can be set. What is not there is weekly, at 09:00 in the author's time zone, CSV and
    active."""

    name = fields.String(required=True, validate=validate.Length(1, 200), **_said("A name."))
    report_type = Choice(ReportType, required=True)


class _Key(Schema):
    """So that it comes first."""

    id = fields.Integer()


class ScheduleAnswer(_Rule, _Key, Answer):
    """A schedule."""

    created_by = fields.Integer(**_said("The author's id."))
    created_by_name = fields.String()
    last_sent = fields.DateTime(allow_none=True)
    last_generated = fields.DateTime(allow_none=True)
    next_scheduled = fields.DateTime(
        allow_none=True, **_said("null: switched off, or its rhythm has ended.")
    )
    paused_reason = fields.String(
        allow_none=True, **_said("Why the system switched it off by itself.")
    )
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    description = fields.String(**_said("When it runs, as a sentence."))
    active_recipients_count = fields.Integer(
        allow_none=True,
        **_said("Of those put on by name, the subscribed ones; null: not for this reader."),
    )


class RecipientAnswer(Answer):
    """Somebody who was put on a schedule by name."""

    id = fields.Integer()
    schedule = fields.Integer(attribute="schedule_id")
    recipient = fields.Integer(attribute="recipient_id", **_said("The person's id."))
    recipient_email = fields.String(attribute="recipient.email", allow_none=True)
    recipient_name = fields.String(attribute="recipient.name")
    is_subscribed = fields.Boolean()
    added_at = fields.DateTime()
    unsubscribed_at = fields.DateTime(allow_none=True)


class AudienceAnswer(Answer):
    """A group that receives a schedule; who that is, is told apart anew for every run."""

    id = fields.Integer(attribute="audience.id")
    kind = Choice(AudienceKind, attribute="audience.kind")
    class_group_id = fields.Integer(attribute="audience.class_group_id", allow_none=True)
    title = fields.String()
    people = fields.Integer(**_said("How many are in it now."))


class ScheduleDetailAnswer(ScheduleAnswer):
    """A schedule with its recipients and its last five runs. Who only receives it sees neither the
    runs nor anybody else."""

    recipients = fields.List(fields.Nested(RecipientAnswer))
    audiences = fields.List(fields.Nested(AudienceAnswer))
    recent_executions = fields.List(fields.Nested(RunAnswer))


SchedulePageAnswer = pages_of(ScheduleAnswer)


class ScheduleQuery(PageQuery):
    """Which schedules, and in which order."""

    is_active = QueryFlag()
    frequency = Choice(Frequency)
    report_type = Choice(ReportType)
    search = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        **_said("Every word of it is in the name."),
    )
    ordering = Choice(
        [f"{sign}{name}" for name in ORDERS for sign in ("", "-")],
        load_default="next_scheduled",
        **_said("With - the other way round."),
    )


#: What a script need not say. A weekday or a day of the month it must.
_DEFAULTS = {name: value for name, value in DEFAULTS.items() if not name.startswith("day")}


def whole(data: dict[str, Any], author: User) -> dict[str, Any]:
    """All fields of a new schedule of the author's, of which `data` says some. `days_of_week` only
    where it is given, so that a missing weekday is told at `day_of_week`."""
    nothing = dict.fromkeys(name for name in FIELDS if name != "days_of_week")
    return {**nothing, **_DEFAULTS, "time_zone": author.zone_name, **data}


def listed_fields(listed: ListedSchedule, now: datetime, *, manages: bool) -> dict[str, Any]:
    """For `ScheduleAnswer`."""
    count = listed.recipients - listed.unsubscribed if manages else None
    return _fields(listed.schedule, now, count)


def detail_fields(seen: SeenSchedule, now: datetime) -> dict[str, Any]:
    """For `ScheduleDetailAnswer`."""
    active = sum(row.is_subscribed for row in seen.recipients)
    return {
        **_fields(seen.schedule, now, active if seen.manages else None),
        "recipients": seen.recipients,
        "audiences": seen.audiences,
        "recent_executions": [run_fields(run) for run in seen.runs],
    }


def _fields(schedule: ReportSchedule, now: datetime, active: int | None) -> dict[str, Any]:
    read_only = (
        "id",
        "last_sent",
        "last_generated",
        "next_scheduled",
        "created_at",
        "updated_at",
    )
    return {
        **{name: getattr(schedule, name) for name in read_only},
        **fields_of(schedule),
        "days_of_week": [int(day) for day in schedule.days_of_week],
        "time": f"{schedule.time:%H:%M}",
        "created_by": schedule.created_by_id,
        "created_by_name": schedule.created_by.name,
        "paused_reason": schedule.paused_reason if active is not None else None,
        "description": sentence_of(schedule, now),
        "active_recipients_count": active,
    }
