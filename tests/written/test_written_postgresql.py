"""Written reports once more, on PostgreSQL: writing, reading and the lists."""

import pytest

from tests.written.test_lists import *  # noqa: F403
from tests.written.test_reading import *  # noqa: F403
from tests.written.test_writing import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
