"""Every author x every person x every report type on the pages: who is said to get what about
whom, found by whom, and shown in whose preview, is what plain SQL says."""

import re

import pytest
from bs4 import BeautifulSoup

from reportapp import clock
from reportapp.extensions import db
from reportapp.models import ReportSchedule
from tests.reports.matrix_school import DAY, DUE, put_on, students
from tests.reports.oracle import AUTHORS, allowed_pairs
from tests.reports.test_scope_matrix import place_order, school, template  # noqa: F401
from tests.web.visitor import Visitor

AUTHORS_BY_ROLE = {"admin": ("ada",), "teacher": ("tom", "tea", "tim"), "tutor": ("uma", "uwe")}
ORDERS = [
    (kind, name)
    for kind in sorted(AUTHORS)
    for role in sorted(AUTHORS[kind])
    for name in AUTHORS_BY_ROLE[role]
]


#: Opening many pages takes its time: one author of each role.
FEW_ORDERS = [(kind, name) for kind, name in ORDERS if name in ("ada", "tom", "uma")]


@pytest.fixture
def settings():
    return {"BASE_URL": "http://localhost"}


@pytest.fixture
def pages(app, school, monkeypatch):  # noqa: F811
    """Opens an author's pages at the time of the order."""
    monkeypatch.setattr(clock, "now", clock.fixed(DUE))

    def open_as(person):
        return Visitor(app).log_in(person)

    return open_as


def allowed(kind, author, person) -> set[int]:
    pairs = allowed_pairs(db.session, kind, author.id, person.id, DAY)
    return {student for student, _ in pairs}


def told(row) -> tuple[set[str], int]:
    """The names, or else the number, of the students whom a row says a report to be on."""
    text = " ".join(row.get_text(" ").split())
    found = re.search(r"Report on (?:(\d+) students|(.*))", text)
    if found is None:
        return set(), 0
    if found[1]:
        return set(), int(found[1])
    names = {part.text for part in row.find_all("bdi")}
    return names, len(names)


@pytest.mark.parametrize(("kind", "name"), ORDERS)
def test_a_schedules_page_says_who_would_get_what_about_whom(school, pages, kind, name):  # noqa: F811
    author = school.people[name]
    schedule = place_order(author, kind, "csv")
    schedule_id = schedule.id
    put_on(schedule, *school.people.values())
    by_name = {student.name: student.id for student in students()}
    expected = {p.name: allowed(kind, author, p) for p in school.people.values()}
    page = BeautifulSoup(pages(author).get(f"/schedules/{schedule_id}").text, "html.parser")
    rows = {
        row.th.bdi.text: told(row.find_all("td")[0]) for row in page.select("table.people tbody tr")
    }
    assert rows.keys() == expected.keys()
    inactive = {p.name for p in school.people.values() if not p.is_active}
    for person, (names, number) in rows.items():
        if person not in inactive:
            assert number == len(expected[person]), person
        assert {by_name[one] for one in names} <= expected[person], person


@pytest.mark.parametrize(("kind", "name"), FEW_ORDERS)
def test_a_search_finds_and_tells_nobodys_child_but_those_in_sight(school, pages, kind, name):  # noqa: F811
    author = school.people[name]
    schedule_id = place_order(author, kind, "csv").id
    everybody = {p.name: p for p in school.people.values()}
    own = allowed(kind, author, author) | {
        student
        for reader in school.people.values()
        for student in allowed("student_report", author, reader)
    }
    by_name = {student.name: student.id for student in students()}
    visitor = pages(author)
    for student in students():
        page = visitor.get(f"/schedules/{schedule_id}", query_string={"q": student.given_name}).text
        for row in BeautifulSoup(page, "html.parser").select("li.person-row"):
            person = everybody[row.select_one(".person-row-name bdi").text]
            names, number = told(row.select(".person-row-name > .small")[-1])
            in_sight = allowed(kind, author, person)
            assert number == len(in_sight), person.name
            assert {by_name[one] for one in names} <= in_sight, person.name
            if student.given_name.lower() not in f"{person.name} {person.email}".lower():
                # Found as somebody's parent.
                assert student.id in own, (person.name, student.name)


@pytest.mark.parametrize(("kind", "name"), FEW_ORDERS)
def test_a_preview_page_names_nobody_but_whom_both_may_see(school, pages, kind, name):  # noqa: F811
    author = school.people[name]
    schedule_id = place_order(author, kind, "csv").id
    put_on(db.session.get(ReportSchedule, schedule_id), *school.people.values())
    visitor = pages(author)
    for person in list(school.people.values()):
        path = f"/schedules/{schedule_id}/preview"
        page = visitor.get(path, query_string={"recipient": person.id})
        soup = BeautifulSoup(page.text, "html.parser")
        shown = " ".join(part.get_text(" ") for part in soup.select("article.report"))
        in_sight = allowed(kind, author, person)
        if not in_sight:
            assert not shown, person.name
            continue
        file = visitor.get(f"{path}.csv", query_string={"recipient": person.id})
        assert (file.status_code == 200) == bool(shown)
        for student in students():
            if student.id not in in_sight:
                assert student.name not in shown, (person.name, student.name)
                assert not shown or student.name not in file.text, (person.name, student.name)


def test_somebody_elses_pages_are_not_there(school, pages):  # noqa: F811
    schedule_id = place_order(school.tom, "class_analytics", "csv").id
    for name in ("tea", "uma", "olga"):
        visitor = pages(school.people[name])
        for path in ("", "/preview", "/preview.csv", "/edit"):
            assert visitor.get(f"/schedules/{schedule_id}{path}").status_code == 404, name
