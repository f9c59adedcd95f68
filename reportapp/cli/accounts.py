"""`flask users` and `flask tokens`."""

import sys
from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup

from reportapp import clock
from reportapp.accounts.tokens import create_token, end_of_day, list_tokens, revoke_token
from reportapp.accounts.users import create_user, find_user, set_password
from reportapp.cli.output import json_option, plain_errors, result
from reportapp.constants import Role
from reportapp.keys import MAX_KEY

users = AppGroup("users", help="People.")
tokens = AppGroup("tokens", help="API tokens.")
password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@users.command("create")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", required=True, help='"First Last"')
@password_option
@json_option
@plain_errors
def create(email: str, role: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Create a person who can log in."""
    user = create_user(
        email,
        role,
        name,
        _read_password(password_stdin),
        clock.now(),
        time_zone=current_app.config["DEFAULT_TIME_ZONE"],
    )
    result({"id": user.id, "email": user.email, "role": user.role, "name": user.name}, as_json)


@users.command("password")
@click.argument("email")
@password_option
@json_option
@plain_errors
def password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Set a person's password; it ends their log-ins."""
    find_user(email)
    user = set_password(email, _read_password(password_stdin))
    result({"id": user.id, "email": user.email}, as_json)


def _read_password(from_stdin: bool) -> str:
    if not from_stdin:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.ClickException("The password must be UTF-8 text.") from None


@tokens.command("create")
@click.argument("email")
@click.option("--name", default="script", show_default=True, help="What it is for.")
@click.option("--expires", default="", metavar="DATE", help="Its last day; without: none.")
@json_option
@plain_errors
def create_for(email: str, name: str, expires: str, as_json: bool) -> None:
    """Create an API token. It is shown only once."""
    person = find_user(email)
    token = create_token(person, name, clock.now(), end_of_day(person, expires))
    result({"token": token}, as_json)


@tokens.command("list")
@click.argument("email")
@json_option
@plain_errors
def list_of(email: str, as_json: bool) -> None:
    """List a person's API tokens, the newest first."""
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "created_at": _iso(row.created_at),
            "last_used_at": _iso(row.last_used_at),
            "expires_at": _iso(row.expires_at),
        }
        for row in list_tokens(find_user(email))
    ]
    if not as_json:
        for row in rows:
            result(row, as_json=False)
    result({"tokens": rows} if as_json else {"tokens": len(rows)}, as_json)


@tokens.command("revoke")
@click.argument("email")
@click.argument("token_id", metavar="ID", type=click.IntRange(1, MAX_KEY))
@json_option
@plain_errors
def revoke(email: str, token_id: int, as_json: bool) -> None:
    """End one of a person's API tokens at once. Its ID is what "list" shows."""
    name = revoke_token(find_user(email), token_id)
    result({"revoked": token_id, "name": name}, as_json)


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None
