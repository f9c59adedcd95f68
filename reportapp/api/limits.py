"""How often anybody may ask: each person, and each address without a valid token."""

from flask import current_app, g
from flask_limiter.util import get_remote_address

from reportapp.extensions import SENDING, limiter


def _per_minute() -> str:
    """Empty: no limit."""
    most = current_app.config["API_REQUESTS_PER_MINUTE"]
    return f"{most} per minute" if most else ""


def _asker() -> str:
    """All tokens of a person count together, so that more tokens do not mean more requests. Wrong
    tokens count by address: nobody tries out many."""
    user = g.get("api_actor")
    return f"person {user.id}" if user is not None else f"address {get_remote_address()}"


@limiter.shared_limit(_per_minute, scope="api", key_func=_asker)
def count_request() -> None:
    """Raises RateLimitExceeded."""


@limiter.shared_limit(SENDING, scope="api-mail", key_func=_asker)
def count_mail() -> None:
    """For operations that send mail by hand. Raises RateLimitExceeded."""
