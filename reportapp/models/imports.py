"""Files of school data: what became of each, and how their columns are read."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import ImportKind, ImportStatus
from reportapp.extensions import Base
from reportapp.models.people import User
from reportapp.models.types import UtcDateTime, words


class ImportRun(Base):
    """One file that somebody brought: first looked at, then saved or not."""

    __tablename__ = "import_run"
    __table_args__ = (Index(None, "school_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    started_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[ImportKind] = mapped_column(words(ImportKind, "kind"))
    status: Mapped[ImportStatus] = mapped_column(words(ImportStatus, "status"))
    #: As its owner calls it.
    filename: Mapped[str] = mapped_column(String(255))
    #: Its folder in the instance's `imports/`, with the upload until it is saved and with its
    #: errors; None: removed, a day after it came.
    stored_as: Mapped[str | None] = mapped_column(String(100))
    #: How its columns are read, as JSON; for attendance and marks.
    mapping: Mapped[str | None] = mapped_column(Text)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int] = mapped_column(default=0)
    #: What it would do or has done, as JSON.
    summary: Mapped[str | None] = mapped_column(Text)
    error_count: Mapped[int] = mapped_column(default=0)
    #: Why it was refused, as a plain sentence.
    message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When whoever works on it last said so; long ago while running: it died.
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    started_by: Mapped[User] = relationship()


class ImportMapping(Base):
    """Named: which column of a school's export means what."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("school_id", "kind", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[ImportKind] = mapped_column(words(ImportKind, "kind"))
    name: Mapped[str] = mapped_column(String(100))
    #: JSON.
    mapping: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
