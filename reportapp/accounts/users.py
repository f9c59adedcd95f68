"""Accounts: making them, logging in and passwords."""

from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from reportapp.constants import Role
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.keys import plain_address
from reportapp.models import School, User
from reportapp.recurrence.zones import find_zone
from reportapp.tokens import new_api_token

LEAST_PASSWORD = 8
MOST_PASSWORD = 200
_hasher = PasswordHasher()


def create_user(
    email: str, role: str, name: str, password: str, now: datetime, *, time_zone: str
) -> User:
    """A new person in the database's school, which is made, in `time_zone`, if there is none yet.

    `name` is "First Last". Raises InvalidInput with all fields that are wrong, Conflict when the
    address is taken or there are several schools to choose from.
    """
    problems: dict[str, list[str]] = {}
    checked_email = checked_role = None
    try:
        checked_email = check_email(email)
    except ValueError as error:
        problems["email"] = [str(error)]
    try:
        checked_role = Role(role)
    except ValueError:
        problems["role"] = [f"Choose one of: {', '.join(Role)}."]
    given, _, family = " ".join(name.split()).rpartition(" ")
    if not family or max(len(given), len(family)) > 100 or not name.isprintable():
        problems["name"] = [
            'Give a name such as "Ada Lovelace", each part of at most 100 characters.'
        ]
    password_problem = check_password(password)
    if password_problem:
        problems["password"] = [password_problem]
    if problems:
        raise InvalidInput(problems)
    try:
        with transaction() as session:
            user = User(
                school_id=_only_school(now, time_zone),
                email=checked_email,
                role=checked_role,
                given_name=given or family,
                family_name=family if given else "",
                password_hash=_hasher.hash(password),
                created_at=now,
            )
            session.add(user)
    except IntegrityError:
        raise Conflict(f"There is already a person with the address {checked_email}.") from None
    return user


def _only_school(now: datetime, time_zone: str) -> int:
    schools = db.session.scalars(select(School).limit(2)).all()
    if len(schools) > 1:
        raise Conflict("There are several schools in this database; their people are imported.")
    if schools:
        return schools[0].id
    school = School(name="Our school", time_zone=time_zone, created_at=now)
    db.session.add(school)
    db.session.flush()
    return school.id


def check_email(email: str) -> str:
    """The address in lower case. Raises ValueError with what is wrong with it."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


def check_password(password: str) -> str | None:
    """What is wrong with a new password, or None."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        return f"Use {LEAST_PASSWORD} to {MOST_PASSWORD} characters."
    try:
        password.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return "There is an invisible character in this password; type it again."
    return None


def hash_password(password: str) -> str:
    """What the database keeps of a checked password; slow on purpose."""
    return _hasher.hash(password)


def find_user(email: str) -> User:
    """The person with this address, in any case. Raises NotFound."""
    address = plain_address(email)
    user = db.session.scalar(select(User).where(User.email == address))
    if user is None:
        named = f"the address {address}" if address else "this address"
        raise NotFound(f"There is nobody with {named}.")
    return user


def authenticate(email: str, password: str) -> User | None:
    """The active person with this address and password, or None. It takes as long whether or not
    the address exists, so that nobody can find out who has an account."""
    user = db.session.scalar(select(User).where(User.email == plain_address(email)))
    stored = user.password_hash if user is not None and user.password_hash else _no_hash()
    try:
        _hasher.verify(stored, password[:MOST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return user if user is not None and user.is_active and user.password_hash else None


@cache
def _no_hash() -> str:
    return _hasher.hash(new_api_token())


def load_session_user(session_id: str) -> User | None:
    """The person of a log-in session (`User.get_id`), or None when the session has ended."""
    number, _, version = session_id.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    user = db.session.get(User, int(number))
    if user is None or not user.is_active or str(user.session_version) != version:
        return None
    return user


def update_account(actor: User, time_zone: str) -> None:
    """Set the actor's own time zone; empty text: the school's. Raises InvalidInput."""
    try:
        zone = find_zone(time_zone) if time_zone.strip() else None
    except ValueError as error:
        raise InvalidInput({"time_zone": [str(error)]}) from None
    with transaction():
        actor.time_zone = zone


def change_password(actor: User, current: str, new: str) -> None:
    """Set a new password and end all of the actor's log-in sessions. Raises InvalidInput."""
    problems: dict[str, list[str]] = {}
    if authenticate(actor.email or "", current) is None:
        problems["current_password"] = ["This is not your present password."]
    problem = check_password(new)
    if problem:
        problems["new_password"] = [problem]
    if problems:
        raise InvalidInput(problems)
    with transaction():
        actor.password_hash = _hasher.hash(new)
        actor.session_version += 1


def set_password(email: str, password: str) -> User:
    """Set the password of the person with this address and end all of their log-in sessions. Raises
    NotFound, or InvalidInput."""
    user = find_user(email)
    problem = check_password(password)
    if problem:
        raise InvalidInput({"password": [problem]})
    with transaction():
        user.password_hash = hash_password(password)
        user.session_version += 1
    return user
