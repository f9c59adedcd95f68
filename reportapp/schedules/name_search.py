"""Finding people by name as people type it: without accents and case, on any database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from reportapp.models import User
from reportapp.reports.names import plain


def find_people(
    session: Session,
    people: Select[Any],
    children: Select[int, str, str],
    text: str,
    *,
    limit: int,
    offset: int = 0,
) -> tuple[Sequence[User], int]:
    """Those of the `people` (a query of users) for whom every word of `text` is in their name or
    address, or in the name of one of their `children` (rows of guardian's id, given and family
    name): at most `limit` after the first `offset`, by name, and how many there are in all.

    The names are compared here and not in the database: SQLite knows no accents, and PostgreSQL
    only with an extension.
    """
    words = [plain(word) for word in text.split()[:5]]
    names: dict[int, list[str]] = defaultdict(list)
    if words:
        for guardian_id, *name in session.execute(children):
            names[guardian_id].extend(name)
    found = []
    for id_, family, given, email in session.execute(
        people.with_only_columns(User.id, User.family_name, User.given_name, User.email)
    ):
        of_them = plain("\n".join((family, given, email or "", *names.get(id_, ()))))
        if all(word in of_them for word in words):
            found.append((plain(family), plain(given), id_))
    ids = [id_ for _, _, id_ in sorted(found)[offset : offset + limit]]
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    return [users[id_] for id_ in ids], len(found)
