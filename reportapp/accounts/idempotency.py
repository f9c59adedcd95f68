"""Requests that a script may send twice: carried out once under its key, the answer is kept.

A key's row is committed before the work begins, so of two at the same moment one works. The work's
own transaction says in the row that it has been carried out (`COMPANION`), so a crash at whatever
moment neither repeats it nor blocks a key under which nothing has happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from reportapp.errors import Conflict, ReportappError
from reportapp.extensions import COMPANION, db, insert_into, rows_changed, transaction
from reportapp.models import IdempotencyKey, User

#: So long a key and its answer are known.
KEPT_FOR = timedelta(hours=24)
#: Who has not answered by then has died: no request of ours takes as long.
_DEAD_AFTER = timedelta(minutes=5)
_PATH_SHOWN = 300
_AT_WORK = (
    "The first request with this Idempotency-Key is still being worked on. Send this one again in "
    "a moment."
)
_ANSWER_LOST = (
    "The first request with this Idempotency-Key has been carried out, but its answer is not there "
    "(yet). It is not carried out again: look at what it was to change."
)


class KeyReused(ReportappError):
    """The key was used for another request."""


@dataclass(frozen=True)
class Asked:
    """A request: `name` is its method and path, `digest` the SHA-256 of all that it holds."""

    key: str
    name: str
    digest: str


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Claim:
    """That its holder is to carry out the request of this row."""

    row_id: int
    until: datetime
    carried_out: bool = False


def claim(actor: User, asked: Asked, now: datetime) -> Claim | Answer:
    """The first one who asks gets a claim, and ends it with `keep` or `let_go`; later ones get the
    answer. What the claim's holder writes next is known to be carried out.

    Raises KeyReused, or Conflict while there is no answer yet.
    """
    until = now + _DEAD_AFTER
    with transaction() as session:
        made = _insert(session, actor, asked, now, until)
        found = made if made is not None else _claim_again(session, actor, asked, now, until)
    if isinstance(found, Answer):
        return found
    held = Claim(found, until)
    db.session.info[COMPANION] = lambda session: _carry_out(session, held)
    return held


def _carry_out(session: Session, held: Claim) -> None:
    """Says so in the very transaction that does the work; who has been thought dead in the
    meantime, does none."""
    row = update(IdempotencyKey).where(*_held(held)).values(claimed_until=None)
    if not rows_changed(session.execute(row)):
        raise Conflict(_AT_WORK)
    held.carried_out = True


def _insert(
    session: Session, actor: User, asked: Asked, now: datetime, until: datetime
) -> int | None:
    row = insert_into(IdempotencyKey, session.connection().dialect)
    return session.scalar(
        row.values(
            user_id=actor.id,
            key=asked.key,
            request=asked.name[:_PATH_SHOWN],
            digest=asked.digest,
            created_at=now,
            claimed_until=until,
        )
        .on_conflict_do_nothing(index_elements=["user_id", "key"])
        .returning(IdempotencyKey.id)
    )


def _claim_again(
    session: Session, actor: User, asked: Asked, now: datetime, until: datetime
) -> int | Answer:
    row = session.scalars(
        select(IdempotencyKey)
        .where(IdempotencyKey.user_id == actor.id, IdempotencyKey.key == asked.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:  # it was let go in this very moment
        raise Conflict(_AT_WORK)
    if row.created_at > now - KEPT_FOR:
        if row.digest != asked.digest:
            raise KeyReused(
                f"This Idempotency-Key was used for another request, {row.request}. Use a new key "
                "for each request, and the same one only for sending it again."
            )
        if row.status is not None:
            return Answer(row.status, row.headers or {}, row.body or b"")
        if row.claimed_until is None:
            raise Conflict(_ANSWER_LOST)
        if row.claimed_until > now:
            raise Conflict(_AT_WORK)
    row.request, row.digest = asked.name[:_PATH_SHOWN], asked.digest
    row.created_at, row.claimed_until = now, until
    row.status = row.headers = row.body = None
    return row.id


def keep(held: Claim, answer: Answer) -> None:
    """The answer of a claim's holder, for everybody who asks again."""
    db.session.info.pop(COMPANION, None)
    done = IdempotencyKey.claimed_until.is_(None)
    with transaction() as session:
        session.execute(
            update(IdempotencyKey)
            .where(
                IdempotencyKey.id == held.row_id,
                done if held.carried_out else IdempotencyKey.claimed_until == held.until,
                IdempotencyKey.status.is_(None),
            )
            .values(
                claimed_until=None,
                status=answer.status,
                headers=dict(answer.headers),
                body=answer.body,
            )
        )


def let_go(held: Claim) -> None:
    """Nothing has come of it: the key is free again, unless the work has been carried out."""
    db.session.info.pop(COMPANION, None)
    with transaction() as session:
        session.execute(delete(IdempotencyKey).where(*_held(held)))


def _held(held: Claim) -> tuple:
    return IdempotencyKey.id == held.row_id, IdempotencyKey.claimed_until == held.until


def purge(now: datetime) -> int:
    """Forget the keys whose time is over; how many."""
    with transaction() as session:
        return rows_changed(
            session.execute(
                delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEPT_FOR)
            )
        )
