"""How a written report looks from outside, and what can be sent for one: one set per kind."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate

from reportapp.api.paging import PageQuery, pages_of
from reportapp.api.schemas import (
    Answer,
    Body,
    Choice,
    Day,
    Flag,
    QueryFlag,
    QueryWhole,
    ReadOnly,
    Search,
)
from reportapp.api.schemas import Whole as WholeNumber
from reportapp.constants import AuthoredStatus, ReportType
from reportapp.keys import MAX_KEY
from reportapp.models import User
from reportapp.written.kinds import MOST_GRADE, MOST_TEXT, WRITTEN, is_for_families, of_class
from reportapp.written.lists import Filter, Listed, State
from reportapp.written.single import identity_fields

_STATES = {
    AuthoredStatus.DRAFT: State.DRAFT,
    AuthoredStatus.SENT: State.SENT,
    AuthoredStatus.READ: State.READ,
    AuthoredStatus.ARCHIVED: State.REPLACED,
}
_TEXTS = {
    "grade": "2+",
    "progress_percent": 81,
    "behaviour": "Ana is friendly.",
    "concerns": "",
    "recommendations": "More practice.",
    "summary": "A good week.",
    "notes": "Fractions are no trouble any more.",
}
_DAYS = {
    "week_start": ("The week's Monday.", date(2026, 11, 16)),
    "period_start": ("The first day covered.", date(2026, 11, 9)),
    "period_end": ("The day after the last one covered.", date(2026, 11, 23)),
}


@dataclass(frozen=True)
class WrittenSchemas:
    """The schemas of one kind of report, with an example of each."""

    query: type[Schema]
    answer: type[Schema]
    page: type[Schema]
    new: type[Schema]
    words: type[Schema]
    example: dict[str, Any]
    new_example: dict[str, Any]
    words_example: dict[str, Any]


def schemas_of(kind: ReportType) -> WrittenSchemas:
    """Named after the kind, as the document needs it."""
    title = WRITTEN[kind].model.__name__
    example = _example(kind)
    words = {name: example[name] for name in _words(kind)}
    answer = _made(
        f"{title}Answer",
        Answer,
        {**_identity(kind, fields.Date), **_words(kind), **_told(kind)},
        "A report.",
    )
    read_only = {name: ReadOnly() for name in example if name not in words}
    about = identity_fields(kind)
    new = {name: made for name, made in read_only.items() if name not in about}
    return WrittenSchemas(
        query=_query(kind, title),
        answer=answer,
        page=pages_of(answer),
        new=_made(
            f"New{title}Body",
            Body,
            {**new, **_identity(kind, Day, required=True), **_words(kind)},
            "What it is about, and its words.",
        ),
        words=_made(
            f"{title}Body",
            Body,
            {**new, **_identity(kind, Day, " It stays; any other is refused."), **_words(kind)},
            "Its words. What it is about may be sent as it is, and stays.",
        ),
        example=example,
        new_example={name: example[name] for name in about} | words,
        words_example=dict(list(words.items())[:1]),
    )


def _made(name: str, base: type[Schema], of: dict[str, Any], doc: str) -> type[Schema]:
    return type(name, (base,), {"__doc__": doc, **of})


def _identity(
    kind: ReportType, day: type[fields.Field], more: str = "", *, required: bool = False
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in identity_fields(kind):
        if name in _DAYS:
            told = {"description": f"{_DAYS[name][0]}{more}"}
            made[name] = day(required=required, metadata=told)
        else:
            told = {"description": f"Its id.{more}"}
            made[name] = WholeNumber(1, MAX_KEY, required=required, metadata=told)
    return made


def _words(kind: ReportType) -> dict[str, Any]:
    """The limits of texts are told here and checked by the use-case, which says how long one is."""
    made: dict[str, Any] = {}
    for name in WRITTEN[kind].fields:
        if name == "grade":
            made[name] = fields.String(allow_none=True, metadata={"maxLength": MOST_GRADE})
        elif name == "progress_percent":
            made[name] = WholeNumber(0, 100, allow_none=True)
        else:
            made[name] = fields.String(metadata={"maxLength": MOST_TEXT})
    if is_for_families(kind):
        told = {"description": "The family may read it once it is sent."}
        made["show_to_parent"] = Flag(metadata=told)
    return made


def _told(kind: ReportType) -> dict[str, Any]:
    """What only the system sets."""
    place = {"class_title": fields.String()} if of_class(kind) else {}
    return {
        "id": fields.Integer(),
        "student_name": fields.String(),
        **place,
        "author": fields.Integer(metadata={"description": "The author's id."}),
        "author_name": fields.String(),
        "status": Choice(AuthoredStatus),
        "version": fields.Integer(
            metadata={"description": "What was sent is corrected by a next."}
        ),
        "sent_at": fields.DateTime(allow_none=True),
        "created_at": fields.DateTime(),
        "updated_at": fields.DateTime(),
        "is_read": fields.Boolean(metadata={"description": "You have opened it."}),
        "readers": fields.Integer(
            allow_none=True,
            metadata={"description": "How many have opened it; null for all but the author."},
        ),
        "acknowledged": fields.Integer(
            allow_none=True,
            metadata={"description": "How many have confirmed it; null for all but the author."},
        ),
    }


def _query(kind: ReportType, title: str) -> type[Schema]:
    place = {"class_group": _key("A class's id.")} if of_class(kind) else {}
    return _made(
        f"{title}Query",
        PageQuery,
        {
            "student": _key("A student's id."),
            **place,
            "status": Choice(
                AuthoredStatus, metadata={"description": "For reports of others: `sent` only."}
            ),
            "search": Search("Every word of it is in the student's name.", most=100),
            "unread": QueryFlag(
                load_default=False,
                metadata={"description": "Only what others wrote and you have not opened."},
            ),
        },
        "Which reports.",
    )


def _key(told: str) -> QueryWhole:
    return QueryWhole(
        validate=validate.Range(1, MAX_KEY, error="Give an id, such as 7."),
        metadata={"description": told},
    )


def filter_of(kind: ReportType, query: dict[str, Any]) -> Filter:
    """What the query narrows the list to."""
    return Filter(
        kind=kind,
        class_id=query.get("class_group"),
        student_id=query.get("student"),
        name=query["search"],
        state=_STATES[query["status"]] if "status" in query else None,
        unread=query["unread"],
    )


def written_fields(listed: Listed, reader: User) -> dict[str, Any]:
    """For the kind's answer. Who has opened it is its author's business."""
    report, is_own = listed.report, listed.report.author_id == reader.id
    is_read = report.status is AuthoredStatus.READ and not is_own
    own = (*WRITTEN[listed.kind].fields, "id", "version", "sent_at", "created_at", "updated_at")
    days = (name for name in identity_fields(listed.kind) if name in _DAYS)
    return {
        **{name: getattr(report, name) for name in (*own, *days, "show_to_parent")},
        "student": report.student_id,
        "student_name": listed.student,
        "class_group": getattr(report, "class_group_id", None),
        "class_title": listed.class_title,
        "author": report.author_id,
        "author_name": listed.author,
        "status": AuthoredStatus.SENT if is_read else report.status,
        "is_read": listed.is_read,
        "readers": listed.readers if is_own else None,
        "acknowledged": listed.acknowledged if is_own else None,
    }


def _example(kind: ReportType) -> dict[str, Any]:
    place = {"class_group": 3} if of_class(kind) else {}
    days = {name: _DAYS[name][1].isoformat() for name in identity_fields(kind) if name in _DAYS}
    words = {name: _TEXTS.get(name, True) for name in _words(kind)}
    title = {"class_title": "7a Mathematics"} if of_class(kind) else {}
    return {
        "student": 6,
        **place,
        **days,
        **words,
        "id": 15,
        "student_name": "Ana Example",
        **title,
        "author": 2,
        "author_name": "Tom Example",
        "status": "draft",
        "version": 1,
        "sent_at": None,
        "created_at": "2026-11-23T07:30:00+00:00",
        "updated_at": "2026-11-23T07:30:00+00:00",
        "is_read": False,
        "readers": 0,
        "acknowledged": 0,
    }
