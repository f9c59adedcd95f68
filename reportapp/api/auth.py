"""Who is asking: whoever holds the token in the header, and nobody else. Cookies do not count here,
and tokens do not count on the pages."""

from collections.abc import Callable

from flask import g, request
from werkzeug.exceptions import Unauthorized

from reportapp import clock
from reportapp.accounts.tokens import authenticate
from reportapp.api.limits import count_request
from reportapp.models import User

Guard = Callable[[], None]


def public() -> None:
    """Everybody, without a token."""
    count_request()


def token_holder() -> None:
    """Everybody with a valid token; what they may do is the use-cases' business."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    g.api_actor = authenticate(token.strip(), clock.now()) if scheme.lower() == "token" else None
    count_request()
    if g.api_actor is None:
        raise Unauthorized


#: Every guard there is, so that a test can tell a guard from other functions.
GUARDS: tuple[Guard, ...] = (public, token_holder)


def actor() -> User:
    """The token's person, as the use-cases want them."""
    user = g.api_actor
    assert isinstance(user, User)
    return user
