"""The school calendar from a table: title, first_day, last_day, kind."""

import csv
from collections.abc import Iterator
from io import StringIO

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.errors import InvalidInput
from reportapp.school.calendar_found import FoundCalendar, RowError, with_uids
from reportapp.school.calendar_values import EntryInput, check_entry

COLUMNS = ("title", "first_day", "last_day", "kind")
SEPARATORS = ",;\t"
#: What the page offers to fill in.
TEMPLATE = (
    "title,first_day,last_day,kind\r\n"
    "Autumn holidays,2026-10-12,2026-10-23,holiday\r\n"
    "Teachers' conference,2026-11-27,2026-11-27,closure\r\n"
    "Written exams,2027-01-18,2027-01-22,exam\r\n"
)


def read_csv(text: str, most: int) -> FoundCalendar:
    """The entries of `text`, at most `most`, and every error in it.

    Raises InvalidInput when it is no such table at all.
    """
    rows = _rows(text)
    try:
        entries, errors = _entries(rows, most)
    except csv.Error as error:
        raise _no_table(f"It cannot be read as a table ({error}).") from None
    return FoundCalendar(CalendarSource.CSV, tuple(with_uids(entries)), tuple(errors))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line that it begins in; the first one is
    the header, and chooses the separator."""
    begin = text.find("\n") + 1 if text[:4].lower() == "sep=" else 0
    skipped = text.count("\n", 0, begin)
    header = next((line for line in text[begin:].splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(StringIO(text[begin:], newline=""), delimiter=separator, strict=True)
    line = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield line + skipped, row
        line = reader.line_num + 1


def _entries(
    rows: Iterator[tuple[int, list[str]]], most: int
) -> tuple[list[EntryInput], list[RowError]]:
    names = _header(next(rows, (1, []))[1])
    lines: dict[EntryInput, int] = {}
    errors: list[RowError] = []
    for number, (line, row) in enumerate(rows, 1):
        if number > most:
            raise InvalidInput({"file": [f"A file may have at most {most:,} entries."]})
        if len(row) > len(names):
            text = "There are more cells than columns; put a text with a separator in quotes."
            errors.append(RowError.at(line, "", row[len(names)], text))
            continue
        values = {**dict.fromkeys(COLUMNS, ""), **dict(zip(names, row, strict=False))}
        try:
            entry = check_entry(values)
        except InvalidInput as error:
            errors.extend(
                RowError.at(line, column, values[column], _advice(column, values[column], texts))
                for column, texts in error.fields.items()
            )
            continue
        if entry in lines:
            text = f"This is the same as line {lines[entry]}; delete one of them."
            errors.append(RowError.at(line, "title", entry.title, text))
        lines.setdefault(entry, line)
    if not lines and not errors:
        raise InvalidInput({"file": ["There are no entries under the header."]})
    return list(lines), errors


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise _no_table(f"Its first line lacks {', '.join(missing)}.")
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        raise _no_table(f"Its first line has {', '.join(twice)} twice.")
    return names


def _no_table(what: str) -> InvalidInput:
    return InvalidInput(
        {"file": [f"{what} Begin the file with the line {','.join(COLUMNS)}, as the template has."]}
    )


def _advice(column: str, value: str, texts: list[str]) -> str:
    if column == "kind" and value.strip().lower() in ("term", "semester"):
        return f"Terms are entered on the page. Write one of: {', '.join(CalendarKind)}."
    return " ".join(texts)
