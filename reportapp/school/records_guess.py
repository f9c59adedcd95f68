"""What the columns of a file probably mean, by their names and values; what is not certain is left
open, for a person to choose."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reportapp.constants import AttendanceStatus, DateOrder, ImportKind, Others
from reportapp.school.records_mapping import COLUMNS
from reportapp.school.records_table import Table
from reportapp.school.records_values import code_key, date_orders, fitting, read_day, read_number

#: By field: how schools' systems call such a column, the likeliest first; letters and digits only.
_NAMES: dict[ImportKind, dict[str, str]] = {
    ImportKind.ATTENDANCE: {
        "student": "studentsourcedid studentid studentnumber studentno student pupilid pupil "
        "usersourcedid userid learnerid studentemail email",
        "day": "attendancedate date day datum schoolday absencedate calendardate",
        "code": "attendancecode code attendancestatus status attendance presence presenceflag "
        "mark attendancetype reason",
        "group": "classsourcedid sectionsourcedid sectionid classid section class groupid group "
        "courseid",
        "lesson": "period lesson periodnumber lessonnumber hour stunde session",
        "all_day": "allday wholeday fullday isallday ganztags",
    },
    ImportKind.MARKS: {
        "student": "studentsourcedid studentid studentnumber studentno student pupilid pupil "
        "usersourcedid userid learnerid studentemail email",
        "group": "classsourcedid sectionsourcedid sectionid classid section class groupid group "
        "courseid",
        "term": "termsourcedid termid term academicsessionsourcedid sessionid gradingperiod "
        "semester markingperiod",
        "number": "numericgradeearned numericgrade score numericmark percent percentage points "
        "mark grade",
        "letter": "alphagradeearned alphagrade lettergrade letter textscore mark grade",
        "final": "isfinalgrade isfinal finalgrade final finalmark",
    },
}
_CODES: dict[AttendanceStatus, str] = {
    AttendanceStatus.PRESENT: "p|pr|present|1|y|yes|/|\\|✓|here|attended|anwesend|in attendance",
    AttendanceStatus.ABSENT: "a|ab|abs|absent|0|n|no|u|ua|unexcused|unexcused absence|absent "
    "unexcused|unauthorised absence|unauthorized absence|abwesend|unentschuldigt",
    AttendanceStatus.LATE: "l|t|la|late|tardy|td|lt|verspätet",
    AttendanceStatus.EXCUSED: "e|ex|ea|excused|excused absence|absent excused|authorised absence|"
    "authorized absence|entschuldigt",
    AttendanceStatus.PARTIAL: "partial|part|pt|partially present",
    AttendanceStatus.LEFT_EARLY: "le|left early|leftearly|left_early|early departure|"
    "early dismissal|dismissed early",
}
_STATUS_OF = {code: status for status, text in _CODES.items() for code in text.split("|")}
_ROWS_LOOKED_AT = 200


@dataclass(frozen=True)
class Guess:
    """`data` is for `check_mapping`; of a field that is not certain, it has nothing. `orders`: in
    which the days can be written; `example`: a day that tells them apart, if there is one;
    `counts`: how often each code stands in the file."""

    data: dict[str, Any]
    orders: list[DateOrder] = field(default_factory=list)
    example: str = ""
    counts: Counter[str] = field(default_factory=Counter)


def guess_mapping(kind: ImportKind, table: Table) -> Guess:
    """What the columns of `table` probably mean."""
    names = {
        "".join(filter(str.isalnum, name.casefold())): name for name in reversed(table.columns)
    }
    rows = table.first_rows(_ROWS_LOOKED_AT)
    data: dict[str, Any] = {}
    for column in COLUMNS[kind]:
        for name in _NAMES[kind][column.field].split():
            found = names.get(name)
            if found is None or found in data.values():
                continue
            if column.field == "number" and not _are_numbers(table, rows, found):
                continue
            data[column.field] = found
            break
    if kind is ImportKind.MARKS:
        return Guess({**data, "highest": 100.0})
    return guess_values(table, data)


def guess_values(table: Table, data: dict[str, Any]) -> Guess:
    """The same for the values of the columns that `data` names as date and code."""
    data = dict(data)
    named = [name for name in (data.get("day"), data.get("code")) if name in table.columns]
    values = table.values_of(*dict.fromkeys(named))
    days: Counter[str] = values.get(data.get("day") or "", Counter())
    orders = date_orders(list(days))
    if len(orders) == 1:
        data["date_order"] = orders[0]
    counts = _one_spelling(values.get(data.get("code") or "", Counter()))
    data["codes"] = guess_codes(counts)
    # A file without a single "present" probably lists exceptions: that is for a person to say.
    if AttendanceStatus.PRESENT in data["codes"].values():
        data["others"] = Others.UNKNOWN
    return Guess(data, orders, _telling(days, orders), counts)


def guess_codes(codes: Iterable[str]) -> dict[str, AttendanceStatus]:
    """The usual meaning of those codes that have one."""
    return {code: _STATUS_OF[key] for code in codes if (key := code_key(code)) in _STATUS_OF}


def _telling(days: Iterable[str], orders: list[DateOrder]) -> str:
    readings = {day: {read_day(day, order) for order in fitting(day, orders)} for day in days}
    return max(readings, key=lambda day: len(readings[day]), default="")


def _one_spelling(counts: Counter[str]) -> Counter[str]:
    """Each code once, as it was spelled first."""
    spellings: dict[str, str] = {}
    together: Counter[str] = Counter()
    for code, count in counts.items():
        together[spellings.setdefault(code_key(code), code)] += count
    return together


def _are_numbers(table: Table, rows: list[list[str]], name: str) -> bool:
    place = table.columns.index(name)
    values = [row[place] for row in rows if row[place]]
    return bool(values) and sum(map(_is_number, values)) * 10 >= len(values) * 9


def _is_number(text: str) -> bool:
    try:
        read_number(text)
    except ValueError:
        return False
    return True
