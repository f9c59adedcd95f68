"""Time zones as people type them."""

from collections import Counter
from zoneinfo import available_timezones

import pytest

from reportapp.recurrence.zones import find_zone

ZONES = sorted(available_timezones())
CITIES = Counter(zone.rpartition("/")[2].casefold() for zone in ZONES)


def spellings(name):
    for text in (name, name.replace("_", " "), f"  {name.replace('_', '  ')} "):
        yield from (text, text.lower(), text.upper(), text.title())


def test_every_zone_is_found_by_its_name_in_any_spelling():
    for zone in ZONES:
        assert {find_zone(text) for text in spellings(zone)} == {zone}


def test_every_city_is_found_or_names_its_zones():
    whole_names = {zone.casefold() for zone in ZONES}
    for zone in ZONES:
        city = zone.rpartition("/")[2]
        if CITIES[city.casefold()] == 1:
            assert {find_zone(text) for text in spellings(city)} == {zone}
        elif city.casefold() in whole_names:
            # `Singapore` is a zone's whole name, so Asia/Singapore is not asked about.
            assert find_zone(city).casefold() == city.casefold()
        else:
            with pytest.raises(ValueError, match=r"Did you mean") as caught:
                find_zone(city)
            assert zone in str(caught.value)


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("berl", ["Europe/Berlin"]),
        ("berlim", ["Europe/Berlin"]),
        ("Europe / Berln", ["Europe/Berlin"]),
        ("istanbul", ["Asia/Istanbul", "Europe/Istanbul"]),
        ("americ", []),
    ],
)
def test_what_is_not_clear_is_answered_with_up_to_three_suggestions(text, suggested):
    with pytest.raises(ValueError, match="Choose a time zone from the list") as caught:
        find_zone(text)
    assert all(zone in str(caught.value) for zone in suggested)
    assert str(caught.value).count(" or ") <= 2


@pytest.mark.parametrize("text", ["", " ", "/", "x" * 10_000, "../../etc/passwd", "İ" * 60, "😀"])
def test_no_text_breaks_the_search(text):
    with pytest.raises(ValueError, match=r"Choose a time zone from the list, such as Europe/Ber"):
        find_zone(text)
