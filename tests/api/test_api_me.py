"""Who the token's person is."""

import pytest

from reportapp.extensions import db

ME = "/api/me/"


@pytest.mark.parametrize(
    ("name", "orders", "writes"),
    [
        ("ada", 5, []),
        ("tom", 4, ["student_report", "teacher_weekly_report"]),
        ("uma", 3, ["tutor_weekly_report"]),
        ("pia", 0, []),
        ("ana", 0, []),
    ],
)
def test_everybody_is_told_who_they_are_and_what_they_may(cast, script, name, orders, writes):
    person = cast.people[name]
    found = script(name).get(ME).json
    assert (found["id"], found["role"], found["email"]) == (person.id, person.role, person.email)
    assert found["name"] == f"{found['given_name']} {found['family_name']}" == person.name
    assert (len(found["orders"]), sorted(found["writes"])) == (orders, writes)
    assert found["school"] == {
        "id": cast.school.id,
        "name": "Lindenhof School",
        "time_zone": "Europe/Berlin",
    }


def test_the_zone_is_the_own_one_where_there_is_one(cast, script):
    ask = script("tom")
    assert ask.get(ME).json["time_zone"] == "Europe/Berlin"
    cast.tom.time_zone = "Asia/Tokyo"
    db.session.commit()
    assert ask.get(ME).json["time_zone"] == "Asia/Tokyo"


def test_nothing_secret_is_told(cast, script):
    text = script("tom").get(ME).text
    assert "password" not in text
    assert "token" not in text
