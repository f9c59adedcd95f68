"""Visitors of the pages, and a clock that stands still."""

import pytest
from argon2 import PasswordHasher

import tests.cast
from reportapp import clock
from reportapp.accounts import users
from tests.cast import NOW, PASSWORD
from tests.web.visitor import Visitor


@pytest.fixture
def settings():
    return {"BASE_URL": "http://localhost"}


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", clock.fixed(NOW))


#: Real password hashes are slow on purpose; here people log in all the time.
_quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_quick_hash = _quick.hash(PASSWORD)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch):
    users._no_hash.cache_clear()
    monkeypatch.setattr(users, "_hasher", _quick)
    monkeypatch.setattr(tests.cast, "_PASSWORD_HASH", _quick_hash)


@pytest.fixture
def visitor(app):
    """Somebody who has not logged in."""
    return Visitor(app)


@pytest.fixture
def logged_in(app, cast):
    """Makes a visitor of a member of the cast: `logged_in("tom")`."""
    return lambda name: Visitor(app).log_in(cast.people[name])
