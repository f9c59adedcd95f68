"""The table of periodic jobs: what runs, how often, and what it is for."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

from flask import current_app

from reportapp.accounts import idempotency
from reportapp.clock import now
from reportapp.delivery import anything_due, deliver, plan_due, recover, tell, watch
from reportapp.extensions import learn_sizes
from reportapp.schedules import files_purge
from reportapp.school import import_runs

log = logging.getLogger(__name__)

#: Set while the process is asked to end: the mail in hand is finished, nothing new is begun.
stopping = Event()


def due_check() -> None:
    """Plan everything whose time has come; `send` finds it in the database."""
    planned = plan_due(now())
    if planned.schedules_due:
        log.info("due-check: %s", planned)


def peek() -> None:
    """The due-check, early, when something is due."""
    if anything_due(now()):
        due_check()


def send() -> None:
    """Send what can be sent."""
    totals = deliver(now, stopping)
    if any(totals.values()):
        log.info("deliveries: %s", totals)


def sweep() -> None:
    """Let go on or end what got stuck."""
    found = recover(now())
    if found.claims or found.given_up or found.executions:
        log.info("recovered: %s", found)


def look_after() -> None:
    """Notice what went wrong or has healed, and tell people by mail."""
    watch(current_app.config, now())
    mails = tell(now(), stopping)
    if mails:
        log.info("news mailed to %s people", mails)


def purge_imports() -> None:
    """Remove the uploads of school data that nobody has saved."""
    import_runs.purge(now())


def purge_files() -> None:
    """Remove the files that were sent when their time is over."""
    removed = files_purge.purge(now())
    if removed:
        log.info("files removed: %s", removed)


def purge_keys() -> None:
    """Forget the requests that scripts sent under a key long ago."""
    idempotency.purge(now())


def learn() -> None:
    """Keep the database's plans fit for what is in it."""
    learn_sizes()


@dataclass(frozen=True)
class Job:
    """A periodic job: a module-level function without arguments (APScheduler stores its name), and
    APScheduler's trigger with its arguments."""

    run: Callable[[], None]
    trigger: str
    when: dict[str, Any]


JOBS: dict[str, Job] = {
    "due-check": Job(due_check, "cron", {"minute": 0, "second": 0}),
    "peek": Job(peek, "cron", {"minute": "*", "second": 0}),
    "send": Job(send, "interval", {"seconds": 5}),
    "sweep": Job(sweep, "interval", {"seconds": 15}),
    "watch": Job(look_after, "interval", {"minutes": 1}),
    "purge-imports": Job(purge_imports, "cron", {"minute": 30, "second": 0}),
    "purge-keys": Job(purge_keys, "cron", {"minute": 45, "second": 0}),
    "learn-sizes": Job(learn, "cron", {"minute": 15, "second": 0}),
    # At night, when nearly nothing is sent.
    "purge-files": Job(purge_files, "cron", {"hour": 2, "minute": 40, "second": 0}),
}
