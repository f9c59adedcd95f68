"""Forms: reading what was typed. What is acceptable, the use-cases decide; their messages are put
back at the fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields import SelectChoice

from reportapp.access import report_types_for
from reportapp.constants import ExportFormat, Frequency, MonthMode, Role
from reportapp.errors import InvalidInput
from reportapp.models import ClassGroup, ReportSchedule, User
from reportapp.recurrence import LAST
from reportapp.recurrence.words import WEEKDAYS, ordinal
from reportapp.reports import REPORTS
from reportapp.schedules.edit import DEFAULTS, fields_of
from reportapp.web.words import (
    CLOSED_DAYS,
    DELIVERY_MODE,
    FORMAT_USE,
    FREQUENCY_CHOICE,
    LINK_ACCESS,
    PERIOD,
    WHEN_EMPTY,
)


class Form(FlaskForm):
    """A form that shows a use-case's errors at its fields."""

    def show(self, error: InvalidInput) -> None:
        for name, texts in error.fields.items():
            field = self._fields.get(name)
            if field is not None:
                field.errors = list(texts)
            else:
                self.form_errors.extend(texts)


class LoginForm(Form):
    email = StringField("E-mail address")
    password = PasswordField("Password")
    remember = BooleanField("Stay logged in on this device for two weeks")


class AskForm(Form):
    email = StringField("E-mail address")


class ChoosePasswordForm(Form):
    password = PasswordField("New password")


class ZoneForm(Form):
    time_zone = StringField("Time zone")


class PasswordForm(Form):
    current_password = PasswordField("Present password")
    new_password = PasswordField("New password")


def _choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(str(value), label) for value, label in words.items()]


_WEEKDAYS = dict(enumerate(WEEKDAYS, start=1))
_MONTH_DAYS = {
    **{day: ordinal(day) for day in range(1, 29)},
    **{day: f"{ordinal(day)}, or the last day" for day in (29, 30)},
    31: "Last day of the month",
}


#: What a monthly schedule counts by: (month_mode, nth) by the form's word for it.
_MONTHLY_ON = {
    "day": (MonthMode.DAY, None),
    "weekday": (MonthMode.WEEKDAY, None),
    "first_school_day": (MonthMode.SCHOOL_DAY, 1),
    "last_school_day": (MonthMode.SCHOOL_DAY, LAST),
}
_MONTHLY_WORDS = {
    "day": "a day of the month",
    "weekday": "a weekday",
    "first_school_day": "the first school day",
    "last_school_day": "the last school day",
}
_NTH = {1: "First", 2: "Second", 3: "Third", 4: "Fourth", LAST: "Last"}


class ScheduleForm(Form):
    name = StringField("Name")
    report_type = SelectField("Report")
    class_group_id = SelectField("About")
    frequency = SelectField("How often", choices=_choices(FREQUENCY_CHOICE))
    days_of_week = SelectMultipleField("Weekdays", choices=_choices(_WEEKDAYS))
    interval = StringField("Every how many weeks")
    month_mode = SelectField("On", choices=_choices(_MONTHLY_WORDS))
    day_of_month = SelectField("Day of the month", choices=_choices(_MONTH_DAYS))
    nth = SelectField("Which one", choices=_choices(_NTH))
    day_of_week = SelectField("Weekday", choices=_choices(_WEEKDAYS))
    cron = StringField("Cron rule")
    time = StringField("Time")
    time_zone = StringField("Time zone")
    closed_days = SelectField("On days without school", choices=_choices(CLOSED_DAYS))
    exams_closed = BooleanField("Exam weeks count as days without school")
    period = SelectField("The report covers", choices=_choices(PERIOD))
    start_date = StringField("First day")
    end_date = StringField("Last day")
    paused_until = StringField("Pause until")
    max_runs = StringField("Number of times")
    export_format = SelectField("File", choices=_choices(FORMAT_USE))
    delivery_mode = SelectField("The file comes", choices=_choices(DELIVERY_MODE))
    link_access = SelectField("A link", choices=_choices(LINK_ACCESS))
    when_empty = SelectField("If there is nothing to report", choices=_choices(WHEN_EMPTY))
    is_active = BooleanField("Active: send by itself at these times")
    to_author = BooleanField("Send it to me, too")

    @classmethod
    def blank(cls, actor: User, classes: Sequence[ClassGroup]) -> "ScheduleForm":
        """For a new schedule of `actor`, or what they have typed."""
        kinds = report_types_for(actor.role)
        start = {**DEFAULTS, "report_type": kinds[0], "time_zone": actor.zone_name}
        # Scripts get the plain table unless they say otherwise; people want something to read.
        start |= {"export_format": ExportFormat.PDF, "to_author": True}
        return cls._with(actor.role, start, classes)

    @classmethod
    def of(cls, schedule: ReportSchedule, classes: Sequence[ClassGroup]) -> "ScheduleForm":
        """For changing `schedule`, or what they have typed."""
        start = fields_of(schedule)
        start["time"] = f"{schedule.time:%H:%M}"
        start["month_mode"] = next(
            word
            for word, (mode, nth) in _MONTHLY_ON.items()
            if mode is schedule.month_mode and nth in (None, schedule.nth)
        )
        for field in ("day_of_week", "days_of_week", "day_of_month"):
            start[field] = start[field] or str(DEFAULTS[field])
        return cls._with(schedule.created_by.role, start, classes)

    @classmethod
    def _with(
        cls, author_role: Role, start: dict[str, Any], classes: Sequence[ClassGroup]
    ) -> "ScheduleForm":
        # What a sent form lacks is missing; it is not what the form began with.
        begin = {name: _plain(value) for name, value in start.items()}
        begin["days_of_week"] = list(start["days_of_week"])
        form = cls() if request.method == "POST" else cls(data=begin)
        kinds = report_types_for(author_role)
        form.report_type.choices = _choices({kind: REPORTS[kind].label for kind in kinds})
        everything = "All classes" if author_role is Role.ADMIN else "All my classes"
        titles = {group.id: f"{group.title} only" for group in classes}
        form.class_group_id.choices = _choices({"": everything, **titles})
        return form

    def wants_saving(self) -> bool:
        """Whether the form was sent to be saved, and not only to see the next runs."""
        return request.method == "POST" and "only_show" not in request.form

    def values(self) -> dict[str, Any]:
        """What was typed, for the use-case."""
        own = {"csrf_token", "to_author"}
        values = {name: field.data for name, field in self._fields.items() if name not in own}
        if values["frequency"] == Frequency.WEEKLY:
            del values["day_of_week"]
        else:
            del values["days_of_week"]
        mode, nth = _MONTHLY_ON.get(values["month_mode"], (values["month_mode"], None))
        return {**values, "month_mode": mode, "nth": nth or values["nth"]}


def typed_so_far(args: MultiDict[str, str]) -> dict[str, Any]:
    """The values of a schedule's form that is still being filled in."""
    return ScheduleForm(formdata=args, meta={"csrf": False}).values()


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) or value is None else str(value)
