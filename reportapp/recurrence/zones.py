"""Time zones as people type them: `berlin`, `new york`, `europe/berlin`."""

import re
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

_SUGGESTED = 3
#: Longer text is no name of a zone, and comparing it would take long.
_LONGEST = 60


def find_zone(text: str) -> str:
    """The zone that `text` names: by its whole name or the end of it (`Buenos Aires`, `Argentina/
    Buenos Aires`), in any case, with blanks or underscores.

    Raises ValueError, with up to three suggestions, when there is none or more than one.
    """
    names = _by_name()
    key = _key(text[: _LONGEST + 1])
    whole = [zone for zone in names.get(key, ()) if _key(zone) == key]
    found = whole or names.get(key, [])
    if len(found) == 1:
        return found[0]
    suggestions = found or _similar(key)
    if not suggestions:
        raise ValueError("Choose a time zone from the list, such as Europe/Berlin.")
    meant = " or ".join(suggestions[:_SUGGESTED])
    raise ValueError(f"Choose a time zone from the list. Did you mean {meant}?")


def _similar(key: str) -> list[str]:
    """Those with a part that begins like `key`, else those that look like it."""
    if not key or len(key) > _LONGEST:
        return []
    names = _by_name()
    begun = sorted((name for name in names if name.startswith(key)), key=lambda n: (len(n), n))
    chosen = begun or get_close_matches(key, names, n=_SUGGESTED, cutoff=0.7)
    return list(dict.fromkeys(zone for name in chosen for zone in names[name]))


@cache
def _by_name() -> dict[str, list[str]]:
    """The zones by all the names that they answer to."""
    names: dict[str, list[str]] = {}
    for zone in sorted(available_timezones()):
        parts = _key(zone).split("/")
        for at in range(len(parts)):
            names.setdefault("/".join(parts[at:]), []).append(zone)
    return names


def _key(text: str) -> str:
    """What spellings of one name have in common; the sign in `GMT-5` is not a hyphen."""
    text = re.sub(r"\s*/\s*", "/", text.strip().casefold())
    return re.sub(r"[\s_]+|-(?=[a-z])", " ", text)
