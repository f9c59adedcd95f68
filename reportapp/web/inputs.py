"""Numbers and text from an address or a form, made harmless before any view sees them."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, abort, request
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from reportapp.access import Action, may
from reportapp.errors import NotFound
from reportapp.keys import read_key
from reportapp.school.import_files import MOST_UPLOAD

_MAX_PAGE = 1_000_000


def key_from(text: str | None, message: str) -> int:
    """A table's key from text. Raises NotFound with `message`."""
    key = read_key(text)
    if key is None:
        raise NotFound(message)
    return key


@dataclass(frozen=True)
class Paging:
    """Where in a long list the reader is: `page` counts from 1."""

    page: int
    size: int
    total: int = 0

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size


def page_number() -> int:
    """The page that the address asks for; 1 for anything that is not one."""
    page = read_key(request.args.get("page"))
    return min(max(page or 1, 1), _MAX_PAGE)


def register(app: Flask) -> None:
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """PostgreSQL cannot hold the character NUL, and nobody types it."""
    texts = [request.path, *_texts(request.args), *_texts(request.form)]
    if any("\x00" in text for text in texts):
        abort(400)


def _texts(values: MultiDict[str, str]) -> list[str]:
    return [*values, *(text for _, text in values.items(multi=True))]


def accept_large_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """For a group of pages that take uploads: before anything reads the form; of those only who may
    import."""
    if current_user.is_authenticated and may(current_user, Action.IMPORT_DATA):
        request.max_content_length = MOST_UPLOAD + 1_000_000
