"""The pages of written reports."""

import pytest
from sqlalchemy import select

from reportapp.extensions import db
from reportapp.models import ReportReading, StudentReport, TeacherWeeklyReport
from tests.cast import WEEK
from tests.web.visitor import fields_of, path_of, words_of


def write_url(cast, student="ana", kind="teacher_weekly_report", start="2026-11-23"):
    place = "" if kind.startswith("tutor") else f"&class={cast.classes['maths'].id}"
    end = "2026-11-30"
    return (
        f"/written/write?kind={kind}{place}&student={cast.people[student].id}"
        f"&start={start}&end={end}"
    )


def seen_on(page):
    return {"seen": fields_of(page.text)["seen"]}


def shown_report(cast):
    return db.session.scalar(
        select(StudentReport).where(StudentReport.student_id == cast.ana.id).order_by("id").limit(1)
    )


def test_a_teacher_writes_one_student_after_the_other_and_sends_all(cast, logged_in):
    tom = logged_in("tom")
    assert "16–22 November 2026" in tom.get("/written/new?kind=teacher_weekly_report").text
    board = tom.get("/written/new?kind=teacher_weekly_report&period=2026-11-23/2026-11-30")
    assert "0 of 2 students written" in words_of(board.text)
    assert "Start with Ana Example" in words_of(board.text)
    form = tom.get(write_url(cast))
    data = {**seen_on(form), "notes": "One\n\n<b>Two</b>", "then": "next"}
    answer = tom.post(write_url(cast), data)
    assert f"student={cast.ben.id}" in answer.location
    form = tom.get(answer.location)
    answer = tom.post(answer.location, {**seen_on(form), "notes": "Ben.", "then": "next"})
    assert path_of(answer) == "/written/new"
    url = (
        f"/written/send?kind=teacher_weekly_report&class={cast.classes['maths'].id}"
        "&start=2026-11-23&end=2026-11-30"
    )
    page = tom.get(url)
    assert "Send 2 reports?" in words_of(page.text)
    assert "&lt;b&gt;Two&lt;/b&gt;" in page.text
    fields = fields_of(page.text)
    assert "2 reports are sent" in tom.post(url, fields, follow_redirects=True).text
    week = TeacherWeeklyReport.week_start > WEEK
    assert db.session.scalars(select(TeacherWeeklyReport.status).where(week)).all() == [
        "sent",
        "sent",
    ]


def test_two_windows_keep_both_texts_in_sight(cast, logged_in):
    tom = logged_in("tom")
    first, second = (tom.get(write_url(cast)) for _ in range(2))
    tom.post(write_url(cast), {**seen_on(first), "notes": "Of the first window."})
    answer = tom.post(write_url(cast), {**seen_on(second), "notes": "Of the second window."})
    assert answer.status_code == 409
    assert "Of the first window." in answer.text
    assert "Of the second window." in answer.text
    # Whether parents see it is part of what is saved.
    url = write_url(cast, kind="student_report")
    first, second = (tom.get(url) for _ in range(2))
    tom.post(url, {**seen_on(first), "behaviour": "Not for home."})
    told = tom.post(url, {**seen_on(second), "behaviour": "Hers.", "show_to_parent": "y"})
    assert "Not for parents" in words_of(told.text)
    # Saving once more is knowing what it replaces.
    again = tom.post(write_url(cast), {**seen_on(answer), "notes": "Both."})
    assert again.status_code == 302


def test_days_that_have_drafts_are_offered_first(cast, logged_in):
    tom = logged_in("tom")
    new = "/written/new?kind=student_report"
    assert "Begun:" not in tom.get(new).text
    url = write_url(cast, kind="student_report", start="2026-11-09").replace(
        "end=2026-11-30", "end=2026-11-21"
    )
    tom.post(url, {"seen": "", "grade": "2"})
    page = words_of(tom.get(new).text)
    assert "Begun: 9–20 November 2026" in page
    assert "1 of 2 students written" in page
    assert "Begun:" not in logged_in("tea").get(new).text


def test_before_sending_it_is_told_that_students_read_what_is_shown_to_parents(cast, logged_in):
    tom, url = logged_in("tom"), write_url(cast, kind="student_report")
    assert "The student reads it then, too." in words_of(tom.get(url).text)
    tom.post(url, {"seen": "", "grade": "2", "show_to_parent": "y"})
    page = tom.get(url.replace("/write?", "/send?"))
    assert "Parents and the students see only what is marked" in words_of(page.text)
    week = logged_in("uma").get(write_url(cast, kind="tutor_weekly_report"))
    assert "Without it, only administrators read" in words_of(week.text)


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(cast, logged_in):
    tom, url = logged_in("tom"), write_url(cast, kind="student_report")
    answer = tom.post(url, {"seen": "", "behaviour": "Kept.", "progress_percent": "many"})
    assert answer.status_code == 422
    assert "Write a whole number from 0 to 100" in answer.text
    assert "Kept." in answer.text


def test_a_sent_report_is_corrected_and_the_parent_sees_so(cast, logged_in):
    report_id = shown_report(cast).id
    tom, pia = logged_in("tom"), logged_in("pia")
    page = pia.get("/")
    assert path_of(page) == "/reports/"
    assert "New" in words_of(pia.get("/reports/").text)
    assert "Ana is friendly." in pia.get(f"/reports/student_report/{report_id}").text
    pia.post(f"/reports/student_report/{report_id}/acknowledge")
    assert "confirmed" in tom.get(f"/written/student_report/{report_id}").text
    url = write_url(cast, kind="student_report", start="2026-11-09").replace("-11-30", "-11-23")
    assert path_of(tom.get(url)) == f"/written/student_report/{report_id}"
    form = tom.get(url + "&correct=1")
    data = {**seen_on(form), "behaviour": "Ana is kind.", "show_to_parent": "y", "then": "preview"}
    preview = tom.get(tom.post(url, data).location)
    assert "Send this correction?" in preview.text
    assert "Pia Example" in preview.text
    newer = db.session.scalar(select(StudentReport.id).where(StudentReport.version == 2))
    assert pia.get(f"/reports/student_report/{newer}").status_code == 404
    tom.post(f"/written/student_report/{newer}/send", seen_on(preview))
    assert path_of(pia.get(f"/reports/student_report/{report_id}")).endswith(f"/{newer}")
    page = words_of(pia.get(f"/reports/student_report/{newer}").text)
    assert "Corrected on" in page
    assert "You read an earlier version on" in page


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Moz"])
def test_what_a_browser_fetches_in_advance_is_not_read(cast, logged_in, header):
    pia, path = logged_in("pia"), f"/reports/student_report/{shown_report(cast).id}"
    pia.get(path, headers={header: "prefetch;prerender"})
    pia.open("HEAD", path)
    assert db.session.scalar(select(ReportReading.id)) is None
    pia.get(path)
    assert db.session.scalar(select(ReportReading.id)) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/reports/student_report/1",
        "/reports/csv/1",
        "/reports/student_report/99999999999",
        "/reports/student_report/2147483647",
    ],
)
def test_what_is_not_for_a_reader_does_not_exist(cast, logged_in, path):
    assert logged_in("ole").get(path).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "",
        "kind=x",
        "kind=student_report&class=1&student=1&start=x&end=y",
        "kind=student_report&class=1&student=99999999999&start=2026-11-01&end=2026-11-02",
        "kind=student_report&class=1&student=1&start=2026-11-03&end=2026-11-02",
        "kind=tutor_weekly_report&student=6&start=2026-11-23&end=2026-11-30",
    ],
)
def test_addresses_that_mean_nothing_are_not_found(cast, logged_in, query):
    tom = logged_in("tom")
    assert tom.get(f"/written/write?{query}").status_code == 404
    assert tom.post(f"/written/write?{query}", {"notes": "x"}).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "kind=student_report&period=x",
        "kind=student_report&period=2026-01-01/2030-01-01",
        "kind=student_report&first_day=2026-11-05&last_day=2026-11-01",
        "kind=student_report&first_day=soon",
        "kind=student_report&start=9999-12-30&end=9999-12-31",
        "kind=student_report&start=0001-01-01&end=0001-01-02",
        "kind=teacher_weekly_report&start=9999-12-27&end=9999-12-31",
        "kind=teacher_weekly_report&start=2026-11-24&end=2026-11-25",
    ],
)
def test_impossible_periods_are_told_on_the_page(cast, logged_in, query):
    assert logged_in("tom").get(f"/written/new?{query}").status_code == 422


@pytest.mark.parametrize("name", ["pia", "ana", "ada"])
def test_those_who_write_nothing_have_no_pages_for_it(logged_in, name):
    assert logged_in(name).get("/written/").status_code == 403


def test_a_draft_is_thrown_away_after_a_question(cast, logged_in):
    tom = logged_in("tom")
    tom.post(write_url(cast), {"seen": "", "notes": "Away."})
    draft = db.session.scalar(
        select(TeacherWeeklyReport.id).where(TeacherWeeklyReport.status == "draft")
    )
    path = f"/written/teacher_weekly_report/{draft}/discard"
    asked = tom.get(path)
    assert "Throw away this draft" in asked.text
    tom.post(write_url(cast), {**seen_on(tom.get(write_url(cast))), "notes": "Much more."})
    answer = tom.post(path, seen_on(asked), follow_redirects=True)
    assert "changed in another window" in answer.text
    assert "Much more." in answer.text
    assert path_of(tom.post(path, seen_on(tom.get(path)))) == "/written/new"
    assert tom.get(f"/written/teacher_weekly_report/{draft}").status_code == 404


def test_empty_lists_say_what_to_do(cast, logged_in):
    assert "No reports yet" in logged_in("nil").get("/reports/").text
    assert "You have not written a report yet" in logged_in("otto").get("/written/").text
    assert "No report fits" in logged_in("tom").get("/written/?name=nobody").text
