"""A POST under a key, sent again: carried out once, answered the same."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from reportapp import clock
from reportapp.accounts import idempotency
from reportapp.accounts.tokens import create_token
from reportapp.api import schedules
from reportapp.extensions import db
from reportapp.jobs.table import JOBS
from reportapp.models import IdempotencyKey, ReportSchedule
from tests.api.script import BODY, SCHEDULES, Script
from tests.at_once import at_once
from tests.cast import NOW

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
REPLAYED = "Idempotency-Replayed"


def count():
    db.session.rollback()
    return db.session.query(ReportSchedule).count()


def kept():
    db.session.rollback()
    return db.session.query(IdempotencyKey).count()


def test_the_same_request_again_makes_nothing_and_gets_the_same_answer(cast, script):
    tom = script("tom")
    first = tom.post(SCHEDULES, BODY, headers=KEY)
    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    second = tom.post(SCHEDULES, BODY, headers=KEY)
    assert (second.status_code, second.data) == (201, first.data)
    assert second.headers[REPLAYED] == "true"
    for name in ("ETag", "Location", "Content-Type"):
        assert second.headers[name] == first.headers[name]
    assert count() == 1


def test_without_a_key_each_request_counts(cast, script):
    tom = script("tom")
    assert [tom.post(SCHEDULES, BODY).status_code for _ in range(2)] == [201, 201]
    assert (count(), kept()) == (2, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SCHEDULES, {**BODY, "name": "Other"}),
        (SCHEDULES + "?x=1", BODY),
        ("/api/reports/student-reports/", BODY),
    ],
)
def test_the_same_key_for_something_else_is_refused(cast, script, path, body):
    tom = script("tom")
    tom.post(SCHEDULES, BODY, headers=KEY)
    answer = tom.post(path, body, headers=KEY)
    assert answer.status_code == 422
    assert f"POST {SCHEDULES}" in answer.json["error"]
    assert count() == 1


def test_a_key_is_its_persons_own_whatever_token_they_use(app, cast, script):
    script("tom").post(SCHEDULES, BODY, headers=KEY)
    assert script("tea").post(SCHEDULES, BODY, headers=KEY).json["created_by"] == cast.tea.id
    again = Script(app, create_token(cast.tom, "other", NOW)).post(SCHEDULES, BODY, headers=KEY)
    assert again.headers[REPLAYED] == "true"
    assert count() == 2


def test_a_refusal_is_kept_too(cast, script):
    tom = script("tom")
    wrong = {**BODY, "day_of_week": None}
    first, second = (tom.post(SCHEDULES, wrong, headers=KEY) for _ in range(2))
    assert (first.status_code, second.data) == (400, first.data)
    assert second.headers[REPLAYED] == "true"


def test_an_answer_without_a_valid_token_is_not_kept(app, cast, script):
    assert Script(app, "x" * 43).post(SCHEDULES, BODY, headers=KEY).status_code == 401
    assert kept() == 0
    assert script("tom").post(SCHEDULES, BODY, headers=KEY).status_code == 201


def test_after_an_error_of_ours_the_key_can_be_used_again(cast, script, monkeypatch):
    tom = script("tom")
    with monkeypatch.context() as broken:
        broken.setattr(schedules, "create_schedule", lambda *_: 1 / 0)
        assert tom.post(SCHEDULES, BODY, headers=KEY).status_code == 500
    assert kept() == 0
    answer = tom.post(SCHEDULES, BODY, headers=KEY)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)


def test_after_an_error_behind_the_work_nothing_is_made_twice(cast, script, monkeypatch):
    tom = script("tom")
    with monkeypatch.context() as broken:
        broken.setattr(schedules, "_answer", lambda *_: 1 / 0)
        assert tom.post(SCHEDULES, BODY, headers=KEY).status_code == 500
    answer = tom.post(SCHEDULES, BODY, headers=KEY)
    assert answer.status_code == 409
    assert "has been carried out" in answer.json["error"]
    assert count() == 1


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(cast, script, monkeypatch):
    def fail(*_):
        raise OperationalError("UPDATE", {}, Exception("locked"))

    monkeypatch.setattr("reportapp.api.idempotency.keep", fail)
    assert script("tom").post(SCHEDULES, BODY, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 256, "tab\t"])
def test_an_impossible_key_is_refused(cast, script, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = script("tom").post(SCHEDULES, BODY, headers=headers)
    assert (answer.status_code, list(answer.json)) == (400, ["Idempotency-Key"])
    assert count() == 0


def test_other_methods_take_no_notice_of_a_key(cast, script):
    tom = script("tom")
    path = f"{SCHEDULES}{tom.post(SCHEDULES, BODY).json['id']}/"
    for name in ("One", "Two"):
        assert tom.patch(path, {"name": name}, headers=KEY).json["name"] == name
    assert tom.get(path, headers=KEY).json["name"] == "Two"
    assert kept() == 0


def test_after_a_day_the_key_is_new_and_the_job_has_forgotten_the_old_one(
    cast, script, monkeypatch
):
    tom = script("tom")
    tom.post(SCHEDULES, BODY, headers=KEY)
    later = NOW + idempotency.KEPT_FOR
    monkeypatch.setattr("reportapp.jobs.table.now", clock.fixed(later - timedelta(seconds=1)))
    JOBS["purge-keys"].run()
    assert kept() == 1
    monkeypatch.setattr("reportapp.jobs.table.now", clock.fixed(later))
    JOBS["purge-keys"].run()
    assert kept() == 0


def test_of_many_at_the_same_moment_one_makes_it(app, cast):
    token, number = create_token(cast.tom, "script", NOW), 6

    def ask():
        client = app.test_client(use_cookies=False)
        headers = {"Authorization": f"Token {token}", **KEY}
        return client.post(SCHEDULES, json=BODY, headers=headers)

    answers = at_once(None, *[ask] * number)
    assert count() == 1
    made = [one for one in answers if one.status_code == 201 and REPLAYED not in one.headers]
    assert len(made) == 1
    # The others waited for nothing: they have its answer, or are asked to come again.
    for one in answers:
        assert one.status_code == 409 or one.data == made[0].data
