"""Attendance from a file: what is read, what is written, and what a second time changes."""

import tracemalloc
from datetime import date, timedelta
from time import perf_counter

import pytest
from sqlalchemy import insert

from reportapp.constants import CalendarKind, EnrollmentRole
from reportapp.errors import InvalidInput
from reportapp.extensions import transaction
from reportapp.models import AttendanceRecord, CalendarEntry, Enrollment
from tests.cast import enroll
from tests.school.records import (
    LESSONS,
    WHOLE_DAYS,
    attendance_of,
    create_school_of,
    errors_of,
    file_of,
    look_at,
    name_cast,
    sample,
    statements,
    stored,
    take,
    values_in,
)

HEADER = "Student,Date,Class,Period,Code"


@pytest.fixture
def school(cast):
    """Whose own records are out of the way."""
    name_cast(cast)
    with transaction() as session:
        session.query(AttendanceRecord).delete()
    return cast.school


@pytest.fixture
def write(tmp_path):
    return lambda *lines, header=HEADER: file_of(tmp_path, header, *lines)


class TestRows:
    def test_lessons_and_whole_days_become_records(self, school, write):
        path = write(
            "ana-1,2026-11-16,maths,2,P",
            "BEN@student.example,2026-11-16,maths,,A",
            "ana-1,2026-11-17,,,L",
            "ben-1,2026-11-17,,3,E",
        )
        plan = take(school, path, attendance_of(path))
        assert errors_of(plan) == []
        assert stored() == [
            ("ana-1", None, "2026-11-17", 0, "late"),
            ("ana-1", "maths", "2026-11-16", 2, "present"),
            ("ben-1", None, "2026-11-17", 3, "excused"),
            ("ben-1", "maths", "2026-11-16", 1, "absent"),
        ]

    def test_every_error_tells_its_place_and_keeps_its_row_out(self, cast, school, write):
        path = write(
            "ana-1,2026-11-16,maths,1,P",
            "nobody,2026-11-16,maths,1,P",
            "ana-1,2026-02-30,maths,1,P",
            "ana-1,2026-11-24,maths,1,P",
            "ana-1,1999-12-31,maths,1,P",
            "ana-1,2026-11-17,physics,1,P",
            "ana-1,2026-11-17,maths,soon,P",
            "ana-1,2026-11-17,maths,1,Z",
            "ana-1,2026-11-17,maths,1,",
            "tom-1,2026-11-17,maths,1,P",
            "oskar-1,2026-11-17,other,1,P",
            ",,maths,1,P",
            "ana-1,2026-11-17,maths,1,P,more",
        )
        plan = take(school, path, attendance_of(path, date_order="year_first"))
        assert errors_of(plan) == [
            (3, "Student", "nobody"),
            (4, "Date", "2026-02-30"),
            (5, "Date", "2026-11-24"),
            (6, "Date", "1999-12-31"),
            (7, "Class", "physics"),
            (8, "Period", "soon"),
            (9, "Code", "Z"),
            (10, "Code", ""),
            (11, "Student", "tom-1"),
            (12, "Student", "oskar-1"),
            (12, "Class", "other"),
            (13, "Student", ""),
            (13, "Date", ""),
            (14, "", "more"),
        ]
        assert all(error.text.endswith(".") for error in plan.errors)
        assert "This person is not a student; their role here is teacher." in {
            error.text for error in plan.errors
        }
        assert stored() == [("ana-1", "maths", "2026-11-16", 1, "present")]

    def test_the_same_twice_is_once_and_contradictions_are_not_believed(self, school, write):
        path = write(
            "ana-1,2026-11-16,maths,1,P",
            "ana-1,2026-11-16,maths,1,P",
            "ben-1,2026-11-16,maths,1,A",
            "ben-1,2026-11-16,maths,1,P",
            "ben-1,2026-11-16,maths,1,A",
        )
        plan = take(school, path, attendance_of(path))
        assert plan.repeated == 1
        assert errors_of(plan) == [
            (4, "Code", "absent"),
            (5, "Code", "present"),
            (6, "Code", "absent"),
        ]
        assert "Line 5 says something else" in plan.errors[0].text
        assert "Line 4 says “absent”" in plan.errors[1].text
        assert stored() == [("ana-1", "maths", "2026-11-16", 1, "present")]

    def test_codes_can_be_left_out_and_their_rows_are_not_judged(self, school, write):
        path = write("ana-1,2026-11-16,maths,1,p", "nobody,never,maths,1, H ")
        mapping = attendance_of(
            path, codes={"P": "present", "h": "leave_out"}, date_order="year_first"
        )
        plan = take(school, path, mapping)
        assert (plan.left_out, errors_of(plan), len(stored())) == (1, [], 1)

    def test_a_row_of_the_whole_day_is_about_no_class_and_no_lesson(self, school, write):
        path = write(
            "ana-1,2026-11-16,maths,2,A,Yes",
            "ana-1,2026-11-16,english,all,A,yes",
            "ben-1,2026-11-16,maths,2,L,no",
            "ben-1,2026-11-17,maths,2,L,",
            "cem-1,2026-11-16,,,A,No",
            "cem-1,2026-11-17,,,A,",
            "cem-1,2026-11-18,,,A,half",
            header=f"{HEADER},all_day",
        )
        plan = take(school, path, attendance_of(path, others="unknown"))
        assert plan.repeated == 1
        assert errors_of(plan) == [(6, "all_day", ""), (8, "all_day", "half")]
        assert "needs a class or a lesson" in plan.errors[0].text
        assert stored() == [
            ("ana-1", None, "2026-11-16", 0, "absent"),
            ("ben-1", "maths", "2026-11-16", 2, "late"),
            ("ben-1", "maths", "2026-11-17", 2, "late"),
            ("cem-1", None, "2026-11-17", 0, "absent"),
        ]

    def test_rows_of_other_classes_and_closed_days_are_taken_and_counted(self, school, write):
        path = write("cem-1,2026-11-16,maths,1,P", "ana-1,2026-11-15,maths,1,P")
        plan = take(school, path, attendance_of(path))
        assert (plan.not_enrolled, plan.closed_days, len(stored())) == (1, 1, 2)


class TestAgain:
    def test_only_what_the_file_is_about_is_held_in_memory(self, cast, school, write):
        days = [date(2020, 1, 1) + timedelta(number) for number in range(1_500)]
        rows = [
            {"student_id": person.id, "date": day, "lesson": lesson, "status": "present"}
            for person in (cast.ana, cast.ben)
            for day in days
            for lesson in range(5)
        ]
        with transaction() as session:
            session.execute(insert(AttendanceRecord), rows)
        # A wrong year makes the file reach back over all of them.
        path = write("ana-1,2019-11-16,,,P", "ana-1,2020-01-02,,4,A", "ana-1,2026-11-16,,,P")
        mapping = attendance_of(path)
        tracemalloc.start()
        plan = look_at(school, path, mapping)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (len(plan.added), len(plan.changed)) == (2, 1)
        assert peak < 2_000_000

    def test_a_second_time_changes_nothing_and_a_correction_only_what_differs(self, school, write):
        path = write("ana-1,2026-11-16,maths,1,P", "ben-1,2026-11-16,maths,1,A")
        assert len(take(school, path, attendance_of(path)).added) == 2
        again = take(school, path, attendance_of(path))
        assert (again.is_empty, again.unchanged) == (True, 2)
        path = write("ana-1,2026-11-16,maths,1,P", "ben-1,2026-11-16,maths,1,L")
        plan = take(school, path, attendance_of(path))
        assert plan.summary["changes"] == [{"before": "absent", "after": "late", "count": 1}]
        assert (plan.added, plan.unchanged) == ([], 1)
        assert ("ben-1", "maths", "2026-11-16", 1, "late") in stored()

    def test_what_a_file_does_not_mention_stays(self, school, write):
        path = write("ana-1,2026-11-16,maths,1,P", "ana-1,2026-11-16,,,P")
        take(school, path, attendance_of(path))
        path = write("ana-1,2026-11-17,maths,1,P")
        take(school, path, attendance_of(path))
        assert len(stored()) == 3

    def test_looking_writes_nothing_and_sees_what_saving_will_do(self, school, write):
        path = write("ana-1,2026-11-16,maths,1,P", "ben-1,2026-11-16,,,A")
        plan = look_at(school, path, attendance_of(path))
        assert stored() == []
        assert take(school, path, attendance_of(path)).fingerprint == plan.fingerprint
        assert look_at(school, path, attendance_of(path)).fingerprint != plan.fingerprint


class TestExceptions:
    """The file lists only who was not there."""

    def test_everybody_else_of_the_class_was_there_on_its_school_days(self, cast, school, write):
        with transaction() as session:
            session.add(
                CalendarEntry(
                    school_id=school.id,
                    kind=CalendarKind.CLOSURE,
                    title="Closed",
                    first_day=date(2026, 11, 18),
                    last_day=date(2026, 11, 18),
                    source="form",
                )
            )
            enroll(
                cast.classes["maths"],
                cast.cem,
                EnrollmentRole.STUDENT,
                begin_date=date(2026, 11, 19),
            )
        path = write("ben-1,2026-11-17,maths,1,A", "ana-1,2026-11-20,maths,1,L")
        plan = take(school, path, attendance_of(path, others="present"))
        assert stored() == [
            ("ana-1", "maths", "2026-11-17", 1, "present"),
            ("ana-1", "maths", "2026-11-19", 1, "present"),
            ("ana-1", "maths", "2026-11-20", 1, "late"),
            ("ben-1", "maths", "2026-11-17", 1, "absent"),
            ("ben-1", "maths", "2026-11-19", 1, "present"),
            ("ben-1", "maths", "2026-11-20", 1, "present"),
            ("cem-1", "maths", "2026-11-19", 1, "present"),
            ("cem-1", "maths", "2026-11-20", 1, "present"),
        ]
        assert plan.presumed == 6

    def test_only_listed_lessons_count_when_that_is_what_was_said(self, school, write):
        path = write("ben-1,2026-11-17,maths,2,A", "ana-1,2026-11-20,english,1,L")
        take(school, path, attendance_of(path, others="present_where_listed"))
        assert stored() == [
            ("ana-1", "english", "2026-11-20", 1, "late"),
            ("ana-1", "maths", "2026-11-17", 2, "present"),
            ("ben-1", "english", "2026-11-20", 1, "present"),
            ("ben-1", "maths", "2026-11-17", 2, "absent"),
        ]

    def test_whole_days_are_about_everybody_in_any_class(self, school, write):
        path = write("ben-1,2026-11-17,,,A")
        mapping = attendance_of(
            path, others="present", first_day="2026-11-17", last_day="2026-11-18"
        )
        take(school, path, mapping)
        assert {(row[0], row[2], row[4]) for row in stored()} == {
            ("ana-1", "2026-11-17", "present"),
            ("ana-1", "2026-11-18", "present"),
            ("ben-1", "2026-11-17", "absent"),
            ("ben-1", "2026-11-18", "present"),
            ("cem-1", "2026-11-17", "present"),
            ("cem-1", "2026-11-18", "present"),
        }

    def test_days_to_come_are_not_presumed(self, school, write):
        path = write("ben-1,2026-11-23,,,A")
        mapping = attendance_of(path, others="present", last_day="2026-12-31")
        take(school, path, mapping)
        assert {row[2] for row in stored()} == {"2026-11-23"}

    def test_nobody_is_presumed_present_whose_row_was_not_understood(self, school, write):
        path = write(
            "ben-1,2026-11-17,,,A",
            "ana-1,2026-11-17,,,Z",
            "cem-1,2026-99-99,,,A",
            "ana-1,2026-11-18,,,A",
        )
        take(school, path, attendance_of(path, others="present", date_order="year_first"))
        assert {(row[0], row[2], row[4]) for row in stored()} == {
            ("ben-1", "2026-11-17", "absent"),
            ("ben-1", "2026-11-18", "present"),
            ("ana-1", "2026-11-18", "absent"),
        }

    def test_an_absence_taken_back_becomes_a_presence(self, school, write):
        path = write("ben-1,2026-11-17,,,A", "ana-1,2026-11-17,,,A")
        take(school, path, attendance_of(path, others="present"))
        again = take(school, path, attendance_of(path, others="present"))
        assert (again.is_empty, again.unchanged) == (True, 3)
        path = write("ben-1,2026-11-17,,,A")
        plan = take(school, path, attendance_of(path, others="present"))
        assert plan.summary["changes"] == [{"before": "absent", "after": "present", "count": 1}]

    def test_people_who_have_left_are_not_presumed(self, cast, school, write):
        with transaction() as session:
            session.query(Enrollment).filter_by(user_id=cast.ana.id).update({"is_active": False})
            cast.cem.is_active = False
        path = write("ben-1,2026-11-17,,,A")
        take(school, path, attendance_of(path, others="present"))
        assert {row[0] for row in stored()} == {"ben-1"}

    def test_too_long_a_time_is_refused(self, school, write):
        path = write("ben-1,2020-11-17,,,A", "ben-1,2026-11-17,,,A")
        with pytest.raises(InvalidInput, match="more than 400 days"):
            look_at(school, path, attendance_of(path, others="present"))


class TestSamples:
    def test_twelve_thousand_whole_days_with_every_rejected_row_explained(self, app):
        path = sample(WHOLE_DAYS)
        students = values_in(path, "student_id")
        school = create_school_of(students[3:], ["homeroom"])
        began = perf_counter()
        plan = take(school, path, attendance_of(path))
        assert perf_counter() - began < 20
        assert len(plan.added) == 597 * 20 == len(stored())
        assert {error.value for error in plan.errors} == set(students[:3])
        assert len(plan.errors) == 60
        assert plan.summary["added_by_status"].keys() == {"present", "absent"}
        assert all(row[1] is None and row[3] == 0 for row in stored())
        again = take(school, path, attendance_of(path))
        assert (again.is_empty, again.unchanged) == (True, 597 * 20)

    def test_lessons_with_the_day_first_and_one_repeated_row(self, app):
        path = sample(LESSONS)
        groups = values_in(path, "section_id")
        school = create_school_of(["st1"], groups[1:])
        plan = take(school, path, attendance_of(path))
        missing = sum(1 for error in plan.errors if error.value == groups[0])
        assert missing == len(plan.errors) > 0
        assert {error.column for error in plan.errors} == {"section_id"}
        assert plan.rows == 1462 == len(plan.added) + plan.repeated + len(plan.errors)
        assert ("st1", "sec31", "2020-05-27", 1, "absent") in stored()
        assert take(school, path, attendance_of(path)).is_empty

    def test_the_repeated_row_is_one_record(self, app):
        path = sample(LESSONS)
        school = create_school_of(["st1"], values_in(path, "section_id"))
        plan = take(school, path, attendance_of(path))
        assert (len(plan.added), plan.repeated, plan.errors) == (1461, 1, [])

    def test_the_number_of_queries_does_not_grow_with_the_rows(self, app, tmp_path):
        path = sample(WHOLE_DAYS)
        school = create_school_of(values_in(path, "student_id"))
        short = tmp_path / "short.csv"
        short.write_text("\n".join(path.read_text().splitlines()[:3]))
        counts = []
        for file in (short, path):
            with statements() as seen:
                look_at(school, file, attendance_of(file))
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 8
