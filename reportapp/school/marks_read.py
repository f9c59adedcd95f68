"""What the rows of a file of section marks say."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from reportapp.models import AcademicSession
from reportapp.school.calendar_found import RowError
from reportapp.school.records_mapping import MarksMapping
from reportapp.school.records_people import Directory
from reportapp.school.records_read import Progress, Read, RowReader
from reportapp.school.records_table import Table
from reportapp.school.records_values import read_mark_text, read_number, read_yes

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
#: The marks of a file, by item and student; left out are the rows in which no mark stands yet.
ReadMarks = Read[tuple[Item, int], Mark]


def read_marks(
    table: Table,
    mapping: MarksMapping,
    directory: Directory,
    terms: Iterable[AcademicSession],
    progress: Progress,
) -> ReadMarks:
    """Everything that the file says. Raises InvalidInput (field `file`) where it cannot be read
    on."""
    return _Reader(table, mapping, directory, terms).read(progress)


class _Reader(RowReader[tuple[Item, int], Mark]):
    def __init__(
        self,
        table: Table,
        mapping: MarksMapping,
        directory: Directory,
        terms: Iterable[AcademicSession],
    ) -> None:
        self.mapping = mapping
        self.terms: dict[str, set[AcademicSession]] = defaultdict(set)
        for term in terms:
            self.terms[term.title.casefold()].add(term)
            if term.sourced_id:
                self.terms[term.sourced_id] = {term}
        readers = {
            "student": directory.student,
            "group": directory.group,
            "term": self._term,
            "number": lambda text: read_number(text) if text else None,
            "letter": lambda text: read_mark_text(text) or None,
            "final": read_yes,
        }
        super().__init__(table, mapping, readers, mapping.number or mapping.letter or "")

    def take(self, line: int, values: dict[str, Any], errors: list[RowError]) -> None:
        if "term" not in values and not errors and self.mapping.due is None:
            text = "Choose the column of the term, or the day that the marks are of."
            errors.append(RowError.at(line, "", "", text))
        mark = (values.get("number"), values.get("letter"))
        if errors:
            self.found.errors.extend(errors)
        elif mark == (None, None):
            self.found.left_out += 1
        else:
            item = self._item(values["group"], values.get("term"), values.get("final", False))
            self.keep(line, (item, values["student"]), mark)

    def words(self, value: Mark) -> str:
        number, text = value
        return " ".join(filter(None, ("" if number is None else f"{number:.10g}", text)))

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
