"""Reading a table that a school's own system has exported: any columns, named in its first line."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from reportapp.errors import InvalidInput

SEPARATORS = ",;\t"
MOST_ROWS = 300_000
MOST_COLUMNS = 100
MOST_NAME = 100
_MOST_LINE = 1_000_000
_NO_TEXT = (
    "This is no text in UTF-8. If it comes from a spreadsheet program, save it as "
    "“CSV UTF-8 (comma delimited)”."
)


@dataclass(frozen=True)
class Row:
    """A row that is not empty: the line that it begins in, and its cells, trimmed; as many as there
    are columns, or more where the row has too many."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A file's columns, each name once, in their order; `rows` reads the file anew."""

    path: Path
    columns: tuple[str, ...]
    separator: str

    def rows(self) -> Iterator[Row]:
        """All rows under the header. Raises InvalidInput (field `file`) where it cannot be read
        on, or has more than MOST_ROWS."""
        records = _records(self.path, self.separator)
        next(records, None)
        width = len(self.columns)
        for number, (line, cells) in enumerate(records, 1):
            if number > MOST_ROWS:
                raise _refusal(
                    f"A file may have at most {MOST_ROWS:,} rows; split it, for example by month."
                )
            values = [cell.strip() for cell in cells]
            while len(values) > width and not values[-1]:
                values.pop()
            yield Row(line, values + [""] * (width - len(values)))

    def first_rows(self, number: int) -> list[list[str]]:
        """The cells of the first rows, to show or to guess from."""
        return [row.cells[: len(self.columns)] for row in islice(self.rows(), number)]

    def values_of(self, *names: str) -> dict[str, Counter[str]]:
        """How often each value stands in these columns."""
        places = [(name, self.columns.index(name)) for name in names]
        found: dict[str, Counter[str]] = {name: Counter() for name in names}
        for row in self.rows():
            for name, place in places:
                found[name][row.cells[place]] += 1
        return found


def read_table(path: Path) -> Table:
    """The table in a file, with its header read.

    Raises InvalidInput (field `file`) when it is none, in words for whoever knows no encodings.
    """
    with path.open("rb") as file:
        begin = file.read(4096)
    if not begin.strip(b"\xef\xbb\xbf \r\n\t"):
        raise _refusal("Choose a file; this one is empty.")
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in begin:
        raise _refusal(_NO_TEXT)
    separator = max(SEPARATORS, key=lambda sign: _width(path, sign))
    _, cells = next(_records(path, separator), (0, []))
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) < 2:
        raise _refusal(
            "Its first line must name the columns, at least two, with commas, semicolons or tabs "
            "between them."
        )
    if len(names) > MOST_COLUMNS:
        raise _refusal(f"It has {len(names):,} columns; at most {MOST_COLUMNS} can be taken.")
    for name in names:
        if len(name) > MOST_NAME or not name.isprintable():
            raise _refusal("Its first line must hold the names of the columns, in a few words.")
    return Table(path, tuple(_told_apart(names)), separator)


def _told_apart(names: list[str]) -> list[str]:
    """Names that are missing or come twice are numbered, so that each column can be chosen."""
    told: list[str] = []
    for place, name in enumerate(names, 1):
        unique = name or f"Column {place}"
        number = 1
        while unique in told:
            number += 1
            unique = f"{name or f'Column {place}'} ({number})"
        told.append(unique)
    return told


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_lines(path), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            is_content = any(cell.strip() for cell in cells)
            if is_content and not (line == 1 and _names_separator("".join(cells))):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refusal(f"It cannot be read as a table from line {line} on ({error}).") from None


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        number = 0
        try:
            while line := file.readline(_MOST_LINE):
                number += 1
                if "\0" in line:
                    raise _refusal(_NO_TEXT)
                if len(line) == _MOST_LINE:
                    raise _refusal(f"Line {number:,} is too long for a row of a table.")
                yield line
        except UnicodeDecodeError:
            wrong = _first_wrong_line(path)
            raise _refusal(f"{_NO_TEXT} (Line {wrong} is the first that fails.)") from None


def _first_wrong_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _names_separator(line: str) -> bool:
    """The line `sep=;` that some spreadsheet programs put first."""
    return line[:4].lower() == "sep=" and len(line.strip()) <= 5


def _width(path: Path, separator: str) -> int:
    try:
        return len(next(_records(path, separator), (0, []))[1])
    except InvalidInput:
        return 0


def _refusal(text: str) -> InvalidInput:
    return InvalidInput({"file": [text]})
