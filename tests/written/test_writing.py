"""Writing, sending and correcting reports."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from reportapp.access import REPORT_WRITERS
from reportapp.constants import PUBLISHED_REPORTS, AuthoredStatus, EnrollmentRole
from reportapp.documents import Period
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db
from reportapp.models import Enrollment, StudentReport, TeacherWeeklyReport, TutorWeeklyReport
from reportapp.written.find import versions
from reportapp.written.kinds import WRITTEN, Subject
from reportapp.written.reading import open_own
from reportapp.written.values import check_words, fingerprint
from reportapp.written.writing import discard, save, send
from tests.cast import NOW, WEEK, enroll
from tests.written.help import STUDENT, TEACHER, THIS_WEEK, TUTOR, about, now_seen, publish, write

LATER = NOW + timedelta(hours=1)


def states(author, subject):
    found = versions(db.session, subject.kind, subject.identity(author))
    return [(report.version, str(report.status)) for report in found]


@pytest.fixture
def week(cast):
    """Tom's notes on Ana this week."""
    return about(TEACHER, cast.ana, cast.classes["maths"])


def test_every_kind_has_writers_and_only_these_kinds_are_written():
    assert set(REPORT_WRITERS) == set(WRITTEN)


class TestWho:
    def test_each_role_writes_its_kinds_on_its_own_students(self, cast):
        maths, english = cast.classes["maths"], cast.classes["english"]
        assert isinstance(
            write(cast.tom, about(STUDENT, cast.ana, maths), grade="1"), StudentReport
        )
        week = write(cast.tom, about(TEACHER, cast.ben, maths), notes="Fine.")
        assert isinstance(week, TeacherWeeklyReport)
        assert isinstance(write(cast.uma, about(TUTOR, cast.ana), notes="x"), TutorWeeklyReport)
        for author, subject in (
            (cast.tom, about(TEACHER, cast.ana, english)),  # a colleague's class
            (cast.tom, about(TEACHER, cast.cem, maths)),  # a student who is not in it
            (cast.tom, about(TEACHER, cast.oskar, cast.classes["other"])),  # another school
            (cast.tom, about(TUTOR, cast.ana)),  # another's kind
            (cast.uma, about(TUTOR, cast.ben)),  # another's student
            (cast.uma, about(STUDENT, cast.ana, maths)),
            (cast.otto, about(STUDENT, cast.ana, maths)),
            (cast.tom, about(TEACHER, cast.tea, maths)),  # no student
        ):
            with pytest.raises(NotFound):
                save(author, subject, {"notes": "x", "grade": "1"}, "", NOW)

    @pytest.mark.parametrize("name", ["ada", "pia", "ana", "olga"])
    def test_others_write_nothing(self, cast, week, name):
        with pytest.raises(Forbidden):
            save(cast.people[name], week, {"notes": "x"}, "", NOW)

    def test_who_has_left_the_class_writes_no_more_and_sees_no_more(self, cast, week):
        report = write(cast.tom, week, notes="Fine.")
        post = db.session.scalar(select(Enrollment).filter_by(user_id=cast.tom.id))
        post.end_date = NOW.date() - timedelta(days=1)
        db.session.commit()
        seen = fingerprint(TEACHER, report)
        for attempt in (
            lambda: write(cast.tom, week, notes="More."),
            lambda: send(cast.tom, TEACHER, {report.id: seen}, NOW),
            lambda: discard(cast.tom, TEACHER, report.id, seen, NOW),
            lambda: open_own(cast.tom, TEACHER, report.id, NOW),
        ):
            with pytest.raises(NotFound):
                attempt()
        assert states(cast.tom, week) == [(1, "draft")]

    def test_a_colleague_in_the_same_class_cannot_touch_it(self, cast, week):
        enroll(cast.classes["maths"], cast.tea, EnrollmentRole.TEACHER)
        db.session.commit()
        report = write(cast.tom, week, notes="Fine.")
        with pytest.raises(NotFound):
            send(cast.tea, TEACHER, {report.id: fingerprint(TEACHER, report)}, NOW)
        with pytest.raises(NotFound):
            discard(cast.tea, TEACHER, report.id, fingerprint(TEACHER, report), NOW)
        # What she writes is another report.
        assert write(cast.tea, week, notes="Mine.").id != report.id


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["grade", "behaviour", "progress_percent"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())
        ),
    )
)
def test_nothing_but_a_clear_refusal_comes_of_any_input(words):
    try:
        checked = check_words(STUDENT, words)
    except InvalidInput as error:
        told = set(error.fields)
        assert told <= set(words)
    else:
        assert checked["progress_percent"] is None or 0 <= checked["progress_percent"] <= 100
        assert checked["behaviour"].encode() is not None
        assert "\x00" not in checked["behaviour"]


class TestWords:
    def test_newlines_stay_and_ends_of_lines_are_tidied(self, cast):
        report = write(
            cast.uma, about(TUTOR, cast.ana), summary="\r\n  One  \r\n\r\nTwo\r ", notes="a\tb"
        )
        assert report.summary == "  One\n\nTwo"
        assert report.notes == "a\tb"

    @pytest.mark.parametrize(
        ("words", "field", "told"),
        [
            ({"behaviour": "x" * 4_001}, "behaviour", "at most 4,000 characters; this has 4,001"),
            ({"grade": "x" * 21}, "grade", "at most 20 characters"),
            ({"grade": "1\n2"}, "grade", "on one line"),
            ({"concerns": "a\x00b"}, "concerns", "invisible character"),
            ({"concerns": "a\ud800b"}, "concerns", "invisible character"),
            ({"progress_percent": "101"}, "progress_percent", "0 to 100"),
            ({"progress_percent": "-1"}, "progress_percent", "0 to 100"),
            ({"progress_percent": "9" * 5_000}, "progress_percent", "0 to 100"),
            ({"progress_percent": "٣"}, "progress_percent", "0 to 100"),
            ({"progress_percent": "7.5"}, "progress_percent", "0 to 100"),
            ({}, "behaviour", "Write something first"),
        ],
    )
    def test_what_is_wrong_is_told_at_its_field(self, cast, words, field, told):
        subject = about(STUDENT, cast.ana, cast.classes["maths"])
        with pytest.raises(InvalidInput) as error:
            save(cast.tom, subject, words, "", NOW)
        assert list(error.value.fields) == [field]
        assert told in error.value.fields[field][0]
        assert states(cast.tom, subject) == []

    def test_a_percent_sign_and_emoji_of_several_parts_are_fine(self):
        checked = check_words(STUDENT, {"progress_percent": " 85 % ", "behaviour": "👩‍🏫 נחמד"})
        assert (checked["progress_percent"], checked["behaviour"]) == (85, "👩‍🏫 נחמד")

    def test_what_is_not_for_parents_cannot_be_shown_to_them(self, cast, week):
        assert write(cast.tom, week, notes="x", show_to_parent=True).show_to_parent is False

    @pytest.mark.parametrize("shown", ["yes", "true", 1, None])
    def test_whether_it_is_shown_to_them_is_true_or_false(self, cast, shown):
        with pytest.raises(InvalidInput, match="true or false"):
            write(cast.uma, about(TUTOR, cast.ana), notes="x", show_to_parent=shown)

    @pytest.mark.parametrize("value", [5, 1.5, True, ["x"], {}, object()])
    def test_what_is_no_text_is_not_taken_for_an_empty_one(self, value):
        with pytest.raises(InvalidInput) as caught:
            check_words(STUDENT, {"behaviour": value, "grade": value, "summary": "x"})
        assert set(caught.value.fields) == {"behaviour", "grade", "summary"}
        if value != 5:
            with pytest.raises(InvalidInput):
                check_words(STUDENT, {"progress_percent": value})

    @pytest.mark.parametrize(
        ("kind", "start", "end", "told"),
        [
            (TEACHER, WEEK + timedelta(days=1), WEEK + timedelta(days=8), "from a Monday"),
            (TEACHER, WEEK, WEEK + timedelta(days=5), "from a Monday"),
            (TEACHER, date(9999, 12, 27), date.max, "from a Monday"),
            (TEACHER, WEEK + timedelta(days=14), WEEK + timedelta(days=21), "still to come"),
            (STUDENT, NOW.date() + timedelta(days=1), NOW.date() + timedelta(days=2), "to come"),
            (STUDENT, date(2025, 1, 1), date(2026, 1, 3), "more than 366 days"),
            (STUDENT, date(1999, 12, 31), date(2000, 1, 3), "from the year 2000"),
            (STUDENT, date.min, date(1, 1, 3), "from the year 2000"),
        ],
    )
    def test_impossible_days_are_refused(self, cast, kind, start, end, told):
        subject = Subject(kind, cast.classes["maths"].id, cast.ana.id, Period(start, end))
        with pytest.raises(InvalidInput) as error:
            save(cast.tom, subject, {"notes": "x", "grade": "1"}, "", NOW)
        assert told in error.value.fields["period"][0]


class TestOneReport:
    def test_writing_again_goes_on_with_the_draft(self, cast, week):
        first = write(cast.tom, week, notes="One.").id
        again = write(cast.tom, week, LATER, notes="Two.")
        assert (again.id, again.notes, again.updated_at) == (first, "Two.", LATER)
        assert states(cast.tom, week) == [(1, "draft")]

    def test_reports_that_begin_on_one_day_are_two_when_they_end_on_two(self, cast):
        maths, start = cast.classes["maths"], date(2026, 6, 1)
        for end in (date(2026, 6, 8), date(2026, 7, 1)):
            write(cast.tom, about(STUDENT, cast.ana, maths, Period(start, end)), grade="1")
        number = select(func.count()).where(StudentReport.period_start == start)
        assert db.session.scalar(number) == 2

    def test_two_windows_do_not_overwrite_each_other(self, cast, week):
        write(cast.tom, week, notes="Begun.")
        seen = now_seen(cast.tom, week)
        save(cast.tom, week, {"notes": "First window."}, seen, NOW)
        with pytest.raises(Conflict, match="another window"):
            save(cast.tom, week, {"notes": "Second window."}, seen, NOW)
        assert only(cast.tom, week).notes == "First window."

    def test_two_windows_do_not_both_begin_it(self, cast, week):
        save(cast.tom, week, {"notes": "First window."}, "", NOW)
        with pytest.raises(Conflict):
            save(cast.tom, week, {"notes": "Second window."}, "", NOW)
        assert only(cast.tom, week).notes == "First window."

    def test_what_was_sent_or_thrown_away_in_another_window_is_not_written_over(self, cast, week):
        report = write(cast.tom, week, notes="Begun.")
        seen = now_seen(cast.tom, week)
        send(cast.tom, TEACHER, {report.id: seen}, NOW)
        with pytest.raises(Conflict):
            save(cast.tom, week, {"notes": "Late."}, seen, NOW)
        other = about(TEACHER, cast.ben, cast.classes["maths"])
        draft = write(cast.tom, other, notes="Begun.")
        seen = now_seen(cast.tom, other)
        discard(cast.tom, TEACHER, draft.id, seen, NOW)
        with pytest.raises(Conflict):
            save(cast.tom, other, {"notes": "Late."}, seen, NOW)
        assert states(cast.tom, other) == []

    def test_a_draft_can_be_emptied_but_not_sent_empty(self, cast, week):
        report = write(cast.tom, week, notes="Begun.")
        write(cast.tom, week, notes=" ")
        with pytest.raises(Conflict, match="Nothing is written"):
            send(cast.tom, TEACHER, {report.id: now_seen(cast.tom, week)}, NOW)


def only(author, subject):
    (report,) = versions(db.session, subject.kind, subject.identity(author))
    return report


class TestSending:
    def test_it_is_sent_once_and_as_it_was_looked_at(self, cast, week):
        report = write(cast.tom, week, notes="Begun.")
        looked_at = now_seen(cast.tom, week)
        write(cast.tom, week, notes="Changed since.")
        with pytest.raises(Conflict, match="another window"):
            send(cast.tom, TEACHER, {report.id: looked_at}, NOW)
        assert only(cast.tom, week).status is AuthoredStatus.DRAFT
        send(cast.tom, TEACHER, {report.id: now_seen(cast.tom, week)}, LATER)
        assert (only(cast.tom, week).status, only(cast.tom, week).sent_at) == ("sent", LATER)
        with pytest.raises(Conflict, match="sent already"):
            send(cast.tom, TEACHER, {report.id: now_seen(cast.tom, week)}, LATER)

    def test_many_are_sent_together_or_none(self, cast):
        maths = cast.classes["maths"]
        subjects = [about(TEACHER, student, maths) for student in (cast.ana, cast.ben)]
        drafts = [write(cast.tom, subject, notes="Fine.") for subject in subjects]
        seen = {report.id: fingerprint(TEACHER, report) for report in drafts}
        with pytest.raises(Conflict):
            send(cast.tom, TEACHER, {**seen, max(seen): "stale"}, NOW)
        assert [states(cast.tom, one) for one in subjects] == [[(1, "draft")]] * 2
        with pytest.raises(NotFound):
            send(cast.tom, TEACHER, {**seen, 999_999: ""}, NOW)
        assert len(send(cast.tom, TEACHER, seen, NOW)) == 2
        assert [states(cast.tom, one) for one in subjects] == [[(1, "sent")]] * 2

    def test_only_drafts_can_be_thrown_away(self, cast, week):
        report = publish(cast.tom, week, notes="Fine.")
        with pytest.raises(Conflict, match="has been sent"):
            discard(cast.tom, TEACHER, report.id, now_seen(cast.tom, week), NOW)

    def test_a_draft_that_was_changed_since_is_not_thrown_away(self, cast, week):
        draft = write(cast.tom, week, notes="Begun.")
        asked_about = now_seen(cast.tom, week)
        write(cast.tom, week, notes="An hour's work.")
        with pytest.raises(Conflict, match="not thrown away"):
            discard(cast.tom, TEACHER, draft.id, asked_about, NOW)
        assert only(cast.tom, week).notes == "An hour's work."

    def test_a_page_about_a_discarded_draft_touches_no_other_students_draft(self, cast, week):
        # SQLite gives the second draft the number of the first.
        first = write(cast.tom, week, notes="Works well.")
        number, seen = first.id, now_seen(cast.tom, week)
        discard(cast.tom, TEACHER, number, seen, NOW)
        other = about(TEACHER, cast.ben, cast.classes["maths"])
        write(cast.tom, other, notes="Works well.")
        for attempt in (
            lambda: send(cast.tom, TEACHER, {number: seen}, NOW),
            lambda: discard(cast.tom, TEACHER, number, seen, NOW),
        ):
            with pytest.raises((Conflict, NotFound)):
                attempt()
        assert states(cast.tom, other) == [(1, "draft")]

    def test_a_second_click_saves_and_sends_once(self, cast, week):
        drafts = [save(cast.tom, week, {"notes": "Fine."}, "", NOW).id for _ in range(2)]
        assert drafts[0] == drafts[1]
        seen = {drafts[0]: now_seen(cast.tom, week)}
        for now in (NOW, LATER):
            send(cast.tom, TEACHER, seen, now)
        assert states(cast.tom, week) == [(1, "sent")]
        assert only(cast.tom, week).sent_at == NOW


class TestCorrections:
    def test_the_old_one_stays_until_the_new_one_is_sent(self, cast, week):
        publish(cast.tom, week, notes="Wrong.")
        draft = write(cast.tom, week, LATER, notes="Right.")
        assert draft.version == 2
        assert states(cast.tom, week) == [(1, "sent"), (2, "draft")]
        send(cast.tom, TEACHER, {draft.id: now_seen(cast.tom, week)}, LATER)
        assert states(cast.tom, week) == [(1, "archived"), (2, "sent")]

    def test_there_is_at_most_one_draft_and_one_published_version(self, cast, week):
        for number in range(4):
            write(cast.tom, week, notes=f"Draft {number}.")
            publish(cast.tom, week, notes=f"Version {number}.")
            found = versions(db.session, TEACHER, week.identity(cast.tom))
            assert [one.version for one in found] == list(range(1, number + 2))
            assert [one.status in PUBLISHED_REPORTS for one in found].count(True) == 1
            assert found[-1].notes == f"Version {number}."

    def test_a_correction_that_says_the_same_is_not_sent(self, cast, week):
        publish(cast.tom, week, notes="Right.")
        draft = write(cast.tom, week, notes="Right. ")
        with pytest.raises(Conflict, match="says the same"):
            send(cast.tom, TEACHER, {draft.id: now_seen(cast.tom, week)}, NOW)

    def test_throwing_a_correction_away_leaves_what_was_sent(self, cast, week):
        publish(cast.tom, week, notes="Right.")
        draft = write(cast.tom, week, notes="Wrong after all.")
        discard(cast.tom, TEACHER, draft.id, now_seen(cast.tom, week), NOW)
        assert states(cast.tom, week) == [(1, "sent")]

    def test_taking_a_report_back_from_parents_is_a_correction(self, cast):
        subject = about(STUDENT, cast.ana, cast.classes["maths"])
        publish(cast.tom, subject, grade="1", show_to_parent=True)
        publish(cast.tom, subject, grade="1", show_to_parent=False)
        assert states(cast.tom, subject) == [(1, "archived"), (2, "sent")]


def test_all_versions_of_a_report_share_their_days(cast, week):
    publish(cast.tom, week, notes="One.")
    publish(cast.tom, week, notes="Two.")
    found = versions(db.session, TEACHER, week.identity(cast.tom))
    assert {one.week_start for one in found} == {THIS_WEEK.start}
    assert len({one.identity for one in found}) == 1
