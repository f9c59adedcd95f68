"""Planning once more, on PostgreSQL: every test of `test_planning`."""

import pytest

from tests.schedules.test_planning import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
