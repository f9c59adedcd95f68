"""The pages of the school calendar."""

from io import BytesIO

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from reportapp.extensions import db
from reportapp.models import AcademicSession, CalendarEntry
from reportapp.school.calendar import add_entry, add_term
from tests.cast import NOW
from tests.web.visitor import fields_of, path_of, words_of

CHRISTMAS = {
    "kind": "holiday",
    "title": "Christmas holidays",
    "first_day": "2026-12-21",
    "last_day": "2027-01-06",
}
HEADER = "title,first_day,last_day,kind\n"
FILE = HEADER + "Exams,2027-01-18,2027-01-22,exam\nWinter,1.2.2027,5.2.2027,holiday\n"


@pytest.fixture
def ada(logged_in):
    return logged_in("ada")


def send(visitor, content, name="calendar.csv", **fields):
    content = content.encode() if isinstance(content, str) else content
    file = FileStorage(BytesIO(content), name)
    data = {"csrf_token": visitor.token(), "kind": "holiday", **fields, "file": file}
    # Encoded here: the client would leave a temporary file open for a large one.
    boundary, body = encode_multipart(data)
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.open("POST", "/calendar/import/file", data=body, content_type=kind)


def save(visitor, page, **fields):
    kept = {"kept": fields_of(page.text)["kept"], **fields}
    return visitor.post("/calendar/import/save", kept, follow_redirects=True)


def titles():
    db.session.rollback()
    return list(db.session.scalars(select(CalendarEntry.title).order_by(CalendarEntry.first_day)))


class TestLooking:
    def test_an_empty_calendar_says_what_to_do(self, ada, logged_in):
        page = words_of(ada.get("/calendar/").text)
        assert "Nothing is in the calendar yet" in page
        assert "public holidays of your country" in page
        assert "When an administrator" in words_of(logged_in("tom").get("/calendar/").text)

    def test_it_tells_days_in_words_and_folds_what_is_over(self, cast, ada):
        add_entry(cast.ada, CHRISTMAS, NOW)
        past = {"kind": "holiday", "title": "Autumn", "first_day": "2026-10-12"}
        add_entry(cast.ada, {**past, "last_day": "2026-10-23"}, NOW)
        page = ada.get("/calendar/").text
        assert "School year 2026/2027" in page
        assert "Mon 21 December 2026 – Wed 6 January 2027, 17 days" in page
        assert "1 past entry" in page
        assert page.index('<details class="more') < page.index("Autumn") < page.index("Christmas")

    @pytest.mark.parametrize("name", ["tom", "uma"])
    def test_staff_may_look_and_only_look(self, cast, logged_in, name):
        entry = add_entry(cast.ada, CHRISTMAS, NOW)
        visitor = logged_in(name)
        page = visitor.get("/calendar/").text
        assert "Christmas holidays" in page
        assert "Lessons are on Mondays, Tuesdays, Wednesdays, Thursdays and Fridays." in words_of(
            page
        )
        assert "/calendar/add" not in page
        assert "Delete" not in page
        for path in (f"/calendar/entries/{entry.id}/edit", "/calendar/import/"):
            assert visitor.get(path).status_code == 403
        for path in ("/calendar/add", "/calendar/weekdays", "/calendar/import/save"):
            assert visitor.post(path, CHRISTMAS).status_code == 403
        assert titles() == ["Christmas holidays"]

    @pytest.mark.parametrize("name", ["pia", "ana"])
    def test_families_have_no_such_page(self, logged_in, name):
        visitor = logged_in(name)
        assert visitor.get("/calendar/").status_code == 403
        assert "School calendar" not in visitor.get("/subscriptions/").text

    def test_the_menu_leads_there(self, logged_in):
        assert 'href="/calendar/"' in logged_in("tom").get("/schedules/").text

    def test_titles_are_shown_as_text(self, cast, ada):
        add_entry(cast.ada, {**CHRISTMAS, "title": "<script>alert(1)</script>"}, NOW)
        assert "<script>alert" not in ada.get("/calendar/").text


class TestChanging:
    def test_an_entry_is_added_changed_and_deleted(self, ada):
        answer = ada.post("/calendar/add", CHRISTMAS)
        assert (answer.status_code, path_of(answer)) == (302, "/calendar/")
        entry = db.session.query(CalendarEntry).one()
        path = f"/calendar/entries/{entry.id}"
        assert 'value="2026-12-21"' in ada.get(f"{path}/edit").text
        assert ada.post(f"{path}/edit", {**CHRISTMAS, "title": "Yule"}).status_code == 302
        assert titles() == ["Yule"]
        assert "Delete “Yule”?" in words_of(ada.get(f"{path}/delete").text)
        assert titles() == ["Yule"]
        assert ada.post(f"{path}/delete").status_code == 302
        assert titles() == []

    def test_a_term_is_added_changed_and_deleted(self, ada):
        term = {**CHRISTMAS, "kind": "term", "title": "First term"}
        assert ada.post("/calendar/add", term).status_code == 302
        path = f"/calendar/terms/{db.session.query(AcademicSession).one().id}"
        assert 'value="First term"' in ada.get(f"{path}/edit").text
        assert ada.post(f"{path}/edit", {**term, "title": "T1"}).status_code == 302
        assert "T1" in ada.get("/calendar/").text
        assert "Delete “T1”?" in words_of(ada.get(f"{path}/delete").text)
        assert ada.post(f"{path}/delete").status_code == 302
        assert db.session.query(AcademicSession).count() == 0

    def test_a_term_with_classes_is_kept_and_told_why(self, cast, ada):
        term = add_term(cast.ada, CHRISTMAS, NOW)
        cast.classes["maths"].academic_session_id = term.id
        db.session.commit()
        answer = ada.post(f"/calendar/terms/{term.id}/delete")
        assert answer.status_code == 409
        assert "1 class belongs to" in answer.text

    def test_without_a_last_day_it_is_one_day(self, ada):
        ada.post("/calendar/add", {**CHRISTMAS, "last_day": ""})
        entry = db.session.query(CalendarEntry).one()
        assert entry.first_day == entry.last_day

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"title": ""}, "Give it a title"),
            ({"title": "x" * 10_000}, "Use at most 200 characters"),
            ({"kind": "party"}, "Write one of"),
            ({"kind": "term", "first_day": "soon"}, "Write a date such as 2026-12-31"),
            ({"first_day": "2027-02-30"}, "There is no such day"),
            ({"last_day": "2026-01-01"}, "The last day is before the first one."),
            ({"last_day": "2030-01-01"}, "more than 366 days"),
            ({"first_day": "0001-01-01"}, "years 2000 to 2100"),
        ],
    )
    def test_what_is_wrong_is_told_beside_its_field(self, ada, wrong, message):
        answer = ada.post("/calendar/add", {**CHRISTMAS, **wrong})
        assert answer.status_code == 422
        assert message in answer.text
        assert titles() == []

    def test_what_is_wrong_when_changing_is_told_too(self, cast, ada):
        entry, term = add_entry(cast.ada, CHRISTMAS, NOW), add_term(cast.ada, CHRISTMAS, NOW)
        for path in (f"/calendar/entries/{entry.id}/edit", f"/calendar/terms/{term.id}/edit"):
            answer = ada.post(path, {**CHRISTMAS, "title": ""})
            assert answer.status_code == 422
            assert "Give it a title" in answer.text

    def test_days_with_lessons_are_ticked(self, cast, ada):
        assert ada.post("/calendar/weekdays", {"weekdays": ["6", "1"]}).status_code == 302
        assert cast.school.weekdays == "16"

    @pytest.mark.parametrize("days", [[], ["0"], ["8"], ["x"], ["1", "9" * 1000]])
    def test_impossible_days_are_refused_beside_the_boxes(self, cast, ada, days):
        answer = ada.post("/calendar/weekdays", {"weekdays": days})
        assert answer.status_code == 422
        assert "Choose at least one" in answer.text
        assert cast.school.weekdays == "12345"

    def test_another_schools_entries_are_not_found(self, cast, logged_in):
        entry, term = add_entry(cast.ada, CHRISTMAS, NOW), add_term(cast.ada, CHRISTMAS, NOW)
        olga = logged_in("olga")
        for path in (f"/calendar/entries/{entry.id}", f"/calendar/terms/{term.id}"):
            for act in ("edit", "delete"):
                assert olga.get(f"{path}/{act}").status_code == 404
                assert olga.post(f"{path}/{act}", CHRISTMAS).status_code == 404
        assert titles() == ["Christmas holidays"]

    def test_without_the_hidden_token_nothing_is_changed(self, ada):
        assert ada.post_bare("/calendar/add", CHRISTMAS).status_code == 400
        assert titles() == []


class TestImporting:
    def test_a_file_is_looked_at_and_then_saved(self, ada):
        page = send(ada, FILE)
        assert page.status_code == 200
        assert "To be added: 2" in page.text
        assert "Mon 18 January – Fri 22 January 2027, 5 days" in page.text
        assert titles() == []
        assert "2 added, 0 changed, 0 removed" in save(ada, page).text
        assert titles() == ["Exams", "Winter"]
        again = send(ada, FILE)
        assert "there is nothing to save" in again.text
        assert "kept" not in fields_of(again.text)

    def test_what_is_gone_is_removed_only_when_ticked(self, ada):
        save(ada, send(ada, FILE))
        shorter = HEADER + "Exams,2027-01-19,2027-01-22,exam\n"
        page = send(ada, shorter)
        assert "Not in it any more: 1" in page.text
        assert "To be changed: 1" in page.text
        save(ada, page)
        assert titles() == ["Exams", "Winter"]
        assert "1 removed" in save(ada, send(ada, shorter), remove="1").text
        assert titles() == ["Exams"]

    def test_errors_are_listed_and_nothing_can_be_saved(self, ada):
        page = send(ada, HEADER + "Exams,2027-02-30,soon,party\n<b>,,,\n")
        assert page.status_code == 422
        for text in ("Line 2, first_day", "“2027-02-30”", "There is no such day", "Line 3, kind"):
            assert text in words_of(page.text)
        assert "kept" not in fields_of(page.text)
        many = send(ada, HEADER + "a,b,c,d\n" * 500)
        assert "These are the first 100." in many.text

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "Choose a file"),
            (b"\x89PNG\r\n\x1a\n\x00\x00", "no text in UTF-8"),
            (b"\x89PNG\r\n\x1a\n", "no text in UTF-8"),
            ("Größe".encode("latin-1"), "no text in UTF-8"),
            (b"hello", "lacks title"),
            (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "cut off"),
            (b"x" * 1_000_001, "at most 1,000,000"),
        ],
    )
    def test_what_is_no_calendar_is_told_beside_the_field(self, ada, content, message):
        answer = send(ada, content, name="calendar.csv")
        assert answer.status_code == 422
        assert message in answer.text

    def test_far_too_large_a_file_is_refused(self, ada):
        assert send(ada, b"x" * 3_000_000).status_code == 413

    def test_a_form_without_a_file_is_told_so(self, ada):
        answer = ada.post("/calendar/import/file", {"file": "text"})
        assert answer.status_code == 422
        assert "Choose a file" in answer.text

    def test_a_calendar_file_has_the_chosen_kind(self, ada):
        content = (
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261221\r\n"
            "DTEND;VALUE=DATE:20270107\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        page = send(ada, content, "x.ics", kind="closure")
        assert "Mon 21 December 2026 – Wed 6 January 2027, 17 days" in page.text
        save(ada, page)
        assert db.session.query(CalendarEntry).one().kind == "closure"
        assert send(ada, content, "x.ics", kind="party").status_code == 422

    def test_2000_entries_can_be_looked_at_and_saved(self, ada):
        rows = [f"Entry {n} {'y' * 150},2027-01-18,2027-01-22,exam" for n in range(2_000)]
        save(ada, send(ada, HEADER + "\n".join(rows)))
        assert len(titles()) == 2_000

    def test_what_could_not_come_back_is_refused_at_once(self, ada):
        import random

        dice = random.Random(1)
        rows = [
            "".join(chr(dice.randint(0x4E00, 0x9FA0)) for _ in range(150))
            + ",2027-01-18,2027-01-18,exam"
            for _ in range(2_000)
        ]
        answer = send(ada, HEADER + "\n".join(rows))
        assert answer.status_code == 422
        assert "split it into two files" in answer.text

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJ9.x.y" * 1000])
    def test_what_was_not_looked_at_cannot_be_saved(self, ada, text):
        answer = ada.post("/calendar/import/save", {"kept": text})
        assert answer.status_code == 409
        assert "choose the file again" in answer.text

    def test_a_calendar_that_has_changed_meanwhile_is_looked_at_again(self, cast, ada):
        page = send(ada, FILE)
        save(ada, send(ada, HEADER + "Exams,2027-01-19,2027-01-22,exam\n"))
        answer = save(ada, page)
        assert answer.status_code == 409
        assert titles() == ["Exams"]

    def test_the_template_can_be_downloaded_and_taken(self, ada):
        answer = ada.get("/calendar/import/template.csv")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.data.startswith(b"\xef\xbb\xbftitle,first_day,last_day,kind")
        assert "To be added: 3" in send(ada, answer.data).text

    def test_public_holidays_are_taken_by_country_and_part(self, cast, ada):
        page = ada.get("/calendar/import/").text
        assert '<option value="DE">Germany</option>' in page
        assert "Part of the country" not in page
        page = ada.get("/calendar/import/?country=DE").text
        assert '<option value="BE">Berlin</option>' in page
        look = ada.post("/calendar/import/country", {"country": "DE", "part": "BE"})
        assert "the public holidays of Germany, Berlin" in look.text
        assert "Christmas Day" in look.text
        save(ada, look)
        assert "Women&#39;s Day" in ada.get("/calendar/").text
        assert cast.school.country == "DE-BE"
        assert '<option value="BE" selected>Berlin' in ada.get("/calendar/import/").text

    @pytest.mark.parametrize("fields", [{}, {"country": "XX"}, {"country": "DE", "part": "QQ"}])
    def test_an_unknown_country_is_told_beside_the_field(self, ada, fields):
        answer = ada.post("/calendar/import/country", fields)
        assert answer.status_code == 422
        assert "Choose a country from the list" in answer.text

    @pytest.mark.parametrize("text", ["XX", "%00", "x" * 5_000, "DE-BE"])
    def test_any_country_in_the_address_is_answered(self, ada, text):
        assert ada.get(f"/calendar/import/?country={text}").status_code in (200, 400)

    def test_the_character_nul_in_a_kept_field_is_refused(self, ada):
        assert ada.post("/calendar/import/save", {"kept": "\0"}).status_code == 400
