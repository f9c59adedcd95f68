"""What all parts of the demo school share while it is being made: the day, the dice, the database.

Nothing here reads the clock, and one generator of random numbers serves all parts in a fixed order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

#: How many whole weeks of lessons lie before the present one.
WEEKS = 10
ZONE = ZoneInfo("Europe/Berlin")


@dataclass
class Stage:
    """The demo school's makers pass this on; `school_id` is set once the school is there."""

    session: Session
    dice: Random
    now: datetime
    school_id: int = 0

    @property
    def today(self) -> date:
        """The date where the school is."""
        return self.now.astimezone(ZONE).date()

    @property
    def monday(self) -> date:
        """The Monday of the present week."""
        return self.today - timedelta(days=self.today.weekday())

    @property
    def first_monday(self) -> date:
        """The first day with lessons."""
        return self.monday - timedelta(weeks=WEEKS)

    @property
    def opening(self) -> datetime:
        """When everybody and every schedule was entered: before the first lesson."""
        return instant(self.first_monday - timedelta(days=3), 8)

    def add(self, model: Any, rows: Sequence[dict[str, Any]]) -> int:
        """Insert many rows at once; how many."""
        if rows:
            self.session.execute(insert(model.__table__), rows)
        return len(rows)

    def add_with_ids(self, model: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Insert many rows at once; the ids that the database gave them, in the rows' order."""
        if not rows:
            return []
        table = model.__table__
        statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return list(self.session.execute(statement, rows).scalars())


def instant(day: date, hour: int, minute: int = 0) -> datetime:
    """The school's local time as an instant in UTC."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZONE).astimezone(UTC)
