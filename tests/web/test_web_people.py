"""The people pages, as an admin uses them."""

import pytest
from sqlalchemy import select

from reportapp.constants import PeopleShown, Role
from reportapp.extensions import db, limiter, transaction
from reportapp.models import GuardianLink, TutorLink
from tests.cast import create_person, create_school
from tests.web.visitor import Visitor, fields_of, path_of, words_of

NORA = {"given_name": "Nora", "family_name": "Neu", "email": "nora@x.example", "role": "parent"}


def link_of(guardian, child) -> GuardianLink:
    query = select(GuardianLink).filter_by(guardian_id=guardian.id, student_id=child.id)
    return db.session.scalars(query).one()


def pages_about(cast):
    """Every page and button, about Ana and her family."""
    family = link_of(cast.pia, cast.ana).id
    tutoring = db.session.scalars(select(TutorLink).filter_by(student_id=cast.ana.id)).one().id
    ana, nil = f"/people/{cast.ana.id}", cast.nil.id
    reading = [ana, f"{ana}/edit", f"{ana}/switch", f"{ana}/add/guardian"]
    reading += [f"{ana}/add/guardian/{nil}", f"/people/guardians/{family}"]
    reading += [f"/people/guardians/{family}/no-contact", f"/people/tutors/{tutoring}"]
    buttons = [*reading[1:3], *reading[4:], f"{ana}/log-in-link"]
    return [("GET", path) for path in reading] + [("POST", path) for path in buttons]


@pytest.mark.parametrize("name", ["tom", "uma", "pia", "ana"])
def test_they_are_for_admins_only(cast, logged_in, smtp, name):
    visitor = logged_in(name)
    pages = [
        *pages_about(cast),
        ("GET", "/people/"),
        ("GET", "/people/new"),
        ("POST", "/people/new"),
    ]
    token = visitor.token()
    for method, path in pages:
        data = {"csrf_token": token, "forbidden": "1", "active": "0", **NORA}
        assert visitor.open(method, path, data=data).status_code == 403, path
    assert "/people/" not in visitor.get("/account/").text
    nothing_has_changed(cast, smtp)


def test_for_another_schools_admin_nobody_is_there(cast, logged_in, smtp):
    visitor = logged_in("olga")
    token = visitor.token()
    for method, path in pages_about(cast):
        data = {"csrf_token": token, "forbidden": "1", "active": "0", **NORA}
        assert visitor.open(method, path, data=data).status_code == 404, path
    nothing_has_changed(cast, smtp)


def nothing_has_changed(cast, smtp):
    assert cast.ana.is_active
    assert cast.ana.given_name == "Ana"
    assert not link_of(cast.pia, cast.ana).no_contact
    assert db.session.query(GuardianLink).count() == 4
    assert smtp.arrived == []


def test_a_button_needs_its_token(cast, logged_in):
    visitor = logged_in("ada")
    for method, path in pages_about(cast):
        if method == "POST":
            answer = visitor.post_bare(path, {"forbidden": "1", "active": "0", **NORA})
            assert answer.status_code == 400, path
    assert cast.ana.is_active


@pytest.mark.parametrize("path", ["999", "2147483647", "99999999999", "guardians/999", "tutors/0"])
def test_what_is_not_there_is_not_found(cast, logged_in, path):
    assert logged_in("ada").get(f"/people/{path}").status_code == 404


@pytest.mark.parametrize("kind", ["king", "csv", "GUARDIAN", "tutor"])
def test_nobody_is_linked_as_something_else(cast, logged_in, kind):
    assert logged_in("ada").get(f"/people/{cast.pia.id}/add/{kind}").status_code == 404


def test_the_list_is_searched_and_filtered(cast, logged_in):
    visitor = logged_in("ada")
    page = words_of(visitor.get("/people/").text)
    assert "11 people" in page
    assert "Pol Example Guardian of Ana Example, Cem Example" in page
    assert "Oskar" not in page
    page = words_of(visitor.get("/people/?q=ana&role=parent").text)
    assert "2 people found" in page
    assert "Pia Example" in page
    assert "Uma" not in page
    assert "Nobody found" in visitor.get("/people/?q=xyz&role=parent&shown=new").text
    assert "nothing on this page" in visitor.get("/people/?page=99").text


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ED%A0%80", "q=" + "x" * 5_000, "role=king&shown=x&page=-1", "page=9e9"]
)
def test_no_query_breaks_the_list(cast, logged_in, query):
    assert logged_in("ada").get(f"/people/?{query}").status_code in (200, 400)


def test_long_lists_have_pages_that_keep_the_search(cast, logged_in):
    with transaction():
        for number in range(60):
            create_person(cast.school, Role.PARENT, f"Zoe{number}")
    page = logged_in("ada").get("/people/?q=zoe&role=parent").text
    assert "60 people found" in words_of(page)
    assert "Page 1 of 2" in page
    assert "page=2&amp;q=zoe&amp;role=parent" in page


def test_somebody_is_added_changed_switched_off_and_on(cast, logged_in):
    visitor = logged_in("ada")
    answer = visitor.post("/people/new", NORA)
    page = visitor.get(answer.location).text
    assert "Nora Neu is added." in page
    assert "No password yet" in page
    assert "No child is known" in page
    path = path_of(answer)
    assert fields_of(visitor.get(f"{path}/edit").text)["email"] == "nora@x.example"
    visitor.post(f"{path}/edit", {**NORA, "given_name": "Norma", "email": "norma@x.example"})
    assert "norma@x.example" in visitor.get(path).text
    assert "Switch off the account of Norma Neu?" in words_of(visitor.get(f"{path}/switch").text)
    visitor.post(f"{path}/switch", {"active": "0"})
    assert "This account is switched off" in visitor.get(path).text
    assert "Norma Neu" in visitor.get("/people/?shown=inactive").text
    visitor.post(f"{path}/switch", {"active": "1"})
    assert "This account is switched off" not in visitor.get(path).text


def test_what_is_wrong_is_told_beside_its_field(cast, logged_in):
    visitor = logged_in("ada")
    answer = visitor.post("/people/new", {**NORA, "email": "pia@PARENT.example", "role": "king"})
    assert answer.status_code == 422
    assert "Choose one of" in answer.text
    answer = visitor.post("/people/new", {**NORA, "email": "pia@PARENT.example"})
    assert answer.status_code == 422
    assert "already a person with this address" in answer.text
    answer = visitor.post(f"/people/{cast.pol.id}/edit", {**NORA, "given_name": "x" * 10_000})
    assert answer.status_code == 422
    assert "at most 100 characters" in answer.text
    assert visitor.post("/people/new", {**NORA, "given_name": "a\x00"}).status_code == 400


def test_nobody_switches_off_or_degrades_themselves(cast, logged_in):
    visitor = logged_in("ada")
    own = f"/people/{cast.ada.id}"
    assert "Switch off" not in visitor.get(own).text
    answer = visitor.post(f"{own}/switch", {"active": "0"})
    assert answer.status_code == 409
    assert "Only another administrator" in answer.text
    data = {"given_name": "Ada", "family_name": "", "email": "ada@admin.example"}
    answer = visitor.post(f"{own}/edit", {**data, "role": "teacher"})
    assert answer.status_code == 422
    assert "Only another administrator" in answer.text
    assert visitor.post(f"{own}/edit", {**data, "role": "admin"}).status_code == 302


def test_contact_is_forbidden_after_a_page_that_says_what_it_means(cast, logged_in):
    visitor = logged_in("ada")
    page = visitor.get(f"/people/{cast.pia.id}").text
    link = link_of(cast.pia, cast.ana)
    path = f"/people/guardians/{link.id}/no-contact?of={cast.pia.id}"
    assert path in page
    assert "none of those that already wait" in words_of(visitor.get(path).text)
    answer = visitor.post(path, {"forbidden": "1"})
    assert path_of(answer) == f"/people/{cast.pia.id}"
    assert link_of(cast.pia, cast.ana).no_contact
    page = words_of(visitor.get(answer.location).text)
    assert "No contact between Pia Example and Ana Example, from now on." in page
    assert "Ana Example No contact" in page
    assert "Allow contact of Pia Example with Ana Example again?" in words_of(
        visitor.get(path).text
    )
    visitor.post(path, {"forbidden": "0"})
    assert not link_of(cast.pia, cast.ana).no_contact


def test_a_tutor_is_found_added_and_ended(cast, logged_in):
    visitor = logged_in("ada")
    ana = f"/people/{cast.ana.id}"
    assert "Uwe Example" in visitor.get(f"{ana}/add/tutor?q=uwe").text
    path = f"{ana}/add/tutor/{cast.uwe.id}"
    assert "relation" not in fields_of(visitor.get(path).text)
    answer = visitor.post(path, {"begin_date": "2026-11-01", "end_date": "2026-10-01"})
    assert answer.status_code == 422
    assert "before the first" in answer.text
    visitor.post(path, {"begin_date": "2026-11-01", "end_date": ""})
    page = words_of(visitor.get(ana).text)
    assert "Uwe Example uwe@tutor.example since Sun 1 Nov 2026" in page
    answer = visitor.post(path, {"begin_date": "", "end_date": ""})
    assert answer.status_code == 422
    assert "linked already" in answer.text
    link = db.session.scalars(
        select(TutorLink).filter_by(tutor_id=cast.uwe.id, student_id=cast.ana.id)
    )
    path = f"/people/tutors/{link.one().id}?of={cast.uwe.id}"
    assert fields_of(visitor.get(path).text)["begin_date"] == "2026-11-01"
    answer = visitor.post(path, {"begin_date": "2026-11-01", "end_date": "2026-11-22"})
    assert path_of(answer) == f"/people/{cast.uwe.id}"
    assert "1 that is over" in visitor.get(ana).text


def test_a_guardian_of_an_import_is_told_apart(cast, logged_in):
    with transaction():
        for person in (cast.pia, cast.ana):
            person.sourced_id = f"x-{person.id}"
        link_of(cast.pia, cast.ana).is_active = False
    visitor = logged_in("ada")
    assert "Gone from the import" in visitor.get(f"/people/{cast.ana.id}").text
    page = visitor.get(f"/people/guardians/{link_of(cast.pia, cast.ana).id}").text
    again = f"/people/{cast.ana.id}/add/guardian/{cast.pia.id}"
    assert again in page
    assert "A full import ends a link" in words_of(visitor.get(again).text)
    visitor.post(again, {"relation": "mother"})
    assert link_of(cast.pia, cast.ana).is_active


def test_a_log_in_link_is_sent_or_told_why_not(cast, logged_in, smtp):
    visitor = logged_in("ada")
    path = f"/people/{cast.pia.id}/log-in-link"
    answer = visitor.post(path)
    assert "on its way to pia@parent.example" in visitor.get(answer.location).text
    assert smtp.addresses == ["pia@parent.example"]
    smtp.on_rcpt = lambda address: "550 no such mailbox"
    answer = visitor.post(path)
    assert answer.status_code == 409
    assert "550 no such mailbox" in answer.text
    assert f'href="/people/{cast.pia.id}/edit"' in answer.text


def test_names_are_text_and_not_html(cast, logged_in):
    with transaction():
        cast.pia.given_name = cast.uma.given_name = "<b>x</b>"
        link_of(cast.pia, cast.ana).relation = "<i>y</i>"
    visitor = logged_in("ada")
    paths = ["/people/", *(path for method, path in pages_about(cast) if method == "GET")]
    for path in [*paths, f"/people/{cast.pia.id}", f"/people/{cast.pia.id}/switch"]:
        page = visitor.get(path).text
        assert "<b>x</b>" not in page, path
        assert "<i>y</i>" not in page, path


def test_every_choice_of_the_list_has_words(cast, logged_in):
    visitor = logged_in("ada")
    for shown in PeopleShown:
        assert visitor.get(f"/people/?shown={shown}").status_code == 200


def test_an_empty_school_is_led_to_the_import(app, cast, logged_in):
    assert "Import people and classes" not in logged_in("ada").get("/people/").text
    with transaction():
        first = create_person(create_school("New School"), Role.ADMIN, "Ines")
    page = Visitor(app).log_in(first).get("/people/").text
    assert "Nobody but you is here yet" in page
    assert 'class="btn btn-primary" href="/imports/"' in page


class TestLimits:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "http://localhost", "RATELIMIT_ENABLED": True}

    @pytest.fixture(autouse=True)
    def _reset(self, app):
        limiter.reset()
        yield
        limiter.reset()

    def test_an_admin_sends_so_many_links_and_then_waits(self, app, cast, logged_in, smtp):
        visitor = logged_in("ada")
        path = f"/people/{cast.pia.id}/log-in-link"
        statuses = [visitor.post(path).status_code for _ in range(21)]
        assert statuses == [302] * 20 + [429]
        assert "wait 10 minutes" in visitor.post(path).text
        # Another admin on the same network does not wait.
        with transaction():
            eva = create_person(cast.school, Role.ADMIN, "Eva")
        assert Visitor(app).log_in(eva).post(path).status_code == 302
