"""Several scripts at the same moment: nobody overwrites what they have not seen."""

import pytest

from reportapp.extensions import db
from reportapp.models import ReportSchedule, ReportScheduleRecipient
from tests.api.script import SCHEDULES
from tests.at_once import at_once
from tests.cast import create_order

_SCRIPTS = 6


@pytest.fixture
def path(cast):
    return f"{SCHEDULES}{create_order(cast.tom).id}/"


def asking(caller, method, path, body=None, tag=None):
    """A request that needs nothing of the test's own session."""
    headers = {**caller.headers, **({"If-Match": tag} if tag else {})}
    client = caller.client.application.test_client(use_cookies=False)
    return lambda: client.open(path, method=method, json=body, headers=headers)


def test_of_several_changes_of_the_same_version_one_is_made(path, script):
    tom = script("tom")
    tag = tom.get(path).headers["ETag"]
    answers = at_once(
        None,
        *(
            asking(tom, "PATCH", path, {"name": f"Script {number}"}, tag)
            for number in range(_SCRIPTS)
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (_SCRIPTS - 1)
    (won,) = (answer.json["name"] for answer in answers if answer.status_code == 200)
    assert db.session.query(ReportSchedule).one().name == won


def test_a_person_added_by_several_is_on_it_once(path, cast, script):
    tom = script("tom")
    add = asking(tom, "POST", f"{path}recipients/", {"recipient_id": cast.pia.id})
    answers = at_once(None, *[add] * _SCRIPTS)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert db.session.query(ReportScheduleRecipient).count() == 1


def test_of_several_who_send_it_now_one_does(path, cast, script):
    tom = script("tom")
    tom.post(f"{path}recipients/", {"recipient_id": cast.pia.id})
    answers = at_once(None, *[asking(tom, "POST", f"{path}run/")] * _SCRIPTS)
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * (_SCRIPTS - 1)


def test_of_several_who_delete_it_one_does(path, script):
    tom = script("tom")
    answers = at_once(None, *[asking(tom, "DELETE", path)] * _SCRIPTS)
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * (_SCRIPTS - 1)
