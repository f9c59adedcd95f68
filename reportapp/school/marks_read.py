"""The rows of a file of section marks, checked one by one; what is wrong is told with its place."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reportapp.models import AcademicSession
from reportapp.school.attendance_read import Progress
from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import MarksMapping
from reportapp.school.records_people import Directory
from reportapp.school.records_table import Row, Table
from reportapp.school.records_values import read_mark_text, read_number, read_yes

_ROWS_PER_STEP = 1_000
_MOST_ID, _MOST_TITLE = 255, 200


@dataclass(frozen=True, order=True)
class Item:
    """What marks are of, in one class: a term's mark or final mark; `key` stays the same when the
    file comes again."""

    group: int
    key: str
    title: str
    due: date


#: In numbers, in words; at least one of them.
Mark = tuple[float | None, str | None]


@dataclass
class ReadMarks:
    """What a file says: the marks by item and student."""

    marks: dict[tuple[Item, int], Mark] = field(default_factory=dict)
    lines: dict[tuple[Item, int], int] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    rows: int = 0
    #: Rows in which no mark stands yet.
    left_out: int = 0
    repeated: int = 0


def read_marks(
    table: Table,
    mapping: MarksMapping,
    directory: Directory,
    terms: Iterable[AcademicSession],
    progress: Progress,
) -> ReadMarks:
    """Everything that the file says. Raises InvalidInput (field `file`) where it cannot be read
    on."""
    reader = _Reader(table, mapping, directory, terms)
    for row in table.rows():
        reader.read(row)
        if reader.found.rows % _ROWS_PER_STEP == 0:
            progress(reader.found.rows)
    reader.refuse_contradictions()
    return reader.found


class _Reader:
    def __init__(
        self,
        table: Table,
        mapping: MarksMapping,
        directory: Directory,
        terms: Iterable[AcademicSession],
    ) -> None:
        self.found = ReadMarks()
        self.table, self.mapping = table, mapping
        self.contradicted: set[tuple[Item, int]] = set()
        self.terms: dict[str, set[AcademicSession]] = defaultdict(set)
        for term in terms:
            self.terms[term.title.casefold()].add(term)
            if term.sourced_id:
                self.terms[term.sourced_id] = {term}
        readers: dict[str, Callable[[str], Any]] = {
            "student": directory.student,
            "group": directory.group,
            "term": self._term,
            "number": lambda text: read_number(text) if text else None,
            "letter": lambda text: read_mark_text(text) or None,
            "final": read_yes,
        }
        self.readers = [
            (name, column, table.columns.index(column), reader)
            for name, reader in readers.items()
            if (column := getattr(mapping, name)) is not None
        ]
        #: Where a contradiction is shown.
        self.mark_column = mapping.number or mapping.letter or ""

    def read(self, row: Row) -> None:
        """One row, into what was found."""
        self.found.rows += 1
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for name, column, place, reader in self.readers:
            text = row.cells[place]
            try:
                values[name] = reader(text)
            except ValueError as error:
                errors.append(RowError.at(row.line, column, text, str(error)))
        if len(row.cells) > len(self.table.columns):
            text = "There are more cells than columns; put a text with a separator in quotes."
            errors.append(RowError.at(row.line, "", row.cells[-1], text))
        if "term" not in values and not errors and self.mapping.due is None:
            text = "Choose the column of the term, or the day that the marks are of."
            errors.append(RowError.at(row.line, "", "", text))
        self.found.errors.extend(errors)
        if errors:
            return
        mark = (values.get("number"), values.get("letter"))
        if mark == (None, None):
            self.found.left_out += 1
        else:
            self._keep(row.line, values, mark)

    def _keep(self, line: int, values: dict[str, Any], mark: Mark) -> None:
        item = self._item(values["group"], values.get("term"), values.get("final", False))
        key = (item, values["student"])
        known = self.found.marks.setdefault(key, mark)
        first = self.found.lines.setdefault(key, line)
        if first == line:
            return
        if known == mark and key not in self.contradicted:
            self.found.repeated += 1
            return
        text = f"Line {first} says “{_words(known)}” for the same; keep only what is right."
        self.found.errors.append(RowError.at(line, self.mark_column, _words(mark), text))
        self.contradicted.add(key)

    def _item(self, group: int, term: AcademicSession | None, is_final: bool) -> Item:
        word, prefix = ("Final mark", "final-mark") if is_final else ("Mark", "mark")
        if term is None:
            due = self.mapping.due
            assert due is not None
            return Item(group, f"{prefix}:{due.isoformat()}", word, due)
        key = f"{prefix}:{term.sourced_id or f'#{term.id}'}"
        if len(key) > _MOST_ID:
            key = f"{prefix}:#{term.id}"
        return Item(group, key, f"{word}, {term.title}"[:_MOST_TITLE], term.end_date)

    def refuse_contradictions(self) -> None:
        """Of two rows that say different things, neither is believed."""
        for key in self.contradicted:
            mark, line = self.found.marks.pop(key), self.found.lines.pop(key)
            text = "Another line says something else for the same; keep only what is right."
            self.found.errors.append(RowError.at(line, self.mark_column, _words(mark), text))
        self.found.errors.sort(key=lambda error: error.line)

    def _term(self, text: str) -> AcademicSession | None:
        if not text and self.mapping.due is not None:
            return None
        found = self.terms.get(text) or self.terms.get(text.casefold(), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            raise ValueError("Several terms have this title; give the term's identifier.")
        if not text:
            raise ValueError("Give the term's identifier or title.")
        raise ValueError(
            "The school has no term with this identifier or title. Enter it in the school "
            "calendar, or import it, first."
        )


def _words(mark: Mark) -> str:
    number, text = mark
    return " ".join(filter(None, ("" if number is None else f"{number:g}", text)))
