"""What the database has a say in about tokens, once more on PostgreSQL."""

import pytest

from tests.accounts.test_tokens import (  # noqa: F401
    test_a_database_for_reading_only_lets_tokens_in,
    test_a_database_that_somebody_else_is_writing_to_does_not_hold_up_reading,
    test_a_revoked_token_stops_at_once_and_others_go_on,
    test_after_a_hurried_note_writes_wait_for_others_again,
    test_text_of_another_form_is_nobodys_token,
    test_the_last_use_is_noted_once_a_minute,
)

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
