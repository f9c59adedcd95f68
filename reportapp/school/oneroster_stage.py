"""The rows of a bundle, read and checked one by one, in a temporary SQLite file: there they can be
compared by millions while memory stays flat."""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from reportapp.school.import_files import ProblemList, Progress
from reportapp.school.oneroster_source import Source, refused
from reportapp.school.oneroster_tables import PRIVATE_FILES, TABLES, Column, Table

csv.field_size_limit(200_000)
BATCH = 2_000
_BLANK = 20


class Stage:
    """`f_NAME` holds the rows of each file: line, state (`active`, `gone`, `bad`), its columns.

    `modes` says of each file that is there whether it is all that there is (`bulk`) or not
    (`delta`); `unsure` holds files with rows that cannot be told apart, so that nothing may be
    concluded from what they lack.
    """

    def __init__(self, path: Path, problems: ProblemList, progress: Progress) -> None:
        # No journal, no locks: it is ours alone, and thrown away.
        self.sql = sqlite3.connect(path, isolation_level=None)
        self.sql.execute("PRAGMA journal_mode = OFF")
        self.sql.execute("PRAGMA synchronous = OFF")
        self.sql.execute("PRAGMA cache_size = -16000")
        self.sql.execute("BEGIN")
        self.problems, self.progress = problems, progress
        #: Of which file the rows of a table here are.
        self.files: dict[str, str] = {}
        self.modes: dict[str, str] = {}
        self.columns: dict[str, set[str]] = {}
        self.unsure: set[str] = set()
        self.notes: list[str] = []
        self.left_out = 0

    def close(self) -> None:
        self.sql.close()

    def load(self, source: Source) -> None:
        """Read all files of the bundle. Raises InvalidInput (field `file`) when one is no table, or
        not what the manifest says."""
        self.modes = _modes(source)
        known = [name for name in TABLES if name in self.modes]
        if not known:
            wanted = ", ".join(f"{table.name}.csv" for table in TABLES.values())
            raise refused(f"None of the files of OneRoster is in it: {wanted}.")
        self._note_files(source)
        lines = {name: source.lines(name) for name in known}
        self.progress.total = 2 * sum(lines.values())
        for name in TABLES:
            self._make(TABLES[name])
            if name in lines:
                self._read(TABLES[name], source)

    def reject(
        self,
        target: str,
        column: str,
        where: str,
        text: str,
        *,
        value: str = "''",
        left_out: bool = False,
    ) -> int:
        """List the active rows of the table `target AS t` for which the SQL `where` holds, with the
        SQL `value`, and take them for bad. With `left_out` nothing is wrong with them, but they are
        not taken, on purpose. Returns how many there were."""
        file = self.files[target]
        rows = f"{target} AS t WHERE state = 'active' AND ({where})"
        query = f"SELECT line, {value} FROM {rows} ORDER BY line"  # noqa: S608
        count = 0
        for line, shown in self.sql.execute(query):
            self.problems.add(file, line, column, "" if shown is None else shown, text)
            count += 1
        if count:
            rows = rows.replace(" WHERE", " SET state = 'bad' WHERE", 1)
            self.sql.execute(f"UPDATE {rows}")
        self.left_out += count if left_out else 0
        return count

    def batches(self, query: str, values: Iterable[Any] = ()) -> Iterator[list[tuple]]:
        """The rows of a query in parts."""
        cursor = self.sql.execute(query, tuple(values))
        while rows := cursor.fetchmany(BATCH):
            yield rows

    def _make(self, table: Table) -> None:
        names = ", ".join(column.name for column in table.columns if column.name != "status")
        self.sql.execute(f"CREATE TABLE f_{table.name} (line, state, {names})")
        self.files[f"f_{table.name}"] = f"{table.name}.csv"

    def _read(self, table: Table, source: Source) -> None:
        rows = source.rows(table.name.lower())
        header = next(rows, (1, []))[1]
        places = self._places(table, header)
        marks = ", ".join("?" * (len(table.columns) + 1))
        insert = f"INSERT INTO f_{table.name} VALUES ({marks})"  # noqa: S608
        batch: list[list[Any]] = []
        for line, cells in rows:
            made = self._row(table, places, len(header), line, cells)
            if made is not None:
                batch.append(made)
            if len(batch) == BATCH:
                self._insert(insert, batch)
        self._insert(insert, batch)
        if table.has_key:
            self._refuse_twice(table)

    def _insert(self, insert: str, batch: list[list[Any]]) -> None:
        self.sql.executemany(insert, batch)
        self.progress.advance(len(batch))
        batch.clear()

    def _places(self, table: Table, header: list[str]) -> list[tuple[Column, int | None]]:
        """Where each column stands. Raises InvalidInput for a header that lacks a needed one."""
        given = [_plain(cell) for cell in header]
        for name in given:
            if name and given.count(name) > 1:
                raise refused(f"{table.name}.csv has the column {name[:80]} twice.")
        if len(header) == 1 and ";" in header[0]:
            raise refused(f"{table.name}.csv is separated by semicolons; it must be by commas.")
        places = []
        for column in table.columns:
            names = [_plain(name) for name in (column.name, *column.also)]
            found = next((given.index(name) for name in names if name in given), None)
            if found is None and column.needed:
                raise refused(f"{table.name}.csv has no column {column.name}.")
            places.append((column, found))
        self.columns[table.name] = {column.name for column, found in places if found is not None}
        taken = {found for _, found in places}
        unread = [cell.strip()[:40] for place, cell in enumerate(header) if place not in taken]
        if unread:
            self.notes.append(f"{table.name}.csv: not read: {', '.join(unread[:_BLANK])}.")
        return places

    def _row(
        self,
        table: Table,
        places: list[tuple[Column, int | None]],
        width: int,
        line: int,
        cells: list[str],
    ) -> list[Any] | None:
        """The row for the stage, or None when it does not even say what it is about."""
        add: Callable[..., None] = self.problems.add
        file = f"{table.name}.csv"
        if len(cells) != width:
            text = f"{width} values, as in the header; here are {len(cells)}."
            add(file, line, "", cells[0] if cells else "", text)
            self.unsure.add(table.name.lower())
            return None
        values: dict[str, Any] = {}
        wrong: dict[str, tuple[str, str]] = {}
        for column, place in places:
            cell = cells[place].strip() if place is not None else ""
            values[column.name] = None
            try:
                values[column.name] = column.read(cell) if cell else None
            except ValueError as error:
                wrong[column.name] = (cell, str(error))
        state = values.pop("status") or "active"
        if state == "gone":  # only what it is about matters
            wrong = {name: told for name, told in wrong.items() if name == "sourcedId"}
        for column, _ in places:
            is_key = column.name == "sourcedId"
            if column.needed and values[column.name] is None and (state == "active" or is_key):
                wrong.setdefault(column.name, ("", "A value is needed here."))
        for name, (cell, text) in wrong.items():
            add(file, line, name, cell, text)
        if wrong and not values.get("sourcedId"):
            self.unsure.add(table.name.lower())
        return [line, "bad" if wrong else state, *values.values()]

    def _refuse_twice(self, table: Table) -> None:
        name = f"f_{table.name}"
        self.sql.execute(f"CREATE INDEX i_{name} ON {name} (sourcedId)")
        twice = f"EXISTS (SELECT 1 FROM {name} AS g WHERE g.sourcedId = t.sourcedId"  # noqa: S608
        text = "Each sourcedId once; an earlier line has the same."
        self.reject(name, "sourcedId", f"{twice} AND g.line < t.line)", text, value="sourcedId")

    def _note_files(self, source: Source) -> None:
        for name, words in PRIVATE_FILES.items():
            if name in source.names:
                self.notes.append(f"{name}.csv is not read, on purpose: it is about {words}.")
        others = set(source.names) - set(TABLES) - set(PRIVATE_FILES) - {"manifest"}
        if others:
            shown = ", ".join(f"{name[:60]}.csv" for name in sorted(others)[:_BLANK])
            self.notes.append(f"Not read, since nothing here needs it: {shown}.")
        self.notes.append("Passwords are never read.")


def _plain(name: str) -> str:
    """A column's name without case and separators; those of extensions stay what they are."""
    text = name.strip().lower()
    if text.startswith(("metadata.", "ext_")):
        return text
    return "".join(sign for sign in text if sign.isalnum())


def _modes(source: Source) -> dict[str, str]:
    """The mode of every file that is to be read, from the manifest; without one, all that is there
    is all that there is."""
    if "manifest" not in source.names:
        return dict.fromkeys((name for name in source.names if name in TABLES), "bulk")
    said = {}
    for _, row in source.rows("manifest"):
        name, value = (*(cell.strip().lower() for cell in row), "", "")[:2]
        if name.startswith("file."):
            said[name.removeprefix("file.")] = value
    modes = {}
    for name in TABLES:
        mode = said.get(name, "delta" if name in source.names else "absent")
        if mode not in ("bulk", "delta", "absent"):
            raise refused(f"The manifest says “{mode[:40]}” of {name}.csv: bulk, delta or absent.")
        if mode != "absent":
            if name not in source.names:
                raise refused(f"The manifest promises {name}.csv, but it is not there.")
            modes[name] = mode
    return modes
