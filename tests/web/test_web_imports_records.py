"""The pages on which attendance and marks come in from a file."""

from io import BytesIO
from time import monotonic, sleep

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from reportapp.extensions import db, transaction
from reportapp.models import AttendanceRecord, ImportMapping, ImportRun
from reportapp.school.calendar import add_term
from tests.cast import NOW
from tests.school.records import WHOLE_DAYS, name_cast, sample, stored, stored_marks
from tests.web.visitor import fields_of, path_of, words_of

HEADER = "student_id,date,class,period,code\n"
#: Choices for a file that lists only who was missing.
ABSENCES = {"date_order": "day_first", "others": "unknown"}
FILE = HEADER + "ana-1,16/11/2026,maths,1,P\nben-1,16/11/2026,maths,1,A\n"


@pytest.fixture
def ada(cast, logged_in):
    name_cast(cast)
    with transaction() as session:
        session.query(AttendanceRecord).delete()
    return logged_in("ada")


def send(visitor, content, kind="attendance", name="week.csv"):
    content = content.encode() if isinstance(content, str) else content
    data = {
        "csrf_token": visitor.token(),
        "kind": kind,
        "file": FileStorage(BytesIO(content), name),
    }
    boundary, body = encode_multipart(data)
    return visitor.open(
        "POST",
        "/imports/records/",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
    )


def choices_of(page, **changes):
    """What the form of the columns would send, with some of it changed; `codes`: by code."""
    fields = fields_of(page.text)
    codes = changes.pop("codes", {})
    values = {name: fields.get(name, "") for name in fields if name not in ("use", "again")}
    values.update(changes)
    rows = MultiDict({name: value for name, value in values.items() if name != "spelling"})
    rows.setlist("spelling", codes_of(page))
    rows.setlist("meaning", [codes.get(code, given) for code, given in meanings_of(page).items()])
    return rows


def codes_of(page):
    return list(meanings_of(page))


def meanings_of(page):
    soup = BeautifulSoup(page.text, "html.parser")
    found = {}
    for row in soup.select(".code-row"):
        chosen = row.find("option", selected=True)
        found[row.find("input")["value"]] = chosen["value"] if chosen else ""
    return found


def post(visitor, path, rows):
    rows = MultiDict(rows)
    rows["csrf_token"] = visitor.token()
    return visitor.open("POST", path, data=rows)


def settled(visitor, path):
    """The page of a file once nobody is at work on it."""
    until = monotonic() + 20
    while monotonic() < until:
        page = visitor.get(path)
        if "data-live" not in page.text:
            return page
        sleep(0.05)
    raise AssertionError("still at work")


def look(visitor, content, kind="attendance", **changes):
    """From the file to the page that shows what would change."""
    columns = path_of(send(visitor, content, kind))
    answer = post(visitor, columns, choices_of(visitor.get(columns), **changes))
    assert answer.status_code == 302, words_of(answer.text)
    return settled(visitor, path_of(answer)), path_of(answer)


def save(visitor, path, page, **fields):
    answer = visitor.post(f"{path}save", {"seen": fields_of(page.text)["seen"], **fields})
    assert answer.status_code == 302, words_of(answer.text)
    return settled(visitor, path)


class TestTheWay:
    def test_a_file_is_chosen_understood_looked_at_and_saved(self, ada):
        assert "Attendance and marks" in ada.get("/imports/records/").text
        page, path = look(ada, FILE)
        words = words_of(page.text)
        assert "2records to be added" in words.replace(" records", "records")
        assert "To be added: 1 present, 1 absent." in words
        assert stored() == []
        page = save(ada, path, page)
        assert "Saved" in words_of(page.text)
        assert stored() == [
            ("ana-1", "maths", "2026-11-16", 1, "present"),
            ("ben-1", "maths", "2026-11-16", 1, "absent"),
        ]
        page, _ = look(ada, FILE)
        assert "there is nothing to save" in words_of(page.text)

    def test_marks_go_the_same_way(self, cast, ada):
        term = {"title": "Autumn", "first_day": "2026-08-01", "last_day": "2026-12-18"}
        add_term(cast.ada, term, NOW)
        page, path = look(ada, "student_id,class,term,mark\nana-1,maths,Autumn,92\n", "marks")
        assert "1 class gets a new mark" in words_of(page.text)
        save(ada, path, page)
        assert [row[:3] for row in stored_marks()] == [("ana-1", "maths", "Mark, Autumn")]

    def test_errors_are_listed_and_the_rest_is_saved_only_when_that_is_said(self, ada):
        page, path = look(ada, FILE + "nobody,16/11/2026,maths,1,P\n<b>,16/11/2026,maths,1,P\n")
        words = words_of(page.text)
        assert "Line 4, student_id “nobody” No student of this school" in words
        assert "<b>" not in page.text
        seen = fields_of(page.text)["seen"]
        assert ada.post(f"{path}save", {"seen": seen}).status_code == 422
        assert stored() == []
        errors = ada.get(f"{path}errors.csv")
        assert "week.csv" in errors.text
        assert "nobody" in errors.text
        page = save(ada, path, page, despite_errors="1")
        assert "Saved" in words_of(page.text)
        assert len(stored()) == 2

    def test_with_rejected_rows_it_warns_that_somebody_may_falsely_count_as_present(self, ada):
        content = HEADER + "ana-1,16/11/2026,maths,1,A\nnobody,16/11/2026,maths,1,A\n"
        chosen = {**ABSENCES, "codes": {"A": "absent"}}
        page, _ = look(ada, content, **chosen | {"others": "present_where_listed"})
        assert "under a wrong identifier" in words_of(page.text)
        page, _ = look(ada, content, **chosen)
        assert "under a wrong identifier" not in words_of(page.text)

    def test_a_plan_that_has_changed_is_not_saved(self, cast, ada):
        page, path = look(ada, FILE)
        with transaction() as session:
            session.add(
                AttendanceRecord(
                    student_id=cast.ana.id,
                    class_group_id=cast.classes["maths"].id,
                    date=NOW.date().replace(day=16),
                    lesson=1,
                    status="late",
                )
            )
        page = save(ada, path, page)
        assert "has changed since you looked at this" in words_of(page.text)
        assert len(stored()) == 1

    def test_a_file_can_be_cancelled(self, ada):
        _, path = look(ada, FILE)
        assert ada.post(f"{path}cancel").status_code == 302
        assert ada.get(path).status_code == 404
        assert db.session.query(ImportRun).count() == 0

    def test_going_back_to_the_columns_of_a_saved_file_says_that_it_is_gone(self, ada):
        page, path = look(ada, FILE)
        save(ada, path, page)
        for answer in (ada.get(f"{path}columns"), ada.post(f"{path}columns")):
            assert answer.status_code == 409
            assert "Please choose it again." in answer.text

    def test_the_large_sample_is_taken(self, ada):
        page, _ = look(ada, sample(WHOLE_DAYS).read_bytes())
        assert "12,000rows rejected" in words_of(page.text).replace(" rows", "rows")


class TestColumns:
    def test_what_is_not_certain_is_asked_all_at_once(self, ada):
        content = HEADER + "ana-1,1/9/2026,maths,1,Z\nben-1,2/9/2026,maths,1,A\n"
        columns = path_of(send(ada, content))
        page = ada.get(columns)
        words = words_of(page.text)
        assert "1/9/2026 is 1 September 2026" in words
        assert "1/9/2026 is 9 January 2026" in words
        assert meanings_of(page) == {"Z": "", "A": "absent"}
        answer = post(ada, columns, choices_of(page))
        assert answer.status_code == 422
        words = words_of(answer.text)
        assert "Choose how the days are written." in words
        assert "Choose what is known about everybody else." in words
        assert "Say what “Z” means." in words
        chosen = {"date_order": "day_first", "others": "unknown"}
        answer = post(ada, columns, choices_of(page, **chosen))
        assert "Say what “Z” means." in words_of(answer.text)
        chosen["codes"] = {"Z": "left_early"}
        answer = post(ada, columns, choices_of(page, **chosen))
        page = settled(ada, path_of(answer))
        save(ada, path_of(answer), page)
        assert {row[2:5:2] for row in stored()} == {
            ("2026-09-01", "left_early"),
            ("2026-09-02", "absent"),
        }

    def test_another_column_shows_its_own_codes(self, ada):
        columns = path_of(send(ada, FILE))
        page = ada.get(columns)
        again = post(ada, columns, choices_of(page, code="period", again="1"))
        assert again.status_code == 200
        assert codes_of(again) == ["1"]
        answer = post(ada, columns, choices_of(page, day="class", group=""))
        assert "“class” has no days such as" in words_of(answer.text)

    def test_choices_are_kept_under_a_name_and_used_for_the_next_such_file(self, ada):
        content = HEADER + "ana-1,1/9/2026,maths,1,Z\n"
        chosen = {"date_order": "month_first", "others": "present", "codes": {"Z": "partial"}}
        look(ada, content, name="Weekly <b>", first_day="2026-01-09", **chosen)
        page = ada.get(path_of(send(ada, content)))
        fields = fields_of(page.text)
        assert "kept as “Weekly <b>”" in words_of(page.text).replace("&lt;b&gt;", "<b>")
        assert (fields["date_order"], fields["others"]) == ("month_first", "present")
        assert fields["first_day"] == ""
        assert meanings_of(page) == {"Z": "partial"}
        assert db.session.query(ImportMapping).count() == 1
        other = ada.get(path_of(send(ada, content.replace("period", "hour"))))
        assert fields_of(other.text).get("date_order") is None

    def test_choices_kept_once_come_with_their_name_and_learn_new_codes(self, ada):
        look(ada, HEADER + "ana-1,1/9/2026,maths,1,A\n", name="Weekly", **ABSENCES)
        page = ada.get(path_of(send(ada, HEADER + "ana-1,2/9/2026,maths,1,Z\n")))
        assert fields_of(page.text)["name"] == "Weekly"
        look(ada, HEADER + "ana-1,2/9/2026,maths,1,Z\n", codes={"Z": "late"})
        both = ada.get(path_of(send(ada, FILE + "ana-1,17/11/2026,maths,1,Z\n")))
        assert meanings_of(both) == {"P": "present", "A": "absent", "Z": "late"}
        assert db.session.query(ImportMapping).count() == 1

    def test_changing_the_columns_begins_from_what_was_chosen(self, ada):
        chosen = {**ABSENCES, "others": "present", "codes": {"Z": "partial"}}
        content = HEADER + "ana-1,1/9/2026,maths,1,Z\n"
        _, path = look(ada, content, first_day="2026-08-31", **chosen)
        page = ada.get(f"{path}columns")
        fields = fields_of(page.text)
        assert (fields["date_order"], fields["others"]) == ("day_first", "present")
        assert fields["first_day"] == "2026-08-31"
        assert meanings_of(page) == {"Z": "partial"}

    def test_the_highest_mark_is_shown_as_it_was_typed(self, ada):
        content = "student_id,class,mark\nana-1,maths,92\n"
        _, path = look(ada, content, "marks", highest="1234.56", due="2026-09-01")
        assert fields_of(ada.get(f"{path}columns").text)["highest"] == "1234.56"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"\x89PNG\r\n\x1a\n\x00\x00", "no text in UTF-8"),
            (FILE.encode("utf-16"), "no text in UTF-8"),
            (b"one column\n1\n", "must name the columns"),
        ],
    )
    def test_what_is_no_table_is_told_beside_the_field(self, ada, content, words):
        answer = ada.get(path_of(send(ada, content)))
        assert answer.status_code == 422
        assert words in answer.text
        assert db.session.query(ImportRun).count() == 0

    def test_no_file_an_empty_file_and_no_kind_are_told(self, ada):
        assert "Choose a file." in ada.post("/imports/records/", {"kind": "marks"}).text
        both = words_of(ada.post("/imports/records/").text)
        assert "Say what is in the file." in both
        assert "Choose a file." in both
        assert "this one is empty" in send(ada, b"").text
        assert "Say what is in the file." in send(ada, FILE, "party").text
        assert "Say what is in the file." in send(ada, FILE, "oneroster").text

    @pytest.mark.parametrize("value", ["", "x" * 10_000, "\ufffe", "'; DROP", "é\u202e"])
    def test_any_typed_value_gets_an_answer(self, ada, value):
        columns = path_of(send(ada, FILE))
        for field in ("student", "day", "code", "date_order", "others", "first_day", "name"):
            rows = choices_of(ada.get(columns), **{field: value})
            answer = post(ada, columns, rows)
            assert answer.status_code in (302, 422)
            if answer.status_code == 302:
                settled(ada, path_of(answer))

    def test_a_header_without_rows_is_told(self, ada):
        page = ada.get(path_of(send(ada, HEADER)))
        assert "There are no rows under the names" in words_of(page.text)


class TestKept:
    def test_kept_choices_are_listed_and_deleted_after_a_question(self, ada):
        look(ada, FILE, name="Weekly <b>")
        page = ada.get("/imports/records/")
        assert "Weekly &lt;b&gt;" in page.text
        path = delete_path(page)
        question = words_of(ada.get(path).text)
        assert "Delete “Weekly &lt;b&gt;”?" in question
        assert db.session.query(ImportMapping).count() == 1
        assert ada.post_bare(path).status_code == 400
        answer = ada.post(path, follow_redirects=True)
        assert "“Weekly &lt;b&gt;” is deleted." in words_of(answer.text)
        assert db.session.query(ImportMapping).count() == 0
        assert ada.post(path).status_code == 404

    def test_what_can_no_longer_be_read_can_be_deleted_too(self, cast, ada):
        with transaction() as session:
            session.add(
                ImportMapping(
                    school_id=cast.school.id,
                    kind="marks",
                    name="Old",
                    mapping="?",
                    updated_at=NOW,
                )
            )
        assert ada.post(delete_path(ada.get("/imports/records/"))).status_code == 302
        assert db.session.query(ImportMapping).count() == 0

    def test_nobody_else_and_no_other_school_deletes_them(self, ada, logged_in):
        look(ada, FILE, name="Weekly")
        path = delete_path(ada.get("/imports/records/"))
        for name, status in (("tom", 403), ("uma", 403), ("pia", 403), ("olga", 404)):
            visitor = logged_in(name)
            assert (visitor.get(path).status_code, visitor.post(path).status_code) == (status,) * 2
        assert "Weekly" not in logged_in("olga").get("/imports/records/").text
        assert db.session.query(ImportMapping).count() == 1


def delete_path(page):
    link = BeautifulSoup(page.text, "html.parser").select_one('a[href$="/delete"]')
    return link["href"]


class TestOthers:
    @pytest.mark.parametrize("name", ["tom", "uma", "pia", "ana"])
    def test_only_admins_enter(self, ada, logged_in, name):
        _, path = look(ada, FILE)
        visitor = logged_in(name)
        assert visitor.get("/imports/records/").status_code == 403
        for page in ("", "columns", "errors.csv"):
            assert visitor.get(path + page).status_code == 403
        for page in ("save", "cancel", "columns"):
            assert visitor.post(path + page).status_code == 403

    def test_another_schools_files_are_not_found(self, ada, logged_in):
        _, path = look(ada, FILE)
        olga = logged_in("olga")
        assert "week.csv" not in olga.get("/imports/records/").text
        for page in ("", "columns", "errors.csv"):
            assert olga.get(path + page).status_code == 404
        for page in ("save", "cancel", "columns"):
            assert olga.post(path + page).status_code == 404
        assert db.session.scalar(select(ImportRun.status)) == "checked"
