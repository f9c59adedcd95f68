"""Secrets: unsubscribe tokens, API tokens, message ids."""

import hashlib
import secrets

from itsdangerous import BadSignature, URLSafeSerializer

_DOWNLOAD = "download"


def new_unsubscribe_token() -> str:
    """22 URL-safe characters carrying 128 random bits: short, so that List-Unsubscribe stays
    on one header line."""
    return secrets.token_urlsafe(16)


def new_api_token() -> str:
    """43 URL-safe characters carrying 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """The SHA-256 of a random token as 64 hex digits: what the database keeps of it. A slow hash
    is not needed, since the token itself cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_message_key() -> str:
    """24 hex digits that name one delivery in its Message-ID, the same on every attempt."""
    return secrets.token_hex(12)


def sign_download(secret: str, delivery_id: int) -> str:
    """A URL-safe token for the file of one delivery, which nobody can make without the secret."""
    return str(URLSafeSerializer(secret, salt=_DOWNLOAD).dumps(delivery_id))


def read_download(secret: str, token: str) -> int | None:
    """The delivery's id in a token of `sign_download`; None: it is not one."""
    try:
        value = URLSafeSerializer(secret, salt=_DOWNLOAD).loads(token)
    except BadSignature:
        return None
    return value if isinstance(value, int) else None
