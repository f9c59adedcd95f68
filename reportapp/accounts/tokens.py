"""API tokens: a person's keys for scripts. Making, listing and taking them back; whose one is."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, hurried, transaction
from reportapp.models import ApiToken, User
from reportapp.models.types import UtcDateTime
from reportapp.school.calendar_values import read_date
from reportapp.tokens import new_api_token, token_hash

log = logging.getLogger(__name__)

MOST_NAME = 100
#: Of one person: who needs more has forgotten what the old ones are for.
MOST_TOKENS = 50
#: The last use is noted this often at most, so that reading by a script seldom writes.
_NOTED_EVERY = timedelta(minutes=1)
#: As `new_api_token` makes them.
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
#: Asked for every request of a script, so made once.
_OWNER = (
    select(User, ApiToken.id, ApiToken.last_used_at)
    .join(ApiToken, ApiToken.user_id == User.id)
    .where(
        ApiToken.token_hash == bindparam("hash"),
        or_(
            ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now", type_=UtcDateTime)
        ),
        User.is_active,
    )
)


def create_token(actor: User, name: str, now: datetime, expires_at: datetime | None = None) -> str:
    """A new token of the actor's; only now can it be read. `expires_at`: from then on it is void;
    None: it works until it is revoked.

    Raises InvalidInput with all fields that are wrong (name, expires_at), or Conflict.
    """
    problems: dict[str, list[str]] = {}
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        text = f"Give the token a name of at most {MOST_NAME} visible characters."
        problems["name"] = [text]
    if expires_at is not None and expires_at <= now:
        problems["expires_at"] = ["Choose a day from today on."]
    if problems:
        raise InvalidInput(problems)
    token = new_api_token()
    with transaction() as session:
        own = select(func.count()).where(ApiToken.user_id == actor.id)
        if session.scalars(own).one() >= MOST_TOKENS:
            raise Conflict(f"There are {MOST_TOKENS} tokens already. Revoke one first.")
        row = ApiToken(
            user_id=actor.id,
            name=name.strip(),
            token_hash=token_hash(token),
            created_at=now,
            expires_at=expires_at,
        )
        session.add(row)
    log.info("token %s of person %s was made", row.id, actor.id)
    return token


def end_of_day(actor: User, typed: str) -> datetime | None:
    """When a typed day is over where the actor lives: a token works on its last day. None for
    empty text. Raises InvalidInput at the field expires_at."""
    if not typed.strip():
        return None
    try:
        following = read_date(typed) + timedelta(days=1)
    except ValueError as error:
        raise InvalidInput({"expires_at": [str(error)]}) from None
    return datetime(
        following.year, following.month, following.day, tzinfo=ZoneInfo(actor.zone_name)
    )


def list_tokens(actor: User) -> Sequence[ApiToken]:
    """The actor's tokens, the newest first, also those that have expired."""
    own = select(ApiToken).where(ApiToken.user_id == actor.id).order_by(ApiToken.id.desc())
    return db.session.scalars(own).all()


def get_token(actor: User, token_id: int) -> ApiToken:
    """One of the actor's tokens. Raises NotFound."""
    row = db.session.get(ApiToken, token_id)
    if row is None or row.user_id != actor.id:
        raise NotFound("There is no such token.")
    return row


def revoke_token(actor: User, token_id: int) -> str:
    """End one of the actor's tokens at once; its name. Raises NotFound."""
    with transaction() as session:
        row = get_token(actor, token_id)
        name = row.name
        session.delete(row)
    log.info("token %s of person %s was revoked", token_id, actor.id)
    return name


def authenticate(token: str, now: datetime) -> User | None:
    """Whose token this is; None for one that is unknown, revoked or expired, or whose person is
    switched off. It notes that the token is used."""
    if not _FORM.fullmatch(token):
        return None
    found = db.session.execute(_OWNER, {"hash": token_hash(token), "now": now}).one_or_none()
    if found is None:
        return None
    user, token_id, last_used_at = found
    if last_used_at is None or last_used_at <= now - _NOTED_EVERY:
        _note_use(token_id, now)
    return user


def _note_use(token_id: int, now: datetime) -> None:
    """What a locked database or one for reading only does not take, is left to the next use."""
    try:
        with hurried() as connection:
            # Of several uses at once, one is noted.
            last = ApiToken.last_used_at
            connection.execute(
                update(ApiToken)
                .where(ApiToken.id == token_id, or_(last.is_(None), last <= now - _NOTED_EVERY))
                .values(last_used_at=now)
            )
    except SQLAlchemyError as error:
        log.debug("the use of token %s was not noted: %s", token_id, error)
