"""What a sender asks just before the content of its claims leaves."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from reportapp import clock
from reportapp.delivery.claims import Claim
from reportapp.delivery.produce import Mail
from reportapp.delivery.record import Recorder
from reportapp.delivery.standing import access_version, load_run
from reportapp.extensions import db


def create_questions(claims: Sequence[Claim], now: datetime) -> list[tuple[Claim, Mail, int]]:
    """For claims of one run, what `Recorder.may_send` is asked: with the present standings."""
    version = access_version(db.session())
    recipients = [each.recipient_id for each in claims]
    standings = load_run(db.session(), claims[0].execution_id, recipients, now).standings
    db.session.rollback()
    return [(each, Mail(None, None, standings[each.recipient_id]), version) for each in claims]


def may_send(owner: str, claimed: Claim, now: datetime) -> bool:
    """What the sender `owner` is told."""
    (question,) = create_questions([claimed], now)
    with closing(Recorder(db.engine, owner, clock.fixed(now))) as recorder:
        return recorder.may_send(*question)
