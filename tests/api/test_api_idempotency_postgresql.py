"""The same on PostgreSQL, where the database has a say in it."""

import pytest

from tests.api.test_api_idempotency import (  # noqa: F401
    test_after_an_error_behind_the_work_nothing_is_made_twice,
    test_of_many_at_the_same_moment_one_makes_it,
    test_the_same_request_again_makes_nothing_and_gets_the_same_answer,
)

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
