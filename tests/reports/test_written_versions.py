"""Of a corrected report a mail quotes the newest published version, and only that."""

from reportapp.constants import AuthoredStatus
from reportapp.extensions import db
from reportapp.models import TeacherWeeklyReport
from reportapp.reports import facts
from tests.cast import WEEK, create_teacher_weekly


def test_only_the_newest_published_version_is_quoted(cast):
    maths = cast.classes["maths"]
    for version, status in (
        (1, AuthoredStatus.READ),
        (2, AuthoredStatus.SENT),
        (3, AuthoredStatus.DRAFT),
    ):
        create_teacher_weekly(
            cast.tom, cast.ben, maths, WEEK, version=version, status=status, notes=f"v{version}"
        )
    found = facts.published(db.session, TeacherWeeklyReport, {cast.ben.id})
    assert [report.notes for report in found] == ["v2"]
