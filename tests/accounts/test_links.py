"""Guardians, tutors and forbidden contact, and what becomes of mails, pages and searches."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from reportapp import clock
from reportapp.accounts.links import (
    add_link,
    change_guardian_link,
    change_tutor_link,
    find_others,
    get_guardian_link,
    get_tutor_link,
    set_no_contact,
)
from reportapp.accounts.people import switch_person
from reportapp.accounts.person_page import show_person
from reportapp.constants import DeliveryStatus, LinkKind, Reason, ReportType, Role
from reportapp.delivery import deliver, plan_due
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import GuardianLink, ReportDelivery, TutorLink
from reportapp.reports import load_scopes
from reportapp.schedules.recipients import search_candidates
from tests.cast import NOW, create_order, create_person, enroll
from tests.schedules.help import queries_of

DUE = NOW + timedelta(minutes=30)
TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
NEVER_ENDS = {"begin_date": "", "end_date": "", "relation": ""}


def guardian_link(adult, child) -> GuardianLink:
    query = select(GuardianLink).filter_by(guardian_id=adult.id, student_id=child.id)
    return db.session.scalars(query).one()


def tutor_link(tutor, student) -> TutorLink:
    query = select(TutorLink).filter_by(tutor_id=tutor.id, student_id=student.id)
    return db.session.scalars(query).one()


def seen(author, reader, kind=ReportType.STUDENT_REPORT, now=NOW):
    """The names of the students whom a delivery may be about."""
    scopes = load_scopes(db.session(), kind, author, [reader], now, class_group_id=None)
    scope = scopes[reader.id]
    return {db.session.get(type(author), student).given_name for student in scope.students}


def sent():
    """{address: (status, reason)} of all deliveries."""
    return {
        row.recipient.email: (row.status, row.reason)
        for row in db.session.scalars(select(ReportDelivery))
    }


SKIPPED = (DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE)


def everything(actor, cast):
    family, tutoring = guardian_link(cast.pia, cast.ana).id, tutor_link(cast.uma, cast.ana).id
    yesterday = {"end_date": str(TODAY - DAY)}
    return [
        lambda: get_guardian_link(actor, family),
        lambda: get_tutor_link(actor, tutoring),
        lambda: change_guardian_link(actor, family, yesterday),
        lambda: change_tutor_link(actor, tutoring, yesterday),
        lambda: set_no_contact(actor, family, True),
        lambda: find_others(actor, cast.ana.id, LinkKind.GUARDIAN, "", NOW),
        lambda: add_link(actor, cast.ana.id, LinkKind.GUARDIAN, cast.nil.id, NEVER_ENDS, NOW),
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("tom", Forbidden),
        ("uma", Forbidden),
        ("pia", Forbidden),
        ("ana", Forbidden),
        ("olga", NotFound),
    ],
)
def test_only_admins_of_the_school_change_who_belongs_to_whom(cast, name, error):
    for call in everything(cast.people[name], cast):
        with pytest.raises(error):
            call()
    assert seen(cast.tom, cast.pia) == {"Ana"}
    assert db.session.query(GuardianLink).count() == 4


def test_nobody_is_linked_to_another_school(cast):
    for kind, person, other in (
        (LinkKind.GUARDIAN, cast.ana, cast.ole),
        (LinkKind.CHILD, cast.pia, cast.oskar),
    ):
        with pytest.raises(NotFound):
            add_link(cast.ada, person.id, kind, other.id, NEVER_ENDS, NOW)


@pytest.mark.parametrize("link_id", [0, 999, 2_147_483_647])
def test_a_link_that_is_not_there_is_not_found(cast, link_id):
    for call in (
        lambda: get_guardian_link(cast.ada, link_id),
        lambda: get_tutor_link(cast.ada, link_id),
        lambda: set_no_contact(cast.ada, link_id, True),
    ):
        with pytest.raises(NotFound):
            call()


class TestNoContact:
    def test_a_mail_that_waits_already_does_not_leave(self, cast, smtp):
        create_order(cast.tom, cast.pia, cast.pol)
        plan_due(DUE)
        set_no_contact(cast.ada, guardian_link(cast.pia, cast.ana).id, True)
        deliver(clock.fixed(DUE))
        assert smtp.addresses == ["pol@parent.example"]
        assert sent()["pia@parent.example"] == SKIPPED

    def test_a_mail_that_is_being_sent_does_not_leave(self, app, cast, smtp):
        create_order(cast.tom, cast.pia)
        link_id, ada_id = guardian_link(cast.pia, cast.ana).id, cast.ada.id

        def forbid(_address):
            with app.app_context():
                set_no_contact(db.session.get(type(cast.ada), ada_id), link_id, True)

        smtp.on_rcpt = forbid
        plan_due(DUE)
        deliver(clock.fixed(DUE))
        deliver(clock.fixed(DUE))
        assert smtp.arrived == []
        db.session.expire_all()
        assert sent() == {"pia@parent.example": SKIPPED}

    def test_the_other_children_are_still_told_of(self, cast, smtp):
        create_order(cast.ada, cast.pol)
        set_no_contact(cast.ada, guardian_link(cast.pol, cast.ana).id, True)
        plan_due(DUE)
        deliver(clock.fixed(DUE))
        (mail,) = smtp.arrived
        _, table = mail.attachment
        for text in (mail.text, mail.html, table.decode()):
            assert "Cem" in text
            assert "Ana" not in text

    @pytest.mark.parametrize("kind", [ReportType.STUDENT_REPORT, ReportType.TUTOR_WEEKLY_REPORT])
    def test_no_type_of_report_tells_of_the_child(self, cast, kind):
        set_no_contact(cast.ada, guardian_link(cast.pol, cast.ana).id, True)
        assert seen(cast.ada, cast.pol, kind) == {"Cem"}
        assert seen(cast.uma, cast.pol, kind) == {"Cem"}

    def test_a_search_for_recipients_does_not_find_them_by_the_child(self, cast):
        order, all_of_school = create_order(cast.tom), create_order(cast.ada)
        set_no_contact(cast.ada, guardian_link(cast.pia, cast.ana).id, True)

        def found(schedule, text):
            candidates = search_candidates(schedule.created_by, schedule.id, text, NOW)
            return {row.person.given_name for row in candidates}

        assert found(order, "pia") == set()
        assert found(order, "ana") == {"Ana", "Pol"}
        assert found(all_of_school, "ana") == {"Ana", "Pol"}
        # An admin may write to everybody; the mail would have nothing in it.
        (pia,) = search_candidates(cast.ada, all_of_school.id, "pia", NOW)
        assert pia.subjects.count == 0

    def test_it_can_be_lifted_and_doing_it_twice_changes_nothing(self, cast):
        link_id = guardian_link(cast.pia, cast.ana).id
        for _ in range(2):
            set_no_contact(cast.ada, link_id, True)
            assert seen(cast.tom, cast.pia) == set()
        for _ in range(2):
            set_no_contact(cast.ada, link_id, False)
            assert seen(cast.tom, cast.pia) == {"Ana"}

    def test_changing_or_renewing_the_link_does_not_lift_it(self, cast):
        link_id = guardian_link(cast.pia, cast.ana).id
        set_no_contact(cast.ada, link_id, True)
        change_guardian_link(cast.ada, link_id, {"end_date": str(TODAY - DAY)})
        args = (cast.ada, cast.ana.id, LinkKind.GUARDIAN, cast.pia.id, NEVER_ENDS, NOW)
        assert add_link(*args).id == link_id
        assert seen(cast.tom, cast.pia) == set()
        assert guardian_link(cast.pia, cast.ana).no_contact


class TestDates:
    def test_a_link_that_ends_takes_the_waiting_mail_with_it(self, cast, smtp):
        create_order(cast.tom, cast.pia)
        plan_due(DUE)
        link_id = guardian_link(cast.pia, cast.ana).id
        change_guardian_link(cast.ada, link_id, {"end_date": str(TODAY - DAY)})
        deliver(clock.fixed(DUE))
        assert smtp.arrived == []
        assert sent() == {"pia@parent.example": SKIPPED}

    def test_a_tutor_sees_a_student_from_the_first_day_to_the_last(self, cast):
        data = {"begin_date": "2026-11-30", "end_date": "01.12.2026"}
        add_link(cast.ada, cast.ben.id, LinkKind.TUTOR, cast.uma.id, data, NOW)
        on_days = {
            days: "Ben" in seen(cast.uma, cast.uma, now=NOW + days * DAY) for days in range(6, 10)
        }
        assert on_days == {6: False, 7: True, 8: True, 9: False}
        change_tutor_link(cast.ada, tutor_link(cast.uma, cast.ben).id, {})
        assert "Ben" in seen(cast.uma, cast.uma)

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"begin_date": "2026-12-02", "end_date": "2026-12-01"}, ["end_date"]),
            ({"begin_date": "soon"}, ["begin_date"]),
            ({"begin_date": "30.2.2026", "end_date": "9999-12-31"}, ["begin_date", "end_date"]),
            ({"end_date": "\x00"}, ["end_date"]),
            ({"end_date": "1" * 10_000}, ["end_date"]),
            ({"relation": "x" * 51}, ["relation"]),
            ({"relation": "mo\x00ther"}, ["relation"]),
            ({"relation": "\ud800"}, ["relation"]),
        ],
    )
    def test_what_is_wrong_is_told_at_its_field_and_nothing_is_written(self, cast, fields, wrong):
        link = guardian_link(cast.pia, cast.ana)
        for call in (
            lambda: change_guardian_link(cast.ada, link.id, fields),
            lambda: add_link(
                cast.ada, cast.ben.id, LinkKind.GUARDIAN, cast.nil.id, {**NEVER_ENDS, **fields}, NOW
            ),
        ):
            with pytest.raises(InvalidInput) as caught:
                call()
            assert list(caught.value.fields) == wrong
        assert (link.begin_date, link.end_date, link.relation) == (None, None, None)
        assert db.session.query(GuardianLink).count() == 4


class TestAdding:
    def test_a_guardian_added_by_hand_gets_what_is_about_the_child(self, cast):
        data = {**NEVER_ENDS, "relation": "  grand  mother "}
        link = add_link(cast.ada, cast.ben.id, LinkKind.GUARDIAN, cast.nil.id, data, NOW)
        assert link.relation == "grand mother"
        assert seen(cast.tom, cast.nil) == {"Ben"}

    def test_it_is_the_same_from_the_other_side(self, cast):
        add_link(cast.ada, cast.nil.id, LinkKind.CHILD, cast.ben.id, NEVER_ENDS, NOW)
        add_link(cast.ada, cast.uwe.id, LinkKind.STUDENT, cast.ana.id, NEVER_ENDS, NOW)
        assert seen(cast.tom, cast.nil) == {"Ben"}
        assert seen(cast.uwe, cast.uwe) == {"Ana", "Ben"}
        assert tutor_link(cast.uwe, cast.ana)

    def test_what_runs_or_will_run_is_not_added_twice(self, cast):
        link = guardian_link(cast.pia, cast.ana)
        for first in ("", "2027-01-01"):
            change_guardian_link(cast.ada, link.id, {"begin_date": first})
            with pytest.raises(Conflict, match="linked already"):
                add_link(cast.ada, cast.ana.id, LinkKind.GUARDIAN, cast.pia.id, NEVER_ENDS, NOW)

    @pytest.mark.parametrize("lost", [{"is_active": False}, {"end_date": TODAY - DAY}])
    def test_what_is_over_or_gone_from_the_import_begins_anew(self, cast, lost):
        link = guardian_link(cast.pia, cast.ana)
        with transaction():
            for name, value in lost.items():
                setattr(link, name, value)
        assert seen(cast.tom, cast.pia) == set()
        assert cast.pia in find_others(cast.ada, cast.ana.id, LinkKind.GUARDIAN, "pia", NOW)
        add_link(cast.ada, cast.ana.id, LinkKind.GUARDIAN, cast.pia.id, NEVER_ENDS, NOW)
        assert seen(cast.tom, cast.pia) == {"Ana"}

    @pytest.mark.parametrize(
        ("kind", "person", "other"),
        [
            (LinkKind.GUARDIAN, "tom", "pia"),
            (LinkKind.GUARDIAN, "ana", "tom"),
            (LinkKind.CHILD, "pia", "pol"),
            (LinkKind.CHILD, "ana", "ben"),
            (LinkKind.TUTOR, "ana", "pia"),
            (LinkKind.STUDENT, "tom", "ana"),
        ],
    )
    def test_only_the_right_roles_are_linked(self, cast, kind, person, other):
        ids = cast.people[person].id, kind, cast.people[other].id
        with pytest.raises(NotFound):
            add_link(cast.ada, *ids, NEVER_ENDS, NOW)

    def test_the_search_offers_those_of_the_right_role_who_are_not_linked_yet(self, cast):
        def offered(person, kind, text=""):
            found = find_others(cast.ada, person.id, kind, text, NOW)
            return {other.given_name for other in found}

        assert offered(cast.ana, LinkKind.GUARDIAN) == {"Nil"}
        assert offered(cast.ben, LinkKind.GUARDIAN, "cem") == {"Pol"}
        assert offered(cast.pia, LinkKind.CHILD) == {"Ben", "Cem"}
        assert offered(cast.ana, LinkKind.TUTOR) == {"Uwe"}
        switch_person(cast.ada, cast.uwe.id, False)
        assert offered(cast.ana, LinkKind.TUTOR) == set()
        assert offered(cast.ana, LinkKind.GUARDIAN, "\x00") == set()


class TestThePage:
    def test_it_shows_classes_family_and_tutors(self, cast):
        page = show_person(cast.ada, cast.ana.id, NOW)
        assert [line.title for line in page.classes] == ["7a English", "7a Mathematics"]
        others = {
            kind: [line.other.given_name for line in lines] for kind, lines in page.links.items()
        }
        assert others == {"guardian": ["Pia", "Pol"], "tutor": ["Uma"]}
        page = show_person(cast.ada, cast.tea.id, NOW)
        assert [line.teaches for line in page.classes] == [True, True]
        assert page.links == {}
        assert set(show_person(cast.ada, cast.nil.id, NOW).links) == {"child"}

    def test_its_queries_do_not_grow_with_the_links(self, cast):
        few = queries_of(lambda: show_person(cast.ada, cast.cem.id, NOW))
        with transaction():
            for number in range(10):
                parent = create_person(cast.school, Role.PARENT, f"P{number}")
                db.session.add(GuardianLink(guardian_id=parent.id, student_id=cast.cem.id))
            enroll(cast.classes["maths"], cast.cem, "student")
        assert queries_of(lambda: show_person(cast.ada, cast.cem.id, NOW)) == few


some_day = st.none() | st.integers(-3, 3).map(lambda shift: TODAY + shift * DAY)


@given(begin=some_day, end=some_day, is_active=st.booleans(), no_contact=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_page_calls_over_never_counts_for_reports(cast, begin, end, is_active, no_contact):
    with transaction():
        link = guardian_link(cast.pia, cast.ana)
        link.begin_date, link.end_date = begin, end
        link.is_active, link.no_contact = is_active, no_contact
    page = show_person(cast.ada, cast.pia.id, NOW)
    lines = page.links[LinkKind.CHILD]
    assert len(page.past(lines)) + len(page.present(lines)) == 1
    begun = begin is None or begin <= TODAY
    counts = bool(page.present(lines)) and begun and not no_contact
    assert seen(cast.tom, cast.pia) == ({"Ana"} if counts else set())
