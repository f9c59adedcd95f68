"""The one check of a schedule's fields: what is refused, in which words, and that nothing stays."""

from datetime import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp.constants import ExportFormat, Frequency, ReportType, Role
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule
from reportapp.schedules.edit import create_schedule, fields_of, update_schedule
from reportapp.schedules.validation import MAX_NAME, check_rule, check_schedule
from tests.cast import NOW, create_order
from tests.schedules.help import count

GOOD = {
    "name": "Class 7a",
    "report_type": "student_report",
    "frequency": "weekly",
    "day_of_week": 1,
    "day_of_month": 1,
    "time": "09:00",
    "time_zone": "Europe/Berlin",
    "export_format": "csv",
    "is_active": True,
}
#: Wrong for every field, whatever it is about.
ALWAYS_WRONG = (
    None,
    "",
    " ",
    "x" * 10_000,
    "\x00",
    "\ud800",
    10**30,
    -1,
    1.5,
    float("nan"),
    [],
    {},
    b"daily",
)
HOSTILE = {
    "name": ("a\x00b", "a\ud800b", "a\u202eb", "a\u200bb", "\n\t", True, 7, ["Class 7a"]),
    "report_type": ("STUDENT_REPORT", "student_report ", "class_analytics", True, 0),
    "frequency": ("Weekly", "hourly", "cron", "* * * * *", True, ["weekly"]),
    "day_of_week": (
        "0",
        "8",
        0,
        8,
        "1.0",
        1.0,
        "-1",
        "+1",
        "²",
        "١",
        "1\x00",
        True,
        False,
        "00001",
    ),
    "day_of_month": ("0", "32", 0, 32, 31.0, "1e1", "１", True, "last"),
    "time": (
        *("24:00", "23:60", "9", "9:", ":30", "09:00:01", "0900", "9.30", "-1:30", "+9:00"),
        *(
            "09:00 pm",
            "000000009:00",
            "٠٩:٠٠",
            "09:0²",
            "9:00:00:00",
            "09:00\x00",
            "1 2:00",
            True,
            900,
            [9, 0],
        ),
    ),
    "time_zone": (
        *("../../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin", "Europe/Berlin\x00"),
        *("berlin\x00", "Europe", "Mars/Olympus", "UTC+2", "+02:00", True, 1),
    ),
    "export_format": ("CSV", "csv\n", "html", "exe", True, 1),
    "is_active": ("true", "yes", "on", "1", 1, 0),
}
WRONG = [(field, value) for field, more in HOSTILE.items() for value in (*ALWAYS_WRONG, *more)]


def with_field(field, value):
    # A day is looked at only where the frequency uses it.
    monthly = {"frequency": "monthly"} if field == "day_of_month" else {}
    return {**GOOD, **monthly, field: value}


def problems(data, role=Role.TEACHER):
    with pytest.raises(InvalidInput) as caught:
        check_schedule(data, role)
    return caught.value.fields


@pytest.mark.parametrize(
    ("field", "value"), WRONG, ids=[f"{field}-{n}" for n, (field, _) in enumerate(WRONG)]
)
def test_a_hostile_value_is_refused_at_its_own_field_alone(field, value):
    found = problems(with_field(field, value))
    assert list(found) == [field]
    (message,) = found[field]
    # Short, and without an echo of what was sent.
    assert message.endswith((".", "?"))
    assert len(message) < 100
    assert message.isprintable()


def test_nothing_is_stored_or_changed_by_refused_values(cast):
    kept = create_order(cast.tom, name="Kept")
    monthly = create_order(cast.tom, frequency="monthly")
    before = [(fields_of(row), row.next_scheduled, row.updated_at) for row in (kept, monthly)]
    for field, value in WRONG:
        with pytest.raises(InvalidInput):
            create_schedule(cast.tom, with_field(field, value), NOW, to_author=True)
        target = monthly if field == "day_of_month" else kept
        with pytest.raises(InvalidInput):
            update_schedule(cast.tom, target.id, {"name": "Changed", field: value}, NOW)
    assert count(ReportSchedule) == 2
    after = [(fields_of(row), row.next_scheduled, row.updated_at) for row in (kept, monthly)]
    assert after == before


def test_all_wrong_fields_are_told_at_once():
    assert set(problems({})) == set(GOOD) - {"day_of_week", "day_of_month"}
    wrong = {**dict.fromkeys(GOOD, "?!\x00"), "frequency": "weekly"}
    assert set(problems(wrong)) == set(GOOD) - {"frequency", "day_of_month"}
    assert set(problems({**wrong, "frequency": "monthly"})) == set(GOOD) - {
        "frequency",
        "day_of_week",
    }
    with pytest.raises(InvalidInput) as caught:
        check_rule({"frequency": "weekly", "time": "25:00", "time_zone": "Mars", "day_of_week": 0})
    assert set(caught.value.fields) == {"time", "time_zone", "day_of_week"}


def test_text_as_a_form_sends_it_is_read_like_values():
    text = {**GOOD, "day_of_week": " 7 ", "time": " 7:05 ", "name": "  Class \n 7a  "}
    checked = check_schedule(text, Role.TEACHER)
    assert (checked.name, checked.day_of_week, checked.time) == ("Class 7a", 7, time(7, 5))
    assert check_schedule({**GOOD, "time_zone": " new york\n"}, Role.TEACHER).time_zone == (
        "America/New_York"
    )
    assert check_schedule({**GOOD, "time": "23:59:00"}, Role.TEACHER).time == time(23, 59)
    assert check_schedule({**GOOD, "time": time(9, 0, 59)}, Role.TEACHER).time == time(9)


@pytest.mark.parametrize("name", ["Ольга", "Zoë & Ñandú", "<b>7a</b>", "=1+1", "報告", "😀"])
def test_a_name_may_be_in_any_language(name):
    assert check_schedule({**GOOD, "name": name}, Role.TEACHER).name == name


def test_a_name_has_a_length_that_fits_its_column():
    assert check_schedule({**GOOD, "name": "é" * MAX_NAME}, Role.TEACHER)
    assert problems({**GOOD, "name": "é" * (MAX_NAME + 1)}) == {
        "name": ["Use at most 200 characters; this has 201."]
    }


@pytest.mark.parametrize("frequency", Frequency)
def test_a_day_that_the_frequency_does_not_use_is_dropped_unread(frequency):
    days = {"weekly": {"day_of_week": 3}, "monthly": {"day_of_month": 31}}.get(frequency, {})
    data = {**GOOD, "day_of_week": "garbage", "day_of_month": "garbage", "frequency": frequency}
    checked = check_schedule({**data, **days}, Role.TEACHER)
    assert (checked.day_of_week, checked.day_of_month) == (
        days.get("day_of_week"),
        days.get("day_of_month"),
    )


def test_each_role_may_order_its_own_types_of_report():
    may = {
        Role.ADMIN: set(ReportType),
        Role.TEACHER: {ReportType.STUDENT_REPORT, ReportType.TEACHER_WEEKLY_REPORT},
        Role.TUTOR: {ReportType.STUDENT_REPORT, ReportType.TUTOR_WEEKLY_REPORT},
        Role.PARENT: set(),
        Role.STUDENT: set(),
    }
    for role in Role:
        for kind in ReportType:
            data = {**GOOD, "report_type": kind}
            if kind in may[role]:
                assert check_schedule(data, role).report_type is kind
            else:
                assert problems(data, role) == {
                    "report_type": [f"A {role} cannot order this report."]
                }


_TEXT = st.text(st.characters(), max_size=20) | st.text(st.characters(categories=["Cs", "Cc"]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=3,
)


_NEAR = st.integers(-1, 40) | st.builds("{}:{:02}".format, st.integers(0, 25), st.integers(0, 61))
_CHANGES = st.dictionaries(st.sampled_from(sorted(GOOD)), _JSON | _NEAR, max_size=2)


# Where Hypothesis has no cache yet, its table of all characters takes seconds to make.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(Frequency), _CHANGES)
def test_any_input_is_either_refused_in_words_or_fits_the_table(frequency, changes):
    try:
        checked = check_schedule({**GOOD, "frequency": frequency, **changes}, Role.ADMIN)
    except InvalidInput as error:
        assert set(error.fields) <= set(changes)  # noqa: PT017 - either end is right here
        return
    assert 0 < len(checked.name) <= MAX_NAME
    assert checked.name.encode()
    assert isinstance(checked.report_type, ReportType)
    assert isinstance(checked.export_format, ExportFormat)
    assert (checked.day_of_week in range(1, 8)) is (checked.frequency is Frequency.WEEKLY)
    assert (checked.day_of_month in range(1, 32)) is (checked.frequency is Frequency.MONTHLY)
    assert checked.rule()
