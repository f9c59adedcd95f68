"""The forms of the school calendar, and what a looked-at import keeps until it is saved."""

from datetime import date
from typing import Any

from flask import current_app
from flask_wtf.file import FileField
from itsdangerous import BadData, URLSafeTimedSerializer
from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.errors import Conflict, InvalidInput
from reportapp.school.calendar_found import Found, FoundCalendar
from reportapp.school.calendar_import import ImportPlan
from reportapp.web.forms import Form
from reportapp.web.words import CALENDAR_KIND

#: In the list of kinds, although terms are kept elsewhere.
TERM = "term"
_KINDS = [SelectChoice(str(kind), word) for kind, word in CALENDAR_KIND.items()]
#: A longer field would not be accepted by the next request.
_MOST_KEPT = 450_000
_SECONDS_KEPT = 24 * 60 * 60


class TermForm(Form):
    title = StringField("Title")
    first_day = StringField("First day")
    last_day = StringField("Last day")

    def values(self) -> dict[str, Any]:
        """What was typed, for the use-case; one day needs no last one."""
        typed = {name: self._fields[name].data for name in self._fields if name != "csrf_token"}
        return {**typed, "last_day": typed["last_day"] or typed["first_day"]}


class EntryForm(TermForm):
    kind = SelectField("Kind", choices=_KINDS, default=CalendarKind.HOLIDAY)


class AddForm(TermForm):
    kind = SelectField(
        "Kind", choices=[*_KINDS, SelectChoice(TERM, "Term")], default=CalendarKind.HOLIDAY
    )


class UploadForm(Form):
    file = FileField("File")
    kind = SelectField("The events of a calendar file are", choices=_KINDS)


class CountryForm(Form):
    country = SelectField("Country", validate_choice=False)
    part = SelectField("Part of the country", validate_choice=False)


def keep(found: FoundCalendar, plan: ImportPlan, country: str | None) -> str:
    """All that saving needs, signed, for a hidden field. Raises InvalidInput when it is too much
    for one."""
    entries = [
        [
            entry.title,
            entry.first_day.isoformat(),
            entry.last_day.isoformat(),
            entry.kind,
            entry.uid,
        ]
        for entry in found.entries
    ]
    text = _signer().dumps([found.source, entries, plan.fingerprint, country])
    assert isinstance(text, str)
    if len(text) > _MOST_KEPT:
        raise InvalidInput({"file": ["This is too much text at once; split it into two files."]})
    return text


def kept(text: str) -> tuple[FoundCalendar, str, str | None]:
    """What `keep` was given: the calendar, the plan's fingerprint, the country. Raises Conflict for
    any other text, or when it has become too old."""
    try:
        source, rows, seen, country = _signer().loads(text, max_age=_SECONDS_KEPT)
    except BadData:
        raise Conflict("This page was open for too long. Please choose the file again.") from None
    entries = tuple(
        Found(title, date.fromisoformat(first), date.fromisoformat(last), CalendarKind(kind), uid)
        for title, first, last, kind, uid in rows
    )
    return FoundCalendar(CalendarSource(source), entries), seen, country


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="calendar-import")
