"""Every operation on a schedule x everybody: only who manages it may, only who receives it may read
it, and for everybody else it does not exist."""

import pytest

from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleExecution, ReportScheduleRecipient
from reportapp.schedules.runs import run_now, send_test
from tests.api.script import BODY, SCHEDULES
from tests.cast import NOW, create_order

#: Tom's schedule, which Pia and Tea receive: who may do what. Everybody else: 404 on all of it.
MANAGERS = ("tom", "ada")
READERS = ("pia", "tea")
STRANGERS = ("uma", "uwe", "pol", "nil", "ana", "ben", "olga", "otto", "ole")


@pytest.fixture
def order(cast):
    order = create_order(cast.tom, cast.pia, cast.tea)
    run_now(cast.tom, order.id, NOW, message_domain="lindenhof.example")
    send_test(cast.tom, order.id, NOW, message_domain="lindenhof.example")
    return order


def calls(order, person_id):
    """What can be done with a schedule; what destroys it comes last."""
    one, runs = f"{SCHEDULES}{order.id}/", f"{SCHEDULES}{order.id}/executions/"
    return {
        "read": ("GET", one, None),
        "preview": ("GET", f"{one}preview/", None),
        "preview as csv": ("GET", f"{one}preview/?recipient_id={person_id}&format=csv", None),
        "next runs": ("GET", f"{one}next_runs/", None),
        "runs": ("GET", runs, None),
        "run": ("GET", f"{runs}1/", None),
        "mails": ("GET", f"{runs}1/deliveries/", None),
        "task": ("GET", "/api/reports/tasks/2/", None),
        "recipients": ("GET", f"{one}recipients/", None),
        "who gets what": ("GET", f"{one}who/", None),
        "groups": ("GET", f"{one}groups/", None),
        "add a group": ("POST", f"{one}groups/", {"kind": "my_guardians"}),
        "take a group off": ("DELETE", f"{one}groups/1/", None),
        "send again": ("POST", f"{runs}1/resend/", None),
        "send a test": ("POST", f"{one}test_email/", {"recipient_email": "tom@teacher.example"}),
        "send": ("POST", f"{one}run/", None),
        "take back": ("POST", f"{runs}1/cancel/", None),
        "add": ("POST", f"{one}recipients/", {"recipient_id": person_id}),
        "let in": ("POST", f"{one}let_in/", {"recipient_id": person_id}),
        "try an address again": ("POST", f"{one}send_to_address/", {"recipient_id": person_id}),
        "change": ("PATCH", one, {"name": "Changed"}),
        "replace": ("PUT", one, BODY),
        "remove": ("DELETE", f"{one}remove_recipient/?recipient_id={person_id}", None),
        "delete": ("DELETE", one, None),
    }


@pytest.mark.parametrize("name", MANAGERS)
def test_who_manages_it_may_do_everything(order, cast, script, name):
    caller = script(name)
    answers = {
        what: caller.open(method, path, json=body).status_code
        for what, (method, path, body) in calls(order, cast.pia.id).items()
    }
    assert answers == {
        **dict.fromkeys(answers, 200),
        "add a group": 201,
        "take a group off": 204,
        "send again": 409,  # nothing has failed
        "send a test": 202,
        "send": 409,  # the run that is under way
        "add": 201,
        "delete": 204,
    }


@pytest.mark.parametrize("name", [*READERS, *STRANGERS])
def test_nobody_else_may_do_anything_but_its_readers_read_it(order, cast, script, name):
    caller = script(name)
    for what, (method, path, body) in calls(order, cast.pia.id).items():
        answer = caller.open(method, path, json=body)
        wanted = 200 if what == "read" and name in READERS else 404
        assert answer.status_code == wanted, (what, answer.text)
        if wanted == 404:
            assert list(answer.json) == ["error"]
            nobodys = path.replace(f"/{order.id}/", "/999/", 1).replace("/tasks/2/", "/tasks/999/")
            assert caller.open(method, nobodys, json=body).json == answer.json, what
    db.session.expire_all()
    assert (order.name, order.deleted_at) == (db.session.get(ReportSchedule, 1).name, None)
    assert db.session.query(ReportScheduleExecution).count() == 2
    assert db.session.query(ReportScheduleRecipient).filter_by(removed_at=None).count() == 2


def test_runs_and_tasks_are_found_only_where_they_belong(order, cast, script):
    other = create_order(cast.tom)
    tom = script("tom")
    assert tom.get(f"{SCHEDULES}{other.id}/executions/1/").status_code == 404
    assert tom.get(f"{SCHEDULES}{other.id}/executions/1/deliveries/").status_code == 404
    for task in ("1", "3", "x", "٢", "9" * 40):
        assert tom.get(f"/api/reports/tasks/{task}/").status_code == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [("ada", 201), ("tom", 201), ("uma", 201), ("pia", 403), ("ana", 403), ("olga", 201)],
)
def test_only_authors_make_schedules_and_each_their_own(cast, script, name, status):
    answer = script(name).post(SCHEDULES, BODY)
    assert answer.status_code == status
    wanted = 200 if status == 201 else 403
    assert script(name).post(f"{SCHEDULES}preview_runs/", BODY).status_code == wanted
    if status == 201:
        assert answer.json["created_by"] == cast.people[name].id
    else:
        assert db.session.query(ReportSchedule).count() == 0


def test_who_is_switched_off_or_taken_off_reads_nothing_any_more(order, cast, script):
    pia = script("pia")
    path = f"{SCHEDULES}{order.id}/"
    assert pia.get(path).status_code == 200
    script("tom").delete(f"{path}remove_recipient/?recipient_id={cast.pia.id}")
    assert pia.get(path).status_code == 404
    assert pia.get(SCHEDULES).json["count"] == 0
    tea = script("tea")
    cast.tea.is_active = False
    db.session.commit()
    assert tea.get(path).status_code == 401
