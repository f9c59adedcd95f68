"""The list of schedules."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from reportapp.schedules.find import list_schedules
from reportapp.web.inputs import Paging, page_number
from reportapp.web.session import actor

bp = Blueprint("schedules", __name__, url_prefix="/schedules")

_PAGE_SIZE = 25


@bp.get("/")
def index() -> ResponseReturnValue:
    """The reader's own, or with `?everybody=1` those of the whole school."""
    everybody = request.args.get("everybody") == "1"
    page = page_number()
    found, total = list_schedules(actor(), everybody=everybody, page=page, page_size=_PAGE_SIZE)
    return render_template(
        "schedules/index.html",
        found=found,
        everybody=everybody,
        paging=Paging(page, _PAGE_SIZE, total),
    )
