"""Section marks from a file: what is read, what is written, and what reports make of it."""

from datetime import date

import pytest

from reportapp.documents import Period
from reportapp.extensions import db, transaction
from reportapp.models import LineItem, Result
from reportapp.reports.facts import scores
from reportapp.school.calendar import add_term
from reportapp.school.marks_import import plan_marks
from reportapp.school.records_table import read_table
from tests.cast import NOW
from tests.school.records import (
    MARKS,
    create_school_of,
    errors_of,
    file_of,
    marks_of,
    name_cast,
    sample,
    statements,
    stored_marks,
    take_marks,
    values_in,
)

HEADER = "student_id,section_id,term_id,numeric_grade,letter_grade,is_final"
TERM = {"title": "Fall Semester", "first_day": "2026-08-24", "last_day": "2026-12-18"}


@pytest.fixture
def school(cast):
    name_cast(cast)
    term = add_term(cast.ada, TERM, NOW)
    with transaction():
        term.sourced_id = "FS"
    return cast.school


@pytest.fixture
def write(tmp_path):
    return lambda *lines, header=HEADER: file_of(tmp_path, header, *lines)


class TestRows:
    def test_numbers_letters_and_final_marks(self, school, write):
        path = write(
            "ana-1,maths,FS,92,A,No",
            "ben-1,maths,fall semester,102.5,,No",
            "ana-1,english,FS,,B+,no",
            'ana-1,maths,FS,"88,5",,Yes',
            "ben-1,english,FS,,,No",
        )
        plan = take_marks(school, path, marks_of(path))
        assert (errors_of(plan), plan.left_out, plan.words_only) == ([], 1, 1)
        due = "2026-12-18"
        assert stored_marks() == [
            ("ana-1", "english", "Mark, Fall Semester", due, 100, None, "B+"),
            ("ana-1", "maths", "Final mark, Fall Semester", due, 100, 88.5, None),
            ("ana-1", "maths", "Mark, Fall Semester", due, 100, 92, "A"),
            ("ben-1", "maths", "Mark, Fall Semester", due, 100, 102.5, None),
        ]
        keys = set(db.session.scalars(db.select(LineItem.sourced_id)))
        assert {"mark:FS", "final-mark:FS"} <= keys

    def test_averages_count_numbers_and_pass_over_words(self, cast, school, write):
        path = write("ana-1,maths,FS,102,A,No", "ana-1,english,FS,,B+,No")
        take_marks(school, path, marks_of(path))
        pairs = {(cast.ana.id, cast.classes[name].id) for name in ("maths", "english")}
        found = scores(db.session(), pairs, Period(date(2026, 12, 18), date(2026, 12, 19)))
        assert {pair: (one.average, one.done) for pair, one in found.items()} == {
            (cast.ana.id, cast.classes["maths"].id): (102.0, 1),
            (cast.ana.id, cast.classes["english"].id): (None, 1),
        }

    def test_marks_without_a_term_are_of_the_day_that_is_chosen(self, school, write):
        path = write("ana-1,maths,14", header="student_id,section_id,points")
        plan = take_marks(school, path, marks_of(path, due="2026-11-20", highest="15"))
        assert errors_of(plan) == []
        assert stored_marks() == [("ana-1", "maths", "Mark", "2026-11-20", 15, 14, None)]
        assert errors_of(take_marks(school, path, marks_of(path))) == [(2, "", "")]

    def test_every_error_tells_its_place(self, school, write):
        path = write(
            "nobody,maths,FS,1,,",
            "ana-1,physics,FS,1,,",
            "ana-1,maths,Spring,1,,",
            "ana-1,maths,,1,,",
            "ana-1,maths,FS,-1,,",
            f"ana-1,maths,FS,,{'x' * 51},",
            "ana-1,maths,FS,1,,perhaps",
            "ben-1,maths,FS,1,,",
            "ben-1,maths,FS,2,,",
            "pia-1,maths,FS,1,,",
        )
        columns = {"number": "numeric_grade", "letter": "letter_grade"}
        plan = take_marks(school, path, marks_of(path, **columns))
        assert errors_of(plan) == [
            (2, "student_id", "nobody"),
            (3, "section_id", "physics"),
            (4, "term_id", "Spring"),
            (5, "term_id", ""),
            (6, "numeric_grade", "-1"),
            (7, "letter_grade", "x" * 51),
            (8, "is_final", "perhaps"),
            (9, "numeric_grade", "1"),
            (10, "numeric_grade", "2"),
            (11, "student_id", "pia-1"),
        ]
        assert stored_marks() == []


class TestAgain:
    def test_a_second_time_changes_nothing_and_a_correction_only_what_differs(self, school, write):
        path = write("ana-1,maths,FS,92,A,No", "ben-1,maths,FS,70,C,No")
        take_marks(school, path, marks_of(path))
        again = take_marks(school, path, marks_of(path))
        assert (again.is_empty, again.unchanged) == (True, 2)
        path = write("ana-1,maths,FS,92,A,No", "ben-1,maths,FS,75,C,No")
        plan = take_marks(school, path, marks_of(path))
        assert (len(plan.changed), plan.unchanged, plan.items_changed) == (1, 1, [])
        assert stored_marks()[1][5] == 75

    def test_another_highest_mark_and_what_had_vanished_are_put_right(self, school, write):
        path = write("ana-1,maths,FS,92,A,No")
        take_marks(school, path, marks_of(path))
        with transaction() as session:
            session.query(Result).update({"is_active": False})
        plan = take_marks(school, path, marks_of(path, highest="120"))
        assert (len(plan.items_changed), len(plan.changed)) == (1, 1)
        assert stored_marks()[0][4] == 120
        assert take_marks(school, path, marks_of(path, highest="120")).is_empty


class TestSample:
    def test_all_marks_with_every_rejected_row_explained(self, app):
        path = sample(MARKS)
        students, groups, terms = (
            values_in(path, name) for name in ("student_id", "section_id", "term_id")
        )
        school = create_school_of(students[2:], groups[:-1], terms)
        plan = take_marks(school, path, marks_of(path))
        values = {error.value for error in plan.errors}
        assert values == {*students[:2], groups[-1]}
        lines = {error.line for error in plan.errors}
        assert plan.rows == 1044 == len(plan.added) + len(lines)
        assert len(stored_marks()) == len(plan.added)
        assert max(row[5] for row in stored_marks()) > 100
        assert take_marks(school, path, marks_of(path)).is_empty

    def test_the_number_of_queries_does_not_grow_with_the_rows(self, app, tmp_path):
        path = sample(MARKS)
        names = ("student_id", "section_id", "term_id")
        school = create_school_of(*(values_in(path, name) for name in names))
        short = tmp_path / "short.csv"
        short.write_text("\n".join(path.read_text().splitlines()[:3]))
        counts = []
        for file in (short, path):
            with statements() as seen:
                plan_marks(db.session(), school.id, read_table(file), marks_of(file))
            counts.append(len(seen))
        assert counts[0] == counts[1] <= 8
