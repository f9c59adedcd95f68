"""What a school has said about its days, read from the database."""

from sqlalchemy.orm import Session

from reportapp.recurrence import SchoolCalendar


def load_calendar(session: Session, school_id: int) -> SchoolCalendar:
    return SchoolCalendar()
