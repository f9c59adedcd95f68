"""What is looked up by, from outside: made harmless for the database."""

from werkzeug.routing import BaseConverter

#: The highest key that PostgreSQL's INTEGER can hold; asking for a higher one would be an error.
MAX_KEY = 2_147_483_647


class KeyConverter(BaseConverter):
    """`<int:…>` in a route: a key that a table can have, or 0, which no row has."""

    regex = "[0-9]{1,10}"

    def to_python(self, value: str) -> int:
        # A refusal here would be told as a wrong method, where a path has rules for several.
        return read_key(value) or 0


def read_key(text: str | None) -> int | None:
    """A table's key from text, or None when it cannot be one."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return int(text) if int(text) <= MAX_KEY else None


def plain_address(email: str) -> str:
    """The address as it would be stored; what no database takes, becomes an address of nobody."""
    address = email.strip().lower()[:320]
    return address if address.isprintable() else ""
