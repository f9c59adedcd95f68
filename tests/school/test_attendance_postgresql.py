"""Attendance from files once more, on PostgreSQL."""

import pytest

from tests.school.test_attendance_exceptions import *  # noqa: F403
from tests.school.test_attendance_import import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
