"""One written report by its id, as a script has it: making, changing, sending, correcting it."""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from reportapp.constants import AuthoredStatus, ReportType
from reportapp.documents import Period
from reportapp.errors import Conflict, Forbidden, InvalidInput, Stale, unknown_fields
from reportapp.keys import MAX_KEY
from reportapp.models import User
from reportapp.written.kinds import (
    WRITTEN,
    Subject,
    is_for_families,
    of_class,
    require_writer,
    subject_of,
)
from reportapp.written.lists import get_visible
from reportapp.written.values import check_words, fingerprint, words_in
from reportapp.written.writing import discard, save, send

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_THERE_IS_ONE = (
    "You have written a report on this student and these days already. Change that one, or correct "
    "it if it was sent."
)
_IS_SENT = "This report has been sent. Make a correction, which becomes its next version."
_STALE = "This report has been changed since you read it. Read it again."


def identity_fields(kind: ReportType) -> tuple[str, ...]:
    """The fields that say what a new report is about; they never change afterwards."""
    place = ("class_group",) if of_class(kind) else ()
    days = ("week_start",) if WRITTEN[kind].weekly else ("period_start", "period_end")
    return ("student", *place, *days)


def version_of(kind: ReportType, report: Any) -> str:
    """A word that changes whenever the report does."""
    return fingerprint(kind, report)


def create(actor: User, kind: ReportType, data: Mapping[str, Any], now: datetime) -> int:
    """A new draft of the fields in `data`: `identity_fields`, and the author's words; its id.

    Raises Forbidden; NotFound for somebody else's student; InvalidInput with all fields that are
    wrong; Conflict when there is such a report already.
    """
    require_writer(actor, kind)
    problems: dict[str, list[str]] = {}
    subject = _subject(kind, data, problems)
    words = _words(kind, data, problems)
    assert subject is not None
    try:
        return int(save(actor, subject, words, "", now).id)
    except Conflict:
        raise Conflict(_THERE_IS_ONE) from None
    except InvalidInput as error:
        raise InvalidInput(_by_field(kind, error)) from None


def change(
    actor: User,
    kind: ReportType,
    report_id: int,
    data: Mapping[str, Any],
    now: datetime,
    *,
    whole: bool = False,
    versions: Collection[str] | None = None,
) -> None:
    """The actor's draft with the words in `data` changed; `whole`: the words that are missing there
    become empty. What it is about stays: `identity_fields` may only be as they are. `versions`:
    only if it is still of one of these, see `version_of`.

    Raises Forbidden, NotFound, InvalidInput, Stale, or Conflict when it has been sent.
    """
    report = _own(actor, kind, report_id, now, versions)
    if report.status is not AuthoredStatus.DRAFT:
        raise Conflict(_IS_SENT)
    words = _words(kind, data, _changed_identity(kind, report, data))
    if whole and not words:
        text = "Write something, or delete the draft."
        raise InvalidInput({next(iter(WRITTEN[kind].texts)): [text]})
    kept = {} if whole else words_in(kind, report)
    save(actor, subject_of(kind, report), {**kept, **words}, fingerprint(kind, report), now)


def correct(
    actor: User, kind: ReportType, report_id: int, data: Mapping[str, Any], now: datetime
) -> int:
    """A draft of the next version of what the actor has sent, with the words in `data` changed; its
    id. What it is about stays, as in `change`.

    Raises Forbidden, NotFound, InvalidInput, or Conflict when there is such a draft already or this
    is not the version to correct.
    """
    report = _own(actor, kind, report_id, now, None)
    if report.status is AuthoredStatus.DRAFT:
        raise Conflict("This report has not been sent yet. Change it.")
    changed = _words(kind, data, _changed_identity(kind, report, data))
    words = {**words_in(kind, report), **changed}
    try:
        made = save(actor, subject_of(kind, report), words, fingerprint(kind, report), now)
    except Conflict:
        raise Conflict("There is a newer version of this report. Change or correct that.") from None
    return int(made.id)


def publish(
    actor: User,
    kind: ReportType,
    report_id: int,
    now: datetime,
    *,
    versions: Collection[str] | None = None,
) -> None:
    """Send the actor's draft as it is; doing it again changes nothing. Raises Forbidden, NotFound,
    Stale, or Conflict when it says nothing (new)."""
    report = _own(actor, kind, report_id, now, versions)
    send(
        actor,
        kind,
        {report_id: fingerprint(kind, report, status=AuthoredStatus.DRAFT)},
        now,
    )


def delete(
    actor: User,
    kind: ReportType,
    report_id: int,
    now: datetime,
    *,
    versions: Collection[str] | None = None,
) -> None:
    """Throw the actor's draft away. Raises Forbidden, NotFound, Stale, or Conflict when it has been
    sent."""
    report = _own(actor, kind, report_id, now, versions)
    discard(actor, kind, report_id, fingerprint(kind, report), now)


def _own(
    actor: User,
    kind: ReportType,
    report_id: int,
    now: datetime,
    versions: Collection[str] | None,
) -> Any:
    """What is not to be seen does not exist; what others wrote is theirs."""
    report = get_visible(actor, kind, report_id, now).report
    if report.author_id != actor.id:
        raise Forbidden("Only its author may change or send this report.")
    if versions is not None and version_of(kind, report) not in versions:
        raise Stale(_STALE)
    return report


def _words(
    kind: ReportType, data: Mapping[str, Any], problems: dict[str, list[str]]
) -> dict[str, Any]:
    """The author's words among the fields in `data`. Raises InvalidInput with what is wrong with
    them and all other `problems`."""
    words = {name: value for name, value in data.items() if name not in identity_fields(kind)}
    try:
        check_words(kind, words)
    except InvalidInput as error:
        problems |= error.fields
    if "show_to_parent" in words and not is_for_families(kind):
        problems |= unknown_fields(["show_to_parent"], ())
    if problems:
        raise InvalidInput(problems)
    return words


def _changed_identity(
    kind: ReportType, report: Any, data: Mapping[str, Any]
) -> dict[str, list[str]]:
    """What is wrong with those of the `identity_fields` in `data` that say something else than the
    report does."""
    problems = {}
    for name in identity_fields(kind):
        column = f"{name}_id" if name in ("student", "class_group") else name
        kept = getattr(report, column)
        kept = kept.isoformat() if isinstance(kept, date) else kept
        if name in data and (type(data[name]), data[name]) != (type(kept), kept):
            text = f"This report is about {kept}, and stays so. Write a new one for another."
            problems[name] = [text]
    return problems


def _subject(
    kind: ReportType, data: Mapping[str, Any], problems: dict[str, list[str]]
) -> Subject | None:
    readers = {"week_start": _monday, "period_start": _day, "period_end": _day}
    found = {
        name: _read(data, name, readers.get(name, _key), problems) for name in identity_fields(kind)
    }
    if not problems and not WRITTEN[kind].weekly and found["period_end"] <= found["period_start"]:
        problems["period_end"] = ["Give the day after the last one, later than period_start."]
    if problems:
        return None
    if WRITTEN[kind].weekly:
        period = Period(found["week_start"], found["week_start"] + timedelta(days=7))
    else:
        period = Period(found["period_start"], found["period_end"])
    return Subject(kind, found.get("class_group"), found["student"], period)


def _read(
    data: Mapping[str, Any],
    name: str,
    read: Callable[[Any], Any],
    problems: dict[str, list[str]],
) -> Any:
    try:
        return read(data.get(name))
    except ValueError as error:
        problems[name] = [str(error)]
        return None


def _key(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= MAX_KEY:
        raise ValueError("Give an id, such as 7.")
    return raw


def _monday(raw: Any) -> date:
    with suppress(ValueError):
        day = _day(raw)
        if day.weekday() == 0:
            return day
    raise ValueError("Give a Monday, such as 2026-11-02.")


def _day(raw: Any) -> date:
    if isinstance(raw, str) and _DAY.fullmatch(raw) and raw < "9999":
        with suppress(ValueError):
            return date.fromisoformat(raw)
    raise ValueError("Give a day, such as 2026-11-16.")


def _by_field(kind: ReportType, error: InvalidInput) -> dict[str, list[str]]:
    """What is wrong with the days, at the field of a script that says it."""
    at = "week_start" if WRITTEN[kind].weekly else "period_end"
    return {at if name == "period" else name: texts for name, texts in error.fields.items()}
