"""Pages that say, in plain words, what went wrong."""

from datetime import timedelta

from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from reportapp.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from reportapp.web.words import span

#: Title and sentence by status; the sentence is used where the error brings none of its own.
WORDS: dict[int, tuple[str, str]] = {
    400: ("That did not work", "The page received something that it cannot understand."),
    403: ("This is not for you", "You may not see or do this."),
    404: ("Not found", "There is nothing here, or it is not yours to see."),
    405: ("Not this way", "This address only works from a button on its page. Go back to it."),
    409: ("Not now", "This cannot be done at the moment."),
    410: ("No longer there", "This was here once, and is not any more."),
    413: ("Too much at once", "You sent more than this page accepts. Please shorten it."),
    422: ("Something is not right", "Please check what you have entered."),
    429: ("Too many tries", "Please wait a little, then try again."),
    500: ("Sorry, that went wrong", "This is our mistake, not yours. Please try again later."),
    503: ("Not available", "Please try again in a few minutes."),
}

_STALE = "This page was open for too long, or in another window. Go back, reload it and try again."


def register(app: Flask) -> None:
    app.register_error_handler(NotFound, lambda error: error_page(404, str(error)))
    app.register_error_handler(Gone, lambda error: error_page(410, str(error)))
    app.register_error_handler(Forbidden, lambda error: error_page(403, str(error)))
    app.register_error_handler(Conflict, lambda error: error_page(409, str(error)))
    app.register_error_handler(InvalidInput, _invalid)
    app.register_error_handler(CSRFError, lambda error: error_page(400, _STALE))
    app.register_error_handler(RateLimitExceeded, _too_many)
    app.register_error_handler(HTTPException, _http_error)


def error_page(status: int, text: str | None = None) -> tuple[str, int]:
    """The page for `status`; `text` instead of its usual sentence."""
    title, usual = WORDS.get(status, WORDS[400 if status < 500 else 500])
    # After a failure of ours, the page must not ask the database who is logged in.
    layout = "bare.html" if status >= 500 else "layout.html"
    page = render_template("error.html", layout=layout, title=title, text=text or usual)
    return page, status


def problems(error: InvalidInput) -> str:
    """All that is wrong, for a page that has no such fields."""
    return " ".join(text for texts in error.fields.values() for text in texts)


def _invalid(error: InvalidInput) -> ResponseReturnValue:
    return error_page(422, problems(error))


def _too_many(error: RateLimitExceeded) -> ResponseReturnValue:
    wait = span(timedelta(seconds=error.limit.limit.get_expiry()))
    return error_page(429, f"Please wait {wait}, then try again.")


def _http_error(error: HTTPException) -> Response | HTTPException:
    """Keeps the error's own headers (Allow, Retry-After) and replaces its page."""
    if error.code is None or error.code < 400:
        return error
    response = error.get_response()
    assert isinstance(response, Response)
    response.set_data(error_page(error.code)[0])
    response.content_type = "text/html; charset=utf-8"
    return response
