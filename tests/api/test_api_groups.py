"""Groups that receive a schedule."""

import pytest

from tests.api.script import SCHEDULES
from tests.cast import create_order


@pytest.fixture
def path(cast):
    return f"{SCHEDULES}{create_order(cast.tom).id}/groups/"


def test_a_group_is_added_seen_and_taken_off(path, cast, script):
    tom = script("tom")
    maths = cast.classes["maths"].id
    body = {"kind": "class_guardians", "class_group_id": maths}
    added = tom.post(path, body)
    assert (added.status_code, added.json["title"]) == (201, "Guardians of 7a Mathematics")
    assert added.json["people"] == 2
    assert tom.post(path, body).json == added.json
    listed = tom.get(path).json
    assert listed["results"] == [added.json]
    assert {"kind": "all_tutors", "title": "All tutors"} in listed["kinds"]
    assert listed["classes"] == [{"id": maths, "title": "7a Mathematics"}]
    assert tom.delete(f"{path}{added.json['id']}/").status_code == 204
    assert tom.delete(f"{path}{added.json['id']}/").status_code == 404
    assert tom.get(path).json["results"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "kind"),
        ({"kind": None}, 400, "kind"),
        ({"kind": "everybody"}, 400, "kind"),
        ({"kind": ["all_tutors"]}, 400, "kind"),
        ({"kind": "class_guardians"}, 400, "class_group_id"),
        ({"kind": "class_guardians", "class_group_id": "1"}, 400, "class_group_id"),
        ({"kind": "class_guardians", "class_group_id": 2**40}, 400, "class_group_id"),
        ({"kind": "class_guardians", "class_group_id": 999}, 404, "error"),
        ({"kind": "all_tutors", "who": 1}, 400, "who"),
    ],
)
def test_what_is_no_group_is_told_at_its_field(path, script, body, status, field):
    answer = script("tom").post(path, body)
    assert (answer.status_code, list(answer.json)) == (status, [field])


def test_a_wrong_kind_of_group_is_answered_with_those_there_are(path, script):
    answer = script("tom").post(path, {"kind": "everybody"})
    assert answer.json["kind"] == [
        "This is none of the choices: "
        "my_guardians, class_guardians, class_teachers, class_tutors, all_tutors."
    ]


def test_another_teachers_class_is_not_there(path, cast, script):
    body = {"kind": "class_guardians", "class_group_id": cast.classes["biology"].id}
    assert script("tom").post(path, body).status_code == 404
