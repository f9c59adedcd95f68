"""What an import keeps on disk while it lasts: the upload, its errors as CSV, and how far it is."""

import csv
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from typing import BinaryIO

from reportapp.clock import Clock
from reportapp.errors import InvalidInput
from reportapp.rendering.text import clean_line, neutralise

MOST_UPLOAD = 100_000_000
#: So many characters of a wrong value are enough to know it again.
_SHOWN = 80
#: Seconds between two notes of how far an import is.
BEAT = 1.0
_CHUNK = 1 << 20


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one place of a file; `text` says what would be right."""

    file: str
    line: int
    column: str
    value: str
    text: str


class ProblemList:
    """What is wrong with a file's rows: counted, and all of it in a CSV file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._writer.writerow(("file", "line", "column", "value", "what would be right"))

    def add(self, file: str, line: int, column: str, value: object, text: str) -> None:
        """Note one; the value is made short and printable, and no spreadsheet runs any of it."""
        shown = "".join(sign if sign.isprintable() else "�" for sign in str(value)[: _SHOWN + 1])
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        texts = (neutralise(file), line, neutralise(column), neutralise(shown), neutralise(text))
        self._writer.writerow(texts)
        self.count += 1

    def close(self) -> None:
        self._stream.close()


def read_problems(path: Path, most: int) -> list[RowProblem]:
    """The first so many of a `ProblemList`'s file; none where the file is gone."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        return [
            RowProblem(row[0], int(row[1]), *map(_as_it_was, row[2:]))
            for row, _ in zip(rows, range(most), strict=False)
        ]


def _as_it_was(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running it: a page does not."""
    return cell[1:] if cell == neutralise(cell[1:]) else cell


@dataclass
class Progress:
    """How far some work is, in whatever it counts; a command shows it as it changes."""

    done: int = 0
    total: int = 0

    def advance(self, count: int = 1) -> None:
        self.done += count


@dataclass(frozen=True)
class Beat:
    """The last sign of life of an import at work."""

    done: int
    total: int
    at: datetime


@dataclass(frozen=True)
class Folder:
    """An import's own folder, of which only its random name is known outside."""

    root: Path
    name: str = field(default_factory=lambda: token_hex(16))

    @property
    def path(self) -> Path:
        return self.root / self.name

    @property
    def upload(self) -> Path:
        return self.path / "upload"

    @property
    def problems(self) -> Path:
        return self.path / "problems.csv"

    def receive(self, stream: BinaryIO) -> None:
        """Keep an upload. Raises InvalidInput (field `file`) when it is empty or too large; then
        nothing of it stays."""
        self.path.mkdir(parents=True, mode=0o700)
        size = 0
        with self.upload.open("xb") as target:
            while size <= MOST_UPLOAD and (chunk := stream.read(_CHUNK)):
                size += target.write(chunk)
        if 0 < size <= MOST_UPLOAD:
            return
        self.remove()
        if size:
            text = f"The file is larger than {MOST_UPLOAD // 1_000_000} MB, the most that is taken."
            raise InvalidInput({"file": [text]})
        raise InvalidInput({"file": ["Choose a file; this one is empty."]})

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def beat(self) -> Beat | None:
        """The last note of `beating`, or None."""
        try:
            done, total, at = json.loads((self.path / "progress.json").read_text())
        except (OSError, ValueError):
            return None
        return Beat(done, total, datetime.fromisoformat(at))

    def note(self, progress: Progress, now: datetime) -> None:
        """Say how far it is. In a file, since on SQLite the import itself may hold the lock."""
        beside = self.path / "progress.new"
        beside.write_text(json.dumps([progress.done, progress.total, now.isoformat()]))
        os.replace(beside, self.path / "progress.json")

    @contextmanager
    def beating(self, progress: Progress, at: Clock) -> Iterator[None]:
        """Notes, while the body runs, about once a second how far it is."""
        ended = Event()

        def beat() -> None:
            while True:
                with suppress(OSError):  # a disk that is full for a moment is no end
                    self.note(progress, at())
                if ended.wait(BEAT):
                    return

        thread = Thread(target=beat, name="import-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def shown_name(filename: str | None) -> str:
    """A file's name as its owner calls it, on one line and without folders."""
    text = clean_line((filename or "").replace("\\", "/").rpartition("/")[2])
    return text[-255:] or "file"


def remove_old(root: Path, before: datetime, kept: set[str]) -> None:
    """Remove the folders last touched before an instant, except those `kept`."""
    if not root.exists():
        return
    for path in root.iterdir():
        if path.name not in kept and path.stat().st_mtime < before.timestamp():
            shutil.rmtree(path, ignore_errors=True)
