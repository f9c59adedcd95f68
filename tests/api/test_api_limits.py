"""How often anybody may ask."""

import pytest

from reportapp.accounts.tokens import create_token
from reportapp.extensions import limiter
from tests.api.script import BODY, SCHEDULES, Script
from tests.cast import NOW

ME = "/api/me/"


@pytest.fixture
def settings():
    return {
        "BASE_URL": "http://localhost",
        "TESTING": False,
        "RATELIMIT_ENABLED": True,
        "API_REQUESTS_PER_MINUTE": 5,
        "TRUSTED_PROXIES": "1",
    }


@pytest.fixture(autouse=True)
def _reset(app):
    limiter.reset()
    yield
    limiter.reset()


def statuses(ask, number, path=ME, **options):
    return [ask.get(path, **options).status_code for _ in range(number)]


def test_who_asks_too_often_is_told_how_long_to_wait(cast, script):
    tom = script("tom")
    assert statuses(tom, 6) == [200] * 5 + [429]
    answer = tom.get(ME)
    assert answer.content_type == "application/json"
    assert list(answer.json) == ["error"]
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-Request-ID"]


def test_answers_say_how_much_is_left_and_only_a_refusal_tells_to_wait(cast, script):
    answer = script("tom").get(ME)
    assert answer.headers["X-RateLimit-Limit"] == "5"
    assert answer.headers["X-RateLimit-Remaining"] == "4"
    assert "Retry-After" not in answer.headers


def test_all_paths_and_all_tokens_of_a_person_count_together_and_others_do_not(app, cast, script):
    tom = script("tom")
    second = Script(app, create_token(cast.tom, "second", NOW))
    paths = (ME, "/api/reports/recipients/", "/api/reports/student-reports/")
    assert [tom.get(path).status_code for path in paths] == [200] * 3
    assert statuses(second, 3) == [200, 200, 429]
    assert statuses(script("tea"), 1) == [200]


@pytest.mark.parametrize("tokens", [[None] * 9, [f"{number:043}" for number in range(9)]])
def test_without_a_valid_token_an_address_is_counted(app, cast, script, tokens):
    def ask(token, address):
        headers = {"X-Forwarded-For": address}
        return Script(app, token).get(ME, headers=headers).status_code

    assert [ask(token, "192.0.2.1") for token in tokens] == [401] * 5 + [429] * 4
    assert ask(None, "192.0.2.2") == 401
    # Those with a token go on, from wherever.
    assert script("tom").get(ME, headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_the_pages_have_no_part_in_it(app, cast, script):
    tom = script("tom")
    statuses(tom, 6)
    assert tom.get("/login").status_code == 200


class TestMails:
    @pytest.fixture
    def settings(self):
        return {"TESTING": False, "RATELIMIT_ENABLED": True}

    def test_what_sends_mail_by_hand_is_limited_per_person(self, cast, script):
        tom = script("tom")
        path = f"{SCHEDULES}{tom.post(SCHEDULES, BODY).json['id']}/"
        for _ in range(10):
            assert tom.post(f"{path}test_email/", {"recipient_email": "x@y.example"}).json
            assert tom.post(f"{path}run/").json
        for action, body in (("test_email/", {"recipient_email": cast.tom.email}), ("run/", None)):
            answer = tom.post(path + action, body)
            assert answer.status_code == 429
            assert 60 < int(answer.headers["Retry-After"]) <= 600
        assert tom.get(path).status_code == 200


class TestWithoutALimit:
    @pytest.fixture
    def settings(self):
        return {"TESTING": False, "RATELIMIT_ENABLED": True, "API_REQUESTS_PER_MINUTE": 0}

    def test_nobody_waits(self, cast, script):
        assert statuses(script("tom"), 30) == [200] * 30
