"""The watchdog once more, on PostgreSQL: every test of `test_watchdog`."""

import pytest

from tests.delivery.test_watchdog import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
