"""The system's own tables: who runs the schedules, how the mail server is, who is told what, what
scripts have asked for by a key."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    Unicode,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import NoticeKind
from reportapp.extensions import Base
from reportapp.models.execution import ReportScheduleExecution
from reportapp.models.people import User
from reportapp.models.schedule import ReportSchedule
from reportapp.models.types import UtcDateTime, words

#: When the lease of a process ended that has given it back.
LET_GO = datetime(1970, 1, 1, tzinfo=UTC)


class SchedulerLease(Base):
    """One row: the process that runs the periodic jobs, and until when others must wait."""

    __tablename__ = "scheduler_lease"

    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailServerState(Base):
    """One row: whether the mail server is worth asking now."""

    __tablename__ = "mail_server_state"

    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    #: How often in a row it was out of order.
    failures: Mapped[int] = mapped_column(default=0)
    #: Nothing is sent until then: it was out of order several times in a row.
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Set: it refuses us, and nothing is sent until somebody has changed that.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Its last words while it is paused or stopped.
    reply: Mapped[str | None] = mapped_column(Text)
    #: SHA-256 of the settings with which it was stopped: with others it is tried again.
    settings: Mapped[str | None] = mapped_column(String(64))


class AddressTrouble(Base):
    """An address that has refused mails for good, until one gets through or a person forgives."""

    __tablename__ = "address_trouble"

    #: As `User.email` has it: in lower case.
    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    #: Mails in a row that it refused.
    failures: Mapped[int]
    reply: Mapped[str] = mapped_column(Text)
    failed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Set: nothing is sent there any more.
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Notice(Base):
    """What the system tells one person about something that it noticed by itself."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index(None, "mailed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[NoticeKind] = mapped_column(words(NoticeKind, "kind"))
    #: What is told once: "failed_run:12".
    key: Mapped[str] = mapped_column(String(100))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("report_schedule.id"))
    execution_id: Mapped[int | None] = mapped_column(ForeignKey("report_schedule_execution.id"))
    #: Plain words beside those of its kind: a server's reply, a reason.
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When the person put it away, or what it tells of had healed.
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When it left by mail; None: is still to.
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Until when the process that is mailing it is believed to be at it.
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()
    schedule: Mapped[ReportSchedule | None] = relationship()
    execution: Mapped[ReportScheduleExecution | None] = relationship()


class IdempotencyKey(Base):
    """A request that a script sent under a key of its own, and its answer: sent again, it gets the
    same answer and is not carried out again."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(255))
    #: Method and path, for telling what the key was used for.
    request: Mapped[str] = mapped_column(String(300))
    #: SHA-256 of everything that makes two requests the same.
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Until when somebody is believed to be at work on it; None: it has been carried out.
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The answer; None: there is none yet.
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


# As APScheduler 3.11's SQLAlchemyJobStore defines it; here so that migrations make it.
apscheduler_jobs = Table(
    "apscheduler_jobs",
    Base.metadata,
    Column("id", Unicode(191), primary_key=True),
    Column("next_run_time", Float(25), index=True),
    Column("job_state", LargeBinary, nullable=False),
)
