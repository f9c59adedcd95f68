"""What is made once and shared, what is kept of it, and how fast it may leave."""

import hashlib
import stat
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import event, select, update

from reportapp import clock
from reportapp.artefacts import artefact_path, keep_artefact
from reportapp.constants import (
    AttendanceStatus,
    DeliveryMode,
    DeliveryStatus,
    LinkAccess,
    Reason,
    Role,
    WhenEmpty,
)
from reportapp.delivery import deliver, plan_due, work
from reportapp.delivery.limits import Limits
from reportapp.delivery.policy import LONGEST_WAIT
from reportapp.delivery.record import Recorder
from reportapp.extensions import db, transaction
from reportapp.models import (
    GuardianLink,
    ReportDelivery,
    ReportFile,
    ReportScheduleRecipient,
)
from reportapp.rendering.workers import PdfWorkers, TooHeavy
from reportapp.reports import REPORTS
from reportapp.schedules.runs import run_now
from reportapp.tokens import read_download
from tests.cast import (
    NOW,
    WEEK,
    create_admins,
    create_attendance,
    create_class,
    create_guardian_link,
    create_order,
    create_person,
)
from tests.delivery.told import steps_told

DUE = NOW + timedelta(minutes=30)


def run(instant=DUE, stop=None):
    plan_due(instant)
    return deliver(clock.fixed(instant), stop, wall=clock.fixed(instant))


def deliveries():
    db.session.expire_all()
    return db.session.scalars(select(ReportDelivery).order_by(ReportDelivery.id)).all()


@pytest.fixture
def admins(cast):
    """Seven people with the same rights."""
    return create_admins(cast.school, 7)


@pytest.fixture
def built(monkeypatch):
    """The scopes for which documents were built, in the order of their building."""
    scopes = []
    for name, kind in list(REPORTS.items()):

        def build(session, order, wanted, real=kind.build):
            scopes.extend(wanted)
            return real(session, order, wanted)

        monkeypatch.setitem(REPORTS, name, replace(kind, build=build))
    return scopes


def test_what_all_may_see_is_built_once_in_however_many_batches(
    cast, smtp, admins, built, monkeypatch
):
    monkeypatch.setattr(work, "BATCH", 2)
    create_order(cast.ada, *admins)
    assert run()["sent"] == 7
    assert len(built) == 1
    assert len({mail.attachment for mail in smtp.arrived}) == 1
    for person in admins:
        mail = smtp.to(person.email)
        assert f"Dear {person.name}," in mail.text
        assert f"Dear {person.name}," in mail.html
        others = {other.given_name for other in admins} - {person.given_name}
        assert not any(other in mail.text + mail.html for other in others)


@pytest.mark.parametrize("fails", [False, True])
def test_what_all_may_see_is_made_once_even_if_that_fails(cast, smtp, admins, monkeypatch, fails):
    made = []

    def keep(*args):
        made.append(args)
        if fails:
            raise OSError("disk full")
        return keep_artefact(*args)

    monkeypatch.setattr("reportapp.delivery.produce.keep_artefact", keep)
    create_order(cast.ada, *admins)
    assert run()["retrying" if fails else "sent"] == 7
    assert len(made) == 1


def test_what_could_not_be_made_is_tried_again_for_those_who_come_later(
    cast, smtp, admins, monkeypatch
):
    failures = iter([OSError("disk full")])

    def keep(*args):
        for failure in failures:
            raise failure
        return keep_artefact(*args)

    monkeypatch.setattr("reportapp.delivery.produce.keep_artefact", keep)
    monkeypatch.setattr(work, "BATCH", 4)
    create_order(cast.ada, *admins)
    totals = run()
    assert (totals["retrying"], totals["sent"]) == (4, 3)


def test_each_mail_has_the_link_of_its_own_reader_in_header_text_and_html(cast, smtp, admins):
    schedule = create_order(cast.ada, *admins)
    run()
    tokens = {
        row.recipient_id: row.unsubscribe_token
        for row in db.session.scalars(
            select(ReportScheduleRecipient).filter_by(schedule_id=schedule.id)
        )
    }
    for person in admins:
        mail = smtp.to(person.email)
        link = f"https://reports.lindenhof.example/u/{tokens[person.id]}"
        assert mail.message["List-Unsubscribe"] == f"<{link}>"
        assert mail.text.count("/u/") == mail.html.count("/u/") == 1
        assert link in mail.text
        assert link in mail.html


def test_a_name_that_is_markup_stays_text_in_the_html(cast, smtp):
    person = create_person(
        cast.school, Role.ADMIN, "<b>Eve</b>", "O'Connor & Co", email="eve@admin.example"
    )
    create_order(cast.ada, person)
    run()
    mail = smtp.to("eve@admin.example")
    assert "Dear <b>Eve</b> O'Connor & Co," in mail.text
    assert "Dear &lt;b&gt;Eve&lt;/b&gt; O&#39;Connor &amp; Co," in mail.html


def test_readers_who_share_a_scope_cost_one_commit_each_and_nothing_else(cast, smtp, monkeypatch):
    monkeypatch.setattr(work, "FRESH", 60.0)
    people = create_admins(cast.school, 40)
    few, many = create_order(cast.ada, *people[:10]), create_order(cast.ada, *people)

    def queries(schedule) -> list[str]:
        run_now(cast.ada, schedule.id, NOW, message_domain="lindenhof.example")
        seen = []
        listener = lambda *args: seen.append(args[2])  # noqa: E731
        told.clear()
        event.listen(db.engine, "before_cursor_execute", listener)
        deliver(clock.fixed(NOW), wall=clock.fixed(NOW))
        event.remove(db.engine, "before_cursor_execute", listener)
        return [*seen, *told]

    told = steps_told(monkeypatch)
    queries(few)  # the first one also reads what the test itself has made
    first, second = queries(few), queries(many)
    assert len(smtp.arrived) == 60
    # Per mail: the phase, and the outcome of the mail before.
    assert len(second) - len(first) == 30 * 2


def test_the_bytes_that_were_sent_are_kept_once_for_us_only_with_whom_they_are_about(
    app, cast, smtp, admins
):
    create_order(cast.ada, *admins)
    run()
    rows = deliveries()
    (kept,) = db.session.scalars(select(ReportFile))
    name, data = smtp.arrived[0].attachment
    assert {row.artefact for row in rows} == {hashlib.sha256(data).hexdigest()} == {kept.sha256}
    assert {row.report_file_id for row in rows} == {kept.id}
    assert (kept.name, kept.size, kept.content_type) == (name, len(data), "text/csv")
    folder = Path(app.instance_path) / "artefacts"
    path = artefact_path(folder, kept.sha256)
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p for p in folder.rglob("*") if p.is_file()] == [path]
    pupils = {student for student, _ in kept.pairs}
    assert pupils == {cast.ana.id, cast.ben.id, cast.cem.id}


def test_equal_files_about_different_people_are_told_apart(cast, smtp):
    """Who may have a file goes by whom it is about, not by what happens to stand in it."""
    children = [create_person(cast.school, Role.STUDENT, "Kim", "Same", email=None) for _ in "12"]
    chess = create_class(cast.school, "9z Chess", "Chess", [cast.tom], children)
    parents = []
    for n, child in enumerate(children):
        parents.append(create_person(cast.school, Role.PARENT, f"P{n}", email=f"p{n}@p.example"))
        create_guardian_link(parents[-1], child)
        create_attendance(chess, child, WEEK, AttendanceStatus.PRESENT)
    create_order(cast.tom, *parents)
    assert run()["sent"] == 2
    files = db.session.scalars(select(ReportFile)).all()
    assert len(files) == 2
    assert len({file.sha256 for file in files}) == 1
    assert {file.pairs[0][0] for file in files} == {child.id for child in children}


@pytest.mark.parametrize("mode", list(DeliveryMode))
@pytest.mark.parametrize("access", list(LinkAccess))
def test_the_file_is_attached_or_linked_to_as_the_schedule_says(app, cast, smtp, mode, access):
    schedule = create_order(cast.tom, cast.pia)
    schedule.delivery_mode, schedule.link_access = mode, access
    db.session.commit()
    assert run()["sent"] == 1
    (mail,), (delivery,) = smtp.arrived, deliveries()
    attached = list(mail.message.iter_attachments())
    assert bool(attached) == (mode is not DeliveryMode.LINK)
    if mode is DeliveryMode.ATTACHMENT:
        assert "/files/" not in mail.text
        assert "/f/" not in mail.text
        return
    words = mail.text.split()
    (link,) = [w for w in words if w.startswith("https://") and "/u/" not in w]
    assert link in mail.html
    path = link.removeprefix("https://reports.lindenhof.example")
    if access is LinkAccess.LOGIN:
        assert path == f"/files/{delivery.id}"
        assert "asked to log in" in mail.text
    else:
        assert read_download(app.config["SECRET_KEY"], path.removeprefix("/f/")) == delivery.id
        assert "works once" in mail.text


@pytest.mark.parametrize("when_empty", list(WhenEmpty))
def test_a_report_without_data_is_skipped_or_says_so(cast, smtp, when_empty):
    schedule = create_order(cast.tom, cast.tom, now=NOW + timedelta(days=60))
    schedule.when_empty = when_empty
    db.session.commit()
    run(schedule.next_scheduled)
    (delivery,) = deliveries()
    if when_empty is WhenEmpty.NOTE:
        (mail,) = smtp.arrived
        assert list(mail.message.iter_attachments()) == []
        assert "There is nothing to report for these days." in mail.text
        assert "There is nothing to report for these days." in mail.html
        assert (delivery.status, delivery.artefact) == (DeliveryStatus.SENT, None)
    else:
        assert smtp.arrived == []
        assert (delivery.status, delivery.reason) == (DeliveryStatus.SKIPPED, Reason.NO_DATA)


def test_a_pdf_is_made_in_a_process_and_is_kept(cast, smtp):
    create_order(cast.tom, cast.tom, cast.pia, export_format="pdf")
    assert run()["sent"] == 2
    assert all(mail.attachment[1].startswith(b"%PDF") for mail in smtp.arrived)


def test_a_document_too_heavy_fails_its_own_mails_only_and_says_why(cast, smtp, monkeypatch):
    create_order(cast.tom, cast.tom, export_format="pdf")
    create_order(cast.tom, cast.pia)

    def refuse(self, document):
        raise TooHeavy("The PDF takes more than 120 seconds to make.")

    monkeypatch.setattr(PdfWorkers, "render", refuse)
    totals = run()
    assert (totals["sent"], totals["failed"]) == (1, 1)
    failed = deliveries()[0]
    assert (failed.reason, failed.attempts) == (Reason.TOO_HEAVY, 1)
    assert failed.smtp_reply == "The PDF takes more than 120 seconds to make."


def test_who_waits_for_its_file_when_all_are_to_stop_does_not_send(cast, smtp, monkeypatch):
    stop = Event()

    def render(self, document):
        time.sleep(0.1)
        stop.set()
        return b"%PDF"

    monkeypatch.setattr(PdfWorkers, "render", render)
    create_order(cast.ada, cast.pol, cast.pia, export_format="pdf")
    assert run(stop=stop)["sent"] == 0
    assert smtp.sessions == 0
    assert {row.status for row in deliveries()} == {DeliveryStatus.PENDING}


def test_who_needs_another_file_than_the_one_it_waited_for_waits_for_that_as_well(
    app, cast, smtp, monkeypatch
):
    """While pol's is made he loses a child, and another session reads that. Just taking the other
    file would hold up all sessions until it is made."""
    create_order(cast.ada, cast.pol, cast.pia, export_format="pdf")
    plan_due(DUE)
    app.config["PDF_WORKERS"] = 2
    waited, first, both = [], Event(), Event()

    def render(self, document):
        (both if len(document.students) == 1 else first).wait(3)
        return b"%PDF"

    def wait_for(pdf):
        waited.append(pdf)
        first.set()
        if len(waited) == 1:
            lost = GuardianLink.student_id == cast.cem.id
            with transaction() as session:
                session.execute(update(GuardianLink).where(lost).values(no_contact=True))
            mine._read_again(mine._reading)
        else:
            both.set()
        pdf.result(10)

    monkeypatch.setattr(PdfWorkers, "render", render)
    fixed = clock.fixed(DUE)
    with (
        closing(Recorder(db.engine, "me", fixed)) as recorder,
        closing(work.Work(app, "me", fixed, fixed, recorder, wait_for)) as mine,
    ):
        item = mine.next()
        recorder.finish(mine.executions)
    assert item.made.standing.email == "pol@parent.example"
    assert len(waited) == 2


def test_what_is_no_longer_wanted_does_not_leave_even_between_two_looks_at_the_scopes(
    cast, smtp, monkeypatch
):
    create_order(cast.tom, cast.ada, cast.pia)
    engine = db.engine

    def unsubscribe(named):
        mine = ReportScheduleRecipient.recipient_id == cast_pia
        with engine.begin() as connection:
            connection.execute(
                update(ReportScheduleRecipient).where(mine).values(is_subscribed=False)
            )

    cast_pia = cast.pia.id
    smtp.on_rcpt = lambda named: unsubscribe(named) if named.startswith("pia") else None
    run()
    assert smtp.addresses == ["ada@admin.example"]
    assert deliveries()[1].reason is Reason.UNSUBSCRIBED


def test_whose_data_a_mail_holds_is_read_anew_after_a_second_even_if_nothing_has_changed(
    cast, smtp, monkeypatch
):
    """Links end with a day, which changes no row."""
    seconds = count()
    monkeypatch.setattr(work, "stopwatch", lambda: float(next(seconds)))
    create_order(cast.ada, cast.ada, cast.pia)
    with transaction() as session:
        ends = update(GuardianLink).where(GuardianLink.guardian_id == cast.pia.id)
        session.execute(ends.values(end_date=NOW.date()))
    plan_due(DUE)
    present = [DUE]
    smtp.on_rcpt = lambda named: present.append(DUE + timedelta(days=1))
    deliver(lambda: present[-1], wall=clock.fixed(DUE))
    assert smtp.addresses == ["ada@admin.example"]
    assert deliveries()[1].reason is Reason.OUT_OF_SCOPE


def test_what_changes_for_anybody_sends_back_one_mail_at_most_and_then_all_are_asked_anew(
    cast, smtp, admins
):
    create_order(cast.ada, *admins)
    engine, asked = db.engine, []

    def change_once(named):
        if not asked:
            with engine.begin() as connection:
                connection.execute(update(GuardianLink).values(no_contact=True))
        asked.append(named)

    smtp.on_rcpt = change_once
    assert run()["sent"] == 7
    assert len(asked) == 8


class TestSessions:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_MAILS_PER_SESSION": 3}

    def test_a_session_carries_so_many_mails_and_then_a_new_one_is_opened(self, cast, smtp, admins):
        create_order(cast.ada, *admins)
        assert run()["sent"] == 7
        assert smtp.sessions == 3


class TestSeveralSessions:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_WORKERS": 4}

    def test_they_are_opened_only_as_there_is_something_to_send(self, cast, smtp):
        create_order(cast.ada, cast.tom)
        assert run()["sent"] == 1
        assert smtp.sessions == 1


class TestLimits:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_PER_DOMAIN_AND_MINUTE": 2}

    def test_a_domain_gets_its_share_of_each_minute_and_others_do_not_wait(
        self, cast, smtp, admins
    ):
        create_order(cast.ada, *admins, cast.tom)
        totals = run()
        assert (totals["sent"], totals["retrying"]) == (3, 5)
        assert cast.tom.email in smtp.addresses
        for minute, sent in ((1, 2), (2, 2), (3, 1), (4, 0)):
            assert run(DUE + timedelta(minutes=minute))["sent"] == sent
        assert {row.attempts for row in deliveries()} == {1}


def test_no_mail_is_put_off_for_longer_than_a_retry_would_be():
    """What is farther away is taken for the work of a wrong clock, and comes back at once."""
    limits = Limits(0, 1)
    waits = [limits.put_off("pia@parent.example", NOW) for _ in range(200)]
    assert max(filter(None, waits)) <= NOW + LONGEST_WAIT


def test_each_mail_takes_its_own_turn_of_so_many_a_second():
    limits = Limits(10, 0)
    assert [limits.delay() for _ in range(4)] == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.05)


def test_turns_that_nobody_has_taken_are_not_made_up_for(monkeypatch):
    present = [100.0]
    monkeypatch.setattr("reportapp.delivery.limits.stopwatch", lambda: present[-1])
    limits = Limits(10, 0)
    limits.delay()
    present.append(200.0)
    assert [limits.delay() for _ in range(3)] == pytest.approx([0, 0.1, 0.2])


class TestPerSecond:
    @pytest.fixture
    def settings(self):
        return {"DELIVERY_PER_SECOND": 1, "DELIVERY_WORKERS": 4}

    def test_who_waits_for_its_turn_when_all_are_to_stop_does_not_send(self, cast, smtp, admins):
        create_order(cast.ada, *admins)
        plan_due(DUE)
        stop = Event()
        smtp.on_data = lambda to: stop.set()
        begun = time.monotonic()
        assert deliver(clock.fixed(DUE), stop)["sent"] == 1
        assert time.monotonic() - begun < 1
        assert [row.status for row in deliveries()].count("pending") == 6

    def test_a_server_that_refuses_us_is_not_asked_again_by_those_who_wait_for_their_turns(
        self, cast, smtp, admins
    ):
        smtp.on_mail = lambda options: "530 log in first"
        create_order(cast.ada, *admins)
        run()
        assert smtp.sessions == 1
        assert {row.status for row in deliveries()} == {DeliveryStatus.PENDING}


def test_a_file_that_cannot_be_kept_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        keep_artefact(tmp_path, b"data")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
