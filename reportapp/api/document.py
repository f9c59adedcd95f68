"""The OpenAPI document, made of what the blueprints say of themselves."""

from functools import cache
from typing import Any

import flask_smorest
from apispec import BasePlugin
from flask import Flask

from reportapp.api import idempotency
from reportapp.api.auth import Guard, public
from reportapp.api.blueprint import Blueprint
from reportapp.api.errors import WORDS, response_name
from reportapp.keys import MAX_KEY, KeyConverter

_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "A sentence for people."}},
    "required": ["error"],
}
_FIELD_ERRORS = {
    "type": "object",
    "description": "What is wrong with each field, by its name: all of them at once.",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
}
_TEXT = {"schema": {"type": "string"}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "`Token`", "required": True, **_TEXT}},
    405: {"Allow": {"description": "What can be done here.", "required": True, **_TEXT}},
    429: {"Retry-After": {"description": "Seconds to wait.", "required": True, **_TEXT}},
}
_IDEMPOTENCY = {
    "in": "header",
    "name": idempotency.HEADER,
    "schema": {"type": "string", "pattern": f"^{idempotency.FORM}$"},
    "description": "A new word of your own for each request, such as a UUID. Sent again with the "
    "same word within 24 hours, it is not carried out again and gets the same answer, marked by "
    f"`{idempotency.REPLAYED}: true`.",
}
_ABOUT = """\
Everything that the browser can do for schedules and written reports, for scripts; only the figures
beside a report that is being written, and the news, are on pages alone.

Send a token with every request: `Authorization: Token …`. People make theirs on their account page.
Lists come in pages; errors are JSON, `{"error": "…"}` or `{"field": ["…"]}`. Fields that only the
system sets are ignored where they are sent, unknown ones are refused."""


class _Api(flask_smorest.Api):
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status, sentence in WORDS.items():
            example: dict[str, Any] = {"error": sentence}
            schema: dict[str, Any] = {"$ref": "#/components/schemas/Error"}
            if status == 400:
                example = {"day_of_week": ["Choose a weekday, 1 (Monday) to 7 (Sunday)."]}
                schema = {"anyOf": [schema, {"$ref": "#/components/schemas/FieldErrors"}]}
            self.spec.components.response(
                response_name(status),
                {
                    "description": sentence,
                    "headers": _HEADERS.get(status, {}),
                    "content": {"application/json": {"schema": schema, "example": example}},
                },
                lazy=True,
            )


class _Usual(BasePlugin):
    """What every operation may answer, beside what it says itself."""

    def __init__(self, public: set[str]) -> None:
        super().__init__()
        self.public = public

    def operation_helper(
        self, path: Any = None, operations: Any = None, *, rule: Any = None, **_more: Any
    ) -> None:
        group, _, name = rule.endpoint.rpartition(".")
        for method, operation in operations.items():
            operation["tags"] = [group.removeprefix("api-")]
            operation["operationId"] = f"{group.removeprefix('api-')}.{name}"
            statuses = [429]
            if group in self.public:
                operation["security"] = []
            else:
                statuses.append(401)
                if method == "post":
                    operation.setdefault("parameters", []).append(_IDEMPOTENCY)
                    statuses += [400, 409, 422]
            if "{" in path:
                statuses.append(404)
            if "requestBody" in operation:
                statuses += [413, 415]
            for status in statuses:
                operation["responses"].setdefault(status, response_name(status))


@cache
def document(blueprints: tuple[tuple[Blueprint, Guard], ...]) -> dict[str, Any]:
    """The document of these blueprints, which says for each operation all that it may answer."""
    app = Flask(__name__)
    app.url_map.converters["int"] = KeyConverter
    api = _Api(
        app,
        spec_kwargs={
            "title": "Reportapp",
            "version": "1",
            "openapi_version": "3.1.0",
            "extra_plugins": [_Usual({one.name for one, guard in blueprints if guard is public})],
            "info": {"description": _ABOUT},
            "security": [{"token": []}],
        },
    )
    schema = {"type": "integer", "minimum": 1, "maximum": MAX_KEY}
    api.register_converter(KeyConverter, lambda _: dict(schema))
    components = api.spec.components
    components.schema("Error", _ERROR)
    components.schema("FieldErrors", _FIELD_ERRORS)
    components.security_scheme(
        "token",
        {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token`, a blank, and the token. On the page `/api/docs` the token "
            "alone is enough.",
        },
    )
    for blueprint, _ in blueprints:
        if not blueprint.hidden:
            api.register_blueprint(blueprint)
    made: dict[str, Any] = api.spec.to_dict()
    for tag in made["tags"]:
        tag["name"] = tag["name"].removeprefix("api-")
    return made
