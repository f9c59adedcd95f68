"""The CSV files of a OneRoster bundle, in a zip or a folder: found, and read line by line.

Nothing is ever unpacked: no name in a zip can reach the disk, and memory stays flat.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any, BinaryIO
from zlib import error as zlib_error

from reportapp.errors import InvalidInput

MOST_FILES = 200
#: Bytes unpacked, all files together; and how many times smaller a zip may be than what is in it.
MOST_BYTES = 2_000_000_000
MOST_RATIO = 200
#: Below this, the ratio of a file says nothing.
_SMALL = 1_000_000
_LONGEST_LINE = 1_000_000
_CHUNK = 1 << 20
#: What a damaged zip file, or one packed in a way that nobody uses, may raise.
_DAMAGE = (
    zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, LZMAError, zlib_error,
)  # fmt: skip


class Source:
    """The CSV files of a bundle, by their names in lower case without `.csv`.

    Raises InvalidInput (field `file`) when this is no bundle, or a dangerous one.
    """

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._places: dict[str, zipfile.ZipInfo | Path] = {}
        if path.is_dir():
            found = [one for one in sorted(path.iterdir()) if one.suffix.lower() == ".csv"]
            self._places = {one.stem.lower(): one for one in found}
        else:
            self._open_zip(path)
        if not self._places:
            raise refused("There are no CSV files in it.")

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    @property
    def names(self) -> list[str]:
        return list(self._places)

    def lines(self, name: str) -> int:
        """About how many lines the file has."""
        count = 0
        with self._open(name) as stream:
            while chunk := stream.read(_CHUNK):
                count += chunk.count(b"\n")
        return count

    def rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        """The file's rows that are not blank, each with the line on which it begins; the first one
        is the header. Raises InvalidInput (field `file`) for what is not CSV in UTF-8."""
        shown = f"{name}.csv"
        with self._open(name) as stream:
            line, size = 1, 0

            def fed() -> Iterator[str]:
                nonlocal size
                for text in _text(stream, shown):
                    size += len(text)
                    if size > _LONGEST_LINE:
                        text = f"The row that begins on line {line} of {shown} does not end."
                        raise refused(f"{text} Is a quotation mark missing or too much there?")
                    yield text

            reader = csv.reader(fed(), strict=True)
            while True:
                size = 0
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    text = f"Line {reader.line_num} of {shown} is no proper CSV ({error})."
                    raise refused(text) from None
                if row is None:
                    return
                if any(cell.strip() for cell in row):
                    yield line, row
                line = reader.line_num + 1

    def _open(self, name: str) -> Any:
        place = self._places[name]
        if isinstance(place, Path):
            return place.open("rb")
        assert self._zip is not None
        try:
            return _Checked(self._zip.open(place), f"{name}.csv")
        except _DAMAGE:
            raise _damaged(f"{name}.csv") from None

    def _open_zip(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE:
            text = "This is not a zip file. Put all CSV files of the export into one zip file."
            raise refused(text) from None
        try:
            self._find(self._zip.infolist())
        except InvalidInput:
            self._zip.close()
            raise

    def _find(self, infos: list[zipfile.ZipInfo]) -> None:
        if len(infos) > MOST_FILES:
            raise refused(f"There are {len(infos):,} files in it; at most {MOST_FILES} are taken.")
        if sum(info.file_size for info in infos) > MOST_BYTES:
            raise refused("Unpacked it would be larger than 2 GB, the most that is taken.")
        for info in infos:
            parts = info.filename.replace("\\", "/").split("/")
            if ".." in parts or not parts[0] or ":" in parts[0]:
                raise refused("A file in it has a path that leads out of the zip file.")
            if info.file_size > _SMALL and info.file_size > MOST_RATIO * info.compress_size:
                raise refused("A file in it grows suspiciously large when it is unpacked.")
            if info.flag_bits & 1:
                raise refused("It is protected by a password. Make one without a password.")
            stem, dot, ending = parts[-1].lower().rpartition(".")
            if not dot or ending != "csv" or stem.startswith(".") or "__MACOSX" in parts:
                continue
            if stem in self._places:
                raise refused(f"There are two files named {stem[:80]}.csv in it.")
            self._places[stem] = info


class _Checked(io.RawIOBase):
    """A file of a zip, whose damage is told in words."""

    def __init__(self, stream: IO[bytes], shown: str) -> None:
        self._stream, self._shown = stream, shown

    def read(self, size: int = -1) -> bytes:
        return self._told(self._stream.read, size)

    def readline(self, size: int | None = -1) -> bytes:
        return self._told(self._stream.readline, size)

    def _told(self, read, size) -> bytes:
        try:
            return read(size)
        except _DAMAGE:
            raise _damaged(self._shown) from None

    def close(self) -> None:
        self._stream.close()
        super().close()


def refused(text: str) -> InvalidInput:
    """The error for a bundle that cannot be taken at all."""
    return InvalidInput({"file": [text]})


def _damaged(shown: str) -> InvalidInput:
    return refused(f"The zip file is damaged at {shown}. Export it again.")


def _text(stream: IO[bytes] | BinaryIO, shown: str) -> Iterator[str]:
    """The lines of a file. Raises InvalidInput, in words for whoever knows no encodings."""
    number = 0
    while raw := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                text = f"{shown} is saved as UTF-16 (“Unicode”). Save it as “CSV UTF-8”."
                raise refused(text)
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in raw or len(raw) == _LONGEST_LINE or raw.startswith(b"\x89PNG"):
            raise refused(f"{shown} is not a text file with a table (line {number}).")
        try:
            yield raw.decode()
        except UnicodeDecodeError:
            text = (
                f"{shown} is not saved as UTF-8; line {number} is the first that fails. "
                "Save it as “CSV UTF-8”."
            )
            raise refused(text) from None
