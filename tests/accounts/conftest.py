"""Quick passwords: real hashes are slow on purpose."""

import pytest
from argon2 import PasswordHasher

import tests.cast
from reportapp.accounts import users
from tests.cast import PASSWORD

_quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_quick_hash = _quick.hash(PASSWORD)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch):
    users._no_hash.cache_clear()
    monkeypatch.setattr(users, "_hasher", _quick)
    monkeypatch.setattr(tests.cast, "_PASSWORD_HASH", _quick_hash)
