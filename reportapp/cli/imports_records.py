"""`flask import attendance` and `flask import marks`: tables of a school's own system."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from reportapp import clock
from reportapp.cli.output import json_option, plain_errors, result
from reportapp.constants import DateOrder, ImportKind, Others
from reportapp.errors import InvalidInput
from reportapp.models import User
from reportapp.school.import_files import Progress, RowProblem
from reportapp.school.import_work import run_now, school_admin
from reportapp.school.records_columns import choose_for_file
from reportapp.school.records_work import RecordsWork

_SHOWN = 20
_day = click.DateTime(["%Y-%m-%d"])


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both commands can be told."""
    options = (
        click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option("--mapping", "name", help="The name of choices kept on the page."),
        click.option("--dry-run", is_flag=True, help="Say what would change; write nothing."),
        click.option(
            "--skip-errors", is_flag=True, help="Save the other rows when some have errors."
        ),
        click.option("--school", help="Its number or name, where there are several."),
        json_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("attendance")
@_shared
@click.option("--dates", type=click.Choice([o.value for o in DateOrder]), help="Their order.")
@click.option("--others", type=click.Choice([o.value for o in Others]), help="Those without a row.")
@click.option("--from", "first_day", type=_day, help="First day that the file covers.")
@click.option("--to", "last_day", type=_day, help="Last day that the file covers.")
@plain_errors
def attendance(
    dates: str | None,
    others: str | None,
    first_day: datetime | None,
    last_day: datetime | None,
    **shared: Any,
) -> None:
    """Import attendance from a table (CSV)."""
    said = {
        "date_order": dates,
        "others": others,
        "first_day": first_day and first_day.date(),
        "last_day": last_day and last_day.date(),
    }
    _import(ImportKind.ATTENDANCE, said, **shared)


@click.command("marks")
@_shared
@click.option("--highest", help="The number that is 100 percent; 100 if nothing is said.")
@click.option("--due", type=_day, help="The day of marks without a term.")
@plain_errors
def marks(highest: str | None, due: datetime | None, **shared: Any) -> None:
    """Import section marks from a table (CSV)."""
    _import(ImportKind.MARKS, {"highest": highest, "due": due and due.date()}, **shared)


def _import(
    kind: ImportKind,
    said: dict[str, Any],
    path: Path,
    name: str | None,
    dry_run: bool,
    skip_errors: bool,
    school: str | None,
    as_json: bool,
) -> None:
    actor: User = school_admin(school)
    given = {field: value for field, value in said.items() if value is not None}
    try:
        mapping = choose_for_file(actor, kind, path, given, name)
    except InvalidInput as error:
        raise click.ClickException(_choices_left(path, error)) from None
    work = RecordsWork(mapping, despite_errors=skip_errors)
    looked = run_now(actor, kind, path, work.check, clock.now, Progress(), most=_SHOWN)
    outcome, count, problems = looked
    _show(problems, count)
    may_save = not count or skip_errors
    if may_save and not dry_run:
        saved = run_now(actor, kind, path, work.save, clock.now, Progress(), most=0)
        outcome = saved[0]
    values = {"saved": may_save and not dry_run, **outcome.summary}
    result(values if as_json else _figures(values), as_json)
    if count and not skip_errors and not dry_run:
        raise click.ClickException(
            "Nothing was saved. Correct the file, or save the other rows with --skip-errors."
        )


def _choices_left(path: Path, error: InvalidInput) -> str:
    lines = [f"  {field}: {' '.join(texts)}" for field, texts in error.fields.items()]
    return "\n".join([f"{path} cannot be read without a choice:", *lines, _HOW])


_HOW = "Choose on the page “Import” and keep the choices under a name for --mapping, or see --help."


def _show(problems: list[RowProblem], count: int) -> None:
    for problem in problems:
        place = f"{problem.file}, line {problem.line}"
        column = f", {problem.column}" if problem.column else ""
        click.echo(f"{place}{column}: “{problem.value}”: {problem.text}", err=True)
    if count > len(problems):
        click.echo(f"… and {count - len(problems):,} more errors.", err=True)


def _figures(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, int)}
