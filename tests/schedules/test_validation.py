"""The one check of a schedule's fields: what is refused, in which words, and that nothing stays."""

from dataclasses import asdict
from datetime import date, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp.constants import (
    ClosedDays,
    ExportFormat,
    Frequency,
    MonthMode,
    PeriodKind,
    ReportType,
    Role,
)
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule
from reportapp.recurrence import next_run_after
from reportapp.schedules.edit import create_schedule, fields_of, update_schedule
from reportapp.schedules.timing import rule_of, sentence_of
from reportapp.schedules.validation import MAX_NAME, RHYTHM, check_rhythm, check_schedule
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
#: What a field must be looked at in.
CONTEXT = {
    "days_of_week": {"day_of_week": None},
    "interval": {},
    "day_of_month": {"frequency": "monthly"},
    "month_mode": {"frequency": "monthly"},
    "nth": {"frequency": "monthly", "month_mode": "weekday"},
    "cron": {"frequency": "cron"},
}
#: May be left empty; the others may not.
OPTIONAL = {
    *("interval", "month_mode", "nth", "start_date", "end_date", "paused_until", "max_runs"),
    *("closed_days", "exams_closed", "period"),
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
    "report_type": ("STUDENT_REPORT", "student_report ", "no_such_report", True, 0),
    "frequency": ("Weekly", "hourly", "cron ", "* * * * *", True, ["weekly"]),
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
    "days_of_week": (
        *(",", " , ", "1,9", "0", "8", "1-5", "mon", "1;2", "１", "١", "1" * 21, "1.0", "1\x00"),
        *([True], [0], [8], [1.0], [None], [[1]], ["1,2"], [1] * 21, {1, 2}, {"1": 2}, 1, True),
    ),
    "interval": (0, 53, "0", "53", "٣", "1.0", 1.0, "+1", "1e1", True, [1], "1" * 13),
    "month_mode": ("Day", "nonsense", "school-day", "nth", True, 0, ["day"]),
    "nth": (0, 5, -2, "0", "5", "+1", "last", "１", 1.5, True, [1]),
    "cron": (
        *("* * * * *", "*/30 9 * * *", "0,30 9 * * *", "0 9 30 2 *", "0 9 31 4,6 *"),
        *("0 9 * *", "0 9 * * * *", "@daily", "60 9 * * *", "0 24 * * *", "0 9 0 * *"),
        *("0 9 32 * *", "0 9 * 13 *", "0 9 * * 8", "0 9 L * *", "0 9 LW * *", "0 9 * * 1#1"),
        *("0 9 * * 5L", "0 9 * * 1#1,5", "0 9 */0 * *", "0 17-9 * * *", "0 ٩ * * *", "0 9 ? * *"),
        *("0 9 * * * ; rm -rf /", "0 9 * * *\x00", "0 9 * * 1,", "-1 9 * * *", "TZ=UTC 0 9 * * *"),
        *(True, ["0 9 * * *"], {"cron": "0 9 * * *"}),
    ),
    "start_date": (
        *("1970-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "0000-00-00", "2026-02-30"),
        *("01.09.2026", "2026-9-1", "20260901", "2026-W01", "2026-W01-1", "2026-09-01T00:00"),
        *("２０２６-09-01", "2026-09-01\x00", "tomorrow", 20260901, True, date(1999, 12, 31)),
        *(date(2101, 1, 1), NOW, time(9), ["2026-09-01"]),
    ),
    "end_date": ("1970-01-01", "9999-12-31", "2026-13-01", "2026-W01-1", NOW, True),
    "paused_until": ("1970-01-01", "9999-12-31", "2026-13-01", "2026-W01-1", NOW, True),
    "max_runs": (0, 10_001, 10**9, "0", "1000000000", "٣", "1.5", 1.0, "+1", "1e3", True, [1]),
    "closed_days": ("Skip", "nonsense", "holidays", True, 0, ["skip"]),
    "exams_closed": ("true", "yes", "on", "1", 1, 0),
    "period": ("Rhythm", "nonsense", "last_year", "2026", True, 7, ["rhythm"]),
}
WRONG = [
    (field, value)
    for field, more in HOSTILE.items()
    for value in (*ALWAYS_WRONG, *more)
    if not (field in OPTIONAL and value in (None, ""))
    # -1 is the last one of a month.
    and not (field == "nth" and value == -1)
]


def with_field(field, value):
    return {**GOOD, **CONTEXT.get(field, {}), field: value}


def checked_of(data, role=Role.TEACHER):
    return check_schedule(data, role, NOW)


def problems(data, role=Role.TEACHER):
    with pytest.raises(InvalidInput) as caught:
        checked_of(data, role)
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
    assert len(message) < (200 if field == "cron" else 130)
    assert message.isprintable()


def test_nothing_is_stored_or_changed_by_refused_values(cast):
    kept = create_order(cast.tom, name="Kept")
    before = fields_of(kept), kept.next_scheduled, kept.updated_at
    for field, value in WRONG:
        with pytest.raises(InvalidInput):
            create_schedule(cast.tom, with_field(field, value), NOW, to_author=True)
        change = {"name": "Changed", **CONTEXT.get(field, {}), field: value}
        with pytest.raises(InvalidInput):
            update_schedule(cast.tom, kept.id, change, NOW)
    assert count(ReportSchedule) == 1
    assert (fields_of(kept), kept.next_scheduled, kept.updated_at) == before


def test_all_wrong_fields_are_told_at_once():
    days = {"day_of_week", "day_of_month"}
    assert set(problems({})) == set(GOOD) - days
    wrong = dict.fromkeys({*GOOD, *HOSTILE}, "?!\x00")
    always = set(wrong) - days - {"frequency", "days_of_week", "interval", "month_mode", "nth"}
    always -= {"cron"}
    assert set(problems({**wrong, "frequency": "daily"})) == always
    assert set(problems({**wrong, "frequency": "weekly"})) == always | {"days_of_week", "interval"}
    assert set(problems({**wrong, "frequency": "monthly"})) == always | {"month_mode"}
    by_cron = problems({**wrong, "frequency": "cron"})
    assert set(by_cron) == always - {"time"} | {"cron"}
    with pytest.raises(InvalidInput) as caught:
        check_rhythm(
            {"frequency": "weekly", "time": "25:00", "time_zone": "Mars", "day_of_week": 0}, NOW
        )
    assert set(caught.value.fields) == {"time", "time_zone", "day_of_week"}


def test_text_as_a_form_sends_it_is_read_like_values():
    text = {**GOOD, "day_of_week": " 7 ", "time": " 7:05 ", "name": "  Class \n 7a  "}
    checked = checked_of(text)
    assert (checked.name, checked.day_of_week, checked.time) == ("Class 7a", 7, time(7, 5))
    assert checked_of({**GOOD, "time_zone": " new york\n"}).time_zone == ("America/New_York")
    assert checked_of({**GOOD, "time": "23:59:00"}).time == time(23, 59)
    assert checked_of({**GOOD, "time": time(9, 0, 59)}).time == time(9)


@pytest.mark.parametrize("name", ["Ольга", "Zoë & Ñandú", "<b>7a</b>", "=1+1", "報告", "😀"])
def test_a_name_may_be_in_any_language(name):
    assert checked_of({**GOOD, "name": name}).name == name


def test_a_name_has_a_length_that_fits_its_column():
    assert checked_of({**GOOD, "name": "é" * MAX_NAME})
    assert problems({**GOOD, "name": "é" * (MAX_NAME + 1)}) == {
        "name": ["Use at most 200 characters; this has 201."]
    }


EVERYTHING = {
    "days_of_week": "garbage",
    "day_of_week": "garbage",
    "interval": "garbage",
    "day_of_month": "garbage",
    "month_mode": "garbage",
    "nth": "garbage",
    "cron": "garbage",
    "time": "garbage",
}
UNUSED = {
    "days_of_week": "",
    "day_of_week": None,
    "interval": 1,
    "day_of_month": None,
    "month_mode": MonthMode.DAY,
    "nth": 1,
    "cron": None,
}


@pytest.mark.parametrize(
    ("used", "kept"),
    [
        ({"frequency": "daily", "time": "9:00"}, {"time": time(9)}),
        (
            {"frequency": "weekly", "time": "9:00", "days_of_week": "5, 1", "interval": "2"},
            {"days_of_week": "15", "day_of_week": 1, "interval": 2},
        ),
        (
            {"frequency": "monthly", "time": "9:00", "month_mode": "day", "day_of_month": "31"},
            {"day_of_month": 31},
        ),
        (
            {
                "frequency": "monthly",
                "time": "9:00",
                "month_mode": "weekday",
                "nth": "-1",
                "days_of_week": ["5"],
            },
            {"month_mode": MonthMode.WEEKDAY, "days_of_week": "5", "day_of_week": 5, "nth": -1},
        ),
        (
            {"frequency": "monthly", "time": "9:00", "month_mode": "school_day", "nth": 1},
            {"month_mode": MonthMode.SCHOOL_DAY},
        ),
        ({"frequency": "cron", "cron": " 0  9 * * 1-5 "}, {"cron": "0 9 * * 1-5", "time": time(0)}),
    ],
)
def test_fields_that_the_rhythm_does_not_use_are_emptied_unread(used, kept):
    checked = checked_of({**GOOD, **EVERYTHING, **used})
    assert {name: getattr(checked, name) for name in (UNUSED | kept)} == UNUSED | kept


def test_limits_are_read_as_a_form_and_as_a_script_send_them():
    text = {
        **GOOD,
        "start_date": " 2026-09-01 ",
        "end_date": "2027-07-31",
        "paused_until": "2026-12-01",
        "max_runs": " 10 ",
        "closed_days": "after",
        "exams_closed": True,
        "period": "since_sent",
    }
    checked = checked_of(text)
    assert (checked.start_date, checked.end_date) == (date(2026, 9, 1), date(2027, 7, 31))
    assert (checked.paused_until, checked.max_runs) == (date(2026, 12, 1), 10)
    assert (checked.closed_days, checked.exams_closed) == (ClosedDays.AFTER, True)
    assert checked.period is PeriodKind.SINCE_SENT
    values = {name: getattr(checked, name) for name in RHYTHM}
    assert check_rhythm({**GOOD, **values}, NOW) == values


def test_limits_that_are_left_empty_are_none():
    empty = dict.fromkeys(OPTIONAL, "")
    for data in ({**GOOD, **empty}, {**GOOD, **dict.fromkeys(OPTIONAL)}, GOOD):
        checked = checked_of(data)
        assert (checked.start_date, checked.end_date, checked.paused_until) == (None, None, None)
        assert (checked.max_runs, checked.closed_days) == (None, ClosedDays.SEND)
        assert (checked.exams_closed, checked.period) == (False, PeriodKind.RHYTHM)


@pytest.mark.parametrize(
    "limits",
    [
        {"start_date": "2026-12-01", "end_date": "2026-11-30"},
        # The weeks of an interval are counted from today where there is no start.
        {"interval": 2, "end_date": "2026-11-22"},
    ],
)
def test_a_last_day_before_the_first_one_is_refused_at_the_last_one(cast, limits):
    assert problems({**GOOD, **limits}) == {"end_date": ["The last day lies before the first one."]}
    schedule = create_order(cast.tom)
    for active in (True, False):
        with pytest.raises(InvalidInput):
            create_order(cast.tom, is_active=active, **limits)
        with pytest.raises(InvalidInput):
            update_schedule(cast.tom, schedule.id, {**limits, "is_active": active}, NOW)
    assert checked_of({**GOOD, "start_date": "2026-12-01", "end_date": "2026-12-01"}).end_date


def test_the_weeks_of_an_interval_are_counted_from_the_present_one_in_the_schedules_zone(cast):
    late = NOW.replace(hour=23, minute=30)
    data = {**GOOD, "interval": 3}
    assert check_schedule(data, Role.TEACHER, late).start_date == date(2026, 11, 24)
    assert check_schedule({**data, "time_zone": "UTC"}, Role.TEACHER, late).start_date == NOW.date()
    assert check_schedule({**data, "interval": 1}, Role.TEACHER, late).start_date is None
    schedule = create_order(cast.tom, interval=2)
    update_schedule(cast.tom, schedule.id, {"time": "10:00"}, NOW + timedelta(days=3))
    assert schedule.start_date == NOW.date()


def test_a_monthly_weekday_is_one_weekday():
    data = {**GOOD, "frequency": "monthly", "month_mode": "weekday", "nth": 2}
    assert problems({**data, "days_of_week": "12"}) == {
        "days_of_week": ["Choose one weekday for a monthly schedule."]
    }
    assert checked_of({**data, "days_of_week": [7, "7"]}).days_of_week == "7"
    # The older field alone will do.
    assert checked_of({**data, "day_of_week": "3"}).days_of_week == "3"


@pytest.mark.parametrize("nth", [2, 3, 4, 5, 0, "-2"])
def test_of_the_school_days_of_a_month_there_is_the_first_and_the_last(nth):
    data = {**GOOD, "frequency": "monthly", "month_mode": "school_day"}
    assert list(problems({**data, "nth": nth})) == ["nth"]
    assert [checked_of({**data, "nth": n}).nth for n in (1, "-1", "")] == [1, -1, 1]


def test_the_newer_word_on_the_weekdays_counts(cast):
    schedule = create_order(cast.tom, days_of_week="135")

    def change(**fields):
        update_schedule(cast.tom, schedule.id, fields, NOW)
        return schedule.days_of_week, schedule.day_of_week

    assert change(name="New") == ("135", 1)
    assert change(day_of_week=4) == ("4", 4)
    assert change(days_of_week=[5, 2]) == ("25", 2)
    assert change(days_of_week="37", day_of_week=1) == ("37", 3)
    for nothing in ("", [], None):
        with pytest.raises(InvalidInput) as caught:
            change(days_of_week=nothing)
        assert list(caught.value.fields) == ["days_of_week"]
    assert change(frequency="monthly", day_of_month=1) == ("", None)


def test_each_role_may_order_its_own_types_of_report():
    may = {
        Role.ADMIN: set(ReportType),
        Role.TEACHER: set(ReportType) - {ReportType.TUTOR_WEEKLY_REPORT},
        Role.TUTOR: {
            ReportType.STUDENT_REPORT,
            ReportType.TUTOR_WEEKLY_REPORT,
            ReportType.PARENT_PROGRESS,
        },
        Role.PARENT: set(),
        Role.STUDENT: set(),
    }
    for role in Role:
        for kind in ReportType:
            data = {**GOOD, "report_type": kind}
            if kind in may[role]:
                assert checked_of(data, role).report_type is kind
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


_NEAR = (
    st.integers(-1, 60)
    | st.builds("{}:{:02}".format, st.integers(0, 25), st.integers(0, 61))
    | st.builds(
        "{} {} {} {} {}".format, *[st.sampled_from(["*", "1", "5-7", "*/9", "31", "2"])] * 5
    )
    | st.dates(date(1999, 1, 1), date(2102, 1, 1))
    | st.text("1234567, ", max_size=9)
    | st.lists(st.integers(0, 8), max_size=8)
    | st.sampled_from([*MonthMode, *ClosedDays, *PeriodKind])
)
_FIELDS = sorted({*GOOD, *HOSTILE} - {"frequency"})
_CHANGES = st.dictionaries(st.sampled_from(_FIELDS), _JSON | _NEAR, max_size=3)
_CRON = {"cron": "0 9 * * *"}


# Where Hypothesis has no cache yet, its table of all characters takes seconds to make.
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(Frequency), _CHANGES)
def test_any_input_is_either_refused_in_words_or_fits_the_table(frequency, changes):
    try:
        checked = check_schedule(
            {**GOOD, **_CRON, "frequency": frequency, **changes}, Role.ADMIN, NOW
        )
    except InvalidInput as error:
        # An implied start can meet an end that is over.
        assert set(error.fields) <= {*changes, "days_of_week"}  # noqa: PT017 - either end is right
        return
    assert 0 < len(checked.name) <= MAX_NAME
    assert checked.name.encode()
    assert isinstance(checked.report_type, ReportType)
    assert isinstance(checked.export_format, ExportFormat)
    kind, mode = checked.frequency, checked.month_mode
    weekdays = kind is Frequency.WEEKLY or mode is MonthMode.WEEKDAY
    assert bool(checked.days_of_week) is weekdays
    assert checked.days_of_week == "".join(sorted(set(checked.days_of_week)))
    assert set(checked.days_of_week) <= set("1234567")
    assert checked.day_of_week == (int(checked.days_of_week[0]) if weekdays else None)
    by_day = kind is Frequency.MONTHLY and mode is MonthMode.DAY
    assert (checked.day_of_month in range(1, 32)) is by_day
    assert (checked.cron is not None) is (kind is Frequency.CRON)
    assert kind is Frequency.MONTHLY or mode is MonthMode.DAY
    assert 1 <= checked.interval <= 52
    assert checked.nth in (1, 2, 3, 4, -1)
    assert checked.max_runs is None or 1 <= checked.max_runs <= 10_000
    if checked.start_date and checked.end_date:
        assert checked.start_date <= checked.end_date
    # What has passed can be saved again as it stands, and runs or ends.
    assert check_schedule(asdict(checked), Role.ADMIN, NOW) == checked
    schedule = ReportSchedule(**asdict(checked))
    next_run_after(rule_of(schedule), NOW)
    assert sentence_of(schedule, NOW).isprintable()
