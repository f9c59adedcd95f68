"""Whom somebody may send to."""

import pytest

from reportapp.constants import Role
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink
from tests.cast import create_person

RECIPIENTS = "/api/reports/recipients/"


def names(answer):
    assert answer.status_code == 200, answer.text
    return [row["name"].split()[0] for row in answer.json["results"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ada", "Ada Ana Ben Cem Nil Pia Pol Tea Tom Uma Uwe"),
        # Colleagues, own students and their guardians: not Cem, not Nil.
        ("tom", "Ada Ana Ben Pia Pol Tea Tom Uma Uwe"),
        ("tea", "Ada Ana Ben Cem Pia Pol Tea Tom Uma Uwe"),
        ("uma", "Ada Ana Cem Pia Pol Tea Tom Uma Uwe"),
        ("uwe", "Ada Ben Tea Tom Uma Uwe"),
        ("otto", "Olga Oskar Ole Otto"),
    ],
)
def test_staff_find_those_whom_they_may_send_to_and_nobody_else(script, name, expected):
    assert sorted(names(script(name).get(RECIPIENTS))) == sorted(expected.split())


@pytest.mark.parametrize("name", ["pia", "ana"])
def test_families_send_nothing(script, name):
    assert script(name).get(RECIPIENTS).status_code == 403


def test_a_person_is_told_as_a_schedule_needs_them(cast, script):
    (found,) = script("tom").get(f"{RECIPIENTS}?search=pia").json["results"]
    assert found == {
        "id": cast.pia.id,
        "name": "Pia Example",
        "email": "pia@parent.example",
        "role": "parent",
    }


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("pia", ["Pia"]),
        ("EXAMPLE pia", ["Pia"]),
        ("pia@parent", ["Pia"]),
        ("ben", ["Ben"]),
        ("ana", ["Ana", "Pia", "Pol"]),
        # Pol is also the father of Cem, whom Tom does not teach.
        ("cem", []),
        ("nil", []),
        ("%", []),
    ],
)
def test_a_search_looks_at_names_addresses_and_own_students_families(script, search, expected):
    found = names(script("tom").get(RECIPIENTS, query_string={"search": search}))
    assert sorted(found) == expected


def test_a_search_finds_letters_with_accents(cast, script):
    with transaction():
        create_person(cast.school, Role.TEACHER, "Zoë", "Müller")
    assert names(script("tom").get(RECIPIENTS, query_string={"search": "zoe muller"})) == ["Zoë"]


def test_only_those_who_may_read_a_report_are_found_for_it(script):
    ask = script("ada")
    found = names(ask.get(f"{RECIPIENTS}?report_type=class_analytics"))
    assert sorted(found) == ["Ada", "Tea", "Tom", "Uma", "Uwe"]
    assert "Ana" not in names(ask.get(f"{RECIPIENTS}?report_type=parent_progress"))
    assert ask.get(f"{RECIPIENTS}?report_type=nonsense").status_code == 400


def test_whose_contact_is_forbidden_is_not_found(cast, script):
    link = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()
    link.no_contact = True
    db.session.commit()
    assert "Pia" not in names(script("tom").get(RECIPIENTS))


def test_it_comes_in_pages(script):
    ask = script("ada")
    first = ask.get(f"{RECIPIENTS}?page_size=4").json
    second = ask.get(f"{RECIPIENTS}?page_size=4&page=2").json
    third = ask.get(f"{RECIPIENTS}?page_size=4&page=3").json
    assert (first["count"], first["previous"], third["next"]) == (11, None, None)
    ids = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert len(set(ids)) == len(ids) == 11
    assert ask.get(f"{RECIPIENTS}?page_size=4&page=4").status_code == 404
