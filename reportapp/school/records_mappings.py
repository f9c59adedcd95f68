"""Named mappings: how the columns of a school's own exports are read, kept for the next file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from reportapp.access import Action, require
from reportapp.constants import ImportKind
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ImportMapping, School, User
from reportapp.school.records_mapping import AnyMapping, for_all_files, from_json, to_json

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
    """Keep a mapping under a name, in the place of an older one of that name.

    Raises Forbidden, or InvalidInput (field `name`).
    """
    require(actor, Action.IMPORT_DATA)
    checked = check_name(name)
    text = to_json(for_all_files(mapping), columns)
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
        row = known or ImportMapping(school_id=school_id, kind=mapping.kind, name=checked)
        row.mapping, row.updated_at = text, now
        session.add(row)


def check_name(name: str) -> str:
    """The name, trimmed. Raises InvalidInput (field `name`)."""
    checked = " ".join(name.split())
    if not checked or len(checked) > MOST_NAME or not checked.isprintable():
        text = f"Give a name of 1 to {MOST_NAME} letters and digits, such as “Weekly attendance”."
        raise InvalidInput({"name": [text]})
    return checked
