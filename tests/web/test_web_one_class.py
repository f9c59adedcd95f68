"""Choosing the class that a schedule's reports are about."""

from bs4 import BeautifulSoup

from reportapp.extensions import db
from reportapp.models import ReportSchedule
from tests.web.test_web_schedule_form import GOOD


def options(page) -> list[str]:
    field = BeautifulSoup(page.text, "html.parser").find("select", {"name": "class_group_id"})
    return [option.get_text(strip=True) for option in field.find_all("option")]


def test_a_teacher_is_offered_the_own_classes(logged_in):
    offered = options(logged_in("tom").get("/schedules/new"))
    assert offered[1:] == ["7a Mathematics only"]


def test_a_chosen_class_is_stored_shown_and_can_be_taken_back(cast, logged_in):
    visitor = logged_in("tom")
    room = str(cast.classes["maths"].id)
    page = visitor.post("/schedules/new", {**GOOD, "class_group_id": room}, follow_redirects=True)
    schedule = db.session.query(ReportSchedule).one()
    assert schedule.class_group_id == int(room)
    assert "7a Mathematics" in page.text
    edit = visitor.get(f"/schedules/{schedule.id}/edit")
    assert f'<option selected value="{room}">' in edit.text or (
        f'<option value="{room}" selected>' in edit.text
    )
    visitor.post(f"/schedules/{schedule.id}/edit", {**GOOD, "class_group_id": ""})
    db.session.expire_all()
    assert db.session.query(ReportSchedule).one().class_group_id is None


def test_a_foreign_class_is_told_at_the_field(cast, logged_in):
    room = str(cast.classes["english"].id)
    answer = logged_in("tom").post("/schedules/new", {**GOOD, "class_group_id": room})
    assert answer.status_code in (200, 400, 422)
    field = BeautifulSoup(answer.text, "html.parser").find("select", {"name": "class_group_id"})
    assert "is-invalid" in field["class"]
    assert db.session.query(ReportSchedule).count() == 0
