"""The school calendar once more, on PostgreSQL: every test of `test_calendar` and the saving."""

import pytest

from tests.school.test_calendar import *  # noqa: F403
from tests.school.test_calendar_import import TestSaving  # noqa: F401

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
