"""Scripts with a token of somebody's, and a clock that stands still."""

import pytest

from reportapp import clock
from reportapp.accounts.tokens import create_token
from tests.api.script import Script
from tests.cast import NOW


@pytest.fixture
def settings():
    return {"BASE_URL": "http://localhost", "TESTING": False}


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", clock.fixed(NOW))


@pytest.fixture
def stranger(app):
    """A script without a token."""
    return Script(app)


@pytest.fixture
def script(app, cast):
    """Makes a script of a member of the cast: `script("tom")`."""
    return lambda name: Script(app, create_token(cast.people[name], "script", NOW))
