"""For machines that watch this one: does it live, and is it ready?"""

from flask import Blueprint
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
        ready = {"database": True, "scheduler": scheduler_runs(clock.now())}
    except SQLAlchemyError:
        ready = {"database": False, "scheduler": False}
    return ready, 200 if all(ready.values()) else 503
