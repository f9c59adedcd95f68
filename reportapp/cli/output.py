"""What all commands share: errors in words, and one JSON object as the last line for scripts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from reportapp import clock
from reportapp.errors import ReportappError

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object as the last line."
)


def result(values: dict[str, Any], as_json: bool) -> None:
    """Print a command's result for a person or for a script."""
    if as_json:
        click.echo(json.dumps(values, default=str))
    else:
        click.echo(
            ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in values.items())
        )


def plain_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Our own errors end a command with their sentence and status 1, not with a stack trace."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ReportappError as error:
            raise click.ClickException(str(error)) from None

    return wrapped


class Instant(click.ParamType):
    """An ISO 8601 instant; without an offset it is UTC."""

    name = "ISO"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant such as 2026-11-30T08:00:00Z.", param, ctx)
        if not 2000 <= instant.year <= 2200:
            self.fail("The year must be between 2000 and 2200.", param, ctx)
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)


now_option = click.option(
    "--now", type=Instant(), help="Act as if it were this instant (ISO 8601; default: now)."
)


def clock_for(now: datetime | None) -> clock.Clock:
    """The wall clock, or one that stands still at `now`."""
    return clock.now if now is None else clock.fixed(now)
