"""Imported by the process that senders are forked from: what every application does first, and
takes most of a start's time, is done once for all of them."""

import tempfile

from reportapp import create_app
from tests.quick import SETTINGS, routes_compiled_once

_compiled = routes_compiled_once()
_compiled.__enter__()
with tempfile.TemporaryDirectory() as folder:
    create_app({**SETTINGS, "INSTANCE_PATH": folder, "DATABASE_URL": "sqlite://"})
