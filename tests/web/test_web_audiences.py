"""Choosing groups on the pages, and seeing who gets what before anything is sent."""

from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleAudience
from reportapp.schedules.edit import update_schedule
from tests.cast import NOW, create_order
from tests.web.visitor import path_of, words_of


def group_of(cast, name="maths"):
    return {"kind": "class_guardians", "class_group_id": cast.classes[name].id}


def test_a_group_is_looked_at_and_then_added_and_removed(cast, logged_in):
    order = create_order(cast.tom)
    visitor, page = logged_in("tom"), f"/schedules/{order.id}"
    assert "Nobody receives this yet" in visitor.get(page).text
    look = words_of(visitor.get(f"{page}/groups/look", query_string=group_of(cast)).text)
    for words in ("Guardians of 7a Mathematics", "2 would get it", "Report on Ana Example"):
        assert words in look
    assert "The schedule is active" in look
    assert db.session.query(ReportScheduleAudience).count() == 0
    visitor.post(f"{page}/groups", group_of(cast))
    shown = words_of(visitor.get(page).text)
    assert "Guardians of 7a Mathematics (2 people now)" in shown
    assert "PDF to" not in shown
    assert "1 group" in words_of(visitor.get("/schedules/").text)
    row = db.session.query(ReportScheduleAudience).one()
    visitor.post(f"{page}/groups/{row.id}/remove")
    assert "Nobody receives this yet" in visitor.get(page).text


def test_a_group_of_nobody_says_so(cast, logged_in):
    order = create_order(cast.uwe)
    visitor = logged_in("uwe")
    look = visitor.get(f"/schedules/{order.id}/groups/look?kind=my_guardians")
    assert "Nobody is in this group now" in look.text
    visitor.post(f"/schedules/{order.id}/groups", {"kind": "my_guardians"})
    assert "Nobody is in this group now" in visitor.get(f"/schedules/{order.id}").text


def test_a_schedule_with_groups_is_switched_on_after_a_look(cast, logged_in):
    order = create_order(cast.tom, is_active=False)
    visitor, page = logged_in("tom"), f"/schedules/{order.id}"
    visitor.post(f"{page}/groups", group_of(cast))
    who = visitor.get(f"{page}/who")
    assert "Switch it on" in who.text
    form = {
        "name": "New name", "report_type": "student_report", "frequency": "weekly",
        "days_of_week": "1", "interval": "1", "month_mode": "day", "day_of_month": "1", "nth": "1",
        "time": "09:00", "time_zone": "Europe/Berlin", "closed_days": "send", "period": "rhythm",
        "export_format": "csv", "is_active": "y",
    }  # fmt: skip
    assert path_of(visitor.post(f"{page}/edit", form)) == f"{page}/who"
    saved = db.session.get(ReportSchedule, order.id)
    assert (saved.name, saved.is_active) == ("New name", False)
    visitor.post(f"{page}/switch", {"active": "1"})
    assert db.session.get(ReportSchedule, order.id).is_active is True


def test_members_are_left_out_and_let_in_again_on_the_page(cast, logged_in):
    order = create_order(cast.tom)
    visitor, page = logged_in("tom"), f"/schedules/{order.id}"
    visitor.post(f"{page}/groups", group_of(cast))
    answer = visitor.post(f"{page}/recipients/{cast.pia.id}/remove", {"back": "who"})
    assert path_of(answer) == f"{page}/who"
    who = visitor.get(f"{page}/who").text
    assert "1 would get it" in words_of(who)
    assert "took them off by name" in who
    visitor.post(f"{page}/let-in", {"user_id": cast.pia.id})
    assert "2 would get it" in words_of(visitor.get(f"{page}/who?q=pia").text)


def test_nonsense_is_answered_in_words(cast, logged_in):
    order = create_order(cast.tom)
    visitor, page = logged_in("tom"), f"/schedules/{order.id}"
    for query, status in (
        ("kind=nobody", 302),
        ("kind=class_guardians&class_group_id=99999999999", 302),
        ("kind=class_guardians&class_group_id=2147483647", 404),
        (f"kind=class_guardians&class_group_id={cast.classes['other'].id}", 404),
    ):
        assert visitor.get(f"{page}/groups/look?{query}").status_code == status, query
    assert visitor.post(f"{page}/groups", {"kind": "x"}).status_code == 422
    assert visitor.get(f"{page}/who?q=%ED%A0%80&page=9").status_code == 200


def test_a_report_that_became_one_for_others_says_so_of_groups_and_people(cast, logged_in):
    order = create_order(cast.tom, cast.pia)
    visitor, page = logged_in("tom"), f"/schedules/{order.id}"
    visitor.post(f"{page}/groups", group_of(cast))
    update_schedule(cast.tom, order.id, {"report_type": "class_analytics"}, NOW)
    shown = words_of(visitor.get(page).text)
    assert "Get nothing: this kind of report is not for them" in shown
    assert "Nothing: this kind of report is not for parents" in shown
    assert "This kind of report is not for parents." in words_of(visitor.get(f"{page}/who").text)
