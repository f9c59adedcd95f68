"""What the pages of written reports read from their addresses and forms."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, StringField, TextAreaField

from reportapp.constants import ReportType
from reportapp.documents import Period
from reportapp.errors import InvalidInput, NotFound
from reportapp.keys import read_key
from reportapp.school.calendar_values import read_date
from reportapp.web.forms import Form
from reportapp.web.inputs import key_from
from reportapp.written.find import UNKNOWN
from reportapp.written.kinds import WRITTEN, Subject, kind_of, of_class
from reportapp.written.lists import Filter, State
from reportapp.written.values import words_in

_MOST_NAME = 100


class WordsForm(Form):
    """An author's words; a kind's page shows the fields that it has."""

    grade = StringField("Grade")
    progress_percent = StringField("Progress in percent")
    summary = TextAreaField("Summary")
    behaviour = TextAreaField("Behaviour")
    concerns = TextAreaField("Concerns")
    recommendations = TextAreaField("Recommendations")
    notes = TextAreaField("Notes")
    show_to_parent = BooleanField("Show this report to parents")

    @classmethod
    def of(cls, kind: ReportType, report: Any | None) -> "WordsForm":
        """For going on with `report`, or for a new one, or what was typed."""
        if request.method == "POST":
            return cls()
        if report is None:
            return cls(data={"show_to_parent": True})
        return cls(data=words_in(kind, report))

    def words(self, kind: ReportType) -> dict[str, Any]:
        """What was typed, for the use-case."""
        return {name: self._fields[name].data for name in (*WRITTEN[kind].fields, "show_to_parent")}


def subject_from(args: Mapping[str, str]) -> Subject:
    """What the address says a report is about. Raises NotFound where it says nothing like it."""
    kind = kind_of(args.get("kind"))
    class_id = key_from(args.get("class"), UNKNOWN) if of_class(kind) else None
    return Subject(kind, class_id, key_from(args.get("student"), UNKNOWN), period_from(args))


def period_from(args: Mapping[str, str]) -> Period:
    """The days [start, end) of an address. Raises NotFound where there are none."""
    try:
        return Period(date.fromisoformat(args["start"]), date.fromisoformat(args["end"]))
    except (KeyError, ValueError):
        raise NotFound(UNKNOWN) from None


def board_args(kind: ReportType, class_id: int | None, period: Period) -> dict[str, Any]:
    """A board as an address has it."""
    return {"kind": kind, "class": class_id, "start": period.start, "end": period.end}


def subject_args(subject: Subject) -> dict[str, Any]:
    """The same of one report."""
    board = board_args(subject.kind, subject.class_id, subject.period)
    return {**board, "student": subject.student_id}


def chosen_period(args: Mapping[str, str]) -> Period | None:
    """The days that were chosen for a new report: typed, from the list, or none yet. Raises
    InvalidInput at `first_day`, `last_day` or `period`."""
    if args.get("first_day") or args.get("last_day"):
        return _typed_period(args)
    if not args.get("period"):
        return period_from(args) if "start" in args else None
    start, _, end = args["period"].partition("/")
    try:
        return period_from({"start": start, "end": end})
    except NotFound:
        raise InvalidInput({"period": ["Choose one of the periods."]}) from None


def _typed_period(args: Mapping[str, str]) -> Period:
    days, problems = {}, {}
    for name in ("first_day", "last_day"):
        try:
            days[name] = read_date(args.get(name))
        except ValueError as error:
            problems[name] = [str(error)]
    if not problems and days["last_day"] < days["first_day"]:
        problems["last_day"] = ["The last day is before the first one."]
    if problems:
        raise InvalidInput(problems)
    return Period(days["first_day"], days["last_day"] + timedelta(days=1))


def filter_from(args: MultiDict[str, str]) -> Filter:
    """What a list is narrowed to; what makes no sense narrows nothing."""
    return Filter(
        kind=next((kind for kind in WRITTEN if kind == args.get("kind")), None),
        class_id=read_key(args.get("class")),
        student_id=read_key(args.get("student")),
        name=args.get("name", "").strip()[:_MOST_NAME],
        state=next((state for state in State if state == args.get("state")), None),
        unread=args.get("unread") == "1",
    )


def filter_args(wanted: Filter) -> dict[str, Any]:
    """The same for the links to the list's other pages."""
    values = {
        "kind": wanted.kind,
        "class": wanted.class_id,
        "student": wanted.student_id,
        "name": wanted.name,
        "state": wanted.state,
        "unread": 1 if wanted.unread else None,
    }
    return {name: value for name, value in values.items() if value}
