"""What people and classes are called, and the order in which lists have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.models import ClassGroup, Course, User, full_name
from reportapp.reports.facts import among


@dataclass(frozen=True)
class Name:
    """A person's name; `sort_key` orders by family name, without regard to accents and case."""

    full: str
    sort_key: tuple[str, str]


@dataclass(frozen=True)
class ClassName:
    title: str
    subject: str


def people(session: Session, ids: Collection[int]) -> dict[int, Name]:
    """The names of users by id."""
    rows = session.execute(
        select(User.id, User.given_name, User.family_name).where(among(User.id, ids))
    )
    return {
        row.id: Name(
            full_name(row.given_name, row.family_name),
            (plain(row.family_name), plain(row.given_name)),
        )
        for row in rows
    }


def classes(session: Session, ids: Collection[int]) -> dict[int, ClassName]:
    """Titles and subjects of classes by id."""
    rows = session.execute(
        select(ClassGroup.id, ClassGroup.title, Course.subject)
        .join(Course, Course.id == ClassGroup.course_id)
        .where(among(ClassGroup.id, ids))
    )
    return {row.id: ClassName(row.title, row.subject) for row in rows}


def in_order(known: dict[int, Name], ids: Iterable[int]) -> tuple[str, ...]:
    """The full names of these users as lists have them: by family name."""
    return tuple(known[id_].full for id_ in sorted(ids, key=lambda id_: (known[id_].sort_key, id_)))


#: Letters whose stroke is no accent to Unicode, but is one to a reader.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})


def plain(text: str) -> str:
    """The text without case and accents: what people type to find somebody."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_STROKES))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
