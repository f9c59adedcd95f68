"""What a schedule may be: the one check of all input, from forms and scripts alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from reportapp.access import REPORT_AUTHORS
from reportapp.constants import ExportFormat, Frequency, ReportType, Role
from reportapp.errors import InvalidInput
from reportapp.recurrence import Rule
from reportapp.recurrence.zones import find_zone

MAX_NAME = 200
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True)
class ScheduleInput:
    """A schedule's fields, checked."""

    name: str
    report_type: ReportType
    frequency: Frequency
    day_of_week: int | None
    day_of_month: int | None
    time: time
    time_zone: str
    export_format: ExportFormat
    is_active: bool

    def rule(self) -> Rule:
        return Rule(
            self.frequency,
            self.time,
            ZoneInfo(self.time_zone),
            self.day_of_week,
            self.day_of_month,
        )


def check_schedule(data: Mapping[str, Any], author_role: Role) -> ScheduleInput:
    """The checked fields of `data`, whose values may be text as a form sends it.

    Raises InvalidInput with every field that is wrong and what would be right. `author_role` is
    the role of the schedule's author, who must be allowed to order the report type.
    """
    fields = _Fields(data)

    values = {
        "name": fields.read("name", _name),
        "report_type": fields.read("report_type", lambda raw: _report_type(raw, author_role)),
        **_rhythm(fields),
        "export_format": fields.read("export_format", lambda raw: _choice(raw, ExportFormat)),
        "is_active": fields.read("is_active", _flag),
    }
    fields.finish()
    return ScheduleInput(**values)


def check_rule(data: Mapping[str, Any]) -> Rule:
    """The rhythm alone (frequency, day, time, time_zone), for showing the next runs of a form that
    is not filled in yet. Raises InvalidInput like `check_schedule`."""
    fields = _Fields(data)

    rhythm = _rhythm(fields)
    fields.finish()
    return Rule(
        rhythm["frequency"],
        rhythm["time"],
        ZoneInfo(rhythm["time_zone"]),
        rhythm["day_of_week"],
        rhythm["day_of_month"],
    )


class _Fields:
    """Reads fields one by one and gathers what is wrong with them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.problems: dict[str, list[str]] = {}

    def read(self, field: str, reader: Callable[[Any], Any]) -> Any:
        try:
            return reader(self.data.get(field))
        except ValueError as error:
            self.problems[field] = [str(error)]
            return None

    def finish(self) -> None:
        if self.problems:
            raise InvalidInput(self.problems)


def _rhythm(fields: _Fields) -> dict[str, Any]:
    frequency = fields.read("frequency", lambda raw: _choice(raw, Frequency))
    days: dict[str, int | None] = {"day_of_week": None, "day_of_month": None}
    # A day that the frequency does not use is left out, so that a form may keep its hidden field.
    if frequency is Frequency.WEEKLY:
        days["day_of_week"] = fields.read(
            "day_of_week", lambda raw: _day(raw, 7, "Choose a weekday, 1 (Monday) to 7 (Sunday).")
        )
    if frequency is Frequency.MONTHLY:
        days["day_of_month"] = fields.read(
            "day_of_month", lambda raw: _day(raw, 31, "Choose a day of the month, 1 to 31.")
        )
    return {
        "frequency": frequency,
        **days,
        "time": fields.read("time", _time),
        "time_zone": fields.read("time_zone", _zone),
    }


def _name(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("Give the schedule a name.")
    name = " ".join(raw.split())
    if len(name) > MAX_NAME:
        raise ValueError(f"Use at most {MAX_NAME} characters; this has {len(name):,}.")
    if not name.isprintable():
        raise ValueError("Use letters, digits and signs only; there is an invisible character.")
    return name


def _choice(raw: Any, kind: type[_E]) -> _E:
    choices = ", ".join(kind)
    if raw is None or raw == "":
        raise ValueError(f"Choose one of: {choices}.")
    try:
        return kind(raw)
    except (ValueError, TypeError):
        raise ValueError(f"This is none of the choices: {choices}.") from None


def _report_type(raw: Any, author_role: Role) -> ReportType:
    kind = _choice(raw, ReportType)
    if author_role not in REPORT_AUTHORS[kind]:
        raise ValueError(f"A {author_role} cannot order this report.")
    return kind


def _day(raw: Any, highest: int, message: str) -> int:
    if isinstance(raw, str) and raw.strip().isascii() and len(raw) <= 4:
        raw = int(raw) if raw.strip().isdigit() else None
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= highest:
        raise ValueError(message)
    return raw


def _time(raw: Any) -> time:
    if isinstance(raw, time):
        return raw.replace(second=0, microsecond=0)
    message = "Give a time of day from 00:00 to 23:59, such as 09:00."
    if not isinstance(raw, str) or len(raw) > 8:
        raise ValueError(message)
    parts = raw.strip().split(":")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() and p for p in parts):
        raise ValueError(message)
    if len(parts) == 3 and int(parts[2]) != 0:
        raise ValueError("Seconds cannot be chosen; give a time such as 09:00.")
    try:
        return time(int(parts[0]), int(parts[1]))
    except ValueError:
        raise ValueError(message) from None


def _zone(raw: Any) -> str:
    return find_zone(raw if isinstance(raw, str) else "")


def _flag(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    raise ValueError("Say true or false.")
