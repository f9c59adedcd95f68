"""What somebody has written, and whom they can write about next."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.errors import InvalidInput
from reportapp.keys import read_key
from reportapp.web.inputs import Paging, key_from, page_number
from reportapp.web.session import actor
from reportapp.web.written_inputs import chosen_period, filter_args, filter_from
from reportapp.written.board import choices, load_board
from reportapp.written.find import UNKNOWN
from reportapp.written.kinds import kind_of
from reportapp.written.lists import State, list_own

bp = Blueprint("written", __name__, url_prefix="/written")

_PAGE_SIZE = 25


@bp.get("/")
def index() -> ResponseReturnValue:
    wanted, now = filter_from(request.args), clock.now()
    found, total = list_own(actor(), wanted, now, page=page_number(), page_size=_PAGE_SIZE)
    return render_template(
        "written/index.html",
        found=found,
        wanted=wanted,
        narrowed=filter_args(wanted),
        choices=choices(actor(), None, now),
        states=State,
        paging=Paging(page_number(), _PAGE_SIZE, total),
    )


@bp.get("/new")
def new() -> ResponseReturnValue:
    """The students of one class in one period; the likeliest where nothing has been chosen."""
    now = clock.now()
    word, place = request.args.get("kind"), request.args.get("class")
    offered = choices(actor(), kind_of(word) if word else None, now)
    class_id = offered.classes[0][0] if offered.classes else None
    # A class of another kind of report, or none at all, is not what was meant.
    if place and read_key(place) in dict(offered.classes):
        class_id = key_from(place, UNKNOWN)
    board, period, problems = None, offered.periods[0].period, {}
    try:
        period = chosen_period(request.args) or period
        if class_id is not None or not offered.is_of_class:
            board = load_board(actor(), offered.kind, class_id, period, now)
    except InvalidInput as error:
        problems = error.fields
    page = render_template(
        "written/new.html",
        choices=offered,
        class_id=class_id,
        period=period,
        board=board,
        problems=problems,
    )
    return page, 422 if problems else 200
