"""What a person sets of a schedule, and what the choices mean."""

from typing import Any

from marshmallow import Schema, fields, validate

from reportapp.api.schemas import Choice, Day, Flag, Whole
from reportapp.constants import (
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
from reportapp.recurrence import LAST
from reportapp.recurrence.cron import MOST_CHARACTERS
from reportapp.schedules.validation import MAX_NAME


def said(text: str, example: Any = None) -> dict[str, Any]:
    """A field's description, and an example of it."""
    return {"metadata": {"description": text} | ({} if example is None else {"example": example})}


_UNUSED = "A rhythm that does not use it does not keep it."


class Rule(Schema):
    """What a person sets, alike on the way in and on the way out."""

    # The use-case counts the characters, and says how many there are.
    name = fields.String(
        metadata={
            "minLength": 1,
            "maxLength": MAX_NAME,
            "description": f"Up to {MAX_NAME} characters.",
        }
    )
    report_type = Choice(ReportType)
    class_group_id = Whole(
        1,
        allow_none=True,
        **said("Only about this class, see `/api/reports/classes/`; null: about all."),
    )
    frequency = Choice(Frequency)
    day_of_week = Whole(
        1,
        7,
        allow_none=True,
        **said(f"1 = Monday to 7 = Sunday; weekly ones need it. {_UNUSED}", 1),
    )
    days_of_week = fields.List(
        Whole(1, 7),
        validate=validate.Length(max=20),
        **said(f"Instead of `day_of_week`, which is the first of them. {_UNUSED}", [1, 4]),
    )
    interval = Whole(1, 52, **said(f"Weekly ones: every so many weeks. {_UNUSED}"))
    day_of_month = Whole(
        1,
        31,
        allow_none=True,
        **said(f"Or the month's last day, where it is shorter; monthly ones need it. {_UNUSED}", 1),
    )
    month_mode = Choice(MonthMode, **said(f"Of monthly ones. {_UNUSED}"))
    nth = fields.Integer(
        strict=True,
        validate=validate.OneOf([1, 2, 3, 4, LAST]),
        **said(f"The 1st to 4th in the month, or -1, the last: see `month_mode`. {_UNUSED}"),
    )
    cron = fields.String(
        allow_none=True,
        validate=validate.Length(max=MOST_CHARACTERS),
        **said(
            "Five fields: minute, hour, day of the month, month, weekday; once an hour at most. "
            f"{_UNUSED}",
            "0 8 * * 1-5",
        ),
    )
    time = fields.String(**said("Local time in `time_zone`; cron ones say it themselves.", "09:00"))
    time_zone = fields.String(
        **said("By its IANA name; unless it is said, the author's own.", "Europe/Berlin")
    )
    start_date = Day(
        allow_none=True,
        **said("The first day on which it may run; weeks of an `interval` count from there."),
    )
    end_date = Day(allow_none=True, **said("The last day on which it may run."))
    paused_until = Day(allow_none=True, **said("The first day after a pause."))
    max_runs = Whole(1, 10_000, allow_none=True, **said("After so many runs it has ended."))
    closed_days = Choice(ClosedDays, **said("On days without school:"))
    exams_closed = Flag(**said("Exam weeks count as days without school."))
    period = Choice(PeriodKind, **said("Which days a report covers, up to the day before its run:"))
    export_format = Choice(ExportFormat)
    delivery_mode = Choice(DeliveryMode, **said("How the file arrives:"))
    link_access = Choice(LinkAccess, **said("What a link asks for:"))
    when_empty = Choice(WhenEmpty, **said("Where there is nothing to report:"))
    is_active = Flag(**said("It is sent by itself at these times."))
