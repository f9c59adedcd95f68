"""Who reads which written report: on every page what plain SQL says, and nothing else.

SOAK_EXAMPLES opens every page of the matrix school as everybody, else a quarter of the pages where
nothing should be found.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from reportapp.constants import FAMILY_ROLES, AuthoredStatus, EnrollmentRole, ReportType, Role
from reportapp.errors import Forbidden, NotFound
from reportapp.extensions import db
from reportapp.models import Enrollment, GuardianLink, ReportReading, User
from reportapp.written.find import readable_by
from reportapp.written.kinds import WRITTEN
from reportapp.written.lists import Filter, list_own, list_readable, unread_by_student
from reportapp.written.reading import acknowledge, open_report
from tests.cast import NOW, create_cast, create_guardian_link, create_student_report
from tests.reports.conftest import memory_session
from tests.reports.matrix_school import DAY, DUE, create_matrix_school, find_matrix_school
from tests.reports.oracle import school_date
from tests.reports.test_random_school import TODAY, schools, write
from tests.written.oracle import readable_ids

#: Of the matrix school's pages where nothing should be found, each so-manyth is opened.
EVERY = 1 if os.environ.get("SOAK_EXAMPLES") else 4


def everybody():
    return list(db.session.scalars(select(User).order_by(User.id)))


def all_reports(kind):
    return list(db.session.scalars(select(WRITTEN[kind].model).order_by(WRITTEN[kind].model.id)))


def listed_ids(person, now):
    """What the list shows, all pages together, by kind."""
    found, page = [], 1
    while True:
        rows, total = list_readable(person, Filter(), now, page=page, page_size=50)
        found += rows
        page += 1
        if not rows:
            break
    assert len(found) == total
    return {kind: {row.report.id for row in found if row.kind is kind} for kind in WRITTEN}


def opens(person, kind, report, now):
    """Which report this person gets by this one's address; None: there is nothing for them."""
    try:
        return open_report(person, kind, report.id, now, mark=False).report
    except (NotFound, Forbidden):
        return None


def check_person(person, now, day, every=1):
    """Lists, pages and tabs of one person against plain SQL; how many reports they may read;
    of those they may not, each `every`th is tried."""
    expected = {kind: readable_ids(db.session, str(kind), person.id, day) for kind in WRITTEN}
    if person.is_active:
        assert listed_ids(person, now) == expected, (person.role, person.given_name)
        tabs = unread_by_student(person, now)
        assert sum(number for _, number, _ in tabs.values()) == sum(map(len, expected.values()))
    for kind in WRITTEN:
        for report in all_reports(kind):
            if report.id not in expected[kind] and (report.id + person.id) % every:
                continue
            found = opens(person, kind, report, now)
            assert (found is not None and found.id == report.id) is (
                report.id in expected[kind] and person.is_active
            ), (kind, person.given_name, report.id)
            assert found is None or found.id in expected[kind]
    return sum(map(len, expected.values()))


def test_everybody_in_the_cast_reads_what_plain_sql_says(cast):
    numbers = {person.given_name: check_person(person, NOW, NOW.date()) for person in everybody()}
    assert numbers == {
        "Ada": 9, "Tom": 0, "Tea": 0, "Uma": 5, "Uwe": 1, "Ana": 1, "Ben": 1, "Cem": 1,
        "Pia": 2, "Pol": 3, "Nil": 0, "Olga": 0, "Otto": 0, "Oskar": 0, "Ole": 0,
    }  # fmt: skip


def test_everybody_in_the_matrix_school_reads_what_plain_sql_says(app):
    create_matrix_school()
    cast = find_matrix_school()
    # Beyond what the school has: forbidden contact, and what the school's system knows no more.
    db.session.execute(
        update(GuardianLink).where(GuardianLink.guardian_id == cast.pia.id).values(no_contact=True)
    )
    create_guardian_link(cast.nil, cast.cem, is_active=False)
    place = Enrollment.class_group_id == cast.classes["english"].id
    ben = place & (Enrollment.user_id == cast.ben.id) & (Enrollment.role == EnrollmentRole.STUDENT)
    db.session.execute(update(Enrollment).where(ben).values(is_active=False))
    db.session.commit()
    numbers = {person.given_name: check_person(person, DUE, DAY, EVERY) for person in everybody()}
    assert numbers["Pia"] == numbers["Nil"] == numbers["Pip"] == numbers["Pax"] == 0
    for name in ("Ada", "Tea", "Uma", "Uwe", "Ana", "Hal", "Pol", "Per", "Olga"):
        assert numbers[name] > 0, name


@st.composite
def schools_with_reports(draw):
    """Any school, with reports by anybody on anybody, and links that are forbidden or gone."""
    plan = draw(schools())
    flags = st.integers(0, 3).map(lambda n: n == 3)
    for row in plan.guardians:
        row |= {"no_contact": draw(flags), "is_active": not draw(flags)}
    for row in plan.enrollments:
        row["is_active"] = not draw(flags)
    students = [p["id"] for p in plan.people if p["role"] is Role.STUDENT]
    anybody = [p["id"] for p in plan.people]
    keys = st.tuples(
        st.sampled_from([p["id"] for p in plan.people if p["role"] in (Role.TEACHER, Role.TUTOR)]),
        st.one_of(*[st.sampled_from(students)] * 3, st.sampled_from(anybody)),
        st.sampled_from([group["id"] for group in plan.classes]),
    )
    status = st.sampled_from([AuthoredStatus.SENT, AuthoredStatus.READ, *AuthoredStatus])
    reports = {
        kind: [
            (key, draw(status), draw(st.booleans()))
            for key in draw(
                st.lists(
                    keys,
                    max_size=12,
                    unique_by=lambda key, k=kind: key[:2] if "tutor" in k else key,
                )
            )
        ]
        for kind in WRITTEN
    }
    return plan, reports


def write_reports(session, reports):
    for kind, rows in reports.items():
        days = {"week_start": TODAY - timedelta(days=TODAY.weekday())}
        if kind is ReportType.STUDENT_REPORT:
            days = {"period_start": TODAY - timedelta(days=9), "period_end": TODAY}
        for (author, student, group), status, shown in rows:
            place = {} if kind is ReportType.TUTOR_WEEKLY_REPORT else {"class_group_id": group}
            session.execute(
                insert(WRITTEN[kind].model).values(
                    author_id=author, student_id=student, status=status, show_to_parent=shown,
                    created_at=NOW, updated_at=NOW, **place, **days,
                )
            )  # fmt: skip
    session.commit()


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(schools_with_reports())
def test_in_any_school_everybody_reads_what_plain_sql_says(made):
    plan, reports = made
    with memory_session() as session:
        write(session, plan)
        write_reports(session, reports)
        for person in session.scalars(select(User).order_by(User.id)).all():
            day = school_date(session, person.id, plan.now)
            for kind in WRITTEN:
                model = WRITTEN[kind].model
                found = set(session.scalars(select(model.id).where(readable_by(kind, person, day))))
                expected = readable_ids(session, str(kind), person.id, day)
                assert found == expected, (kind, person.role, person.id)


class TestHostile:
    def test_what_one_may_not_read_one_can_neither_mark_nor_acknowledge(self, cast):
        for kind in WRITTEN:
            for report in all_reports(kind):
                for person in (cast.nil, cast.ole, cast.olga, cast.oskar, cast.otto):
                    with pytest.raises(NotFound):
                        open_report(person, kind, report.id, NOW)
                    with pytest.raises((NotFound, Forbidden)):
                        acknowledge(person, kind, report.id, NOW)
        assert db.session.scalar(select(ReportReading.id)) is None

    def test_a_filter_never_shows_more(self, cast):
        for wanted in (
            Filter(student_id=cast.ben.id),
            Filter(class_id=cast.classes["biology"].id),
            Filter(name="ben"),
            Filter(name="%"),
            Filter(kind=ReportType.TEACHER_WEEKLY_REPORT),
        ):
            assert list_readable(cast.pia, wanted, NOW) == ([], 0)

    def test_families_have_no_list_of_their_own(self, cast):
        for person in (cast.pia, cast.ana, cast.ada):
            with pytest.raises(Forbidden):
                list_own(person, Filter(), NOW)

    def test_a_deactivated_person_reads_nothing(self, cast):
        cast.pia.is_active = False
        db.session.commit()
        with pytest.raises(Forbidden):
            list_readable(cast.pia, Filter(), NOW)

    def test_a_report_on_a_child_who_was_moved_to_another_class_is_gone_for_families(self, cast):
        assert list_readable(cast.pia, Filter(kind=ReportType.STUDENT_REPORT), NOW)[1] == 1
        place = db.session.scalar(
            select(Enrollment).filter_by(
                user_id=cast.ana.id, class_group_id=cast.classes["maths"].id
            )
        )
        place.end_date = NOW.date() - timedelta(days=1)
        db.session.commit()
        assert list_readable(cast.pia, Filter(kind=ReportType.STUDENT_REPORT), NOW)[1] == 0


def test_family_roles_are_the_ones_that_need_the_tick(app):
    cast = create_cast()
    hidden = create_student_report(
        cast.tom,
        cast.ana,
        cast.classes["maths"],
        show_to_parent=False,
        period_end=NOW.date() - timedelta(days=1),
    )
    db.session.commit()
    for person in (cast.pia, cast.pol, cast.ana):
        assert person.role in FAMILY_ROLES
        assert opens(person, ReportType.STUDENT_REPORT, hidden, NOW) is None
    assert opens(cast.uma, ReportType.STUDENT_REPORT, hidden, NOW) is hidden
