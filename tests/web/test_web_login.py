"""Logging in and out."""

import pytest

from reportapp.extensions import limiter
from tests.cast import PASSWORD
from tests.web.visitor import Visitor, path_of


@pytest.mark.parametrize(
    ("name", "home"), [("tom", "/schedules/"), ("ada", "/schedules/"), ("pia", "/reports/")]
)
def test_the_start_page_is_what_somebody_comes_for(logged_in, name, home):
    assert path_of(logged_in(name).get("/")) == home


def test_the_address_may_be_typed_in_any_case(cast, visitor):
    answer = visitor.post("/login", {"email": " TOM@Teacher.example ", "password": PASSWORD})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"email": "tom@teacher.example"},
        {"email": "tom@teacher.example", "password": "wrong"},
        {"email": "nobody@nowhere.example", "password": PASSWORD},
        {"email": "x" * 10_000, "password": "y" * 10_000},
    ],
)
def test_a_wrong_log_in_says_the_same_whatever_was_wrong(cast, visitor, fields):
    answer = visitor.post("/login", fields)
    assert answer.status_code == 422
    assert "The e-mail address or the password is not right." in answer.text
    assert visitor.get("/schedules/").status_code == 302


def test_the_page_that_was_asked_for_is_shown_after_the_log_in(cast, visitor):
    asked = visitor.get("/schedules/?everybody=1")
    answer = visitor.post(asked.location, {"email": cast.tom.email, "password": PASSWORD})
    assert answer.location == "/schedules/?everybody=1"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "http:/evil.example",
        "///evil.example",
        "//[evil",
    ],
)
def test_a_log_in_never_leads_to_another_site(cast, app, target):
    visitor = Visitor(app)
    fields = {"email": cast.tom.email, "password": PASSWORD}
    token = visitor.token()
    answer = visitor.open(
        "POST", "/login", query_string={"next": target}, data={**fields, "csrf_token": token}
    )
    assert answer.location == "/"


def test_logging_out_ends_the_session_and_forgets_the_device(app, cast):
    visitor = Visitor(app).log_in(cast.tom, remember="y")
    assert visitor.client.get_cookie("remember_token") is not None
    visitor.post("/logout")
    assert visitor.client.get_cookie("remember_token") is None
    assert visitor.get("/schedules/").status_code == 302
    assert visitor.get("/logout").status_code == 405


def test_a_remembered_device_stays_logged_in(app, cast):
    visitor = Visitor(app).log_in(cast.tom, remember="y")
    visitor.client.delete_cookie("session")
    assert visitor.get("/schedules/").status_code == 200


class TestWithALimit:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "http://localhost", "RATELIMIT_ENABLED": True}

    @pytest.fixture(autouse=True)
    def _reset(self, app):
        limiter.reset()
        yield
        limiter.reset()

    def test_ten_wrong_log_ins_in_a_minute_are_enough(self, cast, visitor):
        wrong = {"email": cast.tom.email, "password": "wrong"}
        statuses = [visitor.post("/login", wrong).status_code for _ in range(11)]
        assert statuses == [422] * 10 + [429]
        assert "Retry-After" not in visitor.get("/login").headers
        answer = visitor.post("/login", {"email": cast.tom.email, "password": PASSWORD})
        assert answer.status_code == 429
        assert "wait 1 minute" in answer.text
        assert "Retry-After" in answer.headers

    def test_a_whole_staff_room_may_log_in_at_once(self, app, cast):
        for _ in range(12):
            Visitor(app).log_in(cast.tom)
