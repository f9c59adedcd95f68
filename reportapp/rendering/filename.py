"""The name of a report's file, without its extension: safe in headers and on every disk."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from reportapp.documents import ReportDocument

#: School and title each; with the period the name stays under 120 characters and, for scripts of
#: three bytes a letter, under the 255 bytes that file systems allow.
_MAX_CHARACTERS = 48
_MAX_BYTES = 108


def file_stem(document: ReportDocument) -> str:
    """School, title and period, joined by `_`: letters, marks and digits of any script, `-` for
    all else. So there are no quotes, slashes, control or direction characters, no leading dot."""
    parts = [_part(document.school), _part(document.title), document.period.slug]
    return "_".join(part for part in parts if part)


@lru_cache(64)  # the school's is in all of a run's names
def _part(text: str) -> str:
    # L, M, N: letters, their marks (Devanagari and Arabic need them), digits.
    kept = (
        c if unicodedata.category(c)[0] in "LMN" else "-"
        for c in unicodedata.normalize("NFC", text)
    )
    joined = "-".join(filter(None, "".join(kept).split("-")))
    shortened = joined[:_MAX_CHARACTERS].encode()[:_MAX_BYTES].decode(errors="ignore")
    return shortened.rstrip("-")
