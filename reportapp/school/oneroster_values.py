"""What the cells of OneRoster files mean. A reader raises ValueError with what would be right."""

import math
import re
from collections.abc import Callable
from datetime import date

from email_validator import EmailNotValidError, validate_email

from reportapp.constants import EnrollmentRole, Role, ScoreStatus

#: Takes a cell that is not blank, without space around it.
Reader = Callable[[str], str | float | int]

#: Begins a word that is not taken, on purpose: what it is for has no place here.
LEFT_OUT = "-"
#: Is taken as a teacher: rights are given by people, not by files.
MANAGER = "manager"

_ROLES = {
    **dict.fromkeys(("student", "learner", "pupil"), Role.STUDENT),
    **dict.fromkeys(("parent", "guardian"), Role.PARENT),
    **dict.fromkeys(
        ("teacher", "professor", "faculty", "instructor", "lecturer", "adjunct"), Role.TEACHER
    ),
    "tutor": Role.TUTOR,
    **dict.fromkeys(
        (
            "administrator", "admin", "siteadministrator", "districtadministrator",
            "systemadministrator", "principal", "sysadmin",
        ),
        MANAGER,
    ),
}  # fmt: skip
_SCORES = {status.replace(" ", ""): status for status in ScoreStatus} | {
    "graded": ScoreStatus.FULLY_GRADED,
    "latesubmission": ScoreStatus.SUBMITTED,
}
_SESSIONS = {word.lower(): word for word in ("schoolYear", "semester", "term", "gradingPeriod")}


def text(most: int) -> Reader:
    """Text on one line, of at most so many characters."""

    def read(cell: str) -> str:
        value = " ".join(cell.split())
        if len(value) > most:
            raise ValueError(f"At most {most} characters.")
        if not value.isprintable():
            raise ValueError("Text without control characters.")
        return value

    return read


def long_text(cell: str) -> str:
    """Text that may have several lines."""
    value = "".join(sign for sign in cell if sign.isprintable() or sign == "\n")
    if len(value) > 10_000:
        raise ValueError("At most 10,000 characters.")
    return value


sid = text(255)


def sids(cell: str) -> str:
    """Several, separated by commas; they are kept so."""
    return ",".join(str(sid(part.strip())) for part in cell.split(",") if part.strip())


def day(cell: str) -> str:
    """A date; a time after it is left out."""
    value = cell[:10]
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII) and cell[10:11] in ("", "T", " "):
        try:
            if 1900 <= date.fromisoformat(value).year <= 2200:
                return value
        except ValueError:
            pass
    raise ValueError("A date such as 2026-09-01.")


def number(cell: str) -> float:
    try:
        value = float(cell.replace("_", "?"))  # which Python would skip
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e9:
        raise ValueError("A number such as 12.5.")
    return value


def status(cell: str) -> str:
    """`active` or `gone`."""
    word = _word(cell)
    if word in ("active", "tobedeleted", "inactive"):
        return "active" if word == "active" else "gone"
    raise ValueError("active or tobedeleted.")


def flag(cell: str) -> int:
    word = _word(cell)
    if word in ("true", "1", "yes", "primary"):
        return 1
    if word in ("false", "0", "no", "secondary"):
        return 0
    raise ValueError("true or false.")


def email(cell: str) -> str:
    try:
        value = validate_email(cell, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        value = ""
    if not value or len(value) > 320:
        raise ValueError("An e-mail address such as ada@school.example.")
    return value


def address_or_nothing(cell: str) -> str:
    """A user name where it is an e-mail address, otherwise nothing."""
    try:
        return email(cell) if "@" in cell else ""
    except ValueError:
        return ""


def role(cell: str) -> str:
    """One of our roles, MANAGER, or LEFT_OUT and the word."""
    return str(_ROLES.get(_word(cell), f"{LEFT_OUT}{text(50)(cell)}"))


def role_in_class(cell: str) -> str:
    """One of our EnrollmentRoles, or LEFT_OUT and the word."""
    found = role(cell)
    return found if found in set(EnrollmentRole) else f"{LEFT_OUT}{text(50)(cell)}"


def relation(cell: str) -> str:
    """`parent`, `guardian`, or LEFT_OUT and the word."""
    word = _word(cell)
    return word if word in ("parent", "guardian") else f"{LEFT_OUT}{text(50)(cell)}"


def score_status(cell: str) -> str:
    found = _SCORES.get(_word(cell))
    if found is None:
        raise ValueError(f"One of: {', '.join(ScoreStatus)}.")
    return str(found)


def session_type(cell: str) -> str:
    found = _SESSIONS.get(_word(cell))
    if found is None:
        raise ValueError(f"One of: {', '.join(_SESSIONS.values())}.")
    return found


def _word(cell: str) -> str:
    return re.sub(r"[\s_-]", "", cell).lower()
