"""Whether the mail server is worth asking: left alone after some trouble in a row, and not asked at
all while it refuses us."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update

from reportapp.constants import Reason
from reportapp.delivery.policy import SERVER_PAUSE, SERVER_TRIES, STOP, Outcome
from reportapp.extensions import db, insert_into, transaction
from reportapp.models import MailServerState

_NAME = "mail"
_SETTINGS = (
    "MAIL_SERVER",
    "MAIL_PORT",
    "MAIL_USE_TLS",
    "MAIL_USE_SSL",
    "MAIL_USERNAME",
    "MAIL_PASSWORD",
    "MAIL_DEFAULT_SENDER",
)


@dataclass(frozen=True)
class Standstill:
    """Nothing is sent `until` then. `refused`: the server refuses us, so that somebody has to
    change the settings; else it is out of order. `since`: of a refusal. `reply`: its last words."""

    until: datetime
    refused: bool
    reply: str
    since: datetime | None = None


def standstill(config: Mapping[str, Any], now: datetime) -> Standstill | None:
    """Why nothing is sent at the aware instant `now`; None: nothing is in the way."""
    state = db.session.get(MailServerState, _NAME, populate_existing=True)
    if state is None:
        return None
    if state.stopped_at is not None and state.settings == _digest(config):
        until = state.stopped_at + STOP
        # Else a clock that was ahead has written it.
        if now < until <= now + STOP:
            return Standstill(until, True, state.reply or "", state.stopped_at)
    if state.paused_until is not None and now < state.paused_until <= now + SERVER_PAUSE:
        return Standstill(state.paused_until, False, state.reply or "")
    return None


def note_trouble(config: Mapping[str, Any], outcome: Outcome, now: datetime) -> bool:
    """Write down that the mail server is out of order or refuses us (the outcome's reason). True:
    it is to be left alone now."""
    refuses_us = outcome.reason is Reason.CONFIGURATION
    with transaction() as session:
        # One statement, since several sessions meet with trouble at once.
        insert = insert_into(MailServerState, session.get_bind().dialect)
        met = int(not refuses_us)
        failures = session.scalars(
            insert.values(name=_NAME, failures=met, reply=outcome.reply)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "failures": MailServerState.failures + met,
                    "reply": insert.excluded.reply,
                },
            )
            .returning(MailServerState.failures)
        ).one()
        left_alone: dict[str, object] = {}
        if refuses_us:
            left_alone = {"stopped_at": now, "settings": _digest(config)}
        elif failures >= SERVER_TRIES:
            left_alone = {"failures": 0, "paused_until": now + SERVER_PAUSE}
        if left_alone:
            session.execute(
                update(MailServerState)
                .where(MailServerState.name == _NAME)
                .values(left_alone)
                .execution_options(synchronize_session=False)
            )
    return bool(left_alone)


def try_again() -> None:
    """Whatever was, is over: the mail server has taken a mail, or somebody says so."""
    state = db.session.get(MailServerState, _NAME, populate_existing=True)
    db.session.rollback()  # the next mail is sent with no transaction open
    if state is not None:
        with transaction() as session:
            session.execute(delete(MailServerState).where(MailServerState.name == _NAME))


def _digest(config: Mapping[str, Any]) -> str:
    words = "\n".join(str(config.get(name)) for name in _SETTINGS)
    return hashlib.sha256(words.encode()).hexdigest()
