"""The files that were sent, kept under their SHA-256: equal ones once."""

import hashlib
import os
from pathlib import Path
from uuid import uuid4


def artefact_path(folder: Path, sha256: str) -> Path:
    """Where the file with that digest (64 hex digits) is kept, or would be."""
    return folder / sha256[:2] / sha256


def keep_artefact(folder: Path, data: bytes) -> str:
    """Keep a file; its SHA-256 as 64 hex digits. Raises OSError, leaving nothing behind."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = artefact_path(folder, sha256)
    if path.exists():
        # Young again, so that it is not taken away between now and its mail.
        os.utime(path)
        return sha256
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside it and renamed: who looks sees the whole file or none.
    made = path.with_name(f"{sha256}.{uuid4().hex}")
    try:
        with open(made, "xb", opener=_for_us_only) as file:
            file.write(data)
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return sha256


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
