"""The engine's promises once more, on PostgreSQL: every test of `test_engine`."""

import pytest

from tests.delivery.test_engine import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
