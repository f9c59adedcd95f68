"""Lists come in pages."""

import pytest

from tests.api.script import SCHEDULES
from tests.cast import create_order


@pytest.fixture
def five(cast):
    return [create_order(cast.tom, name=f"Report {number}") for number in range(5)]


def test_a_page_tells_how_many_there_are_and_where_the_others_are(five, script):
    tom = script("tom")
    address = f"http://localhost{SCHEDULES}?search=report&page_size=2&ordering=name&page="
    first = tom.get(f"{SCHEDULES}?search=report&page_size=2&ordering=name").json
    assert first["count"] == 5
    assert (first["previous"], first["next"]) == (None, f"{address}2")
    second = tom.get(first["next"].removeprefix("http://localhost")).json
    assert (second["previous"], second["next"]) == (f"{address}1", f"{address}3")
    third = tom.get(second["next"].removeprefix("http://localhost")).json
    assert (third["previous"], third["next"]) == (f"{address}2", None)
    names = [one["name"] for page in (first, second, third) for one in page["results"]]
    assert names == [f"Report {number}" for number in range(5)]


class TestBehindAProxy:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "https://school.example/reports", "TESTING": False}

    def test_the_addresses_are_where_people_reach_the_app(self, five, script):
        page = script("tom").get(f"{SCHEDULES}?page_size=2").json
        assert page["next"].startswith("https://school.example/reports/api/reports/schedules/?")


def test_an_empty_list_has_one_page(script, cast):
    empty = {"count": 0, "next": None, "previous": None, "results": []}
    assert script("tom").get(SCHEDULES).json == empty


@pytest.mark.parametrize("page", ["0", "-1", "4", "9" * 40])
def test_a_page_that_is_not_there_is_not_found(five, script, page):
    answer = script("tom").get(f"{SCHEDULES}?page_size=2&page={page}")
    assert (answer.status_code, list(answer.json)) == (404, ["error"])


@pytest.mark.parametrize("text", ["", "x", "1.0", "１", "1 ", "9" * 2000, "0x1"])
def test_what_is_no_number_is_told_at_its_field(five, script, text):
    for field in ("page", "page_size"):
        answer = script("tom").get(SCHEDULES, query_string={field: text})
        assert (answer.status_code, list(answer.json)) == (400, [field]), answer.text


def test_a_page_holds_a_hundred_at_most(five, script):
    assert len(script("tom").get(f"{SCHEDULES}?page_size=1000").json["results"]) == 5
    assert script("tom").get(f"{SCHEDULES}?page_size=0").status_code == 400
