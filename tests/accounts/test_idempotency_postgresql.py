"""Requests under a key, once more on PostgreSQL."""

import pytest

from tests.accounts.test_idempotency import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
