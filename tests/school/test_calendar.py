"""The school calendar, changed one by one, and what the recurrence rules get of it."""

from datetime import date

import pytest

from reportapp.constants import CalendarKind
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db
from reportapp.models import AcademicSession, CalendarEntry
from reportapp.recurrence import SchoolCalendar, Span
from reportapp.school import calendar as use_cases
from reportapp.school.calendar import (
    add_entry,
    add_term,
    change_entry,
    change_term,
    delete_entry,
    delete_term,
    get_entry,
    get_term,
    load_calendar,
    set_country,
    set_weekdays,
)
from reportapp.school.calendar_list import list_calendar
from tests.cast import NOW

CHRISTMAS = {
    "kind": "holiday",
    "title": "Christmas holidays",
    "first_day": "2026-12-21",
    "last_day": "2027-01-06",
}
TERM = {"title": "First term", "first_day": "2026-08-10", "last_day": "2027-01-29"}


def stored(model=CalendarEntry) -> int:
    db.session.rollback()
    return db.session.query(model).count()


@pytest.fixture
def told(monkeypatch):
    """What has been told of changes: (school, how many entries there were by then, when)."""
    calls = []

    def changed(session, school_id, now):
        calls.append((school_id, session.query(CalendarEntry).count(), now))

    monkeypatch.setattr(use_cases, "calendar_changed", changed)
    return calls


def test_a_school_that_has_said_nothing_has_lessons_from_monday_to_friday(cast):
    assert load_calendar(db.session, cast.school.id) == SchoolCalendar()
    assert load_calendar(db.session, 999) == SchoolCalendar()


def test_holidays_and_closures_are_closed_days_and_exams_are_open_ones(cast):
    add_entry(cast.ada, CHRISTMAS, NOW)
    add_entry(cast.ada, {**CHRISTMAS, "kind": "closure", "title": "Flood"}, NOW)
    exams = {"kind": "exam", "title": "Exams", "first_day": "2026-12-01", "last_day": "2026-12-04"}
    add_entry(cast.ada, exams, NOW)
    add_term(cast.ada, TERM, NOW)
    set_weekdays(cast.ada, [6, 1, 2], NOW)
    days = (date(2026, 12, 21), date(2027, 1, 6))
    assert load_calendar(db.session, cast.school.id) == SchoolCalendar(
        frozenset({1, 2, 6}),
        closed=(Span(*days, "Christmas holidays"), Span(*days, "Flood")),
        exams=(Span(date(2026, 12, 1), date(2026, 12, 4), "Exams"),),
        terms=(Span(date(2026, 8, 10), date(2027, 1, 29), "First term"),),
    )
    assert load_calendar(db.session, cast.olga.school_id) == SchoolCalendar()


def test_school_years_are_the_terms_of_a_school_that_has_none(cast):
    for kind, title in (("schoolYear", "2026/27"), ("gradingPeriod", "Q1")):
        db.session.add(
            AcademicSession(
                school_id=cast.school.id,
                title=title,
                type=kind,
                start_date=date(2026, 8, 1),
                end_date=date(2027, 7, 31),
            )
        )
    db.session.commit()
    assert [t.title for t in load_calendar(db.session, cast.school.id).terms] == ["2026/27"]
    add_term(cast.ada, TERM, NOW)
    assert [t.title for t in load_calendar(db.session, cast.school.id).terms] == ["First term"]


def test_an_entry_can_be_changed_and_deleted(cast):
    entry = add_entry(cast.ada, CHRISTMAS, NOW)
    change_entry(cast.ada, entry.id, {"last_day": "8.1.2027", "kind": "closure"}, NOW)
    assert (entry.title, entry.last_day, entry.kind) == (
        "Christmas holidays",
        date(2027, 1, 8),
        CalendarKind.CLOSURE,
    )
    delete_entry(cast.ada, entry.id, NOW)
    assert stored() == 0


def test_a_term_can_be_changed_and_deleted_unless_classes_belong_to_it(cast):
    term = add_term(cast.ada, TERM, NOW)
    change_term(cast.ada, term.id, {"title": "Autumn term"}, NOW)
    assert (term.title, term.start_date) == ("Autumn term", date(2026, 8, 10))
    cast.classes["maths"].academic_session_id = term.id
    db.session.commit()
    with pytest.raises(Conflict, match="1 class belongs to “Autumn term”"):
        delete_term(cast.ada, term.id, NOW)
    cast.classes["maths"].academic_session_id = None
    db.session.commit()
    delete_term(cast.ada, term.id, NOW)
    assert stored(AcademicSession) == 0


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({}, ["kind", "title", "first_day", "last_day"]),
        ({**CHRISTMAS, "kind": "party"}, ["kind"]),
        ({**CHRISTMAS, "title": " "}, ["title"]),
        ({**CHRISTMAS, "title": "x" * 10_000}, ["title"]),
        ({**CHRISTMAS, "title": "a\0b"}, ["title"]),
        ({**CHRISTMAS, "title": 7}, ["title"]),
        ({**CHRISTMAS, "first_day": "2026-02-30"}, ["first_day"]),
        (
            {**CHRISTMAS, "first_day": "1999-12-31", "last_day": "2101-01-01"},
            ["first_day", "last_day"],
        ),
        ({**CHRISTMAS, "last_day": "2026-12-20"}, ["last_day"]),
        ({**CHRISTMAS, "last_day": "2027-12-22"}, ["last_day"]),
        ({**CHRISTMAS, "last_day": "٢٠٢٧-٠١-٠٦"}, ["last_day"]),
        ({**CHRISTMAS, "last_day": "06.01/2027"}, ["last_day"]),
        ({**CHRISTMAS, "last_day": "9" * 10_000}, ["last_day"]),
    ],
)
def test_what_cannot_be_an_entry_is_refused_field_by_field(cast, told, wrong, fields):
    with pytest.raises(InvalidInput) as caught:
        add_entry(cast.ada, wrong, NOW)
    assert sorted(caught.value.fields) == sorted(fields)
    assert stored() == 0
    assert told == []


@pytest.mark.parametrize("text", ["2026-12-21", "21.12.2026", "21/12/2026", " 2026-12-21 "])
def test_days_can_be_written_in_three_ways(cast, text):
    assert add_entry(cast.ada, {**CHRISTMAS, "first_day": text}, NOW).first_day == date(
        2026, 12, 21
    )


def test_a_span_of_366_days_is_the_longest(cast):
    add_entry(cast.ada, {**CHRISTMAS, "first_day": "2028-01-01", "last_day": "2028-12-31"}, NOW)
    with pytest.raises(InvalidInput):
        add_entry(cast.ada, {**CHRISTMAS, "first_day": "2028-01-01", "last_day": "2029-01-01"}, NOW)


def test_a_form_that_is_sent_twice_enters_nothing_twice(cast):
    add_entry(cast.ada, CHRISTMAS, NOW)
    add_term(cast.ada, TERM, NOW)
    for again, data in ((add_entry, CHRISTMAS), (add_term, TERM)):
        with pytest.raises(InvalidInput, match="already in the calendar"):
            again(cast.ada, data, NOW)
    assert (stored(), stored(AcademicSession)) == (1, 1)


@pytest.mark.parametrize("days", [[], [0], [8], [1, 99]])
def test_impossible_weekdays_are_refused(cast, days):
    with pytest.raises(InvalidInput) as caught:
        set_weekdays(cast.ada, days, NOW)
    assert list(caught.value.fields) == ["weekdays"]
    assert cast.school.weekdays == "12345"


@pytest.mark.parametrize(
    "country", ["XX", "de", "DE-XX", "DE-", "DE-BE-BE", "-", "\0", "D" * 10_000]
)
def test_a_country_must_be_known(cast, country):
    if country == "DE-":
        set_country(cast.ada, country, NOW)
        assert cast.school.country == "DE"
        return
    with pytest.raises(InvalidInput) as caught:
        set_country(cast.ada, country, NOW)
    assert list(caught.value.fields) == ["country"]


def test_a_country_can_be_set_and_taken_back(cast):
    set_country(cast.ada, "DE-BE", NOW)
    assert cast.school.country == "DE-BE"
    set_country(cast.ada, None, NOW)
    assert cast.school.country is None


@pytest.mark.parametrize("name", ["tom", "uma", "pia", "ana"])
def test_only_admins_may_change_the_calendar(cast, told, name):
    entry, term = add_entry(cast.ada, CHRISTMAS, NOW), add_term(cast.ada, TERM, NOW)
    told.clear()
    actor = cast.people[name]
    for attempt in (
        lambda: add_entry(actor, CHRISTMAS, NOW),
        lambda: add_term(actor, TERM, NOW),
        lambda: change_entry(actor, entry.id, {}, NOW),
        lambda: change_term(actor, term.id, {}, NOW),
        lambda: delete_entry(actor, entry.id, NOW),
        lambda: delete_term(actor, term.id, NOW),
        lambda: set_weekdays(actor, [1], NOW),
        lambda: set_country(actor, "DE", NOW),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert told == []


def test_another_schools_calendar_does_not_exist(cast):
    entry, term = add_entry(cast.ada, CHRISTMAS, NOW), add_term(cast.ada, TERM, NOW)
    for get, id_ in ((get_entry, entry.id), (get_term, term.id), (get_entry, 999), (get_term, 999)):
        with pytest.raises(NotFound):
            get(cast.olga, id_)
    with pytest.raises(NotFound):
        delete_entry(cast.olga, entry.id, NOW)
    assert stored() == 1
    assert list_calendar(cast.olga, NOW).years == []


def test_every_change_is_told_once_in_its_own_transaction(cast, told):
    entry = add_entry(cast.ada, CHRISTMAS, NOW)
    change_entry(cast.ada, entry.id, {"title": "Winter holidays"}, NOW)
    term = add_term(cast.ada, TERM, NOW)
    change_term(cast.ada, term.id, {"title": "T1"}, NOW)
    delete_term(cast.ada, term.id, NOW)
    set_weekdays(cast.ada, [1, 2, 3], NOW)
    set_country(cast.ada, "DE", NOW)
    delete_entry(cast.ada, entry.id, NOW)
    school = cast.school.id
    assert told == [(school, 1, NOW)] * 7 + [(school, 0, NOW)]


def test_a_change_is_undone_when_what_depends_on_it_fails(cast, monkeypatch):
    def fails(session, school_id, now):
        raise RuntimeError("planning failed")

    monkeypatch.setattr(use_cases, "calendar_changed", fails)
    with pytest.raises(RuntimeError):
        add_entry(cast.ada, CHRISTMAS, NOW)
    assert stored() == 0


def test_a_calendar_has_a_largest_size(cast, monkeypatch):
    monkeypatch.setattr(use_cases, "MOST_ENTRIES", 2)
    add_entry(cast.ada, CHRISTMAS, NOW)
    add_term(cast.ada, TERM, NOW)
    with pytest.raises(InvalidInput, match="at most 2 entries"):
        add_entry(cast.ada, {**CHRISTMAS, "title": "More"}, NOW)


def test_the_list_goes_by_school_years_and_knows_what_is_over(cast):
    for title, first, last in (
        ("Next year", "2027-08-01", "2027-08-10"),
        ("Summer", "2026-07-20", "2026-08-12"),
        ("Autumn", "2026-10-12", "2026-10-23"),
        ("Today", "2026-11-23", "2026-11-23"),
        ("Yesterday", "2026-11-22", "2026-11-22"),
    ):
        add_entry(
            cast.ada,
            {"kind": "holiday", "title": title, "first_day": first, "last_day": last},
            NOW,
        )
    add_term(cast.ada, TERM, NOW)
    listed = [
        (year.title, [line.title for line in year.past], [line.title for line in year.coming])
        for year in list_calendar(cast.tom, NOW).years
    ]
    assert listed == [
        ("School year 2025/2026", ["Summer"], []),
        ("School year 2026/2027", ["Autumn", "Yesterday"], ["First term", "Today"]),
        ("School year 2027/2028", [], ["Next year"]),
    ]
    with pytest.raises(Forbidden):
        list_calendar(cast.pia, NOW)
