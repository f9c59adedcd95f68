"""Whom an author may write to, finding them, and putting them on and off a schedule."""

from datetime import timedelta

import pytest

from reportapp.constants import Role
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ClassGroup, Enrollment, GuardianLink, ReportScheduleRecipient
from reportapp.schedules.recipients import (
    add_recipient,
    list_recipients,
    remove_recipient,
    search_candidates,
)
from reportapp.schedules.subscriptions import set_subscribed
from tests.cast import NOW, create_guardian_link, create_order, create_person
from tests.schedules.help import count, create_crowd, queries_of, row_of

DAY = timedelta(days=1)
LATER = NOW + DAY
STAFF = "ada tom tea uma uwe"
#: Ada's school, as each author and type of report may reach it; the other school never.
REACH = {
    ("ada", "student_report"): f"{STAFF} ana ben cem pia pol nil",
    ("ada", "tutor_weekly_report"): "ada uma uwe pia pol nil",
    ("ada", "teacher_weekly_report"): STAFF,
    ("tom", "student_report"): f"{STAFF} ana ben pia pol",
    ("tom", "teacher_weekly_report"): STAFF,
    ("tea", "student_report"): f"{STAFF} ana ben cem pia pol",
    ("uma", "student_report"): f"{STAFF} ana cem pia pol",
    ("uma", "tutor_weekly_report"): "ada uma uwe pia pol",
    ("uwe", "student_report"): f"{STAFF} ben",
    ("uwe", "tutor_weekly_report"): "ada uma uwe",
    ("otto", "student_report"): "olga otto oskar ole",
}


def found(schedule, text, actor=None, **options):
    actor = actor or schedule.created_by
    candidates = search_candidates(actor, schedule.id, text, NOW, **options)
    return [candidate.person.given_name for candidate in candidates]


@pytest.mark.parametrize(("author", "kind"), REACH)
def test_an_author_reaches_colleagues_own_students_and_their_guardians_only(cast, author, kind):
    allowed = set(REACH[author, kind].split())
    schedule = create_order(cast.people[author], report_type=kind)
    assert {name.lower() for name in found(schedule, "", limit=50)} == allowed
    for name, person in cast.people.items():
        if name in allowed:
            add_recipient(cast.people[author], schedule.id, person.id, NOW)
        else:
            with pytest.raises(NotFound):
                add_recipient(cast.people[author], schedule.id, person.id, NOW)
    assert count(ReportScheduleRecipient) == len(allowed)


def test_an_admin_at_work_on_a_teachers_schedule_reaches_whom_the_teacher_reaches(cast):
    schedule = create_order(cast.tom)
    assert "Cem" not in found(schedule, "", cast.ada)
    with pytest.raises(NotFound):
        add_recipient(cast.ada, schedule.id, cast.cem.id, NOW)


def test_links_of_the_past_and_of_the_future_reach_nobody(cast):
    schedule = create_order(cast.tom)
    today = NOW.date()
    link = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()
    seats = db.session.query(Enrollment)
    for begin, end, reached in (
        (None, today - DAY, False),
        (None, today, True),
        (today, None, True),
        (today + DAY, None, False),
    ):
        with transaction():
            link.begin_date, link.end_date = begin, end
            for seat in seats.filter_by(user_id=cast.ben.id):
                seat.begin_date, seat.end_date = begin, end
        assert ("Pia" in found(schedule, "")) is reached
        assert ("Ben" in found(schedule, "")) is reached


def test_who_has_left_and_classes_that_have_ended_are_out_of_reach(cast):
    schedule = create_order(cast.tom)
    with transaction():
        cast.tea.is_active = cast.pia.is_active = False
    assert found(schedule, "") == ["Ada", "Ana", "Ben", "Pol", "Tom", "Uma", "Uwe"]
    with pytest.raises(NotFound):
        add_recipient(cast.tom, schedule.id, cast.tea.id, NOW)
    with transaction():
        db.session.get_one(ClassGroup, cast.classes["maths"].id).is_active = False
    assert found(schedule, "") == ["Ada", "Tom", "Uma", "Uwe"]


@pytest.mark.parametrize("person_id", [0, -1, 2_147_483_647])
def test_who_does_not_exist_is_not_found(cast, person_id):
    schedule = create_order(cast.tom)
    with pytest.raises(NotFound):
        add_recipient(cast.tom, schedule.id, person_id, NOW)
    with pytest.raises(NotFound):
        remove_recipient(cast.tom, schedule.id, person_id, NOW)


def test_adding_twice_changes_nothing(cast):
    schedule = create_order(cast.tom)
    row = add_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    before = row.id, row.unsubscribe_token, row.added_at
    again = add_recipient(cast.ada, schedule.id, cast.pia.id, LATER)
    assert (again.id, again.unsubscribe_token, again.added_at) == before
    assert count(ReportScheduleRecipient) == 1


def test_who_was_removed_can_be_added_again_and_links_in_old_mails_go_on_working(cast):
    schedule = create_order(cast.tom, cast.pia)
    token = row_of(schedule, cast.pia).unsubscribe_token
    remove_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    assert list_recipients(cast.tom, schedule.id, NOW) == []
    assert "Pia" in found(schedule, "")
    with pytest.raises(NotFound):
        remove_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    row = add_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    assert (row.removed_at, row.is_subscribed, row.unsubscribe_token) == (None, True, token)
    assert count(ReportScheduleRecipient) == 1


def test_who_unsubscribed_cannot_be_brought_back_by_the_author_in_any_way(cast):
    schedule = create_order(cast.tom, cast.pia)
    token = row_of(schedule, cast.pia).unsubscribe_token
    set_subscribed(token, False, NOW)

    def refused():
        for actor in (cast.tom, cast.ada):
            with pytest.raises(Conflict, match="Pia Example has unsubscribed"):
                add_recipient(actor, schedule.id, cast.pia.id, LATER)
        row = row_of(schedule, cast.pia)
        return row.is_subscribed, row.unsubscribed_at, row.removed_at

    assert refused() == (False, NOW, None)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    assert refused() == (False, NOW, LATER)

    # Pia herself can.
    set_subscribed(token, True, LATER)
    row = add_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    assert (row.is_subscribed, row.removed_at) == (True, None)


def test_who_unsubscribes_by_an_old_mail_after_removal_stays_away_too(cast):
    schedule = create_order(cast.tom, cast.pia)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    set_subscribed(row_of(schedule, cast.pia).unsubscribe_token, False, LATER)
    with pytest.raises(Conflict):
        add_recipient(cast.tom, schedule.id, cast.pia.id, LATER)


def test_leaving_one_schedule_says_nothing_about_another(cast):
    left, other = create_order(cast.tom, cast.pia), create_order(cast.tom)
    set_subscribed(row_of(left, cast.pia).unsubscribe_token, False, NOW)
    assert add_recipient(cast.tom, other.id, cast.pia.id, NOW).is_subscribed


NAMED = (
    ("Ольга", "Шмидт", "olga.s@staff.example"),
    ("Zoë", "Müller", "zoe@staff.example"),
    ("Percy", "100% Sure", "percy@staff.example"),
    ("Under", "a_b", "a_b@staff.example"),
    ("Back", "c\\d", "back@staff.example"),
    ("Quote", "O'Neil", "quote@staff.example"),
    ("Nomail", "Silent", None),
)


@pytest.fixture
def named(cast):
    """Tom's schedule, and colleagues whose names try a search."""
    with transaction():
        for given, family, email in NAMED:
            create_person(cast.school, Role.TUTOR, given, family, email=email)
    return create_order(cast.tom)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ОЛЬГА", "Ольга"),
        ("ольг шмид", "Ольга"),
        ("zOË", "Zoë"),
        ("MÜLL", "Zoë"),
        ("zoe@STAFF.example", "Zoë"),
        ("%", "Percy"),
        ("0% s", "Percy"),
        ("_", "Under"),
        ("A_B", "Under"),
        ("\\", "Back"),
        ("C\\D", "Back"),
        ("'", "Quote"),
        ("' OR 1=1 --", ""),
        ("%%", ""),
        ("axb", ""),
        ("silent", "Nomail"),
        ("  silent \n\t nomail ", "Nomail"),
        ("silent ольга", ""),
        ("x" * 10_000, ""),
    ],
)
def test_a_search_takes_every_sign_as_it_stands_and_no_care_of_capitals(named, text, expected):
    assert found(named, text) == expected.split()


def test_a_search_is_by_name_leaves_out_who_is_on_it_and_has_a_limit(cast, named):
    everybody = found(named, "", limit=50)
    people = [c.person for c in search_candidates(cast.tom, named.id, "", NOW, 50)]
    keys = [(person.family_name.lower(), person.given_name.lower()) for person in people]
    assert keys == sorted(keys)
    assert found(named, "", limit=3) == everybody[:3]
    assert len(found(named, "staff.example")) == 6
    add_recipient(cast.tom, named.id, cast.pia.id, NOW)
    assert found(named, "", limit=50) == [name for name in everybody if name != "Pia"]
    set_subscribed(row_of(named, cast.pia).unsubscribe_token, False, NOW)
    assert "Pia" not in found(named, "", limit=50)


def test_the_list_is_by_name_and_says_about_whom_each_would_read(cast):
    schedule = create_order(cast.ada, cast.uma, cast.pol, cast.nil, cast.ada, cast.pia, cast.ana)
    with transaction():
        cast.pol.family_name = "Aardvark"
    listed = list_recipients(cast.ada, schedule.id, NOW)
    ana, ben, cem = "Ana Example", "Ben Example", "Cem Example"
    assert [(e.row.recipient.given_name, e.subjects.names, e.subjects.count) for e in listed] == [
        ("Pol", (ana, cem), 2),
        ("Ada", (ana, ben, cem), 3),
        ("Ana", (ana,), 1),
        ("Nil", (), 0),
        ("Pia", (ana,), 1),
        ("Uma", (ana, cem), 2),
    ]
    create_crowd(cast, Role.STUDENT, 1)
    many = list_recipients(cast.ada, schedule.id, NOW)[1].subjects
    assert (many.count, many.names) == (4, ())


def test_parents_are_found_by_a_childs_name_that_the_author_knows(cast):
    # Tea, a colleague, is a mother too; Tom does not teach her son.
    with transaction():
        create_guardian_link(cast.tea, cast.cem)
    schedule = create_order(cast.tom)
    assert found(schedule, "ANA") == ["Ana", "Pia", "Pol"]
    assert found(schedule, "ana pol") == ["Pol"]
    assert found(schedule, "cem") == []
    assert found(create_order(cast.ada), "cem") == ["Cem", "Pol", "Tea"]
    assert found(create_order(cast.olga), "ana") == []
    (_, pia, _) = search_candidates(cast.tom, schedule.id, "ana", NOW)
    assert (pia.subjects.count, pia.subjects.names) == (1, ("Ana Example",))


def test_the_list_keeps_who_has_unsubscribed_so_that_the_author_sees_it(cast):
    schedule = create_order(cast.tom, cast.pia)
    set_subscribed(row_of(schedule, cast.pia).unsubscribe_token, False, NOW)
    (entry,) = list_recipients(cast.tom, schedule.id, NOW)
    assert entry.row.is_subscribed is False


def test_many_recipients_and_candidates_need_no_more_queries_than_few(cast):
    crowd = create_crowd(cast, Role.PARENT, 30)
    few, many = create_order(cast.tom, crowd[0]), create_order(cast.tom, *crowd)

    def look(schedule):
        return [
            (e.row.recipient.name, e.subjects.names)
            for e in list_recipients(cast.tom, schedule, NOW)
        ]

    def search(limit):
        people = search_candidates(cast.tom, few_id, "parent", NOW, limit)
        return [(c.person.name, c.subjects.names) for c in people]

    few_id, many_id = few.id, many.id
    assert len(look(many_id)) == 30
    assert queries_of(lambda: look(few_id)) == queries_of(lambda: look(many_id))
    assert len(search(29)) == 29
    assert queries_of(lambda: search(1)) == queries_of(lambda: search(29))
