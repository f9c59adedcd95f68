"""Lists, boards and the page beside the text."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from reportapp.constants import EnrollmentRole, Role, ScoreStatus
from reportapp.documents import Period
from reportapp.errors import Forbidden, InvalidInput, NotFound
from reportapp.extensions import db
from reportapp.models import AcademicSession, Enrollment
from reportapp.written.board import choices, load_board
from reportapp.written.lists import Filter, State, list_own, list_readable, unread_by_student
from reportapp.written.reading import acknowledge, open_report
from reportapp.written.sheet import load_sheet
from tests.cast import NOW, WEEK, create_person, create_score, create_student_report, enroll
from tests.written.help import STUDENT, TEACHER, THIS_WEEK, TUTOR, about, publish, write

LAST_WEEK = Period(WEEK, WEEK + timedelta(days=7))


@contextmanager
def counted_queries():
    found = []

    def note(*args):
        found.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def crowd(cast, number=20):
    """More students in Tom's class, with sent reports on each."""
    maths = cast.classes["maths"]
    for count in range(number):
        student = create_person(cast.school, Role.STUDENT, f"Kid{count:02}", email=None)
        enroll(maths, student, EnrollmentRole.STUDENT)
        create_student_report(cast.tom, student, maths, sent_at=NOW)
    db.session.commit()


class TestOwn:
    def test_drafts_come_first_then_the_newest(self, cast):
        maths = cast.classes["maths"]
        publish(cast.tom, about(TEACHER, cast.ana, maths), NOW + timedelta(hours=1), notes="New.")
        write(cast.tom, about(TEACHER, cast.ben, maths), NOW - timedelta(hours=1), notes="Old.")
        rows, total = list_own(cast.tom, Filter(), NOW)
        assert total == len(rows) == 5
        assert [row.report.status for row in rows] == ["draft", *["sent"] * 4]
        assert rows[1].report.notes == "New."
        assert (rows[0].student, rows[0].class_title) == ("Ben Example", "7a Mathematics")

    def test_it_is_narrowed_by_kind_class_name_and_state(self, cast):
        maths, biology = cast.classes["maths"], cast.classes["biology"]
        publish(cast.tea, about(TEACHER, cast.cem, biology), notes="One.")
        publish(cast.tea, about(TEACHER, cast.cem, biology), notes="Two.")

        def found(**wanted):
            rows, total = list_own(cast.tea, Filter(**wanted), NOW)
            assert total == len(rows)
            return sorted((row.student.split()[0], str(row.report.status)) for row in rows)

        assert found() == [("Ana", "sent"), ("Cem", "sent"), ("Cem", "sent"), ("Cem", "sent")]
        assert found(class_id=biology.id, kind=TEACHER) == [("Cem", "sent")] * 2
        assert found(class_id=maths.id) == []
        assert found(name="CEM ex", kind=STUDENT) == [("Cem", "sent")]
        assert found(name="cem ana") == found(name="_") == []
        assert found(state=State.REPLACED) == [("Cem", "archived")]
        assert found(state=State.DRAFT) == found(kind=TUTOR, class_id=biology.id) == []

    def test_pages_hold_each_report_once(self, cast):
        crowd(cast)
        seen = []
        for page in range(1, 10):
            rows, total = list_own(cast.tom, Filter(), NOW, page=page, page_size=4)
            seen += [(row.kind, row.report.id) for row in rows]
        assert len(seen) == len(set(seen)) == total == 23

    def test_it_counts_who_has_opened_and_confirmed(self, cast):
        report = publish(
            cast.tom,
            about(STUDENT, cast.ana, cast.classes["maths"]),
            grade="1",
            show_to_parent=True,
        )
        open_report(cast.pol, STUDENT, report.id, NOW)
        acknowledge(cast.pia, STUDENT, report.id, NOW)
        rows, _ = list_own(cast.tom, Filter(state=State.READ), NOW)
        assert [(row.readers, row.acknowledged) for row in rows] == [(2, 1)]


class TestToRead:
    def test_the_newest_comes_first_and_unread_ones_can_be_had_alone(self, cast):
        report = publish(
            cast.tom, about(STUDENT, cast.ana, cast.classes["maths"]), NOW + timedelta(hours=1),
            grade="1", show_to_parent=True,
        )  # fmt: skip
        rows, total = list_readable(cast.pia, Filter(), NOW)
        assert (rows[0].report.id, total) == (report.id, 3)
        assert unread_by_student(cast.pia, NOW) == {cast.ana.id: ("Ana Example", 3, 3)}
        open_report(cast.pia, STUDENT, report.id, NOW)
        rows, total = list_readable(cast.pia, Filter(unread=True), NOW)
        assert (total, report.id in {row.report.id for row in rows}) == (2, False)
        assert unread_by_student(cast.pia, NOW) == {cast.ana.id: ("Ana Example", 3, 2)}
        assert list(unread_by_student(cast.pol, NOW)) == [cast.ana.id, cast.cem.id]

    def test_reading_by_one_parent_leaves_it_unread_for_the_other(self, cast):
        rows, _ = list_readable(cast.pia, Filter(kind=STUDENT), NOW)
        open_report(cast.pia, STUDENT, rows[0].report.id, NOW)
        rows, _ = list_readable(cast.pol, Filter(student_id=cast.ana.id, kind=STUDENT), NOW)
        assert [row.is_read for row in rows] == [False]


def test_no_list_asks_more_often_for_more_rows(cast):
    def asked():
        db.session.rollback()
        with counted_queries() as queries:
            list_own(cast.tom, Filter(), NOW)
            list_readable(cast.ada, Filter(), NOW)
            load_board(cast.tom, STUDENT, cast.classes["maths"].id, THIS_WEEK, NOW)
            load_sheet(cast.tom, about(STUDENT, cast.ana, cast.classes["maths"]), NOW)
        return len(queries)

    before = asked()
    crowd(cast)
    # The first page may hold fewer kinds than before.
    assert asked() <= before


class TestBoard:
    def test_it_marks_those_who_are_written_about(self, cast):
        maths = cast.classes["maths"]
        board = load_board(cast.tom, TEACHER, maths.id, LAST_WEEK, NOW)
        assert [(row.name, row.is_open) for row in board.rows] == [
            ("Ana Example", False),
            ("Ben Example", True),
        ]
        write(cast.tom, board.subject(cast.ben.id), notes="Fine.")
        publish(cast.tom, board.subject(cast.ana.id), notes="Better.")
        write(cast.tom, board.subject(cast.ana.id), notes="Best.")
        board = load_board(cast.tom, TEACHER, maths.id, LAST_WEEK, NOW)
        assert [row.draft.notes for row in board.rows] == ["Best.", "Fine."]
        assert [row.published and row.published.notes for row in board.rows] == ["Better.", None]
        assert len(board.sendable) == 2
        assert load_board(cast.tom, TEACHER, maths.id, THIS_WEEK, NOW).sendable == []

    def test_the_next_is_the_next_unwritten_one_from_the_beginning_again(self, cast):
        crowd(cast, 3)
        board = load_board(cast.tom, TEACHER, cast.classes["maths"].id, LAST_WEEK, NOW)
        ids = [row.student_id for row in board.rows]
        assert board.next_after(cast.ana.id).name == "Ben Example"
        assert board.next_after(ids[-1]).name == "Ben Example"
        for student_id in ids[1:-1]:
            write(cast.tom, board.subject(student_id), notes="x")
        board = load_board(cast.tom, TEACHER, cast.classes["maths"].id, LAST_WEEK, NOW)
        assert board.next_after(cast.ben.id).student_id == ids[-1]
        assert board.next_after(ids[-1]) is None

    def test_others_classes_and_kinds_do_not_exist(self, cast):
        for author, kind, group in (
            (cast.tom, STUDENT, "english"),
            (cast.tom, STUDENT, "other"),
            (cast.uma, STUDENT, "maths"),
            (cast.tom, TUTOR, "maths"),
        ):
            with pytest.raises(NotFound):
                load_board(author, kind, cast.classes[group].id, THIS_WEEK, NOW)
        for person in (cast.ada, cast.pia):
            with pytest.raises(Forbidden):
                load_board(person, STUDENT, cast.classes["maths"].id, THIS_WEEK, NOW)
        with pytest.raises(InvalidInput):
            load_board(cast.uma, TUTOR, None, Period(WEEK, WEEK + timedelta(days=3)), NOW)

    def test_tutors_have_one_board_of_their_students(self, cast):
        board = load_board(cast.uma, TUTOR, None, LAST_WEEK, NOW)
        assert [(row.name, row.is_open) for row in board.rows] == [
            ("Ana Example", False),
            ("Cem Example", False),
        ]

    def test_choices_are_the_authors_own(self, cast):
        offered = choices(cast.tea, None, NOW)
        assert offered.kinds == [STUDENT, TEACHER]
        assert [title for _, title in offered.classes] == ["7a English", "8b Biology"]
        assert choices(cast.uma, None, NOW).kinds == [TUTOR]
        assert choices(cast.uma, None, NOW).classes == []
        with pytest.raises(Forbidden):
            choices(cast.uma, STUDENT, NOW)

    def test_periods_are_months_weeks_and_the_terms_that_have_begun(self, cast):
        for title, start, months in (("Autumn", -90, 120), ("Spring", 40, 100)):
            first = NOW.date() + timedelta(days=start)
            db.session.add(
                AcademicSession(
                    school_id=cast.school.id, title=title, type="term", start_date=first,
                    end_date=first + timedelta(days=months),
                )
            )  # fmt: skip
        db.session.commit()
        labels = [one.label for one in choices(cast.tom, STUDENT, NOW).periods]
        assert labels == [
            "Month: November 2026",
            "Month: October 2026",
            "This week: 23–29 November 2026",
            "Last week: 16–22 November 2026",
            "Autumn: 25 August – 23 December 2026",
        ]
        assert len(choices(cast.tom, TEACHER, NOW).periods) == 9

    @pytest.mark.parametrize(
        ("day", "first"),
        [
            (0, "Last week: 16–22 November 2026"),
            (2, "Last week: 16–22 November 2026"),
            (3, "This week: 23–29 November 2026"),
            (6, "This week: 23–29 November 2026"),
        ],
    )
    def test_until_its_thursday_the_week_before_is_the_one_to_write_about(self, cast, day, first):
        periods = choices(cast.tom, TEACHER, NOW + timedelta(days=day)).periods
        assert periods[0].label == first
        assert len({one.period for one in periods}) == 9


class TestSheet:
    def test_the_figures_are_those_of_the_reports_up_to_now(self, cast):
        sheet = load_sheet(
            cast.tom, about(TEACHER, cast.ana, cast.classes["maths"], LAST_WEEK), NOW
        )
        assert [(figure.value, figure.change) for figure in sheet.figures] == [
            (81.0, 10.0),
            (100.0, None),
            ("1 of 2", None),
        ]
        ben = load_sheet(cast.tom, about(TEACHER, cast.ben, cast.classes["maths"], LAST_WEEK), NOW)
        assert [figure.value for figure in ben.figures] == [62.0, 80.0, "1 of 2"]
        assert (ben.place, len(ben.board.rows), ben.to_come) == (2, 2, None)

    def test_what_is_due_later_this_week_does_not_count_yet(self, cast):
        maths, today = cast.classes["maths"], NOW.date()
        create_score(maths, cast.ana, None, today, status=ScoreStatus.NOT_SUBMITTED)
        create_score(
            maths, cast.ana, None, today + timedelta(days=2), status=ScoreStatus.NOT_SUBMITTED
        )
        db.session.commit()
        sheet = load_sheet(cast.tom, about(TEACHER, cast.ana, maths), NOW)
        assert [figure.value for figure in sheet.figures] == [None, None, "0 of 1"]

    def test_a_tutors_figures_are_of_all_classes(self, cast):
        create_score(cast.classes["english"], cast.ana, 61, WEEK + timedelta(days=3))
        db.session.commit()
        sheet = load_sheet(cast.uma, about(TUTOR, cast.ana, None, LAST_WEEK), NOW)
        # 81 in mathematics, (81 + 61) / 2 in English; Ben's tasks are due for Ana, too.
        assert [figure.value for figure in sheet.figures] == [76.0, 100.0, "3 of 5"]

    def test_the_authors_last_words_on_the_student_are_there(self, cast):
        maths = cast.classes["maths"]
        sheet = load_sheet(cast.tom, about(TEACHER, cast.ana, maths), NOW)
        assert sheet.before.notes == "Tom on Ana."
        assert load_sheet(cast.tom, about(TEACHER, cast.ben, maths), NOW).before is None
        last = about(TEACHER, cast.ana, maths, LAST_WEEK)
        assert load_sheet(cast.tom, last, NOW).before is None

    def test_a_class_that_has_ended_has_no_sheet(self, cast):
        db.session.query(Enrollment).filter_by(user_id=cast.ana.id).update(
            {"end_date": NOW.date() - timedelta(days=1)}
        )
        db.session.commit()
        with pytest.raises(NotFound):
            load_sheet(cast.tom, about(TEACHER, cast.ana, cast.classes["maths"]), NOW)
