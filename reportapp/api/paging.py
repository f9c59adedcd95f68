"""Long lists, a page at a time: `{"count", "next", "previous", "results"}`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request
from marshmallow import Schema, fields, validate

from reportapp.api.schemas import Answer, QueryWhole
from reportapp.errors import NotFound

PAGE_SIZE = 25
MAX_PAGE_SIZE = 100
#: No list is as long, and no database is asked for more.
_LAST_PAGE = 1_000_000


class PageQuery(Schema):
    """Which page of a list."""

    page = QueryWhole(
        load_default=1,
        metadata={"description": "Counted from 1; 404 where there is none.", "example": 1},
    )
    page_size = QueryWhole(
        load_default=PAGE_SIZE,
        validate=validate.Range(min=1, error="Give a number from 1 to 100."),
        metadata={
            "description": f"How many at a time; more than {MAX_PAGE_SIZE} count as that many.",
            "example": PAGE_SIZE,
        },
    )


def limits_of(query: dict[str, Any]) -> dict[str, int]:
    """`page` and `page_size` for a use-case. Raises NotFound for a page before the first."""
    if query["page"] < 1:
        raise NotFound("There is no such page; they are counted from 1.")
    page, size = query["page"], query["page_size"]
    return {"page": min(page, _LAST_PAGE), "page_size": min(size, MAX_PAGE_SIZE)}


def pages_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of such items."""
    name = f"{item.__name__.removesuffix('Answer')}PageAnswer"
    return type(
        name,
        (Answer,),
        {
            "__doc__": "A page of a list.",
            "count": fields.Integer(metadata={"description": "How many there are in all."}),
            "next": fields.Url(
                allow_none=True, metadata={"description": "The address of the next page."}
            ),
            "previous": fields.Url(
                allow_none=True, metadata={"description": "The address of the page before."}
            ),
            "results": fields.List(fields.Nested(item)),
        },
    )


def page_example(item: dict[str, Any]) -> dict[str, Any]:
    """A page of one, for the document."""
    return {"count": 1, "next": None, "previous": None, "results": [item]}


def page_of(results: Sequence[Any], total: int, query: dict[str, Any]) -> dict[str, Any]:
    """One page for a schema of `pages_of`. Raises NotFound for a page beyond the last."""
    page, size = limits_of(query).values()
    pages = max(1, -(-total // size))
    if page > pages:
        raise NotFound(f"There is no such page; the last one is {pages}.")
    return {
        "count": total,
        "next": _address(page + 1) if page < pages else None,
        "previous": _address(page - 1) if page > 1 else None,
        "results": results,
    }


def _address(page: int) -> str:
    """Of another page of the same list, where people reach the app."""
    args = request.args.copy()
    args["page"] = str(page)
    query = urlencode(list(args.items(multi=True)))
    return f"{current_app.config['BASE_URL']}{request.path}?{query}"
