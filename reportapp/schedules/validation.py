"""What a schedule may be: the one check of all input, from forms and scripts alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from reportapp.access import REPORT_AUTHORS
from reportapp.constants import (
    ClosedDays,
    DeliveryMode,
    ExportFormat,
    Frequency,
    LinkAccess,
    MonthMode,
    PeriodKind,
    ReportType,
    Role,
    WhenEmpty,
)
from reportapp.errors import InvalidInput, unknown_fields
from reportapp.recurrence import LAST, parse_cron
from reportapp.recurrence.zones import find_zone
from reportapp.reports.scope import BASIS, Basis

MAX_NAME = 200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True)
class ScheduleInput:
    """A schedule's fields, checked; each is the model's of the same name."""

    name: str
    report_type: ReportType
    class_group_id: int | None
    frequency: Frequency
    day_of_week: int | None
    days_of_week: str
    interval: int
    day_of_month: int | None
    month_mode: MonthMode
    nth: int
    cron: str | None
    time: time
    time_zone: str
    start_date: date | None
    end_date: date | None
    paused_until: date | None
    max_runs: int | None
    closed_days: ClosedDays
    exams_closed: bool
    period: PeriodKind
    export_format: ExportFormat
    delivery_mode: DeliveryMode
    link_access: LinkAccess
    when_empty: WhenEmpty
    is_active: bool


#: All fields that a person can set.
FIELDS = tuple(field.name for field in fields(ScheduleInput))
_WHAT = {"name", "report_type", "class_group_id", "export_format", "is_active"}
_HOW = {"delivery_mode", "link_access", "when_empty"}
#: The fields that decide when a schedule runs and which days its reports cover.
RHYTHM = tuple(name for name in FIELDS if name not in _WHAT | _HOW)


def check_schedule(
    data: Mapping[str, Any], author_role: Role, now: datetime, classes: Collection[int] = ()
) -> ScheduleInput:
    """The checked fields of `data`, whose values may be text as a form sends it. Fields that the
    rhythm does not use are emptied, so that a form may keep its hidden ones. The weeks of an
    interval without a start date are counted from the present one.

    Raises InvalidInput with every field that is wrong and what would be right. `author_role` is
    the role of the schedule's author, who must be allowed to order the report type; `classes` are
    the ids of those to which the author may limit it.
    """
    found = _Fields(data)
    kind = found.read("report_type", lambda raw: _report_type(raw, author_role))
    values = {
        "name": found.read("name", _name),
        "report_type": kind,
        "class_group_id": found.read("class_group_id", lambda raw: _class(raw, classes), None)
        if kind is None or BASIS[kind] is Basis.CLASS
        else None,
        **_rhythm(found, now),
        "export_format": found.read("export_format", lambda raw: choice_of(raw, ExportFormat)),
        **_arrival(found),
        "is_active": found.read("is_active", _flag),
    }
    found.refuse_unknown(FIELDS)
    found.finish()
    return ScheduleInput(**values)


def check_rhythm(data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The fields of RHYTHM alone, for showing the next runs of a form that is not filled in yet.
    Raises InvalidInput like `check_schedule`."""
    found = _Fields(data)
    rhythm = _rhythm(found, now)
    found.refuse_unknown(FIELDS)
    found.finish()
    return rhythm


class _Fields:
    """Reads fields one by one and gathers what is wrong with them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.problems: dict[str, list[str]] = {}

    def read(self, field: str, reader: Callable[[Any], Any], *default: Any) -> Any:
        """The field's value, or the `default`, where there is one, of a field left empty."""
        raw = self.data.get(field)
        if default and (raw is None or raw == ""):
            return default[0]
        try:
            return reader(raw)
        except ValueError as error:
            self.problems[field] = [str(error)]
            return None

    def refuse_unknown(self, known: Collection[str]) -> None:
        self.problems |= unknown_fields(self.data, known)

    def finish(self) -> None:
        if self.problems:
            raise InvalidInput(self.problems)


def _rhythm(found: _Fields, now: datetime) -> dict[str, Any]:
    frequency = found.read("frequency", lambda raw: choice_of(raw, Frequency))
    values: dict[str, Any] = {
        "frequency": frequency,
        "days_of_week": "",
        "interval": 1,
        "day_of_month": None,
        "month_mode": MonthMode.DAY,
        "nth": 1,
        "cron": None,
        # A cron rule says its times itself.
        "time": time(0) if frequency is Frequency.CRON else found.read("time", _time),
        "time_zone": found.read("time_zone", _zone),
    }
    match frequency:
        case Frequency.WEEKLY:
            values["days_of_week"] = _read_weekdays(found)
            values["interval"] = found.read("interval", _whole(1, 52, "weeks"), 1)
        case Frequency.MONTHLY:
            values |= _monthly(found)
        case Frequency.CRON:
            values["cron"] = found.read("cron", _cron)
    values["day_of_week"] = int(values["days_of_week"][0]) if values["days_of_week"] else None
    values |= _limits(found)
    if (values["interval"] or 1) > 1 and values["start_date"] is None and values["time_zone"]:
        values["start_date"] = now.astimezone(ZoneInfo(values["time_zone"])).date()
    start, end = values["start_date"], values["end_date"]
    if start and end and end < start:
        found.problems["end_date"] = ["The last day lies before the first one."]
    return values


def _monthly(found: _Fields) -> dict[str, Any]:
    mode = found.read("month_mode", lambda raw: choice_of(raw, MonthMode), MonthMode.DAY)
    values: dict[str, Any] = {"month_mode": mode}
    if mode is MonthMode.DAY:
        values["day_of_month"] = found.read(
            "day_of_month", lambda raw: _day(raw, 31, "Choose a day of the month, 1 to 31.")
        )
    if mode is MonthMode.WEEKDAY:
        days = _read_weekdays(found)
        if days and len(days) != 1:
            found.problems["days_of_week"] = ["Choose one weekday for a monthly schedule."]
        values["days_of_week"] = days
        values["nth"] = found.read("nth", lambda raw: _nth(raw, (1, 2, 3, 4, LAST)), 1)
    if mode is MonthMode.SCHOOL_DAY:
        values["nth"] = found.read("nth", lambda raw: _nth(raw, (1, LAST)), 1)
    return values


def _limits(found: _Fields) -> dict[str, Any]:
    return {
        "start_date": found.read("start_date", _date, None),
        "end_date": found.read("end_date", _date, None),
        "paused_until": found.read("paused_until", _date, None),
        "max_runs": found.read("max_runs", _whole(1, 10_000, "times"), None),
        "closed_days": found.read(
            "closed_days", lambda raw: choice_of(raw, ClosedDays), ClosedDays.SEND
        ),
        "exams_closed": found.read("exams_closed", _flag, False),
        "period": found.read("period", lambda raw: choice_of(raw, PeriodKind), PeriodKind.RHYTHM),
    }


def _arrival(found: _Fields) -> dict[str, Any]:
    """How the file comes, and what comes where there is nothing to report."""
    mode, access, empty = DeliveryMode, LinkAccess, WhenEmpty
    return {
        "delivery_mode": found.read(
            "delivery_mode", lambda raw: choice_of(raw, mode), mode.ATTACHMENT
        ),
        "link_access": found.read("link_access", lambda raw: choice_of(raw, access), access.LOGIN),
        "when_empty": found.read("when_empty", lambda raw: choice_of(raw, empty), empty.SKIP),
    }


def _read_weekdays(found: _Fields) -> str:
    """The weekdays' digits, rising; `day_of_week` alone stands for one of them."""
    message = "Choose a weekday, 1 (Monday) to 7 (Sunday)."
    if found.data.get("days_of_week") in (None, "", [], ()):
        # Missing altogether, it is told at the field that was offered.
        name = "days_of_week" if "days_of_week" in found.data else "day_of_week"
        if found.data.get("day_of_week") not in (None, ""):
            name = "day_of_week"
        day = found.read(name, lambda raw: _day(raw, 7, message))
        return str(day) if day else ""
    return found.read("days_of_week", lambda raw: _weekdays(raw, message)) or ""


def _weekdays(raw: Any, message: str) -> str:
    if isinstance(raw, str):
        if len(raw) > 20 or not raw.isascii():
            raise ValueError(message)
        raw = list(raw.replace(",", "").replace(" ", ""))
    if not isinstance(raw, list | tuple) or not 0 < len(raw) <= 20:
        raise ValueError(message)
    return "".join(str(day) for day in sorted({_day(day, 7, message) for day in raw}))


def _nth(raw: Any, choices: tuple[int, ...]) -> int:
    if isinstance(raw, str) and raw.strip() in {str(choice) for choice in choices}:
        raw = int(raw)
    if isinstance(raw, bool) or raw not in choices:
        words = {1: "1", 2: "2", 3: "3", 4: "4", LAST: f"{LAST} (the last)"}
        raise ValueError(f"Choose one of: {', '.join(words[choice] for choice in choices)}.")
    return int(raw)


def _whole(low: int, high: int, unit: str) -> Callable[[Any], int]:
    def read(raw: Any) -> int:
        if isinstance(raw, str) and len(raw) <= 12 and raw.strip().isascii():
            raw = int(raw) if raw.strip().isdigit() else None
        if not isinstance(raw, int) or isinstance(raw, bool) or not low <= raw <= high:
            raise ValueError(f"Give a whole number of {unit} from {low} to {high:,}.")
        return raw

    return read


def _date(raw: Any) -> date:
    message = "Give a date from 2000 to 2100, such as 2026-09-01."
    if isinstance(raw, str):
        try:
            # Other forms of ISO 8601, such as 2026-W01-1, are nothing that people type.
            raw = date.fromisoformat(raw.strip()) if _DATE.fullmatch(raw.strip()) else None
        except ValueError:
            raise ValueError(message) from None
    if not isinstance(raw, date) or isinstance(raw, datetime) or not 2000 <= raw.year <= 2100:
        raise ValueError(message)
    return raw


def _cron(raw: Any) -> str:
    return parse_cron(raw if isinstance(raw, str) else "").text


def _name(raw: Any) -> str:
    if raw is None or raw == "":
        raise ValueError("Give the schedule a name.")
    if not isinstance(raw, str):
        raise ValueError("Give the name as a text.")
    if len(raw) > MAX_NAME:
        raise ValueError(f"Use at most {MAX_NAME} characters; this has {len(raw):,}.")
    name = " ".join(raw.split())
    if not name:
        raise ValueError("Give the schedule a name.")
    if not name.isprintable():
        raise ValueError("Use letters, digits and signs only; there is an invisible character.")
    return name


def choice_of(raw: Any, kind: type[_E]) -> _E:
    """The choice that `raw` names. Raises ValueError with all there are."""
    choices = ", ".join(kind)
    if raw is None or raw == "":
        raise ValueError(f"Choose one of: {choices}.")
    try:
        return kind(raw)
    except (ValueError, TypeError):
        raise ValueError(f"This is none of the choices: {choices}.") from None


def _report_type(raw: Any, author_role: Role) -> ReportType:
    kind = choice_of(raw, ReportType)
    if author_role not in REPORT_AUTHORS[kind]:
        raise ValueError(f"A {author_role} cannot order this report.")
    return kind


def _class(raw: Any, classes: Collection[int]) -> int:
    if isinstance(raw, str) and len(raw) <= 12 and raw.strip().isascii() and raw.strip().isdigit():
        raw = int(raw)
    if not isinstance(raw, int) or isinstance(raw, bool) or raw not in classes:
        raise ValueError("Choose one of your present classes, or all of them.")
    return raw


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
