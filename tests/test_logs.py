"""Answers and log lines name the request that they belong to."""

import logging
import re

import pytest
from flask import Flask

from reportapp import logs


@pytest.fixture
def lines(app, caplog):
    """What the log says, each as {request_id, message}."""
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(logs._name_request)
    yield lambda: [(record.request_id, record.message) for record in caplog.records]
    caplog.handler.removeFilter(logs._name_request)


def test_every_answer_names_its_request_and_no_two_are_alike(app):
    client = app.test_client()
    found = {
        client.get(path, buffered=True).headers["X-Request-ID"]
        for path in ("/login", "/login", "/nowhere", "/static/css/app.css", "/healthz", "/api/x/")
    }
    assert len(found) == 6
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


@pytest.mark.parametrize("given", ["a" * 8, "Z" * 64, "0f6e9c1c-2f7a-4b0e-9a3f-0d7d2c9f8e11"])
def test_a_name_that_the_sender_gave_is_kept(app, given):
    answer = app.test_client().get("/login", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "with space", "under_score", "<script>", "ü" * 8, "a\tb45678"]
)
def test_a_name_of_another_form_is_replaced(app, given):
    headers = {"X-Request-ID": given.encode().decode("latin-1")}
    answer = app.test_client().get("/login", headers=headers)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_the_lines_of_a_request_carry_its_name_and_others_a_dash(app: Flask, lines):
    app.before_request(lambda: logging.getLogger("reportapp.some").info("in it"))
    answer = app.test_client().get("/login")
    logging.getLogger("reportapp.some").info("outside")
    assert lines() == [(answer.headers["X-Request-ID"], "in it"), ("-", "outside")]
