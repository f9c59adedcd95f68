"""Words for people."""

from datetime import timedelta

import pytest

from reportapp.constants import ExportFormat, Frequency, Role, Trigger
from reportapp.web import words
from tests.cast import NOW


def test_every_word_of_the_database_has_one_for_people():
    for table, kind in (
        (words.ROLE, Role),
        (words.FREQUENCY, Frequency),
        (words.FORMAT, ExportFormat),
        (words.FORMAT_USE, ExportFormat),
        (words.TRIGGER, Trigger),
    ):
        assert set(table) == set(kind)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(minutes=59), "in 59 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(hours=25), "in 1 day"),
        (timedelta(days=13), "in 13 days"),
        (timedelta(days=14), "in 2 weeks"),
        (timedelta(minutes=-5), "5 minutes ago"),
    ],
)
def test_a_moment_is_told_by_its_distance(gap, text):
    assert words.relative(NOW + gap, NOW) == text
