"""The search of names once more, on PostgreSQL."""

import pytest

from tests.schedules.test_name_search import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
