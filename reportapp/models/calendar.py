"""The days that a school has something to say about."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reportapp.constants import CalendarKind, CalendarSource
from reportapp.extensions import Base
from reportapp.models.types import words


class CalendarEntry(Base):
    """Holidays, a closure or exams: the days from `first_day` to `last_day`, both included."""

    __tablename__ = "calendar_entry"
    __table_args__ = (
        UniqueConstraint("school_id", "source", "uid"),
        Index(None, "school_id", "first_day"),
        CheckConstraint("last_day >= first_day", name="days_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[CalendarKind] = mapped_column(words(CalendarKind, "kind"))
    title: Mapped[str] = mapped_column(String(200))
    first_day: Mapped[date]
    last_day: Mapped[date]
    source: Mapped[CalendarSource] = mapped_column(words(CalendarSource, "source"))
    #: What the same entry is known by when its source is imported again; None for typed ones.
    uid: Mapped[str | None] = mapped_column(String(255))
