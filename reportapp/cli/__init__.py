"""The `flask` commands."""

from flask import Flask

from reportapp.cli.accounts import tokens, users
from reportapp.cli.demo import demo
from reportapp.cli.imports import imports
from reportapp.cli.reports import reports
from reportapp.cli.scheduler import scheduler


def register(app: Flask) -> None:
    """Attach all command groups."""
    for group in (demo, users, tokens, imports, reports, scheduler):
        app.cli.add_command(group)
