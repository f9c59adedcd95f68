"""For machines that watch this one: does it live, and is it ready?"""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from reportapp import clock
from reportapp.schedules.heartbeat import scheduler_runs

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    try:
        runs = scheduler_runs(clock.now())
        # Where another machine runs the schedules, this one need not wait for it.
        needs_none = not current_app.config["SCHEDULER_ENABLED"]
        ready = {"database": True, "scheduler": runs or needs_none}
    except SQLAlchemyError:
        ready = {"database": False, "scheduler": False}
    return ready, 200 if all(ready.values()) else 503
