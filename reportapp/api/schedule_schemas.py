"""How a schedule looks from outside, and what can be sent for one."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from reportapp.api.paging import PageQuery, pages_of
from reportapp.api.run_schemas import RunAnswer, run_fields
from reportapp.api.schedule_rule import Rule, said
from reportapp.api.schemas import Answer, Body, Choice, QueryFlag, ReadOnly, Search
from reportapp.constants import (
    AudienceKind,
    Frequency,
    ReportType,
)
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule, User
from reportapp.schedules.edit import DEFAULTS, fields_of
from reportapp.schedules.find import ORDERS, ListedSchedule
from reportapp.schedules.seen import SeenSchedule
from reportapp.schedules.timing import sentence_of
from reportapp.schedules.validation import FIELDS

#: What a script need not say. A weekday or a day of the month it must.
_DEFAULTS = {name: value for name, value in DEFAULTS.items() if not name.startswith("day")}
_NONE = ("class_group_id", "start_date", "end_date", "paused_until", "max_runs")


class ScheduleBody(Rule, Body):
    """What can be set."""

    time = fields.String(
        validate=validate.Regexp(r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:00)?$"),
        **said("Local time in `time_zone`.", "09:00"),
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
    recipients = ReadOnly("People are added at `…/{schedule_id}/recipients/`.")
    audiences = ReadOnly("Groups are added at `…/{schedule_id}/groups/`.")
    recent_executions = ReadOnly()


class UnsavedScheduleBody(ScheduleBody):
    """What can be set. What is not there is as in a new schedule."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:
        defaults = _DEFAULTS | dict.fromkeys(_NONE)
        if field_name in defaults:
            # The metadata are shared with the other bodies' fields.
            field_obj.metadata = {**field_obj.metadata, "default": defaults[field_name]}


class NewScheduleBody(UnsavedScheduleBody):
    """What can be set. What is not there is weekly, at 09:00 in the author's time zone, CSV and
    active."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.required = field_name in ("name", "report_type")


class _Key(Schema):
    """So that it comes first."""

    id = fields.Integer()


class ScheduleAnswer(Rule, _Key, Answer):
    """A schedule."""

    created_by = fields.Integer(**said("The author's id."))
    created_by_name = fields.String()
    last_sent = fields.DateTime(allow_none=True)
    last_generated = fields.DateTime(allow_none=True)
    next_scheduled = fields.DateTime(
        allow_none=True, **said("null: switched off, or its rhythm has ended.")
    )
    paused_reason = fields.String(
        allow_none=True, **said("Why the system switched it off by itself.")
    )
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    description = fields.String(**said("When it runs, as a sentence."))
    active_recipients_count = fields.Integer(
        allow_none=True,
        **said("Of those put on by name, the subscribed ones; null: not for this reader."),
    )


class RecipientAnswer(Answer):
    """Somebody who was put on a schedule by name."""

    id = fields.Integer()
    schedule = fields.Integer(attribute="schedule_id")
    recipient = fields.Integer(attribute="recipient_id", **said("The person's id."))
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
    people = fields.Integer(**said("How many are in it now."))


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
    search = Search("Every word of it is in the name.")
    ordering = Choice(
        [f"{sign}{name}" for name in ORDERS for sign in ("", "-")],
        load_default="next_scheduled",
        **said("With - the other way round."),
    )


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
