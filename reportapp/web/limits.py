"""Whom a rate limit counts, beside the network address that it counts by itself."""

from flask import Response, request
from flask_login import current_user

from reportapp.tokens import token_hash


def typed_address() -> str:
    """The e-mail address typed into the form, hashed: it may be long."""
    return token_hash(request.form.get("email", "").strip().lower())


def signed_in_person() -> str:
    """Who is logged in."""
    return str(current_user.id)


def refused(answer: Response) -> bool:
    """Whether what was asked for was not done."""
    return answer.status_code != 302
