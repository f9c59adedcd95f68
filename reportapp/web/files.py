"""The files that were sent, for those who have logged in."""

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.schedules.files import Download, find_file, get_file
from reportapp.web.session import actor

bp = Blueprint("files", __name__, url_prefix="/files")


@bp.get("/<int:delivery_id>")
def get(delivery_id: int) -> ResponseReturnValue:
    return file_answer(get_file(actor(), delivery_id, clock.now()))


@bp.get("/<int:delivery_id>/ready")
def ready(delivery_id: int) -> ResponseReturnValue:
    """Where the log-in leads that a file asked for."""
    file = find_file(actor(), delivery_id, clock.now())
    return render_template("files/ready.html", file=file, delivery_id=delivery_id)


def file_answer(download: Download) -> Response:
    """The exact bytes, to be kept and not to be shown."""
    answer = Response(download.data, content_type=download.content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=download.name)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
