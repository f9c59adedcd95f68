"""Reading an attendance or marks file row by row; what is wrong is told with its place."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import AnyMapping
from reportapp.school.records_table import Row, Table

Progress = Callable[[int], None]
#: What can have one value, and the value.
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_ROWS_PER_STEP = 1_000


@dataclass
class Read(Generic[_Key, _Value]):
    """What a file says. `lines`: where it says it; `contradicted`: what it says in two ways, of
    which neither is in `said`, with the line of the second one."""

    said: dict[_Key, _Value] = field(default_factory=dict)
    lines: dict[_Key, int] = field(default_factory=dict)
    contradicted: dict[_Key, int] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    rows: int = 0
    left_out: int = 0
    repeated: int = 0


class RowReader(ABC, Generic[_Key, _Value]):
    """What both kinds of files have in common. `readers`: by field of the mapping, from a cell to
    what it means, raising ValueError with what would be right; `told_at`: the column at which
    contradictions are told."""

    def __init__(
        self,
        table: Table,
        mapping: AnyMapping,
        readers: Mapping[str, Callable[[str], Any]],
        told_at: str,
    ) -> None:
        self.found: Read[_Key, _Value] = Read()
        self._table, self._told_at = table, told_at
        self._readers = [
            (name, column, table.columns.index(column), reader)
            for name, reader in readers.items()
            if (column := getattr(mapping, name)) is not None
        ]

    @abstractmethod
    def take(self, line: int, values: dict[str, Any], errors: list[RowError]) -> None:
        """One row, into what was found: what its cells mean, without those that are wrong."""

    @abstractmethod
    def words(self, value: _Value) -> str:
        """How a value is named where another row contradicts it."""

    def read(self, progress: Progress) -> Read[_Key, _Value]:
        """All rows. Raises InvalidInput (field `file`) where the file cannot be read on."""
        for row in self._table.rows():
            self.found.rows += 1
            self.take(row.line, *self._values(row))
            if self.found.rows % _ROWS_PER_STEP == 0:
                progress(self.found.rows)
        self._refuse_contradictions()
        return self.found

    def keep(self, line: int, key: _Key, value: _Value) -> None:
        """What a row without errors says."""
        found = self.found
        known = found.said.setdefault(key, value)
        first = found.lines.setdefault(key, line)
        if first == line:
            return
        if known == value and key not in found.contradicted:
            found.repeated += 1
            return
        self._contradiction(line, value, f"Line {first} says “{self.words(known)}”")
        found.contradicted.setdefault(key, line)

    def _values(self, row: Row) -> tuple[dict[str, Any], list[RowError]]:
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for name, column, place, reader in self._readers:
            text = row.cells[place]
            try:
                values[name] = reader(text)
            except ValueError as error:
                errors.append(RowError.at(row.line, column, text, str(error)))
        if len(row.cells) > len(self._table.columns):
            text = "There are more cells than columns; put a text with a separator in quotes."
            errors.append(RowError.at(row.line, "", row.cells[-1], text))
        return values, errors

    def _refuse_contradictions(self) -> None:
        """Of two rows that say different things, neither is believed."""
        for key, other in self.found.contradicted.items():
            value, line = self.found.said.pop(key), self.found.lines[key]
            self._contradiction(line, value, f"Line {other} says something else")
        self.found.errors.sort(key=lambda error: error.line)

    def _contradiction(self, line: int, value: _Value, what: str) -> None:
        text = f"{what} about the same; keep only what is right."
        self.found.errors.append(RowError.at(line, self._told_at, self.words(value), text))
