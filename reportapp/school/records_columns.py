"""Choosing what the columns of an attendance or marks file mean: what is offered, and the check of
a choice against what is really in the file."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reportapp.access import Action, require
from reportapp.constants import DateOrder, ImportKind
from reportapp.errors import InvalidInput
from reportapp.models import User
from reportapp.school.records_guess import Guess, guess_codes, guess_mapping, guess_values
from reportapp.school.records_mapping import (
    COLUMNS,
    LEAVE_OUT,
    MOST_CODES,
    AnyMapping,
    check_mapping,
    from_json,
)
from reportapp.school.records_mappings import SavedMapping, find_mapping, list_mappings
from reportapp.school.records_table import Table, read_table
from reportapp.school.records_values import EXAMPLES, code_key

_ROWS_SHOWN = 4


@dataclass(frozen=True)
class ColumnChoice:
    """A file, what is chosen or guessed so far (as `check_mapping` takes it), and what can be
    chosen. `first_rows` have a cell for each column."""

    kind: ImportKind
    table: Table
    first_rows: list[list[str]]
    data: dict[str, Any]
    guess: Guess
    saved: list[SavedMapping]
    #: The saved mapping that `data` comes from.
    used: SavedMapping | None = None

    @property
    def name(self) -> str:
        """The name under which choices for such a file are kept already, or nothing."""
        known = [self.used] if self.used else self.saved
        return next((saved.name for saved in known if saved.fits(self.table.columns)), "")


def offer_columns(
    actor: User,
    kind: ImportKind,
    path: Path,
    *,
    chosen: Mapping[str, Any] | None = None,
    name: str | None = None,
    before: str | None = None,
) -> ColumnChoice:
    """What the columns of a file may mean: as `chosen` so far; else by the saved mapping called
    `name`; else as in `before`, the JSON of an earlier choice for this file; else by the newest
    saved mapping for such a header; else guessed.

    Raises Forbidden; InvalidInput (field `file`) when it cannot be read as a table.
    """
    require(actor, Action.IMPORT_DATA)
    table = read_table(path)
    saved = list_mappings(actor, kind)
    guess = guess_mapping(kind, table)
    used = None
    if chosen is None and name is None and before:
        with suppress(InvalidInput):
            chosen = asdict(from_json(kind, before)[0])
    if chosen is None:
        used = _saved_for(table, saved, name)
        data = {**guess.data, **(asdict(used.mapping) if used else {})}
    else:
        data = dict(chosen)
    if kind is ImportKind.ATTENDANCE:
        values = guess_values(table, {name: data.get(name) for name in ("day", "code")})
        guess = Guess(guess.data, values.orders, values.example, values.counts)
        if used is None and data.get("date_order") not in values.orders:
            data["date_order"] = values.data.get("date_order")
        data["codes"] = {**guess_codes(values.counts), **_known(data.get("codes"), values)}
    return ColumnChoice(kind, table, table.first_rows(_ROWS_SHOWN), data, guess, saved, used)


def check_columns(actor: User, kind: ImportKind, path: Path, data: Mapping[str, Any]) -> AnyMapping:
    """The mapping in `data`, checked against all that is in the file.

    Raises Forbidden, or InvalidInput with every field that is wrong or still open.
    """
    require(actor, Action.IMPORT_DATA)
    table = read_table(path)
    problems = _value_problems(table, data) if kind is ImportKind.ATTENDANCE else {}
    try:
        mapping = check_mapping(kind, data, table.columns)
    except InvalidInput as error:
        raise InvalidInput({**problems, **error.fields}) from None
    if problems:
        raise InvalidInput(problems)
    return mapping


def choose_for_file(
    actor: User, kind: ImportKind, path: Path, said: Mapping[str, Any], name: str | None = None
) -> AnyMapping:
    """For a command: the saved mapping called `name`, or (None) the one that the file leaves no
    doubt about; in both, what is `said` by hand goes first.

    Raises Forbidden, NotFound, or InvalidInput that lists, by its label, what has to be chosen.
    """
    require(actor, Action.IMPORT_DATA)
    table = read_table(path)
    try:
        if name is not None:
            kept = asdict(find_mapping(actor, kind, name).mapping)
            return check_mapping(kind, {**kept, **said}, table.columns)
        data = {**guess_mapping(kind, table).data, **said}
        return check_columns(actor, kind, path, data)
    except InvalidInput as error:
        labelled = {label_of(kind, field): texts for field, texts in error.fields.items()}
        raise InvalidInput(labelled) from None


def label_of(kind: ImportKind, field: str) -> str:
    """What a field of a mapping is called."""
    labels = {column.field: column.label for column in COLUMNS[kind]}
    return {**labels, **_LABELS}.get(field, field)


_LABELS = {
    "date_order": "How the days are written",
    "codes": "Meaning of the codes",
    "others": "Students without a row",
    "first_day": "First day",
    "last_day": "Last day",
    "highest": "Highest mark",
    "due": "Day of the marks",
}


def _saved_for(table: Table, saved: list[SavedMapping], name: str | None) -> SavedMapping | None:
    if name is not None:
        return next((one for one in saved if one.name == name), None)
    return next((one for one in saved if one.fits(table.columns)), None)


def _known(codes: Any, values: Guess) -> dict[str, Any]:
    """Those meanings that were given for a code of this file, by the code's spelling in it."""
    pairs = codes.items() if isinstance(codes, Mapping) else (codes or ())
    given = {code_key(str(code)): meaning for code, meaning in pairs if meaning}
    return {code: given[code_key(code)] for code in values.counts if code_key(code) in given}


def _value_problems(table: Table, data: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with a choice for attendance by what stands in the columns that it names."""
    day, code = (data.get(field) for field in ("day", "code"))
    values = guess_values(table, {"day": day, "code": code})
    problems: dict[str, list[str]] = {}
    if values.orders and data.get("date_order") not in values.orders:
        examples = " or ".join(EXAMPLES[order] for order in values.orders)
        problems["date_order"] = [f"The days in “{day}” are written like {examples}."]
    elif day in table.columns and not values.orders and table.first_rows(1):
        examples = ", ".join(EXAMPLES[order] for order in DateOrder)
        problems["day"] = [f"“{day}” has no days such as {examples}."]
    known = _known(data.get("codes"), values)
    unknown = [one for one in values.counts if one not in known]
    if len(values.counts) > MOST_CODES:
        problems["code"] = [
            f"“{code}” has {len(values.counts):,} different values, so it does not hold codes; "
            "choose another column."
        ]
    elif unknown:
        named = ", ".join(f"“{one[:20]}”" if one else "no code at all" for one in unknown[:5])
        problems["codes"] = [f"Say what {named} {'mean' if len(unknown) > 1 else 'means'}."]
    elif known and set(known.values()) == {LEAVE_OUT}:
        problems["codes"] = ["Every code is left out, so there is nothing to import."]
    return problems
