"""The files that were sent, kept under their SHA-256: equal ones once."""

import hashlib
import os
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from uuid import uuid4


def artefact_path(folder: Path, sha256: str) -> Path:
    """Where the file with that digest (64 hex digits) is kept, or would be."""
    return folder / sha256[:2] / sha256


def keep_artefact(folder: Path, data: bytes) -> str:
    """Keep a file; its SHA-256 as 64 hex digits. Raises OSError, leaving nothing behind."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = artefact_path(folder, sha256)
    try:
        # A power cut can leave one that is cut off.
        if path.stat().st_size == len(data):
            # Young again, so that it is not taken away between now and its mail.
            os.utime(path)
            return sha256
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside it and renamed: who looks sees the whole file or none.
    made = _beside(path)
    try:
        with open(made, "xb", opener=_for_us_only) as file:
            file.write(data)
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return sha256


def remove_artefacts(
    folder: Path, old: datetime, needed: Callable[[Collection[str]], Collection[str]]
) -> int:
    """Remove files that nobody has made or used since the aware instant `old`, and whose digests
    are not among the `needed` ones of those that it is asked about; how many. What a writer left
    half-done goes, too."""
    removed = 0
    for shelf in folder.glob("[0-9a-f][0-9a-f]"):
        aged = [path for path in shelf.iterdir() if _is_older(path, old)]
        kept = needed([path.name for path in aged])
        removed += sum(_remove(path, old) for path in aged if path.name not in kept)
    return removed


def _remove(path: Path, old: datetime) -> bool:
    """Whoever makes the same file now either finds it still there and makes it young, which is seen
    after it is put aside; or does not find it, and writes it anew."""
    aside = _beside(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    if not _is_older(aside, old):
        aside.replace(path)
        return False
    aside.unlink()
    return True


def _is_older(path: Path, old: datetime) -> bool:
    try:
        return path.stat().st_mtime < old.timestamp()
    except FileNotFoundError:
        return False


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name[:64]}.{uuid4().hex}")


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
