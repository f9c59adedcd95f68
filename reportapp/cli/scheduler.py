"""`flask scheduler`: the scheduler alone, without the web."""

import signal
from threading import Event

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from reportapp.jobs import SchedulerService
from reportapp.logs import configure_logging

scheduler = AppGroup("scheduler", help="The scheduler.")


@scheduler.command("run")
def run() -> None:
    """Run the schedules until SIGTERM or Ctrl-C; the mail in hand is finished first."""
    configure_logging()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    asked_to_end = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_end.set())
    service = SchedulerService(app)
    service.start()
    click.echo("The scheduler is running.")
    asked_to_end.wait()
    service.stop()
