"""`flask users` and `flask tokens`."""

import sys

import click
from flask import current_app
from flask.cli import AppGroup

from reportapp import clock
from reportapp.accounts.users import create_token, create_user
from reportapp.cli.output import json_option, plain_errors, result
from reportapp.constants import Role

users = AppGroup("users", help="People.")
tokens = AppGroup("tokens", help="API tokens.")


@users.command("create")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", required=True, help='"First Last"')
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
@plain_errors
def create(email: str, role: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Create a person who can log in."""
    if password_stdin:
        try:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("The password must be UTF-8 text.") from None
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    user = create_user(
        email,
        role,
        name,
        password,
        clock.now(),
        time_zone=current_app.config["DEFAULT_TIME_ZONE"],
    )
    result({"id": user.id, "email": user.email, "role": user.role, "name": user.name}, as_json)


@tokens.command("create")
@click.argument("email")
@click.option("--name", default="script", show_default=True, help="What it is for.")
@json_option
@plain_errors
def create_for(email: str, name: str, as_json: bool) -> None:
    """Create an API token. It is shown only once."""
    result({"token": create_token(email, name, clock.now())}, as_json)
