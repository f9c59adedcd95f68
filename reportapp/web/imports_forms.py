"""The form in which the columns of an attendance or marks file get their meaning."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request
from flask_wtf.file import FileField
from wtforms import RadioField, SelectField, StringField
from wtforms.fields import SelectChoice

from reportapp.constants import AttendanceStatus, DateOrder, ImportKind, Others
from reportapp.school.records_columns import ColumnChoice, label_of
from reportapp.school.records_mapping import COLUMNS, LEAVE_OUT
from reportapp.school.records_values import EXAMPLES, fitting, read_day
from reportapp.web.forms import Form
from reportapp.web.words import ATTENDANCE_STATUS

OTHERS = {
    Others.UNKNOWN: (
        "Everybody has a row",
        "Also those who were present. Of anybody without a row nothing is known.",
    ),
    Others.PRESENT: (
        "Only those who were absent, late or excused; everybody else was present every school day",
        "For whole days, and for classes that meet every day.",
    ),
    Others.PRESENT_WHERE_LISTED: (
        "The same, but only the lessons with a row have taken place",
        "For classes that do not meet every day. Lessons in which nobody was missing are not "
        "counted, since the file does not know them.",
    ),
}
#: What a code can mean, as the list shows it.
MEANINGS = [
    SelectChoice("", "Choose …"),
    *(SelectChoice(str(status), word) for status, word in ATTENDANCE_STATUS.items()),
    SelectChoice(LEAVE_OUT, "Leave these rows out"),
]


class RecordsUploadForm(Form):
    kind = RadioField("What is in the file?", validate_choice=False)
    file = FileField("File")


class ColumnsForm(Form):
    """What both kinds of files have; a field for each column is added below."""

    name = StringField("Keep these choices under the name")


class AttendanceColumnsForm(ColumnsForm):
    date_order = RadioField(label_of(ImportKind.ATTENDANCE, "date_order"), validate_choice=False)
    codes = StringField(label_of(ImportKind.ATTENDANCE, "codes"))
    others = RadioField(label_of(ImportKind.ATTENDANCE, "others"), validate_choice=False)
    first_day = StringField(label_of(ImportKind.ATTENDANCE, "first_day"))
    last_day = StringField(label_of(ImportKind.ATTENDANCE, "last_day"))


class MarksColumnsForm(ColumnsForm):
    highest = StringField(label_of(ImportKind.MARKS, "highest"))
    due = StringField(label_of(ImportKind.MARKS, "due"))


_FORMS: dict[ImportKind, type[ColumnsForm]] = {
    ImportKind.ATTENDANCE: AttendanceColumnsForm,
    ImportKind.MARKS: MarksColumnsForm,
}
for _kind, _form in _FORMS.items():
    for _column in COLUMNS[_kind]:
        setattr(_form, _column.field, SelectField(_column.label, validate_choice=False))


def typed(kind: ImportKind) -> dict[str, Any]:
    """What was sent, as `check_mapping` takes it."""
    names = [name for name in _fields_of(kind) if name not in ("name", "codes", "csrf_token")]
    data: dict[str, Any] = {name: request.form.get(name, "").strip() for name in names}
    if kind is ImportKind.ATTENDANCE:
        pairs = zip(request.form.getlist("spelling"), request.form.getlist("meaning"), strict=False)
        data["codes"] = {spelling: meaning for spelling, meaning in pairs if meaning}
    return data


def form_for(choice: ColumnChoice, name: str = "") -> ColumnsForm:
    """The form that shows `choice`."""
    form = _FORMS[choice.kind](formdata=None)
    form.name.data = name
    shown = dict(zip(choice.table.columns, zip(*choice.first_rows, strict=True), strict=False))
    columns = [
        SelectChoice(column, _with_example(column, shown.get(column, ())))
        for column in choice.table.columns
    ]
    for column in COLUMNS[choice.kind]:
        none = "Choose …" if column.required else "– not in the file –"
        field = form._fields[column.field]
        field.choices = [SelectChoice("", none), *columns]
    for field_name in _fields_of(choice.kind):
        value = choice.data.get(field_name)
        if field_name not in ("name", "codes"):
            form._fields[field_name].data = _text(value)
    return form


def order_choices(choice: ColumnChoice) -> list[tuple[DateOrder, str]]:
    """In which orders the days of the file can be written, each with what a day of it would be."""
    example = choice.guess.example
    orders = fitting(example, choice.guess.orders)
    if not orders:
        return [(order, f"like {EXAMPLES[order]}") for order in DateOrder]
    read = {order: read_day(example, order) for order in orders}
    return [(order, f"{example} is {day.day} {day:%B} {day.year}") for order, day in read.items()]


def _fields_of(kind: ImportKind) -> list[str]:
    return [*_FORMS[kind](formdata=None, meta={"csrf": False})._fields]


def _with_example(column: str, values: Any) -> str:
    example = next((value for value in values if value), "")
    if not example:
        return f"{column} (empty)"
    return f"{column} (such as {example[:30]})"


def _text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:.10g}" if isinstance(value, float) else str(value or "")


def meanings_of(choice: ColumnChoice) -> list[tuple[str, int, str]]:
    """The codes of the file, the most frequent first: (code, how often, meaning or nothing)."""
    codes: Mapping[str, Any] = choice.data.get("codes") or {}
    return [
        (code, count, str(codes.get(code, ""))) for code, count in choice.guess.counts.most_common()
    ]


assert set(OTHERS) == set(Others)
assert len(MEANINGS) == len(AttendanceStatus) + 2
