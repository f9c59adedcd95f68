"""Headers that every answer carries."""

from flask import Flask, Response, request

#: Everything from this app only; nothing inline. Bootstrap's own pictures are data: URLs.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)


def register(app: Flask) -> None:
    app.after_request(_headers)


def keep_token_secret(response: Response) -> Response:
    """For pages whose address is the key to them: no other site and no search engine learns it."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _headers(response: Response) -> Response:
    """A view's own header stays; this fills in what is missing."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    return response
