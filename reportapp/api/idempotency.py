"""A POST with an Idempotency-Key is carried out once, and sent again it gets the same answer (as
draft-ietf-httpapi-idempotency-key-header has it)."""

import hashlib
import logging
import re

from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from reportapp import clock
from reportapp.accounts.idempotency import Answer, Asked, Claim, claim, keep, let_go
from reportapp.errors import InvalidInput
from reportapp.extensions import db

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FORM = r"[!-~]{1,255}"
#: Of an answer, these are kept beside its body.
_HEADERS = ("Content-Type", "Location", "ETag")
#: They say nothing about the request itself.
_NOT_KEPT = {401, 429}


def begin() -> Response | None:
    """The answer of the first such request; None where this is the first one, or has no key."""
    key, user = request.headers.get(HEADER), g.get("api_actor")
    if request.method != "POST" or key is None or user is None:
        return None
    if not re.fullmatch(FORM, key):
        raise InvalidInput({HEADER: ["Use 1 to 255 visible ASCII characters, such as a UUID."]})
    whole = f"{request.full_path}\n{request.mimetype}\n".encode() + request.get_data()
    asked = Asked(key, f"POST {request.path}", hashlib.sha256(whole).hexdigest())
    found = claim(user, asked, clock.now())
    if isinstance(found, Claim):
        g.api_claim = found
        return None
    again = Response(found.body, found.status, dict(found.headers))
    again.headers[REPLAYED] = "true"
    return again


def end(response: Response) -> Response:
    """Keep the answer for those who ask again; after an error of ours they may try anew."""
    held = g.pop("api_claim", None)
    if held is not None:
        status = response.status_code
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        kept = status < 500 and status not in _NOT_KEPT
        _finish(held, Answer(status, headers, response.get_data()) if kept else None)
    return response


def give_up(_error: BaseException | None) -> None:
    """Where no answer came about at all."""
    held = g.pop("api_claim", None)
    if held is not None:
        _finish(held, None)


def _finish(held: Claim, answer: Answer | None) -> None:
    db.session.rollback()
    try:
        keep(held, answer) if answer is not None else let_go(held)
    except SQLAlchemyError:
        # The work is done all the same; whoever asks again is told so.
        log.exception("the answer under an idempotency key was not kept")
