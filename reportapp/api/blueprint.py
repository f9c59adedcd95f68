"""A group of operations: reads requests, tells errors and documents itself in the API's way."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import flask_smorest
from flask import Request, Response
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from reportapp.api import errors
from reportapp.errors import InvalidInput
from reportapp.extensions import csrf
from reportapp.rendering import RENDERERS

#: The schema of a file.
FILE = {"type": "string", "format": "binary"}
_UTF_8 = {"", "utf-8", "utf8", "us-ascii"}


class _Parser(FlaskParser):
    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Request, schema: Schema) -> Any:
        return json_object(req)

    def handle_error(self, error: ValidationError, *_args: Any, **_options: Any) -> NoReturn:
        assert isinstance(error.messages, dict)
        (by_field,) = error.messages.values()
        raise InvalidInput({name: list(_texts(texts)) for name, texts in by_field.items()})


class Blueprint(flask_smorest.Blueprint):
    """Views under /api/: with or without a last slash, and without the pages' CSRF tokens, since no
    cookie counts here."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, path: str, description: str, *, hidden: bool = False) -> None:
        """`path`: behind /api; `hidden`: not in the document."""
        super().__init__(f"api-{name}", __name__, url_prefix=f"/api{path}", description=description)
        self.hidden = hidden
        csrf.exempt(self)
        errors.handle_in(self)

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        options.setdefault("strict_slashes", False)
        super().add_url_rule(rule, *args, **options)

    def refuses(self, *statuses: int) -> Callable[[Any], Any]:
        """For the document: statuses that this operation may answer with, beyond the usual ones."""

        def decorate(view: Any) -> Any:
            for status in statuses:
                view = self.alt_response(status, errors.response_name(status))(view)
            return view

        return decorate

    def answers_file(self, view: Any) -> Any:
        """For the document: the answer may be a file in one of the formats."""
        for renderer in RENDERERS.values():
            view = self.alt_response(200, schema=FILE, content_type=renderer.content_type)(view)
        return view


def file_answer(data: bytes, content_type: str, name: str) -> Response:
    """A file to be saved under this name."""
    answer = Response(data, content_type=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def json_object(req: Request) -> dict[str, Any]:
    """The object in a request's body; an empty body is an empty one. No text in it holds what no
    database takes.

    Raises UnsupportedMediaType, RequestEntityTooLarge, BadRequest with a sentence, or InvalidInput.
    """
    charset = req.mimetype_params.get("charset", "").lower()
    is_json = req.mimetype == "application/json" or req.mimetype.endswith("+json")
    if req.mimetype and not (is_json and charset in _UTF_8):
        raise UnsupportedMediaType
    data = req.get_data()
    if not data:
        return {}
    if req.max_content_length is not None and len(data) >= req.max_content_length:
        # One that does not say how long it is ends there, and what is read is a part of it.
        raise RequestEntityTooLarge
    if not req.mimetype:
        raise UnsupportedMediaType
    try:
        body = json.loads(data.decode(), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _bad("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _bad(f"The body is not JSON: see {place}.") from None
    except (ValueError, RecursionError):
        # A number of thousands of digits, or thousands of brackets.
        raise _bad("The body is not JSON that can be read.") from None
    if not isinstance(body, dict):
        raise errors.saying(
            BadRequest(), 'Send one JSON object, such as {"name": "Monday report"}.'
        )
    wrong = [name for name, value in body.items() if not all(map(_storable, _strings(value)))]
    if wrong:
        text = "There is a character that cannot be stored; leave it out."
        raise InvalidInput({name: [text] for name in wrong})
    return body


def _bad(sentence: str) -> BadRequest:
    return errors.saying(BadRequest(), sentence)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            waiting.extend((*one.keys(), *one.values()))


def _storable(text: str) -> bool:
    """No NUL, which PostgreSQL cannot hold, and no half of a surrogate pair, which is no text."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _texts(messages: Any) -> Iterator[str]:
    """A field's messages as a flat list; those of a list's items come by their places."""
    if isinstance(messages, dict):
        messages = messages.values()
    elif isinstance(messages, str):
        messages = [messages]
        yield from messages
        return
    for message in messages:
        yield from _texts(message)
