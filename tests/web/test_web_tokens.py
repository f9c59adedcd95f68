"""The page of one's own API tokens."""

import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup

from reportapp.accounts.tokens import MOST_TOKENS, authenticate, create_token, list_tokens
from reportapp.extensions import db, transaction
from reportapp.models import ApiToken
from tests.cast import NOW
from tests.web.visitor import Visitor, words_of

PAGE = "/account/tokens/"


def shown_token(answer) -> str:
    return BeautifulSoup(answer.text, "html.parser").find(id="token")["value"]


def names(person):
    db.session.rollback()
    return [row.name for row in list_tokens(person)]


@pytest.mark.parametrize("name", ["ada", "tom", "uma", "pia", "ana"])
def test_everybody_makes_tokens_that_are_theirs(cast, logged_in, name):
    visitor = logged_in(name)
    assert "most people need none" in visitor.get(PAGE).text
    answer = visitor.post(PAGE, {"name": "timetable", "expires_at": ""})
    assert answer.status_code == 201
    assert authenticate(shown_token(answer), NOW) == cast.people[name]
    db.session.rollback()


def test_a_token_is_shown_once_and_kept_in_no_address_no_cookie_and_no_cache(cast, logged_in):
    visitor = logged_in("tom")
    answer = visitor.post(PAGE, {"name": "timetable"})
    token = shown_token(answer)
    assert answer.location is None
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = visitor.client.get_cookie("session")
    serializer = visitor.client.application.session_interface.get_signing_serializer
    kept = serializer(visitor.client.application).loads(cookie.value)
    assert token not in str(kept)
    for path in (PAGE, "/account/", "/"):
        assert token not in visitor.get(path, follow_redirects=True).text


def test_the_list_says_when_each_was_made_and_used_and_until_when_it_works(cast, logged_in):
    used = create_token(cast.tom, "timetable", NOW)
    authenticate(used, NOW + timedelta(hours=3))
    visitor = logged_in("tom")
    visitor.post(PAGE, {"name": "marks", "expires_at": "2026-12-24"})
    with transaction():
        create_token(cast.tom, "old", NOW - timedelta(days=9), NOW - timedelta(days=2))
    words = words_of(visitor.get(PAGE).text)
    assert re.search(r"marks Made on Mon 23 Nov 2026, 08:30 · not used yet", words)
    assert "Works up to and including Thu 24 Dec 2026" in words
    assert re.search(r"old Expired .* Its last day was Sat 21 Nov 2026 Remove", words)
    assert "timetable Made on Mon 23 Nov 2026, 08:30 · last used on Mon 23 Nov 2026, 11:30" in words
    assert "Works until you revoke it" in words
    assert "most people need none" not in words


def test_a_token_is_revoked_only_after_a_look(cast, logged_in):
    token = create_token(cast.tom, "timetable", NOW)
    (row,) = list_tokens(cast.tom)
    visitor = logged_in("tom")
    path = f"{PAGE}{row.id}/revoke"
    assert "cannot be undone" in visitor.get(path).text
    assert names(cast.tom) == ["timetable"]
    answer = visitor.post(path, follow_redirects=True)
    assert "no access any more" in answer.text
    assert names(cast.tom) == []
    assert authenticate(token, NOW) is None
    assert visitor.post(path).status_code == 404


def test_somebody_elses_token_is_neither_seen_nor_revoked(cast, logged_in):
    create_token(cast.tom, "marks of 7a", NOW)
    (row,) = list_tokens(cast.tom)
    for name in ("ada", "tea", "pia", "olga"):
        visitor = logged_in(name)
        assert "marks of 7a" not in visitor.get(PAGE).text
        for answer in (
            visitor.get(f"{PAGE}{row.id}/revoke"),
            visitor.post(f"{PAGE}{row.id}/revoke"),
        ):
            assert answer.status_code == 404
    assert names(cast.tom) == ["marks of 7a"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": " "}, "at most 100 visible characters"),
        ({"name": "x" * 101}, "at most 100 visible characters"),
        ({"name": "x", "expires_at": "2026-11-22"}, "Choose a day from today on"),
        ({"name": "x", "expires_at": "soon"}, "Write a date such as"),
        ({"name": "x", "expires_at": "2026-02-30"}, "There is no such day"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(cast, logged_in, fields, message):
    answer = logged_in("tom").post(PAGE, fields)
    assert answer.status_code == 422
    field = "expires_at" if "expires_at" in fields else "name"
    told = BeautifulSoup(answer.text, "html.parser").find(attrs={"data-error-of": field})
    assert message in told.text
    assert names(cast.tom) == []


def test_who_has_too_many_is_told_what_to_do(cast, logged_in):
    with transaction() as session:
        for number in range(MOST_TOKENS):
            session.add(
                ApiToken(user_id=cast.tom.id, name="x", token_hash=f"{number:064}", created_at=NOW)
            )
    answer = logged_in("tom").post(PAGE, {"name": "one more"})
    assert answer.status_code == 409
    assert "Revoke one first" in answer.text


def test_a_token_is_no_key_to_the_pages(app, cast):
    token = create_token(cast.ada, "script", NOW)
    visitor = Visitor(app)
    for path in ("/schedules/", "/account/", PAGE, "/people/"):
        for scheme in ("Token", "Bearer", "Basic"):
            answer = visitor.get(path, headers={"Authorization": f"{scheme} {token}"})
            assert (answer.status_code, answer.location[:6]) == (302, "/login")


def test_a_token_opens_the_api_until_it_is_revoked_on_the_page(app, cast, logged_in):
    visitor = logged_in("pia")
    headers = {"Authorization": f"Token {shown_token(visitor.post(PAGE, {'name': 'script'}))}"}
    script = Visitor(app)
    assert script.get("/api/me/", headers=headers).json["id"] == cast.pia.id
    (row,) = list_tokens(cast.pia)
    visitor.post(f"{PAGE}{row.id}/revoke")
    assert script.get("/api/me/", headers=headers).status_code == 401
