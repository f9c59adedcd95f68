"""Admins manage the people of their school; nobody else does."""

import pytest
from sqlalchemy import func, select

from reportapp.access import Action, may
from reportapp.accounts.people import (
    add_person,
    change_person,
    get_person,
    list_people,
    switch_person,
)
from reportapp.accounts.person_page import show_person
from reportapp.accounts.users import find_user, load_session_user
from reportapp.constants import PeopleShown, Role
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import User
from tests.cast import NOW, create_guardian_link, create_person
from tests.schedules.help import queries_of

#: Text that nobody types and no database should have to bear.
HOSTILE = [
    "\x00",
    "a\x00b",
    "\ud800",
    "a\udfff",
    "\u202e\x07",
    "x" * 10_000,
    "' OR 1=1 --",
    "%",
    "_",
]


def person_data(**fields):
    start = {
        "given_name": "Nora",
        "family_name": "Neu",
        "email": "nora@x.example",
        "role": "parent",
    }
    return {**start, **fields}


def names(actor, text="", **filters):
    return {row.person.given_name for row in list_people(actor, text=text, **filters)[0]}


def everything(actor, about):
    """Every use-case about one person."""
    return [
        lambda: get_person(actor, about.id),
        lambda: show_person(actor, about.id, NOW),
        lambda: change_person(actor, about.id, person_data()),
        lambda: switch_person(actor, about.id, False),
    ]


@pytest.mark.parametrize("name", ["tom", "uma", "pia", "ana"])
def test_only_admins_manage_people(cast, name):
    actor = cast.people[name]
    assert not may(actor, Action.MANAGE_PEOPLE)
    calls = [lambda: list_people(actor), lambda: add_person(actor, person_data(), NOW)]
    for call in [*calls, *everything(actor, cast.pol)]:
        with pytest.raises(Forbidden):
            call()
    assert cast.pol.is_active
    assert cast.pol.given_name == "Pol"


def test_a_deactivated_admin_manages_nobody(cast):
    switch_person(create_admin(cast, "Eva"), cast.ada.id, False)
    for call in everything(cast.ada, cast.pol):
        with pytest.raises(Forbidden):
            call()


def test_people_of_another_school_do_not_exist(cast):
    for person_id in (cast.pol.id, cast.ada.id, 2_000_000_000):
        for call in everything(cast.olga, User(id=person_id)):
            with pytest.raises(NotFound):
                call()
    assert names(cast.olga) == {"Olga", "Otto", "Oskar", "Ole"}
    assert cast.pol.is_active


def create_admin(cast, name):
    with transaction():
        return create_person(cast.school, Role.ADMIN, name)


class TestTheList:
    def test_it_finds_by_name_address_and_child_in_any_case(self, cast):
        assert names(cast.ada, "TOM") == {"Tom"}
        assert names(cast.ada, "pia@parent") == {"Pia"}
        # Ana, and both her parents.
        assert names(cast.ada, "ana ex") == {"Ana", "Pia", "Pol"}
        assert names(cast.ada, "cem", role=Role.PARENT) == {"Pol"}
        assert names(cast.ada, "nobody like that") == set()

    def test_it_finds_letters_of_every_alphabet_in_any_case(self, cast):
        if db.session.scalar(select(func.lower("Ё"))) != "ё":
            pytest.skip("a PostgreSQL database of locale C knows only ASCII's cases")
        with transaction():
            create_person(cast.school, Role.STUDENT, "Ольга", "Ёлкина", email=None)
        assert names(cast.ada, "ольга ёЛК") == {"Ольга"}

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_finds_nobody(self, cast, text):
        assert names(cast.ada, text) == set()

    def test_it_tells_apart_those_who_are_off_and_those_who_have_never_been_here(self, cast):
        with transaction():
            cast.pia.password_hash = None
            cast.tea.is_active = False
        assert "Tea" not in names(cast.ada)
        assert names(cast.ada, shown=PeopleShown.INACTIVE) == {"Tea"}
        assert names(cast.ada, shown=PeopleShown.NEW) == {"Pia"}
        assert names(cast.ada, role=Role.PARENT) == {"Pia", "Pol", "Nil"}

    def test_its_pages_hold_everybody_once(self, cast):
        pages = [list_people(cast.ada, page=page, page_size=4) for page in (1, 2, 3, 4)]
        found = [row.person.id for rows, _ in pages for row in rows]
        assert {total for _, total in pages} == {11}
        assert len(found) == len(set(found)) == 11

    def test_it_names_the_children(self, cast):
        rows = {row.person.given_name: row.children for row in list_people(cast.ada)[0]}
        assert rows["Pol"] == ("Ana Example", "Cem Example")
        assert rows["Nil"] == rows["Tom"] == ()

    def test_its_queries_do_not_grow_with_the_people(self, cast):
        few = queries_of(lambda: list_people(cast.ada, page_size=2))
        with transaction():
            for number in range(20):
                parent = create_person(cast.school, Role.PARENT, f"P{number}")
                create_guardian_link(parent, cast.ben)
        assert queries_of(lambda: list_people(cast.ada, page_size=50)) == few


class TestAdding:
    def test_somebody_new_has_no_password_and_belongs_to_the_admins_school(self, cast):
        person = add_person(cast.ada, person_data(email=" Nora@X.example "), NOW)
        assert (person.name, person.email, person.role) == ("Nora Neu", "nora@x.example", "parent")
        assert person.school_id == cast.school.id
        assert person.password_hash is None
        assert person.sourced_id is None

    def test_an_address_may_be_missing_and_one_name_is_enough(self, cast):
        data = person_data(email="", family_name="", role="student")
        person = add_person(cast.ada, data, NOW)
        assert (person.name, person.email) == ("Nora", None)

    @pytest.mark.parametrize("email", ["pia@parent.example", "PIA@Parent.Example"])
    def test_an_address_belongs_to_one_person(self, cast, email):
        for call in (
            lambda: add_person(cast.ada, person_data(email=email), NOW),
            lambda: change_person(cast.ada, cast.pol.id, person_data(email=email)),
        ):
            with pytest.raises(InvalidInput) as caught:
                call()
            assert list(caught.value.fields) == ["email"]
        assert cast.pol.given_name == "Pol"

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"given_name": "", "family_name": " "}, ["given_name"]),
            ({"given_name": "x" * 101}, ["given_name"]),
            ({"family_name": "x" * 10_000}, ["family_name"]),
            ({"email": "nobody"}, ["email"]),
            ({"email": "a@b@c.example"}, ["email"]),
            ({"email": "a@x.example\r\nBcc: b@x.example"}, ["email"]),
            ({"role": "king"}, ["role"]),
            ({"role": None, "email": "x" * 10_000}, ["role", "email"]),
            *(({"given_name": text}, ["given_name"]) for text in ("\x00", "\ud800", "a\u202eb")),
            *(({"email": f"a{text}@x.example"}, ["email"]) for text in ("\x00", "\ud800")),
        ],
    )
    def test_what_is_wrong_is_told_at_its_field_and_nothing_is_written(self, cast, fields, wrong):
        before = db.session.query(User).count()
        for call in (
            lambda: add_person(cast.ada, person_data(**fields), NOW),
            lambda: change_person(cast.ada, cast.pol.id, person_data(**fields)),
        ):
            with pytest.raises(InvalidInput) as caught:
                call()
            assert list(caught.value.fields) == wrong
        assert db.session.query(User).count() == before
        assert cast.pol.name == "Pol Example"


class TestChanging:
    def test_name_address_and_role_change(self, cast):
        change_person(cast.ada, cast.uwe.id, person_data(role="teacher"))
        assert find_user("nora@x.example").id == cast.uwe.id
        assert (cast.uwe.name, cast.uwe.role) == ("Nora Neu", Role.TEACHER)

    def test_nobody_changes_the_own_role_but_the_own_name(self, cast):
        create_admin(cast, "Eva")
        with pytest.raises(InvalidInput, match="role"):
            change_person(cast.ada, cast.ada.id, person_data(role="teacher"))
        change_person(cast.ada, cast.ada.id, person_data(role="admin"))
        assert (cast.ada.name, cast.ada.role) == ("Nora Neu", Role.ADMIN)


class TestSwitching:
    def test_switching_off_ends_the_log_ins_for_good(self, cast):
        session = cast.tom.get_id()
        assert load_session_user(session) == cast.tom
        switch_person(cast.ada, cast.tom.id, False)
        assert load_session_user(session) is None
        switch_person(cast.ada, cast.tom.id, True)
        assert cast.tom.is_active
        assert load_session_user(session) is None

    def test_doing_it_twice_changes_nothing(self, cast):
        switch_person(cast.ada, cast.tom.id, False)
        version = cast.tom.session_version
        switch_person(cast.ada, cast.tom.id, False)
        assert cast.tom.session_version == version

    def test_the_last_admin_stays(self, cast):
        eva = create_admin(cast, "Eva")
        switch_person(cast.ada, eva.id, False)
        for active in (False, True):
            with pytest.raises(Conflict, match="own account"):
                switch_person(cast.ada, cast.ada.id, active)
        assert cast.ada.is_active

    def test_of_two_admins_who_switch_off_each_other_one_stays(self, cast):
        eva = create_admin(cast, "Eva")
        # Eva's request has begun before she was switched off.
        switch_person(cast.ada, eva.id, False)
        for call in (
            lambda: switch_person(eva, cast.ada.id, False),
            lambda: change_person(eva, cast.ada.id, person_data()),
        ):
            with pytest.raises(Forbidden):
                call()
        assert cast.ada.is_active
