"""`flask demo`: a school to try everything with."""

import click
from flask.cli import AppGroup

from reportapp import clock
from reportapp.cli.output import json_option, plain_errors, result
from reportapp.errors import Conflict
from reportapp.school.demo import DEMO_PASSWORD, demo_is_loaded, demo_logins, load_demo

demo = AppGroup("demo", help="A demo school.")


@demo.command("load")
@click.option("--students", default=120, show_default=True, help="How many students.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same day: same school.")
@click.option("--if-missing", is_flag=True, help="Nothing to do when it is there already.")
@json_option
@plain_errors
def load(students: int, seed: int, if_missing: bool, as_json: bool) -> None:
    """Load a demo school. Refuses a database that has real data."""
    try:
        summary = load_demo(clock.now(), students=students, seed=seed)
    except Conflict:
        if not (if_missing and demo_is_loaded()):
            raise
        result({"loaded": False}, as_json)
        return
    result({"loaded": True, **summary.counts}, as_json)


@demo.command("logins")
@plain_errors
def logins() -> None:
    """Print the demo school's log-ins."""
    for role, _name, email in demo_logins():
        click.echo(f"  {role:<8} {email:<28} password: {DEMO_PASSWORD}")
