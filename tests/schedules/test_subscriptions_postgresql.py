"""Unsubscribing once more, on PostgreSQL, which refuses some characters that SQLite takes."""

import pytest

from tests.schedules.test_subscriptions import (  # noqa: F401
    row,
    test_any_other_text_is_no_token_and_changes_nothing,
    test_the_token_ends_and_takes_back_one_subscription,
)

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
