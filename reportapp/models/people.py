"""People and how they belong together."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from reportapp.constants import Role
from reportapp.extensions import Base
from reportapp.models.school import School
from reportapp.models.types import UtcDateTime, words


def full_name(given_name: str, family_name: str) -> str:
    """How a person is called. Either may be empty."""
    return f"{given_name} {family_name}".strip()


class User(Base):
    """Everybody: admins, teachers, tutors, parents (guardians) and students."""

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("school_id", "sourced_id"),
        Index(None, "school_id", "role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    #: Lower case, so that uniqueness does not look at case; None: has no address.
    email: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[Role] = mapped_column(words(Role, "role"))
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    #: None: cannot log in.
    password_hash: Mapped[str | None] = mapped_column(String(200))
    #: IANA name; None: the school's.
    time_zone: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(16), default="en")
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Part of every log-in session; raising it ends them all.
    session_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    school: Mapped[School] = relationship()

    @validates("email")
    def _lower_email(self, _key: str, value: str | None) -> str | None:
        return value.lower() if value else None

    @property
    def name(self) -> str:
        return full_name(self.given_name, self.family_name)

    @property
    def zone_name(self) -> str:
        """The IANA zone in which this person reads times."""
        return self.time_zone or self.school.time_zone

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return f"{self.id}:{self.session_version}"


class GuardianLink(Base):
    """A guardian and a child, for as long as the link runs (both dates included)."""

    __tablename__ = "guardian_link"
    __table_args__ = (UniqueConstraint("guardian_id", "student_id"), Index(None, "student_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    guardian_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    begin_date: Mapped[date | None]
    end_date: Mapped[date | None]
    #: What they are to the child, such as "parent" or "guardian".
    relation: Mapped[str | None] = mapped_column(String(50))
    #: Set by an admin, never by an import: this person gets and sees nothing about the child.
    no_contact: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class TutorLink(Base):
    """A tutor and a student, for as long as the link runs (both dates included)."""

    __tablename__ = "tutor_link"
    __table_args__ = (UniqueConstraint("tutor_id", "student_id"), Index(None, "student_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tutor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    begin_date: Mapped[date | None]
    end_date: Mapped[date | None]


class ApiToken(Base):
    """A key for scripts. Only its hash is stored."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()
