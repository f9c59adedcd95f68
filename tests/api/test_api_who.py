"""Who is on a schedule, and who would get what."""

import pytest

from reportapp.constants import Role
from reportapp.extensions import db, transaction
from reportapp.models import AddressTrouble, User
from reportapp.schedules.audiences import add_audience
from reportapp.schedules.subscriptions import my_subscriptions, set_my_subscription
from tests.api.script import SCHEDULES
from tests.cast import NOW, create_order
from tests.schedules.help import create_crowd


@pytest.fixture
def order(cast):
    return create_order(cast.tom, cast.pia, cast.pol, cast.tea)


def names(answer):
    assert answer.status_code == 200, answer.text
    return [one["recipient_name"].split()[0] for one in answer.json["results"]]


def test_recipients_are_the_rows_of_the_detail_a_page_at_a_time(order, script):
    tom, path = script("tom"), f"{SCHEDULES}{order.id}/"
    whole = tom.get(f"{path}recipients/").json
    assert whole == {
        "count": 3,
        "next": None,
        "previous": None,
        "results": tom.get(path).json["recipients"],
    }
    pages = [tom.get(f"{path}recipients/?page_size=2&page={page}") for page in (1, 2, 3)]
    assert [names(page) for page in pages[:2]] == [["Pia", "Pol"], ["Tea"]]
    assert pages[2].status_code == 404
    assert "unsubscribe_token" not in tom.get(f"{path}recipients/").text


def test_who_gets_what_is_told_of_everybody_with_the_reason_for_nothing(cast, order, script):
    with transaction():
        db.session.get(User, cast.tea.id).email = None
    add_audience(cast.tom, order.id, "class_guardians", cast.classes["maths"].id, NOW)
    (row,) = my_subscriptions(cast.pol, NOW)
    set_my_subscription(cast.pol, row.id, False, NOW)
    tom, path = script("tom"), f"{SCHEDULES}{order.id}/who/"
    pia, pol, tea = tom.get(path).json["results"]
    assert pia == {
        "recipient": cast.pia.id,
        "recipient_name": "Pia Example",
        "recipient_email": "pia@parent.example",
        "by_name": True,
        "groups": ["Guardians of 7a Mathematics"],
        "students_count": 1,
        "students": ["Ana Example"],
        "reason": None,
    }
    # Cem is not Tom's student.
    assert (pol["students"], pol["reason"]) == (["Ana Example"], "unsubscribed")
    assert (tea["groups"], tea["recipient_email"], tea["reason"]) == ([], None, "no_address")
    assert names(tom.get(f"{path}?gets=true")) == ["Pia"]
    assert names(tom.get(f"{path}?gets=false")) == ["Pol", "Tea"]
    assert names(tom.get(f"{path}?search=pol")) == ["Pol"]
    assert names(tom.get(f"{path}?page_size=2&page=2")) == ["Tea"]
    assert tom.get(f"{path}?page_size=2&page=3").status_code == 404


def test_who_gets_nothing_is_listed_however_many_they_are(cast, script):
    order = create_order(cast.ada)
    create_crowd(cast, Role.TUTOR, 101)
    add_audience(cast.ada, order.id, "all_tutors", None, NOW)
    answer = script("ada").get(f"{SCHEDULES}{order.id}/who/?gets=false&page=2&page_size=100")
    assert (answer.json["count"], len(answer.json["results"])) == (101, 1)
    assert answer.json["results"][0]["reason"] == "out_of_scope"


def test_what_was_left_is_listed_with_the_token_for_undoing_it(order, cast, script, stranger):
    mine, pia = f"{SCHEDULES}my_subscriptions/", script("pia")
    (row,) = pia.get(mine).json["results"]
    assert pia.get(f"{mine}?is_subscribed=false").json["count"] == 0
    token = {"unsubscribe_token": row["unsubscribe_token"]}
    stranger.post(f"{SCHEDULES}unsubscribe/", token)
    assert pia.get(mine).json["count"] == 0
    assert pia.get(f"{mine}?is_subscribed=false").json["results"] == [
        {**row, "is_subscribed": False}
    ]
    assert script("pol").get(f"{mine}?is_subscribed=false").json["count"] == 0
    stranger.post(f"{SCHEDULES}unsubscribe/undo/", token)
    assert pia.get(f"{mine}?is_subscribed=true").json["results"] == [row]
    script("tom").delete(f"{SCHEDULES}{order.id}/remove_recipient/?recipient_id={cast.pia.id}")
    assert pia.get(f"{mine}?is_subscribed=false").json["count"] == 0


def test_a_group_is_looked_at_before_it_is_added(cast, order, script):
    tom, path = script("tom"), f"{SCHEDULES}{order.id}/who/"
    maths, biology = cast.classes["maths"].id, cast.classes["biology"].id
    assert names(tom.get(f"{path}?kind=class_tutors&class_group_id={maths}")) == ["Uma", "Uwe"]
    assert names(tom.get(path)) == ["Pia", "Pol", "Tea"]
    for query, status, field in (
        ("kind=class_tutors", 400, "class_group_id"),
        ("kind=everybody", 400, "kind"),
        ("kind=class_tutors&class_group_id=x", 400, "class_group_id"),
        (f"kind=class_tutors&class_group_id={biology}", 404, "error"),
    ):
        answer = tom.get(f"{path}?{query}")
        assert (answer.status_code, list(answer.json)) == (status, [field])


def test_who_was_taken_off_is_let_in_again_as_a_member(cast, script):
    order = create_order(cast.tom)
    add_audience(cast.tom, order.id, "class_guardians", cast.classes["maths"].id, NOW)
    tom, path, body = script("tom"), f"{SCHEDULES}{order.id}/", {"recipient_id": cast.pia.id}
    tom.delete(f"{path}remove_recipient/?recipient_id={cast.pia.id}")
    assert names(tom.get(f"{path}who/?gets=true")) == ["Pol"]
    for _ in range(2):
        answer = tom.post(f"{path}let_in/", body)
        assert (answer.status_code, list(answer.json)) == (200, ["message"])
    assert names(tom.get(f"{path}who/?gets=true")) == ["Pia", "Pol"]
    assert tom.get(f"{path}recipients/").json["count"] == 0
    for person, status in ((cast.nil.id, 404), (2**40, 404), ("x", 400), (None, 400)):
        answer = tom.post(f"{path}let_in/", {"recipient_id": person})
        assert answer.status_code == status


def test_an_address_that_refused_mails_is_tried_again(cast, order, script):
    with transaction() as session:
        trouble = {"failures": 3, "reply": "550 no", "failed_at": NOW, "suspended_at": NOW}
        session.add(AddressTrouble(address="pia@parent.example", **trouble))
    tom, path = script("tom"), f"{SCHEDULES}{order.id}/"
    pia = tom.get(f"{path}who/?search=pia").json["results"][0]
    assert pia["reason"] == "suspended"
    body = {"recipient_id": cast.pia.id}
    assert tom.post(f"{path}send_to_address/", body).status_code == 200
    assert names(tom.get(f"{path}who/?gets=true")) == ["Pia", "Pol"]
    answer = tom.post(f"{path}send_to_address/", {"recipient_id": cast.nil.id})
    assert (answer.status_code, answer.json) == (404, {"error": "Recipient not found"})
