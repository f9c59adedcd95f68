"""Who may call: whoever holds a token, and only here."""

from datetime import timedelta

import pytest

from reportapp.accounts.tokens import create_token, list_tokens, revoke_token
from reportapp.api import BLUEPRINTS
from reportapp.api.auth import GUARDS, public, token_holder
from reportapp.extensions import db
from tests.api.script import BODY, SCHEDULES, Script
from tests.cast import NOW
from tests.web.visitor import Visitor


def test_every_route_has_a_named_guard(app):
    guards = {blueprint.name: guard for blueprint, guard in BLUEPRINTS}
    assert set(guards.values()) <= set(GUARDS)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api"):
            group = rule.endpoint.rpartition(".")[0]
            assert group in guards, f"{rule} has no guard"
            assert app.before_request_funcs[group][0] == guards[group]


def test_only_these_operations_are_public(app):
    assert {blueprint.name for blueprint, guard in BLUEPRINTS if guard is public} == {
        "api-docs",
        "api-unsubscribe",
    }


def calls(app):
    """A method and a path for every route that asks for a token."""
    guards = {blueprint.name: guard for blueprint, guard in BLUEPRINTS}
    for rule in app.url_map.iter_rules():
        if guards.get(rule.endpoint.rpartition(".")[0]) is token_holder:
            path = app.url_map.bind("localhost").build(
                rule.endpoint, dict.fromkeys(rule.arguments, 1)
            )
            for method in rule.methods - {"OPTIONS"}:
                yield method, path


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Token",
        "Token ",
        "Token nobodys",
        "Token " + "x" * 10_000,
        "Token \xe9\x00",
        "Bearer {token}",
        "{token}",
        "Basic dG9tOnRvbQ==",
    ],
)
def test_without_a_valid_token_nothing_is_told(app, cast, header):
    token = create_token(cast.tom, "script", NOW)
    headers = {} if header is None else {"Authorization": header.replace("{token}", token)}
    for method, path in calls(app):
        answer = Script(app).open(method, path, headers=headers)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["WWW-Authenticate"] == "Token"
        assert method == "HEAD" or list(answer.json) == ["error"]


def test_the_scheme_is_read_in_any_case(app, cast):
    token = create_token(cast.tom, "script", NOW)
    answer = Script(app).get(SCHEDULES, headers={"Authorization": f"token  {token}"})
    assert answer.status_code == 200


def test_a_log_in_does_not_count_here(app, cast, monkeypatch):
    visitor = Visitor(app).log_in(cast.tom)
    assert visitor.get("/schedules/").status_code == 200
    assert visitor.get(SCHEDULES).status_code == 401
    assert visitor.open("POST", SCHEDULES, json=BODY).status_code == 401


def test_a_token_does_not_count_on_the_pages(app, cast, script):
    tom = script("tom")
    assert tom.get(SCHEDULES).status_code == 200
    for path in ("/schedules/", "/account/", "/schedules/new"):
        assert tom.get(path).location.startswith("/login")
    assert "Set-Cookie" not in tom.get(SCHEDULES).headers


def test_a_token_ends_with_its_time_its_person_and_its_revoking(app, cast):
    hour = timedelta(hours=1)
    past = Script(app, create_token(cast.tom, "old", NOW - 2 * hour, expires_at=NOW - hour))
    assert past.get(SCHEDULES).status_code == 401
    tom = Script(app, create_token(cast.tom, "new", NOW))
    assert tom.get(SCHEDULES).status_code == 200
    revoke_token(cast.tom, list_tokens(cast.tom)[0].id)
    assert tom.get(SCHEDULES).status_code == 401
    tea = Script(app, create_token(cast.tea, "new", NOW))
    cast.tea.is_active = False
    db.session.commit()
    assert tea.get(SCHEDULES).status_code == 401


def test_nobody_can_name_somebody_else(cast, script):
    """A token acts as its person, whatever else the request says."""
    body = {**BODY, "created_by": cast.tea.id, "id": 77}
    made = script("tom").post(f"{SCHEDULES}?created_by={cast.tea.id}", body).json
    assert made["created_by"] == cast.tom.id
    assert made["id"] != 77
    assert script("tea").get(SCHEDULES).json["count"] == 0
