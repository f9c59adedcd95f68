"""Reading a report, saying so, and what becomes of a reading when the report is corrected."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp.constants import AuthoredStatus, EnrollmentRole
from reportapp.errors import Conflict, Forbidden, NotFound
from reportapp.extensions import db
from reportapp.models import GuardianLink, ReportReading
from reportapp.written.kinds import WRITTEN
from reportapp.written.lists import Filter, list_readable
from reportapp.written.reading import acknowledge, open_own, open_report
from tests.cast import NOW, enroll
from tests.written.help import STUDENT, TEACHER, TUTOR, about, publish, write

SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@pytest.fixture
def subject(cast):
    return about(STUDENT, cast.ana, cast.classes["maths"])


@pytest.fixture
def report(cast, subject):
    """Tom's on Ana, shown to her parents."""
    return publish(cast.tom, subject, grade="2", show_to_parent=True)


def is_new_for(person, report):
    rows, _ = list_readable(person, Filter(kind=STUDENT), NOW, page_size=100)
    return next(not row.is_read for row in rows if row.report.id == report.id)


def readings():
    rows = db.session.scalars(select(ReportReading).order_by(ReportReading.id))
    return [(row.reader_id, row.read_at, row.acknowledged_at) for row in rows]


class TestReading:
    def test_opening_marks_it_read_once_for_each_reader(self, cast, report):
        assert is_new_for(cast.pia, report)
        open_report(cast.pia, STUDENT, report.id, SOON)
        open_report(cast.pia, STUDENT, report.id, LATER)
        open_report(cast.pol, STUDENT, report.id, LATER)
        assert readings() == [(cast.pia.id, SOON, None), (cast.pol.id, LATER, None)]
        assert (report.status, report.read_at) == (AuthoredStatus.READ, SOON)
        assert not is_new_for(cast.pia, report)

    def test_looking_without_marking_changes_nothing(self, cast, report):
        opened = open_report(cast.pia, STUDENT, report.id, SOON, mark=False)
        assert (opened.reading, readings()) == (None, [])
        assert report.status is AuthoredStatus.SENT

    @pytest.mark.parametrize(
        ("name", "status"), [("pia", "read"), ("ana", "read"), ("uma", "read"), ("ada", "sent")]
    )
    def test_only_the_family_and_tutors_make_a_report_read(self, cast, report, name, status):
        open_report(cast.people[name], STUDENT, report.id, SOON)
        assert report.status == status
        assert [row[0] for row in readings()] == [cast.people[name].id]

    def test_a_colleague_of_the_class_reads_it_without_making_it_read(self, cast, report):
        enroll(cast.classes["maths"], cast.tea, EnrollmentRole.TEACHER)
        db.session.commit()
        open_report(cast.tea, STUDENT, report.id, SOON)
        assert (report.status, len(readings())) == (AuthoredStatus.SENT, 1)

    def test_its_author_reads_it_elsewhere_and_drafts_are_nobodys(self, cast, subject, report):
        with pytest.raises(NotFound):
            open_report(cast.tom, STUDENT, report.id, NOW)
        draft = write(cast.tom, subject, grade="1", show_to_parent=True)
        for person in (cast.pia, cast.ada, cast.uma, cast.ana):
            with pytest.raises(NotFound):
                open_report(person, STUDENT, draft.id, NOW)

    def test_a_link_that_has_ended_or_was_forbidden_ends_it_at_once(self, cast, report):
        open_report(cast.pia, STUDENT, report.id, SOON)
        link = db.session.scalar(select(GuardianLink).filter_by(guardian_id=cast.pia.id))
        for field, value in (("end_date", NOW.date() - timedelta(days=1)), ("no_contact", True)):
            before = getattr(link, field)
            setattr(link, field, value)
            db.session.commit()
            with pytest.raises(NotFound):
                open_report(cast.pia, STUDENT, report.id, NOW)
            with pytest.raises(NotFound):
                acknowledge(cast.pia, STUDENT, report.id, NOW)
            assert list_readable(cast.pia, Filter(), NOW) == ([], 0)
            setattr(link, field, before)
            db.session.commit()
        assert open_report(cast.pia, STUDENT, report.id, NOW).report.id == report.id


class TestAcknowledging:
    def test_a_parent_says_so_once(self, cast, report):
        open_report(cast.pia, STUDENT, report.id, NOW)
        acknowledge(cast.pia, STUDENT, report.id, SOON)
        acknowledge(cast.pia, STUDENT, report.id, LATER)
        assert readings() == [(cast.pia.id, NOW, SOON)]

    def test_it_counts_as_reading(self, cast, report):
        acknowledge(cast.pia, STUDENT, report.id, SOON)
        assert readings() == [(cast.pia.id, SOON, SOON)]
        assert report.status is AuthoredStatus.READ

    @pytest.mark.parametrize("name", ["ana", "uma", "ada", "tea"])
    def test_others_do_not(self, cast, report, name):
        with pytest.raises(Forbidden):
            acknowledge(cast.people[name], STUDENT, report.id, NOW)

    def test_the_author_sees_who_and_when(self, cast, report):
        open_report(cast.pol, STUDENT, report.id, NOW)
        acknowledge(cast.pia, STUDENT, report.id, SOON)
        own = open_own(cast.tom, STUDENT, report.id, LATER)
        seen = [(one.name, one.read_at, one.acknowledged_at) for one in own.readings[report.id]]
        assert seen == [("Pol Example", NOW, None), ("Pia Example", SOON, SOON)]
        assert [person.name for person in own.guardians] == ["Pia Example", "Pol Example"]

    def test_only_guardians_whose_link_holds_are_named_to_the_author(self, cast, report):
        link = db.session.scalar(select(GuardianLink).filter_by(guardian_id=cast.pia.id))
        link.no_contact = True
        db.session.commit()
        own = open_own(cast.tom, STUDENT, report.id, LATER)
        assert [person.name for person in own.guardians] == ["Pol Example"]


class TestCorrections:
    def test_a_correction_is_new_for_those_who_have_read_the_old_one(self, cast, subject, report):
        acknowledge(cast.pia, STUDENT, report.id, NOW)
        write(cast.tom, subject, grade="1", show_to_parent=True)
        assert open_report(cast.pia, STUDENT, report.id, NOW).report.grade == "2"
        newer = publish(cast.tom, subject, SOON, grade="1", show_to_parent=True)
        assert is_new_for(cast.pia, newer)
        opened = open_report(cast.pia, STUDENT, newer.id, LATER)
        assert (opened.report.version, opened.report.sent_at) == (2, SOON)
        assert opened.earlier_read_at == NOW
        assert opened.reading.acknowledged_at is None
        assert not is_new_for(cast.pia, newer)
        assert open_report(cast.pol, STUDENT, newer.id, LATER).earlier_read_at is None

    def test_the_old_address_leads_to_the_new_one_without_reading_it(self, cast, subject, report):
        newer = publish(cast.tom, subject, SOON, grade="1", show_to_parent=True)
        assert open_report(cast.pia, STUDENT, report.id, LATER).report.id == newer.id
        assert readings() == []

    def test_what_was_corrected_meanwhile_is_not_acknowledged_unseen(self, cast, subject, report):
        open_report(cast.pia, STUDENT, report.id, NOW)
        publish(cast.tom, subject, SOON, grade="1", show_to_parent=True)
        with pytest.raises(Conflict, match="was corrected"):
            acknowledge(cast.pia, STUDENT, report.id, LATER)
        assert readings() == [(cast.pia.id, NOW, None)]

    def test_a_correction_that_is_not_for_parents_takes_the_old_one_away(
        self, cast, subject, report
    ):
        newer = publish(cast.tom, subject, SOON, grade="1", show_to_parent=False)
        for report_id in (report.id, newer.id):
            with pytest.raises(NotFound):
                open_report(cast.pia, STUDENT, report_id, LATER)
            assert open_report(cast.uma, STUDENT, report_id, LATER).report.id == newer.id

    def test_who_read_an_old_version_stays_on_record(self, cast, subject, report):
        acknowledge(cast.pia, STUDENT, report.id, NOW)
        newer = publish(cast.tom, subject, SOON, grade="1", show_to_parent=True)
        own = open_own(cast.tom, STUDENT, newer.id, LATER)
        assert [one.version for one in own.versions] == [2, 1]
        assert [one.name for one in own.readings[report.id]] == ["Pia Example"]
        assert newer.id not in own.readings


@pytest.mark.parametrize(
    ("kind", "author", "place", "readers"),
    [
        (STUDENT, "tom", "maths", {"ada", "uma", "pia", "pol", "ana"}),
        (TEACHER, "tom", "maths", {"ada", "uma"}),
        (TUTOR, "uma", None, {"ada", "pia", "pol"}),
    ],
)
def test_each_kind_has_its_readers(cast, kind, author, place, readers):
    group = cast.classes[place] if place else None
    field = next(iter(WRITTEN[kind].texts))
    words = {field: "Fine.", "show_to_parent": True}
    report = publish(cast.people[author], about(kind, cast.ana, group), **words)
    found = set()
    for name, person in cast.people.items():
        try:
            open_report(person, kind, report.id, NOW)
        except (NotFound, Forbidden):
            continue
        found.add(name)
    assert found == readers
