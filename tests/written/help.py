"""Shorter ways to write and send reports in tests."""

from datetime import timedelta

from reportapp.constants import ReportType
from reportapp.documents import Period
from reportapp.extensions import db
from reportapp.written.find import draft_of, published_of, versions
from reportapp.written.kinds import Subject
from reportapp.written.values import fingerprint
from reportapp.written.writing import save, send
from tests.cast import NOW, WEEK

STUDENT, TEACHER, TUTOR = (
    ReportType.STUDENT_REPORT,
    ReportType.TEACHER_WEEKLY_REPORT,
    ReportType.TUTOR_WEEKLY_REPORT,
)
#: The week of NOW, in which the cast has not written yet.
THIS_WEEK = Period(WEEK + timedelta(days=7), WEEK + timedelta(days=14))


def about(kind, student, group=None, period=THIS_WEEK):
    return Subject(kind, group.id if group else None, student.id, period)


def now_seen(author, subject):
    """What the author's page would have seen at this moment."""
    known = versions(db.session, subject.kind, subject.identity(author))
    return fingerprint(subject.kind, draft_of(known) or published_of(known))


def write(author, subject, now=NOW, **words):
    """The saved draft, written by somebody who has seen what there is."""
    return save(author, subject, words, now_seen(author, subject), now)


def publish(author, subject, now=NOW, **words):
    """Written and sent."""
    report = write(author, subject, now, **words)
    return send(author, subject.kind, {report.id: fingerprint(subject.kind, report)}, now)[0]
