"""Log-in links: how people without a password get one, and those who have forgotten theirs.

A link is a signed note of whom it is for and until when, with a fingerprint of what it replaces:
once the password or the address has changed, or all sessions were ended, it is void.
"""

import logging
from datetime import UTC, datetime, timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select

from reportapp.access import Action, require
from reportapp.accounts.people import get_person
from reportapp.accounts.users import check_password, hash_password
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.keys import plain_address
from reportapp.mail import Blame, SendFailure, compose_log_in_link, mail
from reportapp.models import User
from reportapp.tokens import new_message_key, token_hash

log = logging.getLogger(__name__)

ASKED_FOR = timedelta(hours=1)
#: People do not read the school's mail at once.
SENT_BY_ADMIN = timedelta(days=3)
#: Seconds for each answer of the mail server, while somebody waits.
PATIENCE = 5
_VOID = (
    "This link is no longer valid: it works once and for a limited time. Ask for a new one on the "
    "log-in page."
)


def ask_for_link(email: str, now: datetime) -> None:
    """Mail a link to the active person with this address; for any other address, nothing happens.
    Whoever asks cannot know which, so a mail that could not be sent is only logged."""
    user = db.session.scalar(select(User).where(User.email == plain_address(email)))
    if user is None or not user.is_active:
        return
    try:
        _send(user, now, ASKED_FOR, sent_by=None)
    except (SendFailure, ValueError) as error:
        log.warning("the log-in link for person %s was not sent: %s", user.id, error)


def send_link(actor: User, user_id: int, now: datetime) -> User:
    """Mail a link to somebody of the actor's school.

    Raises Forbidden, NotFound, or Conflict with the reason why nothing was sent.
    """
    require(actor, Action.MANAGE_PEOPLE)
    person = get_person(actor, user_id)
    if not person.is_active or not person.email:
        why = "has no e-mail address" if person.is_active else "is switched off"
        raise Conflict(f"{person.name} {why}, so no link can be sent.")
    try:
        _send(person, now, SENT_BY_ADMIN, sent_by=actor.name)
    except SendFailure as failure:
        unclear = failure.blame is Blame.AMBIGUOUS
        what = "It is unclear whether the mail was sent." if unclear else "The mail was not sent."
        raise Conflict(f"{what} The mail server says: {failure.reply}") from None
    except ValueError:
        raise Conflict(f"No mail can be written to {person.email}.") from None
    log.info("a log-in link was sent to person %s by person %s", user_id, actor.id)
    return person


def _send(user: User, now: datetime, valid: timedelta, sent_by: str | None) -> None:
    assert user.email is not None
    expires = now + valid
    token = _signer().dumps([user.id, int(expires.timestamp()), _fingerprint(user)])
    message = compose_log_in_link(
        to=(user.name, user.email),
        school=user.school.name,
        zone_name=user.zone_name,
        link=f"{current_app.config['BASE_URL']}/log-in-link/{token!s}",
        expires=expires,
        sent_by=sent_by,
        has_password=user.password_hash is not None,
        key=new_message_key(),
        now=now,
    )
    sealed = message.sealed()
    with mail.connect(PATIENCE) as session:
        session.deliver(sealed, before_content=lambda: True)


def find_by_link(token: str, now: datetime) -> User:
    """The person whose link this is. Raises NotFound for one that is void, used, too old or not
    ours."""
    return _find(token, now, lock=False)


def _find(token: str, now: datetime, *, lock: bool) -> User:
    try:
        user_id, expires, fingerprint = _signer().loads(token)
    except (BadData, ValueError):
        raise NotFound(_VOID) from None
    user = db.session.get(User, user_id, populate_existing=True, with_for_update=lock)
    if (
        user is None
        or not user.is_active
        or now > datetime.fromtimestamp(expires, UTC)
        or fingerprint != _fingerprint(user)
    ):
        raise NotFound(_VOID)
    return user


def set_password_by_link(token: str, password: str, now: datetime) -> User:
    """Set the password of the link's person and end all of their log-in sessions; the link is used
    up. Raises NotFound as `find_by_link`, or InvalidInput."""
    find_by_link(token, now)
    problem = check_password(password)
    if problem:
        raise InvalidInput({"password": [problem]})
    hashed = hash_password(password)
    with transaction():
        # Of two at the same moment, the second one finds another fingerprint.
        user = _find(token, now, lock=True)
        user.password_hash = hashed
        user.session_version += 1
    log.info("person %s has set a password by a link", user.id)
    return user


def _fingerprint(user: User) -> str:
    # A hash of a salted hash: it tells nothing of the password.
    return token_hash(f"{user.session_version} {user.email} {user.password_hash}")[:32]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="log-in link")
