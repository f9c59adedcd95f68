"""ETags: which version of a thing was read, so that nobody overwrites what they have not seen."""

import hashlib
from typing import Any

from flask import Response, jsonify, request

ETAG = {
    "description": "Its version, for If-Match and If-None-Match.",
    "schema": {"type": "string"},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "An ETag: 412 where its fields have been changed since then.",
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "An ETag: 304 where nothing at all has changed since then.",
}


def versioned(body: Any, version: str) -> Response:
    """An answer with an ETag of two parts: `version`, that of the fields that people set, for
    If-Match, and that of everything, for If-None-Match."""
    answer = jsonify(body)
    everything = hashlib.sha256(answer.get_data()).hexdigest()[:16]
    answer.set_etag(f"{version}-{everything}")
    return answer


def versions_seen() -> set[str] | None:
    """Of the header If-Match; None: any will do."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    # Proxies that compress make a tag weak; it still names the same version. An empty one is None.
    return {(tag or "").partition("-")[0] for tag in request.if_match.as_set(include_weak=True)}
