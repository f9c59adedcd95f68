"""Enrolments' dates once more, on PostgreSQL: every test of `test_enrolment_dates`."""

import pytest

from tests.reports.test_enrolment_dates import *  # noqa: F403

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
