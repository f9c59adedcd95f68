"""Which classes somebody may use, and whom of them they may see."""

from datetime import timedelta

import pytest

from reportapp.constants import EnrollmentRole, Role
from reportapp.extensions import transaction
from tests.cast import NOW, create_person, enroll

CLASSES = "/api/reports/classes/"


def titles(answer):
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json["results"]]


def students(answer):
    assert answer.status_code == 200, answer.text
    return " ".join(one["name"].split()[0] for one in answer.json["results"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ada", {"7a English": "Ana Ben", "7a Mathematics": "Ana Ben", "8b Biology": "Cem"}),
        ("tom", {"7a Mathematics": "Ana Ben"}),
        ("tea", {"7a English": "Ana Ben", "8b Biology": "Cem"}),
        # Tutors see of a class those in their care.
        ("uma", {"7a English": "Ana", "7a Mathematics": "Ana", "8b Biology": "Cem"}),
        ("uwe", {"7a English": "Ben", "7a Mathematics": "Ben"}),
        ("olga", {"5x Art": "Oskar"}),
        ("otto", {"5x Art": "Oskar"}),
    ],
)
def test_authors_find_their_classes_and_whom_they_may_see_there(cast, script, name, expected):
    ask = script(name)
    listed = ask.get(CLASSES).json["results"]
    assert [one["title"] for one in listed] == sorted(expected)
    for one in listed:
        assert students(ask.get(f"{CLASSES}{one['id']}/students/")) == expected[one["title"]]
    hidden = {group.id for group in cast.classes.values()} - {one["id"] for one in listed}
    for class_id in (*hidden, 999):
        answer = ask.get(f"{CLASSES}{class_id}/students/")
        assert (answer.status_code, answer.json) == (404, {"error": "There is no such class."})


@pytest.mark.parametrize("name", ["pia", "pol", "ana", "ole"])
def test_families_have_no_classes(cast, script, name):
    ask = script(name)
    assert ask.get(CLASSES).status_code == 403
    for group in cast.classes.values():
        assert ask.get(f"{CLASSES}{group.id}/students/").status_code == 403


def test_a_class_and_a_student_are_told_as_scripts_need_them(cast, script):
    tom, maths = script("tom"), cast.classes["maths"]
    (found,) = tom.get(CLASSES).json["results"]
    assert found == {
        "id": maths.id,
        "title": "7a Mathematics",
        "course": "Mathematics",
        "subject": "Mathematics",
    }
    rows = tom.get(f"{CLASSES}{maths.id}/students/").json["results"]
    assert rows[0] == {"id": cast.ana.id, "name": "Ana Example"}
    body = {"student": cast.ana.id, "class_group": maths.id, "week_start": "2026-11-09"}
    path = "/api/reports/teacher-weekly-reports/"
    assert tom.post(path, {**body, "notes": "x"}).status_code == 201


def test_classes_are_found_by_their_titles_and_come_in_pages(script):
    ada = script("ada")
    assert titles(ada.get(f"{CLASSES}?search=7A%20math")) == ["7a Mathematics"]
    assert titles(ada.get(f"{CLASSES}?search=%25")) == []
    pages = [ada.get(f"{CLASSES}?page_size=2&page={page}") for page in (1, 2, 3)]
    assert [titles(page) for page in pages[:2]] == [
        ["7a English", "7a Mathematics"],
        ["8b Biology"],
    ]
    assert (pages[0].json["count"], pages[2].status_code) == (3, 404)
    group = ada.get(CLASSES).json["results"][0]["id"]
    second = ada.get(f"{CLASSES}{group}/students/?page_size=1&page=2")
    assert (second.json["count"], students(second)) == (2, "Ben")


def test_who_has_left_or_is_switched_off_is_not_in_a_class(cast, script):
    maths = cast.classes["maths"]
    with transaction():
        gone = create_person(cast.school, Role.STUDENT, "Gus")
        enroll(maths, gone, EnrollmentRole.STUDENT, end_date=NOW.date() - timedelta(days=1))
        off = create_person(cast.school, Role.STUDENT, "Ole", is_active=False)
        enroll(maths, off, EnrollmentRole.STUDENT)
    assert students(script("tom").get(f"{CLASSES}{maths.id}/students/")) == "Ana Ben"
