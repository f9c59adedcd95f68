"""Whatever goes wrong under /api/ is told as JSON, and nowhere else."""

import io
import json

import pytest
from sqlalchemy.exc import OperationalError

from reportapp.extensions import db
from tests.api.script import BODY, SCHEDULES


def is_error(answer, status):
    return (
        answer.status_code == status
        and answer.content_type == "application/json"
        and list(answer.json) == ["error"]
        and len(answer.json["error"]) > 10
    )


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/x", "/api/reports/schedules/x/", "/api//x", "/api/a%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_told_as_json(app, stranger, path, method):
    answer = stranger.open(method, path)
    assert is_error(answer, 404)
    assert "/api/docs" in answer.json["error"]


def test_other_paths_keep_their_pages(app, stranger):
    for path in ("/nowhere", "/apix"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_a_wrong_method_names_the_right_ones(app, stranger):
    answer = stranger.open("TRACE", SCHEDULES)
    assert is_error(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


def test_a_path_works_with_and_without_its_last_slash(cast, script):
    tom = script("tom")
    assert tom.get(SCHEDULES[:-1]).status_code == 200
    assert tom.post(SCHEDULES[:-1], BODY).status_code == 201


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/plain", b"{}"),
        ("application/x-www-form-urlencoded", b"name=x"),
        ("application/json; charset=latin-1", b"{}"),
        (None, b"{}"),
    ],
)
def test_what_is_not_said_to_be_json_in_utf_8_is_refused(cast, script, kind, data):
    answer = script("tom").open("POST", SCHEDULES, data=data, content_type=kind)
    assert is_error(answer, 415)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"interval": NaN}',
        b'{"interval": ' + b"9" * 5000 + b"}",
        b'{"name": ' + b"[" * 100_000,
    ],
    ids=lambda data: data[:12].decode("latin-1"),
)
def test_what_is_no_json_object_is_refused(cast, script, data):
    answer = script("tom").open("POST", SCHEDULES, data=data, content_type="application/json")
    assert is_error(answer, 400)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", ["\0"], {"\udfff": 1}])
def test_what_no_database_takes_is_told_at_its_field(cast, script, name):
    answer = script("tom").post(SCHEDULES, {**BODY, "name": name})
    assert answer.status_code == 400
    assert list(answer.json) == ["name"]


def test_too_much_is_refused(cast, script):
    data = json.dumps({"name": "x" * 1_200_000})
    answer = script("tom").open("POST", SCHEDULES, data=data, content_type="application/json")
    assert is_error(answer, 413)


def test_too_much_is_refused_also_where_it_does_not_say_how_much_it_is(cast, script):
    answer = script("tom").open(
        "POST",
        SCHEDULES,
        input_stream=io.BytesIO(json.dumps({"name": "x" * 1_200_000}).encode()),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert is_error(answer, 413)


def test_an_address_with_nul_is_refused(cast, script):
    assert is_error(script("tom").get(f"{SCHEDULES}?search=%00"), 400)


@pytest.mark.parametrize(
    "key", ["0", "99", "2147483647", "2147483648", "9" * 30, "-1", "%D9%A1", "1.0", "1e3"]
)
def test_a_number_that_is_no_key_finds_nothing(cast, script, key):
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        body = {} if method in ("PATCH", "PUT") else None
        answer = script("tom").open(method, f"{SCHEDULES}{key}/", json=body)
        assert is_error(answer, 404), (method, answer.text)


def test_our_own_mistakes_are_told_without_a_trace(app, cast, script, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("SELECT secret", {}, Exception("password=hunter2"))

    tom = script("tom")
    monkeypatch.setattr("reportapp.api.schedules.list_seen", broken)
    answer = tom.get(SCHEDULES)
    assert is_error(answer, 500)
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    db.session.rollback()
