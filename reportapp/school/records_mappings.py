"""Named mappings: how the columns of a school's own exports are read, kept for the next file."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select

from reportapp.access import Action, require
from reportapp.constants import ImportKind
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ImportMapping, School, User
from reportapp.school.records_mapping import (
    AnyMapping,
    AttendanceMapping,
    for_all_files,
    from_json,
    to_json,
)

MOST_NAME = 100


@dataclass(frozen=True)
class SavedMapping:
    """A mapping with its name and the header that it was made for."""

    name: str
    mapping: AnyMapping
    columns: list[str]

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether it was made for a file with these columns."""
        return self.columns == list(columns)


def list_mappings(actor: User, kind: ImportKind) -> list[SavedMapping]:
    """The mappings of the actor's school, the newest first; those that can no longer be read are
    left out. Raises Forbidden."""
    require(actor, Action.IMPORT_DATA)
    rows = db.session.scalars(
        select(ImportMapping)
        .where(ImportMapping.school_id == actor.school_id, ImportMapping.kind == kind)
        .order_by(ImportMapping.updated_at.desc(), ImportMapping.id.desc())
    )
    found = []
    for row in rows:
        try:
            found.append(SavedMapping(row.name, *from_json(kind, row.mapping)))
        except InvalidInput:
            continue
    return found


def find_mapping(actor: User, kind: ImportKind, name: str) -> SavedMapping:
    """The mapping of that name. Raises Forbidden, or NotFound with the names that there are."""
    found = list_mappings(actor, kind)
    for saved in found:
        if saved.name == name:
            return saved
    names = ", ".join(f"“{saved.name}”" for saved in found) or "none yet"
    raise NotFound(f"There are no saved choices called “{name[:MOST_NAME]}”; there are: {names}.")


def save_mapping(
    actor: User, name: str, mapping: AnyMapping, columns: Sequence[str], now: datetime
) -> None:
    """Keep a mapping under a name, in the place of an older one of that name; what that one knew of
    codes which this file does not have stays known.

    Raises Forbidden, or InvalidInput (field `name`).
    """
    require(actor, Action.IMPORT_DATA)
    checked = check_name(name)
    school_id = actor.school_id
    with transaction() as session:
        session.execute(select(School.id).where(School.id == school_id).with_for_update())
        known = session.scalar(
            select(ImportMapping).where(
                ImportMapping.school_id == school_id,
                ImportMapping.kind == mapping.kind,
                ImportMapping.name == checked,
            )
        )
        if known:
            mapping = _with_codes_of(known, mapping)
        row = known or ImportMapping(school_id=school_id, kind=mapping.kind, name=checked)
        row.mapping, row.updated_at = to_json(for_all_files(mapping), columns), now
        session.add(row)


def list_kept(actor: User) -> list[ImportMapping]:
    """All that the actor's school has kept, by kind and name, also what can no longer be read.
    Raises Forbidden."""
    require(actor, Action.IMPORT_DATA)
    query = select(ImportMapping).where(ImportMapping.school_id == actor.school_id)
    return list(db.session.scalars(query.order_by(ImportMapping.kind, ImportMapping.name)))


def get_kept(actor: User, mapping_id: int) -> ImportMapping:
    """One of `list_kept`. Raises Forbidden, or NotFound."""
    require(actor, Action.IMPORT_DATA)
    row = db.session.get(ImportMapping, mapping_id)
    if row is None or row.school_id != actor.school_id:
        raise NotFound("These choices are not kept, or not any more.")
    return row


def delete_mapping(actor: User, mapping_id: int) -> str:
    """Its name. What was imported with it stays. Raises Forbidden, or NotFound."""
    name = get_kept(actor, mapping_id).name
    with transaction() as session:
        session.execute(delete(ImportMapping).where(ImportMapping.id == mapping_id))
    return name


def _with_codes_of(known: ImportMapping, mapping: AnyMapping) -> AnyMapping:
    with suppress(InvalidInput):
        before, _ = from_json(known.kind, known.mapping)
        if isinstance(before, AttendanceMapping) and isinstance(mapping, AttendanceMapping):
            return replace(mapping, codes=tuple((dict(before.codes) | dict(mapping.codes)).items()))
    return mapping


def check_name(name: str) -> str:
    """The name, trimmed. Raises InvalidInput (field `name`)."""
    checked = " ".join(name.split())
    if not checked or len(checked) > MOST_NAME or not checked.isprintable():
        text = f"Give a name of 1 to {MOST_NAME} letters and digits, such as “Weekly attendance”."
        raise InvalidInput({"name": [text]})
    return checked
