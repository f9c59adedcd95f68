"""`flask scheduler`: the scheduler alone, without the web."""

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from reportapp.cli.stopping import asked_to_end
from reportapp.jobs import SchedulerService
from reportapp.logs import configure_logging

scheduler = AppGroup("scheduler", help="The scheduler.")


@scheduler.command("run")
def run() -> None:
    """Run the schedules until SIGTERM or Ctrl-C; the mail in hand is finished first."""
    configure_logging()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    end = asked_to_end()
    service = SchedulerService(app)
    service.start()
    click.echo("The scheduler is running.")
    end.wait()
    service.stop()
