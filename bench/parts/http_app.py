"""For gunicorn: the app, and beside it, under /bare, a Flask view that gives ready-made bytes."""

import os
from pathlib import Path

from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from reportapp import create_app

_bare = Flask("bare")
_bytes = {path.name: path.read_bytes() for path in Path(os.environ["BENCH_BARE"]).iterdir()}


@_bare.get("/<name>")
def _give(name: str) -> Response:
    return Response(_bytes[name], mimetype="application/json")


app = DispatcherMiddleware(create_app(), {"/bare": _bare})
