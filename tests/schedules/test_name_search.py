"""People are found as their names are typed: without accents, in any case, on any database."""

import pytest

from reportapp.constants import Role
from reportapp.extensions import transaction
from reportapp.schedules.recipients import search_candidates
from tests.cast import NOW, create_guardian_link, create_order, create_person


@pytest.fixture
def schedule(cast):
    with transaction():
        create_person(cast.school, Role.PARENT, "Jürgen", "Müller", email="jm@example.com")
        create_person(cast.school, Role.PARENT, "Łukasz", "Nowak", email="ln@example.com")
        create_person(cast.school, Role.PARENT, "Séan", "O'Brien", email="so@example.com")
        child = create_person(cast.school, Role.STUDENT, "Åsa", "Strauß", email=None)
        create_guardian_link(cast.nil, child)
    return create_order(cast.ada)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("muller", ["Jürgen"]),
        ("Müller", ["Jürgen"]),
        ("MÜLLER", ["Jürgen"]),
        ("Mu\u0308ller", ["Jürgen"]),
        ("muller jurgen", ["Jürgen"]),
        ("lukasz", ["Łukasz"]),
        ("Łukasz", ["Łukasz"]),
        ("ŁUKASZ nowak", ["Łukasz"]),
        ("sean o'b", ["Séan"]),
        ("strauss", ["Nil", "Åsa"]),
        ("asa", ["Nil", "Åsa"]),
        ("mueller", []),
        ("%", []),
        ("_", []),
        ("\x00", []),
        ("\ud800", []),
    ],
)
def test_a_name_is_found_however_it_is_typed(cast, schedule, typed, names):
    found = search_candidates(cast.ada, schedule.id, typed, NOW)
    assert [candidate.person.given_name for candidate in found] == names


def test_a_search_by_child_does_not_tell_whose_parent_somebody_is(cast, schedule):
    other = create_order(cast.tom)
    assert search_candidates(cast.tom, other.id, "strauss", NOW) == []
