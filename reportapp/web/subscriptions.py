"""The reports that the reader receives."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from reportapp import clock
from reportapp.schedules.files import latest_files
from reportapp.schedules.subscriptions import my_subscriptions, set_my_subscription
from reportapp.web.session import actor

bp = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")


@bp.get("/")
def index() -> ResponseReturnValue:
    now = clock.now()
    return render_template(
        "subscriptions.html",
        rows=my_subscriptions(actor(), now),
        files=latest_files(actor(), now),
    )


@bp.post("/<int:subscription_id>")
def change(subscription_id: int) -> ResponseReturnValue:
    wanted = request.form.get("subscribed") == "1"
    row = set_my_subscription(actor(), subscription_id, wanted, clock.now())
    text = "You will receive" if wanted else "You will no longer receive"
    flash(f"{text} “{row.schedule.name}”.", "success")
    return redirect(url_for(".index"))
