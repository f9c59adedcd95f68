"""Answers that say, as JSON, what went wrong: `{"error": "…"}`, or `{"field": ["…"]}` for what can
be put right field by field."""

from http import HTTPStatus
from typing import TypeVar

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPath

from reportapp.accounts.idempotency import KeyReused
from reportapp.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    Missing,
    NotFound,
    ReportappError,
    Stale,
)

_E = TypeVar("_E", bound=HTTPException)

PREFIX = "/api/"
#: What a use-case's error becomes.
STATUS: dict[type[ReportappError], int] = {
    InvalidInput: 400,
    Missing: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    KeyReused: 422,
    Gone: 410,
    Stale: 412,
}
#: The sentence where the error brings none of its own.
WORDS: dict[int, str] = {
    400: "This request cannot be understood.",
    401: "Send a valid token, as in this header: Authorization: Token …",
    403: "You may not see or do this.",
    404: "There is nothing here, or it is not yours to see.",
    405: "This cannot be done here; the header Allow lists what can.",
    406: "The answer is JSON only.",
    409: "This cannot be done at the moment.",
    410: "This was here once, and is not any more.",
    412: "This has been changed since you read it. Read it again.",
    413: "This is more than is accepted at once.",
    415: "Send JSON, encoded as UTF-8: Content-Type: application/json",
    422: "This Idempotency-Key was used for another request.",
    429: "Too many requests. Wait a little, then try again.",
    500: "This is our mistake, not yours. Please try again later.",
    503: "Please try again in a few minutes.",
}


def register(app: Flask) -> None:
    """Also paths and methods that do not exist are told as JSON: no blueprint knows of them."""
    app.before_request(_no_such_path)


def handle_in(blueprint: Blueprint) -> None:
    """Tell whatever goes wrong in a view of this blueprint in the API's way."""
    blueprint.register_error_handler(ReportappError, _refused)
    blueprint.register_error_handler(HTTPException, _http_error)
    for status in WORDS:
        # Handlers of the pages for one status would go before the line above.
        blueprint.register_error_handler(status, _http_error)


def response_name(status: int) -> str:
    """What the document calls the answer with this status."""
    return HTTPStatus(status).name


def saying(failure: _E, sentence: str) -> _E:
    """The failure with a sentence in place of its status's usual one."""
    failure.sentence = sentence  # type: ignore[attr-defined]
    return failure


def error(status: int, text: str | None = None) -> Response:
    """An answer with this status; `text` instead of its usual sentence."""
    usual = WORDS.get(status, WORDS[400 if status < 500 else 500])
    answer = jsonify(error=text or usual)
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Token"
    return answer


def _refused(refusal: ReportappError) -> Response:
    status = next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)
    if not isinstance(refusal, InvalidInput):
        return error(status, str(refusal))
    answer = jsonify(refusal.fields)
    answer.status_code = status
    return answer


def _http_error(failure: HTTPException) -> Response:
    """Keeps the error's own headers (Allow, Retry-After) and replaces its page."""
    answer = error(failure.code or 500, getattr(failure, "sentence", None))
    for name, value in failure.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers.set(name, value)
    return answer


def _no_such_path() -> Response | None:
    failure = request.routing_exception
    if failure is None or not f"{request.path}/".startswith(PREFIX):
        return None
    if isinstance(failure, MethodNotAllowed):
        return _http_error(failure)
    # Nor is anybody sent elsewhere because of a slash too many.
    sentence = "There is no such address; /api/docs lists those there are."
    return _http_error(saying(NoSuchPath(), sentence))
