"""`flask reports`: the engine by hand."""

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from reportapp import clock
from reportapp.accounts.users import find_user
from reportapp.cli.output import clock_for, json_option, now_option, plain_errors, result
from reportapp.cli.stopping import asked_to_end
from reportapp.constants import ExportFormat
from reportapp.delivery import deliver, plan_due, recover
from reportapp.errors import Conflict
from reportapp.keys import MAX_KEY
from reportapp.rendering import RENDERERS
from reportapp.schedules.preview import preview_by_id

reports = AppGroup("reports", help="Plan, send and look at reports.")


@reports.command("due-check")
@now_option
@json_option
@plain_errors
def due_check(now: datetime | None, as_json: bool) -> None:
    """Plan what is due. `deliver` then sends it."""
    result(asdict(plan_due(clock_for(now)())), as_json)


@reports.command("deliver")
@now_option
@json_option
@plain_errors
def deliver_now(now: datetime | None, as_json: bool) -> None:
    """Send what can be sent now, then end. SIGTERM and Ctrl-C let the mails in hand be finished."""
    at = clock_for(now)
    recover(at())
    result(deliver(at, asked_to_end()), as_json)


@reports.command("render")
@click.argument("schedule_id", type=click.IntRange(1, MAX_KEY))
@click.option("--as", "email", required=True, help="The recipient's address.")
@click.option(
    "--format", "export_format", required=True, type=click.Choice([f.value for f in ExportFormat])
)
@click.option("-o", "output", required=True, type=click.Path(dir_okay=False), help="- is stdout.")
@json_option
@plain_errors
def render(schedule_id: int, email: str, export_format: str, output: str, as_json: bool) -> None:
    """Write what that person would get from the schedule now."""
    made = preview_by_id(schedule_id, find_user(email).id, clock.now())
    if made.document is None or made.reason is not None:
        raise Conflict(f"{made.recipient.name} would get nothing: {made.reason}.")
    data = RENDERERS[ExportFormat(export_format)].render(made.document)
    if output == "-":
        sys.stdout.buffer.write(data)
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from None
    result({"file": output, "bytes": len(data)}, as_json)
