"""What becomes of planned runs when a school's calendar has changed."""

from datetime import datetime

from sqlalchemy.orm import Session


def calendar_changed(session: Session, school_id: int, now: datetime) -> None:
    """Called after every change of the school's calendar, inside the transaction of the change:
    what this writes is kept or undone together with it. The change is already flushed, so
    `reports.calendar.load_calendar` reads the new state. `now` is the aware instant of the change.

    Nothing depends on the calendar yet.
    """
