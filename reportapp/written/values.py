"""What may be written: the checks of an author's words and of the days that they are about."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from reportapp.constants import AuthoredStatus, ReportType
from reportapp.documents import Period
from reportapp.errors import InvalidInput, unknown_fields
from reportapp.models import AcademicSession
from reportapp.written.kinds import MOST_GRADE, MOST_TEXT, WRITTEN, is_for_families

FIRST_YEAR = 2000
MOST_DAYS = 366
_THURSDAY = 3
_PERCENT = re.compile(r"([0-9]{1,3})\s*%?")


@dataclass(frozen=True)
class PeriodChoice:
    label: str
    period: Period


def check_words(kind: ReportType, data: Mapping[str, Any]) -> dict[str, Any]:
    """The checked columns of a `kind` report from the author's words in `data`; what is missing is
    empty. Raises InvalidInput with every field that is wrong and what would be right."""
    words, problems = WRITTEN[kind], {}
    shown = data.get("show_to_parent", False)
    checked: dict[str, Any] = {"show_to_parent": is_for_families(kind) and shown is True}
    if not isinstance(shown, bool):
        problems["show_to_parent"] = ["Say true or false."]
    problems |= unknown_fields(data, (*words.fields, "show_to_parent"))
    for name in words.fields:
        try:
            if name == "grade":
                checked[name] = _grade(data.get(name))
            elif name == "progress_percent":
                checked[name] = _percent(data.get(name))
            else:
                checked[name] = _text(data.get(name), MOST_TEXT)
        except ValueError as error:
            problems[name] = [str(error)]
    if problems:
        raise InvalidInput(problems)
    return checked


def words_in(kind: ReportType, report: Any) -> dict[str, Any]:
    """What the author has said in `report`, by column."""
    return {name: getattr(report, name) for name in (*WRITTEN[kind].fields, "show_to_parent")}


def why_not_yet(kind: ReportType, draft: Any, published: Any | None) -> str | None:
    """Why a draft cannot be sent as it is; None: it can."""
    if all(getattr(draft, name) in (None, "") for name in WRITTEN[kind].fields):
        return "Nothing is written in this report yet."
    if published is not None and words_in(kind, published) == words_in(kind, draft):
        return "This correction says the same as the report that was sent."
    return None


def fingerprint(
    kind: ReportType, report: Any | None, *, status: AuthoredStatus | None = None
) -> str:
    """Tells whether a report still is what a page was made from; empty where there is none.
    `status`: as if it had that one."""
    if report is None:
        return ""
    # The id alone is not enough: SQLite gives that of a discarded draft to the next one.
    of = [report.id, report.version, *map(str, report.identity)]
    state = [of, status or report.status, sorted(words_in(kind, report).items())]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]


def check_period(kind: ReportType, start: date, end: date, today: date) -> Period:
    """The period [start, end) of a `kind` report. Raises InvalidInput at `period`."""
    problem = None
    if WRITTEN[kind].weekly and (start.weekday() or (end - start).days != 7):
        problem = "Choose a week, from a Monday to a Sunday."
    elif end <= start:
        problem = "The last day is before the first one."
    elif (end - start).days > MOST_DAYS:
        problem = f"This is more than {MOST_DAYS} days; check the two dates."
    elif start.year < FIRST_YEAR:
        problem = f"Choose days from the year {FIRST_YEAR} on."
    elif start > today:
        problem = "These days are still to come; choose days that have begun."
    if problem:
        raise InvalidInput({"period": [problem]})
    return Period(start, end)


def period_choices(
    kind: ReportType, today: date, terms: list[AcademicSession]
) -> list[PeriodChoice]:
    """The periods that somebody is likely to write about today, the likeliest first: of a week, one
    writes from its Thursday on until the next one's Wednesday."""
    monday = today - timedelta(days=today.weekday())
    weeks = [
        Period(monday - timedelta(weeks=ago), monday - timedelta(weeks=ago - 1))
        for ago in range(2 if not WRITTEN[kind].weekly else 9)
    ]
    named = [("This week", weeks[0]), ("Last week", weeks[1]), *(("Week", w) for w in weeks[2:])]
    if WRITTEN[kind].weekly and today.weekday() < _THURSDAY:
        named[:2] = named[1], named[0]
    if not WRITTEN[kind].weekly:
        this = Period(today.replace(day=1), _next_month(today))
        named = [("Month", this), ("Month", this.before()), *named]
        begun = [term for term in terms if term.start_date <= today][-2:]
        named += [
            (term.title, Period(term.start_date, term.end_date + timedelta(days=1)))
            for term in reversed(begun)
            if (term.end_date - term.start_date).days < MOST_DAYS
        ]
    return [PeriodChoice(f"{name}: {period.words}", period) for name, period in named]


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _text(raw: Any, most: int) -> str:
    """Lines end in one newline; spaces at the ends of lines say nothing."""
    if not isinstance(raw, str | None):
        raise ValueError("Write a text.")
    lines = (raw or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    if len(text) > most:
        raise ValueError(f"Use at most {most:,} characters; this has {len(text):,}.")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise ValueError("There is an invisible character that cannot be kept; type it anew.")
    return text


def _grade(raw: Any) -> str | None:
    text = _text(raw, MOST_TEXT).strip()
    if "\n" in text or len(text) > MOST_GRADE:
        raise ValueError(f"Use at most {MOST_GRADE} characters on one line, such as “2+”.")
    return text or None


def _percent(raw: Any) -> int | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    text = raw.strip() if isinstance(raw, str) else ""
    if not text and isinstance(raw, str | None):
        return None
    match = _PERCENT.fullmatch(text)
    if match is None or not match[1].isascii() or int(match[1]) > 100:
        raise ValueError("Write a whole number from 0 to 100, or leave it empty.")
    return int(match[1])
