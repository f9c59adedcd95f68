"""OneRoster once more, on PostgreSQL."""

import pytest

from tests.school.test_oneroster import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
