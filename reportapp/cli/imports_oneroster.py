"""`flask import oneroster`: what the school's own system exports."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
from flask.cli import with_appcontext

from reportapp import clock
from reportapp.cli.output import json_option, plain_errors, result
from reportapp.constants import ImportKind
from reportapp.school.import_files import Progress
from reportapp.school.import_work import Work, run_now, school_admin
from reportapp.school.oneroster import check_oneroster, save_oneroster


class _Bar(Progress):
    """Progress that a terminal shows."""

    def __init__(self, bar: Any) -> None:
        super().__init__()
        self._bar = bar

    def advance(self, count: int = 1) -> None:
        super().advance(count)
        self._bar.length = max(self.total, 1)
        self._bar.update(count)


@click.command("oneroster")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--school", help="Its name or number, where there are several.")
@click.option("--allow-deactivation", is_flag=True, help="Even of more than a quarter.")
@click.option("--allow-rejected", is_flag=True, help="Leave rows with errors out, save the others.")
@json_option
@with_appcontext
@plain_errors
def oneroster(
    path: Path,
    dry_run: bool,
    school: str | None,
    allow_deactivation: bool,
    allow_rejected: bool,
    as_json: bool,
) -> None:
    """Take a OneRoster export: a zip file, or a folder of CSV files."""
    save = partial(
        save_oneroster, allow_deactivation=allow_deactivation, allow_rejected=allow_rejected
    )
    work = cast(Work, check_oneroster if dry_run else save)
    actor = school_admin(school)
    with click.progressbar(length=1, label="Import", file=sys.stderr) as bar:
        outcome, rejected, first = run_now(
            actor, ImportKind.ONEROSTER, path, work, clock.now, _Bar(bar)
        )
    for one in first:
        place = f"{one.file}, line {one.line}{one.column and f', {one.column}'}"
        click.echo(f"{place}: “{one.value}”: {one.text}", err=True)
    if rejected > len(first):
        click.echo(f"… and {rejected - len(first):,} more rows.", err=True)
    for note in outcome.summary["notes"]:
        click.echo(note, err=True)
    counts = {
        name: sum(kind[name] for kind in outcome.summary["kinds"])
        for name in ("added", "changed", "gone")
    }
    told = {"dry_run": dry_run, **counts, "rejected": rejected}
    told["left_out"] = outcome.summary["left_out"]
    if as_json:
        kinds = ("added", "changed", "gone")
        told["kinds"] = {
            kind["name"]: {name: kind[name] for name in kinds} for kind in outcome.summary["kinds"]
        }
    result(told, as_json)
