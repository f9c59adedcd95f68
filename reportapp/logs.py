"""Logging: plain lines on standard error, each with the request that it belongs to."""

import logging
import re
from uuid import uuid4

from flask import Flask, Response, has_request_context, request

HEADER = "X-Request-ID"
_FORM = re.compile(r"[A-Za-z0-9-]{8,64}")
_KEPT = "reportapp.request_id"


def configure_logging() -> None:
    """For a process that serves: time, level, request, name and message of everything worth a
    look. The request is `-` for what belongs to none."""
    handler = logging.StreamHandler()
    handler.addFilter(_name_request)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s",
        handlers=[handler],
    )
    # It notes every firing, and warns while a long run is still going, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # They narrate every connection and every font.
    for name in ("mail.log", "fontTools", "weasyprint"):
        logging.getLogger(name).setLevel(logging.ERROR)


def register(app: Flask) -> None:
    """Let every answer name its request, so that it can be found in the log."""
    app.after_request(_answer_with_id)


def request_id() -> str:
    """What this request is called: as its sender called it, if that is a plain word, or a random
    name of ours."""
    found: str | None = request.environ.get(_KEPT)
    if found is None:
        given = request.headers.get(HEADER, "")
        found = given if _FORM.fullmatch(given) else uuid4().hex
        request.environ[_KEPT] = found
    return found


def _answer_with_id(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    return response


def _name_request(record: logging.LogRecord) -> bool:
    record.request_id = request_id() if has_request_context() else "-"
    return True
