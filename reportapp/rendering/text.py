"""Text made safe once for all formats: what XML forbids, and what a spreadsheet would run."""

from __future__ import annotations

import re
import unicodedata

#: What XML 1.0 forbids (C0 controls, lone surrogates, U+FFFE, U+FFFF), and beside it what it merely
#: discourages and nobody can read: DEL, the C1 controls and the other non-characters.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(
        chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0x10000, 0x110000, 0x10000)
    )
    + "]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_FORMULA_SIGNS = frozenset("=+-@")


def clean(text: str) -> str:
    """`text` without characters that XML 1.0 forbids; every kind of line end becomes LF."""
    # Most text is; looking is quicker than replacing.
    if text.isascii() and text.isprintable():
        return text
    return _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))


def clean_line(text: str) -> str:
    """Like `clean`, on one line and without space around it: titles, names, labels."""
    return " ".join(clean(text).split())


def neutralise(text: str) -> str:
    """`text` with an apostrophe before it when a spreadsheet could take it for a formula.

    The rule is OWASP's on "CSV Injection"
    (https://owasp.org/www-community/attacks/CSV_Injection): a cell must not begin with `=`, `+`,
    `-`, `@`, tab, carriage return or line feed. Full-width forms (`＝`, `＋`, `－`, `＠`) count,
    and so do signs behind leading space, control or invisible characters, which some importers
    strip. Only for text cells: a negative number is a number.
    """
    return f"'{text}" if _looks_like_formula(text) else text


def _looks_like_formula(text: str) -> bool:
    if text.startswith(("\t", "\r", "\n")):
        return True
    # Categories Z* (spaces) and C* (control, format, surrogate) show nothing.
    first = next((c for c in text if unicodedata.category(c)[0] not in "ZC"), "")
    # NFKC folds full-width, small and raised forms of a sign into the sign itself.
    return unicodedata.normalize("NFKC", first) in _FORMULA_SIGNS


def direction(text: str) -> str:
    """`"rtl"` or `"ltr"`, by the first letter that has a direction (HTML's own `dir=auto` rule,
    which WeasyPrint does not know)."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"
