"""The same on PostgreSQL, which takes less for a number or a text than SQLite does."""

import pytest

from tests.api.test_api_at_once import (  # noqa: F401
    path,
    test_a_person_added_by_several_is_on_it_once,
    test_of_several_changes_of_the_same_version_one_is_made,
    test_of_several_who_delete_it_one_does,
    test_of_several_who_send_it_now_one_does,
)
from tests.api.test_api_errors import (  # noqa: F401
    test_a_number_that_is_no_key_finds_nothing,
    test_what_no_database_takes_is_told_at_its_field,
)
from tests.api.test_api_paging import (  # noqa: F401
    five,
    test_a_page_tells_how_many_there_are_and_where_the_others_are,
    test_a_page_that_is_not_there_is_not_found,
)
from tests.api.test_api_recipients import TestByOneself, TestByTheAuthor  # noqa: F401
from tests.api.test_api_schedules import TestListing as Listing

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql


class TestListing(Listing):
    # Makes its thousand schedules in SQLite's own words.
    test_a_page_takes_as_many_queries_for_10_as_for_1000 = None
