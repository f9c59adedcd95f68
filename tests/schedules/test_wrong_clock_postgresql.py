"""Late runs and wrong clocks once more, on PostgreSQL."""

import pytest

from tests.schedules.test_wrong_clock import (  # noqa: F401
    test_a_run_at_most_a_day_late_is_sent_once_and_an_older_one_is_missed,
    test_an_ended_rhythm_goes_on_when_the_clock_is_put_right,
    test_what_a_wrong_clock_called_missed_is_not_told_once_it_is_put_right,
)

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database_url(postgresql):
    return postgresql
