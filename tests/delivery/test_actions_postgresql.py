"""What people do to a run, once more, on PostgreSQL: every test of `test_actions`."""

import pytest

from tests.delivery.test_actions import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
