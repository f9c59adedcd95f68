"""Countries, their parts, and their public holidays, by the library `holidays`."""

from datetime import date
from functools import cache

import holidays
from holidays.registry import COUNTRIES

from reportapp.errors import InvalidInput

#: What `School.country` can hold; a few of the library's regions have longer names than that.
_LONGEST = 10
#: Where the library's own name is not what people write.
_NAMES = {
    "aland_islands": "Åland Islands",
    "curacao": "Curaçao",
    "dr_congo": "DR Congo",
    "guinea_bissau": "Guinea-Bissau",
    "hongkong": "Hong Kong",
    "reunion": "Réunion",
    "saint_barthelemy": "Saint Barthélemy",
    "sao_tome_and_principe": "São Tomé and Príncipe",
    "syrian_arab_republic": "Syria",
    "timor_leste": "Timor-Leste",
}
_SMALL = {"and", "of", "the", "da"}
_UNKNOWN = "Choose a country from the list, such as DE, or a part of one, such as DE-BE."


@cache
def country_names() -> dict[str, str]:
    """Every country by its code, in the order of their names."""
    named = {entry[1]: _NAMES.get(key) or _spelled(key) for key, entry in COUNTRIES.items()}
    return dict(sorted(named.items(), key=lambda pair: pair[1].replace("Å", "A")))


@cache
def part_names(country: str) -> dict[str, str]:
    """The parts of a country that have public holidays of their own, by code, in the order of
    their names; empty for most."""
    codes = [
        code
        for code in holidays.list_supported_countries(include_aliases=False).get(country, [])
        if len(f"{country}-{code}") <= _LONGEST and code.isascii()
    ]
    names: dict[str, str] = {}
    if codes:
        aliases = getattr(holidays.country_holidays(country), "subdivisions_aliases", {})
        for name, code in aliases.items():
            names[code] = max(name, names.get(code, ""), key=len)
    return dict(sorted(((code, names.get(code, code)) for code in codes), key=lambda pair: pair[1]))


def check_country(raw: str) -> str:
    """The code of a known country or of a part of one. Raises InvalidInput."""
    country, _, part = raw.strip().partition("-")
    if country not in country_names() or (part and part not in part_names(country)):
        raise InvalidInput({"country": [_UNKNOWN]})
    return f"{country}-{part}" if part else country


def country_name(code: str) -> str:
    """`Germany`, or `Germany, Berlin`; the code itself where it is not known."""
    country, _, part = code.partition("-")
    name = country_names().get(country, code)
    return f"{name}, {part_names(country).get(part, part)}" if part else name


def public_holidays(code: str, years: range) -> list[tuple[date, str]]:
    """The public holidays of a checked country or part in these years, with their names in
    English where the library has them."""
    country, _, part = code.partition("-")
    languages = holidays.country_holidays(country).supported_languages
    english = sorted(language for language in languages if language.startswith("en"))
    language = "en_US" if "en_US" in english else next(iter(english), None)
    found = holidays.country_holidays(country, subdiv=part or None, years=years, language=language)
    return sorted((day, name) for day, name in found.items() if day.year in years)


def _spelled(key: str) -> str:
    words = key.split("_")
    return " ".join(
        word if word in _SMALL and number else word.capitalize()
        for number, word in enumerate(words)
    )
