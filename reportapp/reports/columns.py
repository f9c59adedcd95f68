"""Columns that several types of report share, and the sentences on how they are counted."""

from reportapp.documents import Column, Kind, Value
from reportapp.models import StudentReport

CLASS = Column("Class", width=24)
STUDENT = Column("Student", width=24)
AVERAGE = Column("Average score %", Kind.PERCENT, 12)
BEFORE = Column("Before %", Kind.PERCENT, 11)
NOW = Column("Now %", Kind.PERCENT, 11)
CHANGE = Column("Change (points)", Kind.CHANGE, 11)
ATTENDANCE = Column("Attendance %", Kind.PERCENT, 12)
DONE = Column("Assignments done %", Kind.PERCENT, 13)
TOTAL = Column("Assignments total", Kind.COUNT, 13)
#: What a teacher has written: the cells of `written`.
WRITTEN = (
    Column("Latest grade", width=10),
    Column("Progress %", Kind.PERCENT, 11),
    Column("Behaviour", Kind.NOTE, 40),
    Column("Concerns", Kind.NOTE, 40),
    Column("Recommendations", Kind.NOTE, 40),
)

SCORES_REMARK = "Scores count in the period in which the work was due."
CHANGE_REMARK = "Change compares with the period of the same length before, in percentage points."
ATTENDANCE_REMARK = "Attendance leaves excused lessons out."
JOINED_REMARK = "What was before a student joined the class does not count."


def written(report: StudentReport | None) -> tuple[Value, ...]:
    """The cells of WRITTEN."""
    if report is None:
        return (None,) * len(WRITTEN)
    return (
        report.grade or None,
        report.progress_percent,
        report.behaviour or None,
        report.concerns or None,
        report.recommendations or None,
    )
