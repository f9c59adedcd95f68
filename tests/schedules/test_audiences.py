"""Groups that receive a schedule: who is in them, adding and removing them, who gets what."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp.access import REPORT_AUTHORS
from reportapp.constants import (
    AudienceKind,
    EnrollmentRole,
    Reason,
    ReportType,
    Role,
    Trigger,
)
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import (
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportDelivery,
    ReportScheduleAudience,
    ReportScheduleRecipient,
    TutorLink,
    User,
)
from reportapp.schedules.audiences import (
    add_audience,
    audience_choices,
    check_audience,
    list_audiences,
    remove_audience,
)
from reportapp.schedules.find import list_schedules
from reportapp.schedules.overview import who_gets_what
from reportapp.schedules.preview import preview
from reportapp.schedules.reach import members, reachable, with_member
from reportapp.schedules.recipients import (
    add_recipient,
    let_in,
    list_recipients,
    remove_recipient,
    search_candidates,
)
from reportapp.schedules.runs import run_now
from reportapp.schedules.subscriptions import my_subscriptions, set_subscribed
from tests.cast import (
    NOW,
    create_guardian_link,
    create_order,
    create_person,
    enroll,
)
from tests.schedules.audience_oracle import audience
from tests.schedules.help import DOMAIN, create_crowd, executions, queries_of, row_of
from tests.schedules.random_school import random_school

DAY = timedelta(days=1)
LATER = NOW + DAY
GUARDIANS = AudienceKind.CLASS_GUARDIANS


def names_of(ids) -> str:
    people = db.session.scalars(select(User).where(User.id.in_(ids)))
    return " ".join(sorted(person.given_name.lower() for person in people))


def group_order(author, *groups, **fields):
    """A schedule with audiences: (kind, class or None)."""
    schedule = create_order(author, **fields)
    for kind, group in groups:
        add_audience(author, schedule.id, kind, group and group.id, NOW)
    return schedule


def people_in(schedule, now=NOW) -> str:
    return names_of(members(db.session(), schedule, now))


def planned(schedule, now=NOW) -> dict[str, Reason | None]:
    """{first name: reason to skip} of a run that is planned now."""
    run = run_now(schedule.created_by, schedule.id, now, message_domain=DOMAIN)
    rows = db.session.query(ReportDelivery).filter_by(execution_id=run)
    return {row.recipient.given_name.lower(): row.reason for row in rows}


MEMBERS = {
    ("tom", "my_guardians", None): "pia pol",
    ("tea", "my_guardians", None): "pia pol",
    ("uma", "my_guardians", None): "pia pol",
    ("uwe", "my_guardians", None): "",
    ("ada", "my_guardians", None): "pia pol",
    ("otto", "my_guardians", None): "ole",
    ("tom", "class_guardians", "maths"): "pia pol",
    ("tea", "class_guardians", "biology"): "pol",
    ("uma", "class_guardians", "biology"): "pol",
    ("uma", "class_guardians", "maths"): "pia pol",
    ("uwe", "class_guardians", "maths"): "",  # He does not know Ana, and Ben's are not here.
    ("ada", "class_guardians", "english"): "pia pol",
    ("tom", "class_teachers", "maths"): "tom",
    ("ada", "class_teachers", "english"): "tea",
    ("uma", "class_teachers", "maths"): "tom",
    ("tom", "class_tutors", "maths"): "uma uwe",
    ("tea", "class_tutors", "biology"): "uma",
    ("tom", "all_tutors", None): "uma uwe",
    ("ada", "all_tutors", None): "uma uwe",
    ("otto", "all_tutors", None): "",
}


@pytest.mark.parametrize(("author", "kind", "group"), MEMBERS)
def test_an_audience_is_its_people_whom_the_author_may_send_to(cast, author, kind, group):
    schedule = group_order(cast.people[author], (kind, cast.classes.get(group)))
    assert people_in(schedule) == MEMBERS[author, kind, group]
    (listed,) = list_audiences(cast.people[author], schedule.id, NOW)
    assert listed.people == len(MEMBERS[author, kind, group].split())


@pytest.mark.parametrize("seed", range(4))
def test_audiences_of_a_random_school_are_what_plain_sql_says(app, seed):
    rng = random.Random(seed)
    rooms = random_school(rng)
    cases = people = 0
    belonging = {}
    for author in db.session.scalars(
        select(User).where(User.role.in_(["admin", "teacher", "tutor"]))
    ):
        if not author.is_active:
            continue
        kinds = [kind for kind in ReportType if author.role in REPORT_AUTHORS[kind]]
        schedule = create_order(author, report_type=rng.choice(kinds), is_active=False)
        by_name = set(db.session.scalars(reachable(schedule, NOW).with_only_columns(User.id)))
        for kind in AudienceKind:
            for room in rooms if kind.startswith("class_") else [None]:
                with transaction() as session:  # Also classes that the author may not choose.
                    row = ReportScheduleAudience(
                        schedule_id=schedule.id, kind=kind, class_group_id=room, added_at=NOW
                    )
                    session.add(row)
                found = members(db.session(), schedule, NOW)
                in_it = {user for user, audiences in found.items() if row.id in audiences}
                expected = audience(
                    db.session, kind, author.id, room, schedule.report_type, NOW.date()
                )
                assert in_it == expected, (kind, author.role, room)
                assert in_it <= by_name
                cases, people = cases + 1, people + len(in_it)
        belonging[schedule] = found.keys()
    assert (cases > 100, people > 40) == (True, True), (cases, people)
    # The same, asked the other way round.
    for person in rng.sample(db.session.scalars(select(User)).all(), 6):
        assert with_member(db.session(), belonging, person, NOW) == {
            schedule.id for schedule, found in belonging.items() if person.id in found
        }


def test_an_audience_follows_the_classes_and_families_from_day_to_day(cast):
    maths = cast.classes["maths"]
    schedule = group_order(cast.tom, (GUARDIANS, maths))
    pia = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()

    def with_(thing, **values):
        before = {name: getattr(thing, name) for name in values}
        for state in (values, before):
            with transaction():
                for name, value in state.items():
                    setattr(thing, name, value)
            yield people_in(schedule)

    for thing, values, without in (
        (pia, {"end_date": (NOW - DAY).date()}, "pol"),
        (pia, {"no_contact": True}, "pol"),
        (pia, {"is_active": False}, "pol"),
        (cast.pia, {"is_active": False}, "pol"),
        (cast.ana, {"is_active": False}, ""),
        (db.session.get_one(ClassGroup, maths.id), {"is_active": False}, ""),
        (
            db.session.query(Enrollment)
            .filter_by(class_group_id=maths.id, user_id=cast.tom.id)
            .one(),
            {"end_date": (NOW - DAY).date()},
            "",
        ),
    ):
        assert list(with_(thing, **values)) == [without, "pia pol"], values
    with transaction():
        enroll(maths, cast.cem, EnrollmentRole.STUDENT, begin_date=LATER.date())
        new = create_person(cast.school, Role.PARENT, "Mia")
        create_guardian_link(new, cast.cem)
    assert people_in(schedule) == "pia pol"
    assert people_in(schedule, LATER) == "mia pia pol"


def test_a_run_reaches_everybody_once_by_name_and_through_any_number_of_groups(cast):
    maths, english = cast.classes["maths"], cast.classes["english"]
    schedule = group_order(
        cast.ada, (GUARDIANS, maths), (GUARDIANS, english), (AudienceKind.ALL_TUTORS, None)
    )
    add_recipient(cast.ada, schedule.id, cast.pia.id, NOW)
    assert planned(schedule) == dict.fromkeys(("pia", "pol", "uma", "uwe"))
    (run,) = executions()
    assert (run.trigger, run.total_recipients) == (Trigger.MANUAL, 4)
    direct = {
        row.recipient.given_name: row.is_direct for row in db.session.query(ReportScheduleRecipient)
    }
    assert direct == {"Pia": True, "Pol": False, "Uma": False, "Uwe": False}
    tokens = {row.unsubscribe_token for row in db.session.query(ReportScheduleRecipient)}
    assert len(tokens) == 4


def test_who_leaves_a_group_and_comes_back_keeps_the_row_and_stays_unsubscribed(cast):
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    planned(schedule)
    row = row_of(schedule, cast.pia)
    set_subscribed(row.unsubscribe_token, False, NOW)
    link = db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one()
    finish()
    assert planned(schedule) == {"pia": Reason.UNSUBSCRIBED, "pol": None}
    with transaction():
        link.end_date = (NOW - DAY).date()
    finish()
    assert planned(schedule) == {"pol": None}
    with transaction():
        link.end_date = None
    remove_audience(
        cast.tom, schedule.id, list_audiences(cast.tom, schedule.id, NOW)[0].audience.id
    )
    add_audience(cast.tom, schedule.id, AudienceKind.MY_GUARDIANS, None, LATER)
    finish()
    assert planned(schedule) == {"pia": Reason.UNSUBSCRIBED, "pol": None}
    assert row_of(schedule, cast.pia).id == row.id
    with pytest.raises(Conflict, match="has unsubscribed"):
        add_recipient(cast.tom, schedule.id, cast.pia.id, LATER)
    let_in(cast.tom, schedule.id, cast.pia.id)
    assert row_of(schedule, cast.pia).is_subscribed is False
    set_subscribed(row.unsubscribe_token, True, LATER)
    finish()
    assert planned(schedule) == {"pia": None, "pol": None}


def finish():
    """Ends the runs under way, so that another can be asked for."""
    with transaction():
        for run in executions():
            run.status = "completed"


def test_who_was_taken_off_by_name_stays_off_until_let_in_or_added_again(cast):
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    # Nobody has a row yet: leaving out makes one.
    assert remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW).is_direct is False
    with pytest.raises(NotFound):
        remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    assert planned(schedule) == {"pol": None}
    let_in(cast.tom, schedule.id, cast.pia.id)
    finish()
    assert planned(schedule) == {"pia": None, "pol": None}
    add_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    finish()
    assert planned(schedule) == {"pol": None}
    # Added by name, she stays although the group goes.
    add_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    remove_audience(
        cast.tom, schedule.id, list_audiences(cast.tom, schedule.id, NOW)[0].audience.id
    )
    finish()
    assert planned(schedule) == {"pia": None}
    for person in (cast.ben, cast.olga):
        with pytest.raises(NotFound):
            let_in(cast.tom, schedule.id, person.id)


def test_a_group_of_nobody_cannot_be_sent_to(cast):
    schedule = group_order(cast.uwe, (AudienceKind.MY_GUARDIANS, None))
    assert list_audiences(cast.uwe, schedule.id, NOW)[0].people == 0
    with pytest.raises(Conflict, match="Nobody receives"):
        planned(schedule)
    assert executions() == []


def test_adding_a_group_twice_changes_nothing_and_removing_takes_it_away(cast):
    maths = cast.classes["maths"]
    schedule = group_order(cast.tom, *[(GUARDIANS, maths), (AudienceKind.ALL_TUTORS, None)] * 2)
    add_audience(cast.ada, schedule.id, AudienceKind.ALL_TUTORS, maths.id, LATER)
    listed = list_audiences(cast.tom, schedule.id, NOW)
    assert [(one.title, one.people) for one in listed] == [
        ("Guardians of 7a Mathematics", 2),
        ("All tutors", 2),
    ]
    assert remove_audience(cast.ada, schedule.id, listed[0].audience.id) == listed[0].title
    with pytest.raises(NotFound):
        remove_audience(cast.tom, schedule.id, listed[0].audience.id)
    assert [one.title for one in list_audiences(cast.tom, schedule.id, NOW)] == ["All tutors"]


def test_titles_say_whose_students_to_whoever_reads_them(cast):
    schedule = group_order(cast.tom, (AudienceKind.MY_GUARDIANS, None))
    mine = [list_audiences(person, schedule.id, NOW)[0].title for person in (cast.tom, cast.ada)]
    assert mine == ["Guardians of my students", "Guardians of Tom Example’s students"]
    of_all = group_order(cast.ada, (AudienceKind.MY_GUARDIANS, None))
    assert list_audiences(cast.ada, of_all.id, NOW)[0].title == "Guardians of all students"


def test_only_kinds_that_exist_and_classes_that_the_author_may_see_can_be_chosen(cast):
    schedule = create_order(cast.tom)
    for kind in ("", "everybody", "CLASS_GUARDIANS", "\ud800", "x" * 10_000):
        with pytest.raises(InvalidInput) as error:
            add_audience(cast.tom, schedule.id, kind, None, NOW)
        assert set(error.value.fields) == {"kind"}
    with pytest.raises(InvalidInput) as error:
        add_audience(cast.tom, schedule.id, GUARDIANS, None, NOW)
    assert set(error.value.fields) == {"class_group_id"}
    # Neither an admin at work on it, nor its author may let in a class that the author cannot see.
    for actor in (cast.tom, cast.ada):
        for group in ("english", "biology", "other"):
            with pytest.raises(NotFound):
                add_audience(actor, schedule.id, GUARDIANS, cast.classes[group].id, NOW)
    for person in (cast.tea, cast.olga, cast.uma):
        for call in (
            lambda person=person: add_audience(person, schedule.id, "all_tutors", None, NOW),
            lambda person=person: check_audience(person, schedule.id, "all_tutors", None, NOW),
            lambda person=person: list_audiences(person, schedule.id, NOW),
            lambda person=person: audience_choices(person, schedule.id, NOW),
            lambda person=person: remove_audience(person, schedule.id, 1),
            lambda person=person: let_in(person, schedule.id, cast.pia.id),
            lambda person=person: who_gets_what(person, schedule.id, NOW),
        ):
            with pytest.raises(NotFound):
                call()
    assert db.session.query(ReportScheduleAudience).count() == 0


@pytest.mark.parametrize(
    ("author", "kind", "kinds", "classes"),
    [
        ("tom", "student_report", set(AudienceKind), ["7a Mathematics"]),
        (
            "uma",
            "student_report",
            set(AudienceKind),
            ["7a English", "7a Mathematics", "8b Biology"],
        ),
        ("uma", "tutor_weekly_report", set(AudienceKind) - {"class_teachers"}, None),
        ("tom", "teacher_weekly_report", {"class_teachers", "class_tutors", "all_tutors"}, None),
    ],
)
def test_only_groups_that_may_read_the_report_are_offered(cast, author, kind, kinds, classes):
    schedule = create_order(cast.people[author], report_type=kind)
    choices = audience_choices(cast.people[author], schedule.id, NOW)
    assert set(choices.kinds) == kinds
    if classes is not None:
        assert [group.title for group in choices.classes] == classes


def test_the_list_of_people_by_name_and_the_search_look_past_members(cast):
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    planned(schedule)
    assert list_recipients(cast.tom, schedule.id, NOW) == []
    found = search_candidates(cast.tom, schedule.id, "pia", NOW)
    assert [candidate.person for candidate in found] == [cast.pia]
    add_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    assert [one.row.recipient for one in list_recipients(cast.tom, schedule.id, NOW)] == [cast.pia]
    ((listed,), _) = list_schedules(cast.tom)
    assert (listed.recipients, listed.unsubscribed, listed.audiences) == (1, 0, 1)


def test_reports_that_one_receives_through_a_group_are_listed_as_long_as_one_belongs(cast):
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    planned(schedule)
    assert [row.schedule for row in my_subscriptions(cast.pia, NOW)] == [schedule]
    with transaction():
        db.session.query(GuardianLink).filter_by(guardian_id=cast.pia.id).one().no_contact = True
    assert my_subscriptions(cast.pia, NOW) == []
    assert [row.schedule for row in my_subscriptions(cast.pol, NOW)] == [schedule]


def test_members_can_be_previewed_and_those_left_out_cannot(cast):
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    assert preview(cast.tom, schedule.id, cast.pia.id, NOW).reason is None
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    for person in (cast.pia, cast.nil):
        with pytest.raises(NotFound):
            preview(cast.tom, schedule.id, person.id, NOW)


def seen(overview):
    return (
        {
            reader.person.given_name: (subjects.names, reader.through)
            for reader, subjects in overview.readers
        },
        {reader.person.given_name: reader.reason for reader in overview.others},
    )


def test_the_overview_says_who_gets_what_and_who_gets_nothing_and_why(cast):
    schedule = group_order(cast.ada, (GUARDIANS, cast.classes["maths"]), ("all_tutors", None))
    for person in (cast.pol, cast.nil, cast.tom, cast.tea):
        add_recipient(cast.ada, schedule.id, person.id, NOW)
    planned(schedule)
    remove_recipient(cast.ada, schedule.id, cast.uwe.id, NOW)
    remove_recipient(cast.ada, schedule.id, cast.tea.id, NOW)  # in no group: gone
    set_subscribed(row_of(schedule, cast.uma).unsubscribe_token, False, NOW)
    with transaction():
        cast.tom.is_active = False
    overview = who_gets_what(cast.ada, schedule.id, NOW)
    ana, cem = "Ana Example", "Cem Example"
    assert seen(overview) == (
        {
            "Pia": ((ana,), ("Guardians of 7a Mathematics",)),
            "Pol": ((ana, cem), ("Guardians of 7a Mathematics",)),
        },
        {
            "Nil": Reason.OUT_OF_SCOPE,
            "Tom": Reason.INACTIVE,
            "Uma": Reason.UNSUBSCRIBED,
            "Uwe": Reason.REMOVED,
        },
    )
    assert (overview.gets, overview.gets_nothing) == (2, 4)
    flags = {r.person.given_name: (r.by_name, r.left_out) for r in overview.others}
    assert (flags["Nil"], flags["Uma"], flags["Uwe"]) == (
        (True, False),
        (False, False),
        (False, True),
    )
    with transaction():
        cast.pia.email = None
        cast.ada.is_active = False
    db.session.refresh(cast.ada)
    reasons = who_gets_what_of(schedule)
    assert set(reasons.values()) == {Reason.AUTHOR_INACTIVE}


def who_gets_what_of(schedule):
    """As another admin of the school sees it."""
    with transaction():
        other = create_person(schedule.created_by.school, Role.ADMIN, "Abe")
    return seen(who_gets_what(other, schedule.id, NOW))[1]


def test_what_the_overview_says_is_what_a_run_does(cast, smtp):
    from reportapp import clock
    from reportapp.delivery import deliver

    schedule = group_order(cast.ada, (GUARDIANS, cast.classes["maths"]), ("all_tutors", None))
    add_recipient(cast.ada, schedule.id, cast.nil.id, NOW)
    with transaction():
        cast.uwe.email = None
    told = seen(who_gets_what(cast.ada, schedule.id, NOW))
    run = run_now(cast.ada, schedule.id, NOW, message_domain=DOMAIN)
    deliver(clock.fixed(NOW))
    rows = db.session.query(ReportDelivery).filter_by(execution_id=run).all()
    assert {row.recipient.given_name: row.reason for row in rows if row.reason} == told[1]
    assert {row.recipient.given_name for row in rows if not row.reason} == set(told[0])


def test_before_a_group_is_added_it_says_who_is_in_it_and_who_is_on_already(cast):
    schedule = create_order(cast.tom, cast.pia)
    with transaction():
        cast.pol.email = None
    wanted = check_audience(cast.tom, schedule.id, "class_guardians", cast.classes["maths"].id, NOW)
    overview = who_gets_what(cast.tom, schedule.id, NOW, adding=wanted)
    assert seen(overview) == ({"Pia": (("Ana Example",), ())}, {"Pol": Reason.NO_ADDRESS})
    assert (overview.gets, overview.gets_nothing, overview.already) == (1, 1, 1)
    assert db.session.query(ReportScheduleAudience).count() == 0
    nobody = create_order(cast.uwe)
    wanted = check_audience(cast.uwe, nobody.id, "my_guardians", None, NOW)
    overview = who_gets_what(cast.uwe, nobody.id, NOW, adding=wanted)
    assert (overview.gets, overview.gets_nothing) == (0, 0)


def test_the_overview_is_searched_and_turned_page_by_page(cast):
    crowd = create_crowd(cast, Role.PARENT, 5)
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))
    pages = [
        [
            r.person.given_name
            for r, _ in who_gets_what(cast.tom, schedule.id, NOW, page=n, page_size=3).readers
        ]
        for n in (1, 2, 3, 4)
    ]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    names = [name for page in pages for name in page]
    assert names == [*(person.given_name for person in crowd), "Pia", "Pol"]
    found = who_gets_what(cast.tom, schedule.id, NOW, text="  PIA example ")
    assert (found.gets, found.found, list(seen(found)[0])) == (7, 1, ["Pia"])
    assert who_gets_what(cast.tom, schedule.id, NOW, text="parent.example pol").found == 1
    assert who_gets_what(cast.tom, schedule.id, NOW, text="\ud800 %").found == 0


def test_the_overview_is_in_the_order_and_found_by_the_letters_that_people_type(cast):
    with transaction():
        for family in ("Öz", "Zorn", "Łuk", "Ende"):
            guardian = create_person(cast.school, Role.PARENT, "Ida", family, email=f"{family}@x")
            create_guardian_link(guardian, cast.ana)
    schedule = group_order(cast.tom, (GUARDIANS, cast.classes["maths"]))

    def found(text=""):
        readers = who_gets_what(cast.tom, schedule.id, NOW, text=text).readers
        return [
            reader.person.family_name for reader, _ in readers if reader.person.given_name == "Ida"
        ]

    assert found() == ["Ende", "Łuk", "Öz", "Zorn"]
    assert (found("oz ida"), found("LUK"), found("ŁUK")) == (["Öz"], ["Łuk"], ["Łuk"])


def test_many_members_need_no_more_queries_than_few(cast):
    few = group_order(cast.tea, *((kind, cast.classes["biology"]) for kind in AudienceKind))
    many = group_order(cast.tom, *((kind, cast.classes["maths"]) for kind in AudienceKind))
    create_crowd(cast, Role.PARENT, 40)

    def look(author, schedule):
        return lambda: [
            (reader.person.name, reader.through)
            for reader, _ in who_gets_what(author, schedule, NOW).readers
        ]

    def plan(author, schedule):
        return lambda: run_now(author, schedule, NOW, message_domain=DOMAIN)

    tea, tom, few_id, many_id = cast.tea, cast.tom, few.id, many.id
    assert len(look(tom, many_id)()) == 45
    assert queries_of(look(tom, many_id)) == queries_of(look(tea, few_id)) < 16
    assert queries_of(plan(tom, many_id)) == queries_of(plan(tea, few_id)) < 28


def test_tutor_links_that_have_ended_are_no_part_of_a_class(cast):
    schedule = group_order(cast.tom, ("class_tutors", cast.classes["maths"]))
    with transaction():
        link = db.session.query(TutorLink).filter_by(student_id=cast.ben.id).one()
        link.end_date = (NOW - DAY).date()
    assert people_in(schedule) == "uma"
