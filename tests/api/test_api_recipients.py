"""Putting people on a schedule and taking them off, and leaving it oneself."""

import pytest

from tests.api.script import SCHEDULES
from tests.cast import create_order


@pytest.fixture
def path(cast):
    return f"{SCHEDULES}{create_order(cast.tom).id}/"


def leave(script, stranger, name):
    (mine,) = script(name).get(f"{SCHEDULES}my_subscriptions/").json["results"]
    token = {"unsubscribe_token": mine["unsubscribe_token"]}
    assert stranger.post(f"{SCHEDULES}unsubscribe/", token).status_code == 200
    return token


class TestByTheAuthor:
    def test_a_person_is_added_and_again_is_the_same_row(self, path, cast, script):
        tom = script("tom")
        body = {"recipient_id": cast.pia.id}
        first = tom.post(f"{path}recipients/", body)
        assert first.status_code == 201
        assert (first.json["recipient"], first.json["is_subscribed"]) == (cast.pia.id, True)
        assert tom.post(f"{path}recipients/", body).json == first.json
        removed = tom.delete(f"{path}remove_recipient/?recipient_id={cast.pia.id}")
        assert removed.status_code == 200
        assert removed.json == {"message": "Pia Example no longer receives this report."}
        assert tom.get(path).json["recipients"] == []
        assert tom.post(f"{path}recipients/", body).json["id"] == first.json["id"]

    def test_without_a_person_it_says_what_is_missing(self, path, cast, script):
        tom = script("tom")
        missing = {"error": "recipient_id is required"}
        for answer in (
            tom.post(f"{path}recipients/", {}),
            tom.post(f"{path}recipients/"),
            tom.post(f"{path}recipients/", {"recipient_id": None}),
            tom.delete(f"{path}remove_recipient/"),
            tom.delete(f"{path}remove_recipient/?recipient_id="),
        ):
            assert (answer.status_code, answer.json) in (
                (400, missing),
                (400, {"recipient_id": ["Give a whole number, such as 1."]}),
            )

    @pytest.mark.parametrize("value", ["9", 9.5, True, [9], {"id": 9}])
    def test_what_is_no_number_is_told_at_its_field(self, path, cast, script, value):
        answer = script("tom").post(f"{path}recipients/", {"recipient_id": value})
        assert (answer.status_code, list(answer.json)) == (400, ["recipient_id"])

    def test_who_is_out_of_reach_is_not_found(self, path, cast, script):
        tom = script("tom")
        unknown = (404, {"error": "Recipient not found"})
        for key in (cast.nil.id, cast.ole.id, cast.cem.id, 0, -1, 9999, 2**31, 10**40):
            answer = tom.post(f"{path}recipients/", {"recipient_id": key})
            assert (answer.status_code, answer.json) == unknown
            answer = tom.delete(f"{path}remove_recipient/?recipient_id={key}")
            assert (answer.status_code, answer.json) == unknown

    def test_who_has_left_is_not_put_back_by_the_author(self, path, cast, script, stranger):
        tom = script("tom")
        body = {"recipient_id": cast.pia.id}
        tom.post(f"{path}recipients/", body)
        leave(script, stranger, "pia")
        answer = tom.post(f"{path}recipients/", body)
        assert answer.status_code == 409
        assert "only they can subscribe again" in answer.json["error"]
        tom.delete(f"{path}remove_recipient/?recipient_id={cast.pia.id}")
        assert tom.post(f"{path}recipients/", body).status_code == 409
        assert tom.get(path).json["active_recipients_count"] == 0

    def test_a_misspelt_field_is_not_overlooked(self, path, cast, script):
        body = {"recipient_id": cast.pia.id, "is_subscribed": False}
        answer = script("tom").post(f"{path}recipients/", body)
        assert answer.json == {"is_subscribed": ["There is no such field."]}


class TestByOneself:
    def test_one_sees_what_one_receives_and_what_it_takes_to_leave(self, cast, script, stranger):
        first, second = (create_order(cast.tom, cast.pia, name=name) for name in ("B", "A"))
        listed = script("pia").get(f"{SCHEDULES}my_subscriptions/").json
        assert [one["schedule_name"] for one in listed["results"]] == ["A", "B"]
        assert listed["results"][1]["schedule"] == first.id
        assert listed["results"][0]["description"] == "Mondays at 09:00, Berlin"
        assert script("pol").get(f"{SCHEDULES}my_subscriptions/").json["count"] == 0
        page = script("pia").get(f"{SCHEDULES}my_subscriptions/?page=2&page_size=1").json
        assert [one["schedule"] for one in page["results"]] == [first.id]
        assert second.id != first.id

    def test_one_leaves_without_a_log_in_and_may_come_back(self, path, cast, script, stranger):
        script("tom").post(f"{path}recipients/", {"recipient_id": cast.pia.id})
        name = script("tom").get(path).json["name"]
        token = leave(script, stranger, "pia")
        again = stranger.post(f"{SCHEDULES}unsubscribe/", token)
        assert (again.status_code, again.json["schedule_name"]) == (200, name)
        assert script("pia").get(f"{SCHEDULES}my_subscriptions/").json["count"] == 0
        (row,) = script("tom").get(path).json["recipients"]
        assert (row["is_subscribed"], row["unsubscribed_at"]) == (
            False,
            "2026-11-23T07:30:00+00:00",
        )
        back = stranger.post(f"{SCHEDULES}unsubscribe/undo/", token)
        assert (back.status_code, back.json["schedule_name"]) == (200, name)
        assert script("pia").get(f"{SCHEDULES}my_subscriptions/").json["count"] == 1

    @pytest.mark.parametrize("action", ["unsubscribe/", "unsubscribe/undo/"])
    def test_a_missing_token_is_told_and_a_wrong_one_not_found(self, cast, stranger, action):
        missing = {"error": "unsubscribe_token is required"}
        for body in ({}, {"unsubscribe_token": ""}, {"unsubscribe_token": None}):
            answer = stranger.post(SCHEDULES + action, body)
            assert (answer.status_code, answer.json) == (400, missing)
        for token in ("x", "é", "x" * 100_000, " "):
            answer = stranger.post(SCHEDULES + action, {"unsubscribe_token": token})
            assert (answer.status_code, list(answer.json)) == (404, ["error"])
        answer = stranger.post(SCHEDULES + action, {"unsubscribe_token": 5})
        assert (answer.status_code, list(answer.json)) == (400, ["unsubscribe_token"])
