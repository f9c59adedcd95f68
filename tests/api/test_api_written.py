"""Written reports: made, changed, sent, corrected and confirmed by scripts."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from reportapp.constants import AuthoredStatus
from reportapp.extensions import db
from reportapp.models import (
    ReportReading,
    StudentReport,
    TeacherWeeklyReport,
    TutorWeeklyReport,
)
from tests.cast import WEEK

STUDENT = "/api/reports/student-reports/"
TUTOR = "/api/reports/tutor-weekly-reports/"
TEACHER = "/api/reports/teacher-weekly-reports/"
MONDAY = (WEEK + timedelta(days=7)).isoformat()


def on_ana(cast, **words):
    """What a report of Tom's on Ana needs, in a month in which there is none yet."""
    days = {"period_start": "2026-10-01", "period_end": "2026-11-01"}
    place = {"student": cast.ana.id, "class_group": cast.classes["maths"].id}
    return {**place, **days, "behaviour": "Ana asks good questions.", **words}


def made(ask, path, body):
    answer = ask.post(path, body)
    assert answer.status_code == 201, answer.text
    return answer.json


def at(path, report, action=""):
    return f"{path}{report['id']}/{action}"


class TestALife:
    def test_a_report_is_written_sent_confirmed_and_corrected(self, cast, script):
        tom, pia = script("tom"), script("pia")
        answer = tom.post(STUDENT, on_ana(cast, grade="2+", show_to_parent=True))
        draft = answer.json
        assert answer.headers["Location"] == at(STUDENT, draft)
        assert (draft["status"], draft["version"], draft["author"]) == ("draft", 1, cast.tom.id)
        assert (draft["student_name"], draft["class_title"]) == ("Ana Example", "7a Mathematics")
        assert pia.get(at(STUDENT, draft)).status_code == 404

        sent = tom.post(at(STUDENT, draft, "send/")).json
        assert (sent["status"], sent["readers"]) == ("sent", 0)
        seen = pia.get(at(STUDENT, draft)).json
        assert (seen["grade"], seen["is_read"], seen["readers"]) == ("2+", False, None)
        # A script that fetches it has not read it.
        assert pia.get(at(STUDENT, draft)).json["is_read"] is False

        confirmed = pia.post(at(STUDENT, draft, "acknowledge/")).json
        assert (confirmed["is_read"], confirmed["status"]) == (True, "sent")
        mine = tom.get(at(STUDENT, draft)).json
        assert (mine["status"], mine["readers"], mine["acknowledged"]) == ("read", 1, 1)

        assert tom.patch(at(STUDENT, draft), {"grade": "2"}).status_code == 409
        second = made(tom, at(STUDENT, draft, "correct/"), {"grade": "2"})
        assert (second["version"], second["status"], second["grade"]) == (2, "draft", "2")
        assert second["behaviour"] == draft["behaviour"]
        assert pia.get(at(STUDENT, second)).status_code == 404
        tom.post(at(STUDENT, second, "send/"))
        assert pia.get(at(STUDENT, second)).json["grade"] == "2"
        assert pia.get(at(STUDENT, draft)).status_code == 404
        assert tom.get(at(STUDENT, draft)).json["status"] == "archived"

    def test_weekly_reports_of_a_teacher_and_a_tutor(self, cast, script):
        tom, uma = script("tom"), script("uma")
        week = {"student": cast.ana.id, "week_start": MONDAY}
        note = made(tom, TEACHER, {**week, "class_group": cast.classes["maths"].id, "notes": "Ok."})
        assert "show_to_parent" not in note
        letter = made(uma, TUTOR, {**week, "summary": "A good week.", "progress_percent": 80})
        assert "class_group" not in letter
        assert (letter["week_start"], letter["progress_percent"]) == (MONDAY, 80)
        for ask, path, report in ((tom, TEACHER, note), (uma, TUTOR, letter)):
            assert ask.post(at(path, report, "send/")).json["status"] == "sent"

    def test_what_was_read_can_be_sent_back(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast, grade="2+"))
        assert tom.put(at(STUDENT, draft), draft).json == draft

    def test_put_empties_what_is_not_there_and_patch_keeps_it(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast, grade="2+"))
        patched = tom.patch(at(STUDENT, draft), {"grade": "1"}).json
        assert (patched["grade"], patched["behaviour"]) == ("1", draft["behaviour"])
        replaced = tom.put(at(STUDENT, draft), {"concerns": "None."}).json
        assert (replaced["grade"], replaced["behaviour"]) == (None, "")
        assert replaced["concerns"] == "None."

    def test_what_it_is_about_stays(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        same = {name: draft[name] for name in ("student", "class_group", "period_end")}
        assert tom.patch(at(STUDENT, draft), {**same, "author": cast.tea.id}).json == draft
        about = {"student": cast.ben.id, "class_group": None, "period_start": "2026-09-01"}
        about |= {"period_end": "soon"}
        for answer in (
            tom.patch(at(STUDENT, draft), about | {"grade": "x" * 21}),
            tom.put(at(STUDENT, draft), about | {"grade": "x" * 21}),
        ):
            assert (answer.status_code, set(answer.json)) == (400, {*about, "grade"})
        assert answer.json["period_start"] == [
            "This report is about 2026-10-01, and stays so. Write a new one for another."
        ]
        assert tom.put(at(STUDENT, draft), same).status_code == 400  # no words
        assert tom.get(at(STUDENT, draft)).json == draft
        tom.post(at(STUDENT, draft, "send/"))
        answer = tom.post(at(STUDENT, draft, "correct/"), {"student": cast.ben.id, "grade": "1"})
        assert (answer.status_code, list(answer.json)) == (400, ["student"])

    @pytest.mark.parametrize("name", ["tom", "uma"])
    def test_a_weekly_one_stays_in_its_week(self, cast, script, name):
        path = TEACHER if name == "tom" else TUTOR
        week = {"student": cast.ana.id, "week_start": MONDAY, "notes": "x"}
        if name == "tom":
            week["class_group"] = cast.classes["maths"].id
        draft = made(script(name), path, week)
        other = (WEEK - timedelta(days=7)).isoformat()
        answer = script(name).patch(at(path, draft), {"week_start": other, "notes": "y"})
        assert (answer.status_code, list(answer.json)) == (400, ["week_start"])
        assert script(name).patch(at(path, draft), {**week, "notes": "y"}).json["notes"] == "y"

    def test_a_draft_is_thrown_away_and_what_was_sent_is_not(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        answer = tom.delete(at(STUDENT, draft))
        assert (answer.status_code, answer.data) == (204, b"")
        assert tom.delete(at(STUDENT, draft)).status_code == 404
        draft = made(tom, STUDENT, on_ana(cast))
        tom.post(at(STUDENT, draft, "send/"))
        assert tom.delete(at(STUDENT, draft)).status_code == 409
        assert tom.post(at(STUDENT, draft, "send/")).status_code == 200  # again: the same

    def test_there_is_one_report_for_each_student_and_time(self, cast, script):
        tom = script("tom")
        made(tom, STUDENT, on_ana(cast))
        answer = tom.post(STUDENT, on_ana(cast, behaviour="Something else."))
        assert answer.status_code == 409
        assert "already" in answer.json["error"]

    def test_of_a_report_there_is_one_correction_at_a_time(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        assert tom.post(at(STUDENT, draft, "correct/"), {"grade": "1"}).status_code == 409
        tom.post(at(STUDENT, draft, "send/"))
        correction = made(tom, at(STUDENT, draft, "correct/"), {"grade": "1"})
        assert tom.post(at(STUDENT, draft, "correct/"), {"grade": "3"}).status_code == 409
        assert tom.get(at(STUDENT, correction)).json["grade"] == "1"

    def test_a_correction_that_says_the_same_is_not_sent(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        tom.post(at(STUDENT, draft, "send/"))
        same = made(tom, at(STUDENT, draft, "correct/"), {})
        assert tom.post(at(STUDENT, same, "send/")).status_code == 409


class TestVersions:
    def test_who_has_read_an_older_version_overwrites_nothing(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        old = {"If-Match": tom.get(at(STUDENT, draft)).headers["ETag"]}
        answer = tom.patch(at(STUDENT, draft), {"grade": "1"}, headers=old)
        assert answer.status_code == 200
        for call in (
            lambda: tom.patch(at(STUDENT, draft), {"grade": "2"}, headers=old),
            lambda: tom.put(at(STUDENT, draft), {"grade": "2"}, headers=old),
            lambda: tom.post(at(STUDENT, draft, "send/"), headers=old),
            lambda: tom.delete(at(STUDENT, draft), headers=old),
        ):
            assert call().status_code == 412
        new = {"If-Match": answer.headers["ETag"]}
        assert tom.post(at(STUDENT, draft, "send/"), headers=new).status_code == 200

    @pytest.mark.parametrize("tag", ['""', 'W/""', '"', "W/", '"x", ""', "x", ",", '"-"'])
    def test_a_version_that_there_never_was_is_an_older_one(self, cast, script, tag):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        answer = tom.patch(at(STUDENT, draft), {"grade": "2"}, headers={"If-Match": tag})
        assert answer.status_code == 412

    def test_what_has_not_changed_is_not_told_again(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        tag = {"If-None-Match": tom.get(at(STUDENT, draft)).headers["ETag"]}
        assert tom.get(at(STUDENT, draft), headers=tag).status_code == 304
        tom.patch(at(STUDENT, draft), {"grade": "1"})
        assert tom.get(at(STUDENT, draft), headers=tag).status_code == 200


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("path", "body", "fields"),
        [
            (STUDENT, {}, {"student", "class_group", "period_start", "period_end"}),
            (STUDENT, {"student": "1", "grade": "x" * 21, "nonsense": 1, "progress_percent": 101,
                       "class_group": -1, "period_start": "1.11.2026", "period_end": 5,
                       "behaviour": 7, "show_to_parent": "yes"},
             {"student", "grade", "nonsense", "progress_percent", "class_group", "period_start",
              "period_end", "behaviour", "show_to_parent"}),
            (TUTOR, {"student": True, "week_start": None}, {"student", "week_start"}),
            (TUTOR, {"student": 2**31, "week_start": "9999-12-31"}, {"student", "week_start"}),
            (TEACHER, {"student": 1, "week_start": "2026-11-23", "show_to_parent": None},
             {"class_group", "show_to_parent"}),
        ],
    )  # fmt: skip
    def test_all_wrong_fields_are_named_at_once(self, script, path, body, fields):
        answer = script("uma" if path == TUTOR else "tom").post(path, body)
        assert answer.status_code == 400
        assert set(answer.json) == fields
        assert all(isinstance(text, str) for texts in answer.json.values() for text in texts)

    @pytest.mark.parametrize(
        ("path", "days", "field"),
        [
            (STUDENT, {"period_start": "2026-11-01", "period_end": "2026-11-01"}, "period_end"),
            (STUDENT, {"period_start": "2026-01-01", "period_end": "2027-12-01"}, "period_end"),
            (STUDENT, {"period_start": "2027-01-01", "period_end": "2027-02-01"}, "period_end"),
            (TEACHER, {"week_start": "2026-11-24"}, "week_start"),
            (TEACHER, {"week_start": "2026-11-30"}, "week_start"),
        ],
    )
    def test_impossible_days_are_told_at_their_field(self, cast, script, path, days, field):
        place = {"student": cast.ana.id, "class_group": cast.classes["maths"].id}
        words = {"notes": "x"} if path == TEACHER else {"behaviour": "x"}
        answer = script("tom").post(path, {**place, **days, **words})
        assert (answer.status_code, list(answer.json)) == (400, [field])

    def test_a_note_that_no_family_reads_cannot_be_shown_to_one(self, cast, script):
        place = {"student": cast.ana.id, "class_group": cast.classes["maths"].id}
        body = {**place, "week_start": MONDAY, "notes": "x"}
        note = made(script("tom"), TEACHER, body)
        for answer in (
            script("tom").post(TEACHER, {**body, "show_to_parent": True}),
            script("tom").patch(at(TEACHER, note), {"show_to_parent": True}),
        ):
            assert answer.status_code == 400
            assert answer.json == {"show_to_parent": ["There is no such field."]}

    @pytest.mark.parametrize("day", ["last week", "2026-11-24", 20261123, None])
    def test_a_week_is_told_by_its_monday(self, cast, script, day):
        answer = script("uma").post(TUTOR, {"student": cast.ana.id, "week_start": day})
        assert answer.status_code == 400
        assert answer.json == {"week_start": ["Give a Monday, such as 2026-11-02."]}

    def test_an_empty_report_is_not_begun_and_a_wrong_change_changes_nothing(self, cast, script):
        tom = script("tom")
        assert tom.post(STUDENT, on_ana(cast, behaviour=" ")).status_code == 400
        draft = made(tom, STUDENT, on_ana(cast))
        long = tom.patch(at(STUDENT, draft), {"behaviour": "x" * 4001}).json["behaviour"]
        assert long == ["Use at most 4,000 characters; this has 4,001."]
        for body in ({"grade": 5}, {"nonsense": "x"}, {"behaviour": "x" * 4001}):
            answer = tom.patch(at(STUDENT, draft), body)
            assert (answer.status_code, list(answer.json)) == (400, list(body))
        assert tom.get(at(STUDENT, draft)).json == draft

    def test_a_draft_that_says_nothing_is_not_sent(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))
        assert list(tom.put(at(STUDENT, draft), {}).json) == ["behaviour"]
        assert tom.put(at(STUDENT, draft), {"behaviour": ""}).json["behaviour"] == ""
        assert tom.post(at(STUDENT, draft, "send/")).status_code == 409


class TestLists:
    def test_authors_see_their_own_in_every_state_and_readers_what_is_theirs(self, cast, script):
        draft = made(script("tom"), STUDENT, on_ana(cast))
        tom = script("tom").get(STUDENT).json
        assert (tom["count"], tom["results"][0]) == (3, draft)
        counts = {
            name: [script(name).get(path).json["count"] for path in (STUDENT, TUTOR, TEACHER)]
            for name in ("ada", "tea", "uma", "uwe", "pia", "pol", "ana", "nil", "otto", "olga")
        }
        assert counts == {
            "ada": [4, 3, 2], "tea": [2, 0, 1], "uma": [3, 2, 2], "uwe": [1, 1, 0],
            "pia": [1, 1, 0], "pol": [2, 1, 0], "ana": [1, 0, 0], "nil": [0, 0, 0],
            "otto": [0, 0, 0], "olga": [0, 0, 0],
        }  # fmt: skip

    def test_a_list_can_be_narrowed(self, cast, script):
        tom = script("tom")
        draft = made(tom, STUDENT, on_ana(cast))

        def ids(**query):
            return [row["id"] for row in tom.get(STUDENT, query_string=query).json["results"]]

        ana, ben = (ids(student=person.id) for person in (cast.ana, cast.ben))
        assert (len(ana), len(ben)) == (2, 1)
        assert ids(search="ben") == ben
        assert ids(status="draft") == [draft["id"]]
        assert len(ids(status="sent")) == 2
        assert ids(status="archived") == ids(class_group=cast.classes["biology"].id) == []
        for wrong in (
            {"student": 0}, {"student": "x"}, {"student": 2**31}, {"status": "x"},
            {"unread": "maybe"}, {"search": "x" * 101},
        ):  # fmt: skip
            answer = tom.get(STUDENT, query_string=wrong)
            assert (answer.status_code, list(answer.json)) == (400, list(wrong))

    def test_who_else_has_read_it_is_not_told_to_other_readers(self, cast, script):
        (report,) = script("pia").get(STUDENT).json["results"]
        pol = script("pol")
        before = pol.get(at(STUDENT, report)).json
        script("pia").post(at(STUDENT, report, "acknowledge/"))
        assert pol.get(at(STUDENT, report)).json == before
        for state, number in (("sent", 2), ("read", 0), ("draft", 0), ("archived", 0)):
            assert pol.get(f"{STUDENT}?status={state}").json["count"] == number

    def test_what_has_not_been_opened_can_be_asked_for(self, cast, script):
        pia = script("pia")
        (report,) = pia.get(f"{STUDENT}?unread=true").json["results"]
        pia.post(at(STUDENT, report, "acknowledge/"))
        assert pia.get(f"{STUDENT}?unread=true").json["count"] == 0
        assert pia.get(f"{STUDENT}?unread=false").json["count"] == 1


# Everybody and everything


def visible(cast):
    """By path and report, who may read it: plain words of the cast's own story."""
    families = {"ana": {"ana", "pia", "pol"}, "ben": {"ben"}, "cem": {"cem", "pol"}}
    tutors = {"ana": {"uma"}, "ben": {"uwe"}, "cem": {"uma"}}
    by_name = {person.id: name for name, person in cast.people.items()}
    found = {}
    for path, model in (
        (STUDENT, StudentReport),
        (TUTOR, TutorWeeklyReport),
        (TEACHER, TeacherWeeklyReport),
    ):
        for report in db.session.query(model):
            author, student = by_name[report.author_id], by_name[report.student_id]
            readers = {author, "ada"} | (tutors[student] if path != TUTOR else set())
            if report.show_to_parent and path != TEACHER:
                family = families[student]
                readers |= family if path == STUDENT else family - {student}
            found[path, report.id] = (author, readers)
    db.session.rollback()
    return found


def calls(path, report_id):
    """Every method on one report."""
    one = f"{path}{report_id}/"
    return {
        "read": ("GET", one, None),
        "change": ("PATCH", one, {}),
        "replace": ("PUT", one, {}),
        "delete": ("DELETE", one, None),
        "send": ("POST", one + "send/", None),
        "correct": ("POST", one + "correct/", {"notes" if "weekly" in path else "grade": "1"}),
        "acknowledge": ("POST", one + "acknowledge/", None),
    }


def test_everybody_and_every_report_on_every_method(cast, script):
    expected = visible(cast)
    assert len(expected) == 9
    statuses, allowed = {}, 0
    for name in cast.people:
        ask = script(name)
        for (path, report_id), (author, readers) in expected.items():
            for what, (method, address, body) in calls(path, report_id).items():
                if name == author and what == "correct":
                    continue  # has its own test, and would change what others see
                answer = ask.open(method, address, json=body)
                if name not in readers:
                    wanted = {404}
                elif what == "read":
                    wanted, allowed = {200}, allowed + 1
                elif what == "acknowledge":
                    wanted = {200} if cast.people[name].role == "parent" else {403}
                elif name == author:
                    wanted = {200} if what == "send" else {409}
                else:
                    wanted = {403}
                assert answer.status_code in wanted, (name, what, path, answer.text)
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    assert allowed == sum(len(readers) for _, readers in expected.values())
    assert min(statuses[404], statuses[403], statuses[200], statuses[409]) > 5
    assert db.session.query(ReportReading).count() == sum(
        cast.people[name].role == "parent" for _, readers in expected.values() for name in readers
    )


def test_what_is_not_there_is_told_like_what_is_somebody_elses(cast, script):
    tom = script("tom")
    (report,) = script("uwe").get(TUTOR).json["results"]
    for what, (method, address, body) in calls(TUTOR, report["id"]).items():
        theirs = tom.open(method, address, json=body)
        nobodys = tom.open(method, address.replace(f"/{report['id']}/", "/999999/"), json=body)
        assert (theirs.status_code, theirs.data) == (nobodys.status_code, nobodys.data), what


@pytest.mark.parametrize("state", list(AuthoredStatus))
def test_another_authors_draft_is_nobodys_business(cast, script, state):
    report = db.session.query(StudentReport).filter_by(author_id=cast.tom.id).first()
    report.status = state
    db.session.commit()
    path, shown = f"{STUDENT}{report.id}/", state in ("sent", "read")
    for name in ("ada", "uma", "pia", "ana"):
        assert (script(name).get(path).status_code == 200) is shown
    assert script("tom").get(path).status_code == 200


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("ada", STUDENT, 403), ("uma", STUDENT, 403), ("pia", STUDENT, 403), ("ana", STUDENT, 403),
        ("tom", TUTOR, 403), ("pia", TUTOR, 403), ("uma", TEACHER, 403), ("ada", TEACHER, 403),
        # Their kind, but not their student, or not in their class.
        ("tea", STUDENT, 404), ("tea", TEACHER, 404), ("uwe", TUTOR, 404), ("otto", STUDENT, 404),
    ],
)  # fmt: skip
def test_only_those_who_write_such_reports_on_such_students_make_them(
    cast, script, name, path, status
):
    body = {"student": cast.ana.id, "week_start": MONDAY, "notes": "x"}
    if path == STUDENT:
        body = on_ana(cast)
    elif path == TEACHER:
        body["class_group"] = cast.classes["maths"].id
    answer = script(name).post(path, body)
    assert answer.status_code == status, answer.text
    assert list(answer.json) == ["error"]


def test_the_number_of_queries_does_not_grow_with_the_list(cast, script):
    tom, counted = script("tom"), []

    def note(*_):
        counted.append(1)

    def queries():
        counted.clear()
        assert tom.get(f"{STUDENT}?page_size=100").status_code == 200
        return len(counted)

    tom.get(STUDENT)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        few = queries()
        for day in range(1, 29):
            days = {"period_start": f"2026-09-{day:02}", "period_end": f"2026-10-{day:02}"}
            made(tom, STUDENT, on_ana(cast, **days))
        assert queries() == few
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert tom.get(STUDENT).json["count"] == 30
