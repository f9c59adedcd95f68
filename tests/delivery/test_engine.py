"""From a due schedule to the bytes at a real mail server, and what the ledger says."""

import gc
import weakref
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from reportapp import clock
from reportapp.constants import OPEN_DELIVERIES, DeliveryStatus, ExecutionStatus, Reason
from reportapp.delivery import (
    anything_due,
    deliver,
    plan_due,
    produce,
    record,
    recover,
    send,
    work,
)
from reportapp.delivery.claims import claim, kept_alive
from reportapp.delivery.health import note_trouble, standstill, try_again
from reportapp.delivery.policy import Outcome
from reportapp.delivery.record import Recorder
from reportapp.delivery.standing import access_version
from reportapp.delivery.turns import Turns
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.mail import MailSession
from reportapp.mail.sender import FINAL_REPLY_TIMEOUT
from reportapp.models import (
    AccessChange,
    AddressTrouble,
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    School,
    TutorLink,
    User,
)
from reportapp.reports import REPORTS
from reportapp.schedules import ledger as ledger_module
from reportapp.schedules import runs as runs_module
from reportapp.schedules.edit import switch_schedule
from reportapp.schedules.recipients import remove_recipient
from reportapp.schedules.runs import resend, run_now, send_test
from reportapp.schedules.subscriptions import set_subscribed
from reportapp.serve import _Server
from tests.cast import NOW, create_order
from tests.delivery.asking import create_questions, may_send
from tests.delivery.told import steps_told
from tests.e2e.server import wait_for
from tests.smtp import HANG_UP

#: 09:00 in Berlin on the Monday of the cast.
DUE = NOW + timedelta(minutes=30)


def run(instant=DUE):
    """One turn of the scheduler at `instant`."""
    plan_due(instant)
    recover(instant, clock.fixed(instant))
    return deliver(clock.fixed(instant), wall=clock.fixed(instant))


def send_now(author, schedule, instant):
    """Sends by hand at `instant` what is for those days, and returns how it went."""
    run_now(author, schedule.id, instant, message_domain="lindenhof.example")
    return deliver(clock.fixed(instant), wall=clock.fixed(instant))


def ledger():
    """{address: (status, reason)} of all deliveries."""
    return {
        row.recipient.email: (row.status, row.reason)
        for row in db.session.scalars(select(ReportDelivery))
    }


def only_execution() -> ReportScheduleExecution:
    return db.session.scalars(select(ReportScheduleExecution)).one()


def test_a_due_schedule_reaches_its_recipients_and_moves_on(cast, smtp):
    schedule = create_order(cast.tom, cast.tom, cast.pia)
    assert schedule.next_scheduled == DUE

    assert run(DUE - timedelta(minutes=1)) == dict.fromkeys(
        ("sent", "failed", "retrying", "skipped", "unknown"), 0
    )
    assert run()["sent"] == 2

    assert smtp.addresses == ["pia@parent.example", "tom@teacher.example"]
    assert schedule.next_scheduled == DUE + timedelta(days=7)
    assert schedule.last_sent == DUE
    execution = only_execution()
    assert execution.status is ExecutionStatus.COMPLETED
    assert (execution.total_recipients, execution.successful_sends) == (2, 2)
    assert execution.success_rate == 100
    assert run()["sent"] == 0
    assert len(smtp.arrived) == 2


def test_each_recipient_gets_only_what_author_and_recipient_both_may_see(cast, smtp):
    create_order(cast.tom, cast.tom, cast.pia, cast.pol, cast.ada)
    run()
    rows = {mail.to: mail.attachment[1].decode("utf-8-sig") for mail in smtp.arrived}
    assert "Ben" in rows["tom@teacher.example"]
    assert "Ben" not in rows["pia@parent.example"]
    assert "7a Mathematics" in rows["pia@parent.example"]
    assert "English" not in rows["pia@parent.example"]
    assert "Cem" not in rows["pol@parent.example"]
    assert rows["ada@admin.example"] == rows["tom@teacher.example"]


def test_a_parent_without_a_child_here_gets_nothing_and_the_ledger_says_why(cast, smtp):
    create_order(cast.ada, cast.nil, cast.pia)
    assert run()["skipped"] == 1
    assert smtp.addresses == ["pia@parent.example"]
    assert ledger()["nil@parent.example"] == (DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE)


def test_who_has_unsubscribed_is_skipped_with_the_reason(cast, smtp):
    schedule = create_order(cast.tom, cast.tom, cast.pia)
    token = subscription(schedule, cast.pia).unsubscribe_token
    set_subscribed(token, False, NOW)
    run()
    assert smtp.addresses == ["tom@teacher.example"]
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED)

    set_subscribed(token, True, NOW)
    run(DUE + timedelta(days=7))  # no data in that week
    assert only_open() == []


def test_leaving_between_planning_and_sending_counts(cast, smtp):
    schedule = create_order(cast.tom, cast.tom, cast.pia, cast.pol)
    plan_due(DUE)
    set_subscribed(subscription(schedule, cast.pia).unsubscribe_token, False, DUE)
    remove_recipient(cast.tom, schedule.id, cast.pol.id, DUE)
    deliver(clock.fixed(DUE))
    assert smtp.addresses == ["tom@teacher.example"]
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED)
    assert ledger()["pol@parent.example"] == (DeliveryStatus.SKIPPED, Reason.REMOVED)


def change_while_sending(smtp, address, model, where, **values):
    """Changes rows, on a connection of its own, when `address` is first named to the mail server:
    the mails of the whole batch have been made by then."""
    engine, waiting = db.engine, [address]

    def change(named):
        if named in waiting:
            waiting.clear()
            with engine.begin() as connection:
                connection.execute(update(model).where(where).values(values))

    smtp.on_rcpt = change


@pytest.mark.parametrize("own", [False, True], ids=["of another", "of their own"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("unsubscribed", Reason.UNSUBSCRIBED),
        ("removed", Reason.REMOVED),
        ("deactivated", Reason.INACTIVE),
        ("no address", Reason.NO_ADDRESS),
        ("no child", Reason.OUT_OF_SCOPE),
        ("author gone", Reason.AUTHOR_INACTIVE),
        ("switched off", Reason.SCHEDULE_OFF),
        ("deleted", Reason.SCHEDULE_OFF),
    ],
)
def test_what_changes_during_a_mail_counts_for_that_mail_and_the_next(
    cast, smtp, change, reason, own
):
    schedule = create_order(cast.tom, cast.ada, cast.pia)
    of_pia = ReportScheduleRecipient.recipient_id == cast.pia.id
    model, where, values = {
        "unsubscribed": (ReportScheduleRecipient, of_pia, {"is_subscribed": False}),
        "removed": (ReportScheduleRecipient, of_pia, {"removed_at": DUE}),
        "deactivated": (User, User.id == cast.pia.id, {"is_active": False}),
        "no address": (User, User.id == cast.pia.id, {"email": None}),
        "no child": (
            GuardianLink,
            GuardianLink.guardian_id == cast.pia.id,
            {"end_date": NOW.date() - timedelta(days=1)},
        ),
        "author gone": (User, User.id == cast.tom.id, {"is_active": False}),
        "switched off": (ReportSchedule, ReportSchedule.id == schedule.id, {"is_active": False}),
        "deleted": (ReportSchedule, ReportSchedule.id == schedule.id, {"deleted_at": DUE}),
    }[change]
    when = "pia@parent.example" if own else "ada@admin.example"
    change_while_sending(smtp, when, model, where, **values)
    run()
    assert "pia@parent.example" not in smtp.addresses
    assert (DeliveryStatus.SKIPPED, reason) in ledger().values()
    assert only_open() == []


def test_a_mail_about_a_child_that_was_lost_meanwhile_is_made_anew_without_it(cast, smtp):
    create_order(cast.ada, cast.ada, cast.pol)
    lost = (GuardianLink.guardian_id == cast.pol.id) & (GuardianLink.student_id == cast.cem.id)
    yesterday = NOW.date() - timedelta(days=1)
    change_while_sending(smtp, "pol@parent.example", GuardianLink, lost, end_date=yesterday)
    totals = run()
    assert (totals["sent"], totals["retrying"]) == (2, 0)
    rows = smtp.to("pol@parent.example").attachment[1].decode("utf-8-sig")
    assert "Ana" in rows
    assert "Cem" not in rows
    assert {row.attempts for row in db.session.scalars(select(ReportDelivery))} == {1}


def test_what_another_session_reads_again_just_now_does_not_vouch_for_the_mail_in_hand(
    app, cast, smtp, monkeypatch
):
    """Pia's mail is about to be asked for when its session is interrupted: she loses Ana, and for
    the others of the batch that is read again."""
    create_order(cast.tom, cast.pia, cast.pol)
    reading, working = work.Reading.__init__, work.Work.__init__
    works, interrupted = [], []

    class Unsent(dict):
        def pop(self, key, *default):
            found = super().pop(key, *default)
            if not interrupted:
                interrupted.append(key)
                lost = delete(GuardianLink).where(GuardianLink.guardian_id == cast.pia.id)
                elsewhere(app, lambda: (db.session.execute(lost), db.session.commit())).join()
                works[0]._read_again(works[0]._reading)
            return found

    def read(self, *args):
        reading(self, *args)
        self.unsent = Unsent(self.unsent)

    def begin(self, *args):
        works.append(self)
        working(self, *args)

    monkeypatch.setattr(work.Reading, "__init__", read)
    monkeypatch.setattr(work.Work, "__init__", begin)
    run()
    assert interrupted
    assert smtp.addresses == ["pol@parent.example"]
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE)


def test_a_mail_to_an_address_that_was_changed_meanwhile_goes_to_the_new_one(cast, smtp):
    create_order(cast.tom, cast.pia)
    change_while_sending(
        smtp, "pia@parent.example", User, User.id == cast.pia.id, email="new@parent.example"
    )
    run()
    assert smtp.addresses == ["new@parent.example"]


def test_a_test_of_a_schedule_that_is_deleted_meanwhile_does_not_leave(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    send_test(cast.tom, schedule.id, NOW, message_domain="lindenhof.example")
    this = ReportSchedule.id == schedule.id
    change_while_sending(smtp, "tom@teacher.example", ReportSchedule, this, deleted_at=NOW)
    deliver(clock.fixed(NOW))
    assert smtp.arrived == []
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.SKIPPED, Reason.SCHEDULE_OFF)


def test_what_changed_since_planning_decides_at_sending(cast, smtp):
    create_order(cast.ada, cast.ada, cast.pia, cast.pol, cast.tom)
    plan_due(DUE)
    with transaction():
        cast.pia.email = None
        cast.tom.is_active = False
        for link in db.session.scalars(select(GuardianLink).filter_by(guardian_id=cast.pol.id)):
            link.end_date = NOW.date() - timedelta(days=1)
    deliver(clock.fixed(DUE))
    assert smtp.addresses == ["ada@admin.example"]
    assert {address: reason for address, (_, reason) in ledger().items()} == {
        "ada@admin.example": None,
        None: Reason.NO_ADDRESS,
        "tom@teacher.example": Reason.INACTIVE,
        "pol@parent.example": Reason.OUT_OF_SCOPE,
    }


def test_nothing_leaves_for_an_author_who_is_gone(cast, smtp):
    create_order(cast.tom, cast.tom, cast.pia)
    with transaction():
        cast.tom.is_active = False
    assert run()["skipped"] == 2
    assert {reason for _, reason in ledger().values()} == {Reason.AUTHOR_INACTIVE}


def test_switching_off_stops_what_has_not_left_yet(cast, smtp):
    schedule = create_order(cast.tom, cast.tom)
    plan_due(DUE)
    switch_schedule(cast.tom, schedule.id, False, DUE)
    deliver(clock.fixed(DUE))
    assert smtp.arrived == []
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.SKIPPED, Reason.SCHEDULE_OFF)


def test_a_period_without_data_is_skipped_with_the_reason(cast, smtp):
    create_order(cast.tom, cast.tom, now=NOW + timedelta(days=60))
    run(DUE + timedelta(days=77, hours=1))
    assert smtp.arrived == []
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.SKIPPED, Reason.NO_DATA)


def test_a_schedule_without_recipients_ends_and_says_so(cast, smtp):
    create_order(cast.tom)
    run()
    assert only_execution().status is ExecutionStatus.COMPLETED
    assert only_execution().error_message == "The schedule had no recipients."


def test_after_a_downtime_the_newest_run_is_sent_once_and_the_ledger_tells_the_others(cast, smtp):
    create_order(cast.tom, cast.tom, frequency="daily", now=NOW - timedelta(days=5))
    back = NOW - timedelta(days=2) + timedelta(hours=3)
    run(back)
    execution = only_execution()
    assert execution.scheduled_for == DUE - timedelta(days=2)
    assert execution.period_end == execution.scheduled_for.date()
    assert execution.error_message == (
        "3 earlier runs were missed while nothing was running and will not be sent."
    )
    assert run(back)["sent"] == 0


def test_every_attempt_has_the_same_message_id_and_retries_come_after_5_15_and_60_minutes(
    cast, smtp
):
    create_order(cast.tom, cast.tom)
    seen = []
    smtp.on_data = lambda address: "451 4.3.0 try later"
    instant, waits = DUE, []
    for _ in range(3):
        assert run(instant)["retrying"] == 1
        delivery = db.session.scalars(select(ReportDelivery)).one()
        seen.append(delivery.message_id)
        assert delivery.smtp_reply == "451 4.3.0 try later"
        waits.append((delivery.next_attempt_at - instant).total_seconds() / 60)
        assert run(delivery.next_attempt_at - timedelta(seconds=1))["retrying"] == 0
        instant = delivery.next_attempt_at
    for wait, usual in zip(waits, (5, 15, 60), strict=True):
        assert usual * 0.8 <= wait <= usual * 1.2
    assert run(instant)["failed"] == 1
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.FAILED, Reason.TEMPORARY)
    assert only_execution().status is ExecutionStatus.FAILED
    assert only_execution().failed_sends == 1
    assert len(set(seen)) == 1

    smtp.on_data = lambda address: None
    resend(cast.tom, only_execution().id, instant)
    assert run(instant)["sent"] == 1
    assert smtp.arrived[0].message["Message-ID"] == f"<{seen[0]}>"
    assert only_execution().status is ExecutionStatus.COMPLETED


def test_a_refused_address_fails_at_once_and_holds_up_nobody(cast, smtp):
    create_order(cast.tom, cast.tom, cast.pia, cast.ada)
    smtp.on_rcpt = lambda to: "550 5.1.1 no such user" if to.startswith("pia") else None
    totals = run()
    assert (totals["sent"], totals["failed"]) == (2, 1)
    assert ledger()["pia@parent.example"] == (DeliveryStatus.FAILED, Reason.PERMANENT)
    execution = only_execution()
    assert execution.status is ExecutionStatus.PARTIAL
    assert (execution.successful_sends, execution.failed_sends) == (2, 1)
    assert execution.error_message == "1 mail could not be delivered."


def test_one_session_carries_many_mails(cast, smtp):
    create_order(cast.ada, cast.ada, cast.tom, cast.tea, cast.pia, cast.pol)
    assert run()["sent"] == 5
    assert smtp.sessions == 1


@pytest.mark.parametrize("model", [ReportScheduleExecution, ReportDelivery])
def test_the_database_itself_refuses_a_second_run_of_a_plan_and_a_second_mail_of_a_run(
    cast, smtp, model
):
    create_order(cast.tom, cast.pia)
    plan_due(DUE)
    row = db.session.execute(select(model.__table__)).one()._asdict()
    again = {name: value for name, value in row.items() if name not in ("id", "message_id")}
    if model is ReportDelivery:
        again["message_id"] = "another@lindenhof.example"
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(model).values(again))


@pytest.mark.parametrize("limit", [2, 10])
def test_two_senders_that_claim_at_the_same_moment_never_get_the_same_mail(app, cast, smtp, limit):
    """The second comes when the first one has taken its own, and not yet committed that."""
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE)
    until, got, taken, threads, waits = DUE + timedelta(seconds=60), {}, [], [], []

    def take(owner):
        got[owner] = [each.id for each in claim(owner, DUE, until, limit)]

    @event.listens_for(db.engine, "after_cursor_execute")
    def after(_connection, _cursor, statement, *_others):
        if "UPDATE report_delivery " in statement:
            taken.append(statement)

    @event.listens_for(db.engine, "commit")
    def before(_connection):
        if taken and not threads:
            threads.append(None)
            threads[0] = elsewhere(app, lambda: take("second"))
            waits.append(threads[0].is_alive())

    take("first")
    threads[0].join()
    everything = db.session.scalars(select(ReportDelivery.id)).all()
    assert sorted(got["first"] + got["second"]) == sorted(everything)
    # SQLite has one writer at a time; on PostgreSQL nobody waits for another's mails.
    assert waits == [db.engine.dialect.name == "sqlite"]


def test_no_transaction_is_open_while_the_mail_server_thinks(cast, smtp, monkeypatch):
    monkeypatch.setattr(work, "FRESH", 60.0)
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    open_now, seen = Counter(), []
    for name, change in (("begin", 1), ("commit", -1), ("rollback", -1)):
        event.listen(db.engine, name, lambda connection, n=change: open_now.update(all=n))
    smtp.on_data = lambda to: seen.append(open_now["all"])
    assert run()["sent"] == 3
    assert seen == [0, 0, 0]


def test_no_transaction_stays_open_where_reading_again_has_failed(cast, smtp, monkeypatch):
    """It is one mail's trouble; the session goes on with the next."""
    plainly, calls, looks, session = produce.load_run, count(1), [], db.session()

    def fail_once(*args):
        found = plainly(*args)
        if next(calls) == 2:
            raise RuntimeError("unforeseen")
        return found

    monkeypatch.setattr(produce, "load_run", fail_once)
    monkeypatch.setattr(work, "FRESH", 0)
    smtp.on_mail = lambda options: looks.append(session.in_transaction())
    create_order(cast.ada, cast.ada, cast.tom)
    assert run()["retrying"] == 1
    assert looks == [False, False]


def test_an_unreachable_server_costs_no_try_and_after_five_in_a_row_is_left_alone(app, cast, smtp):
    people = (cast.ada, cast.tom, cast.tea, cast.pia, cast.pol)
    create_order(cast.ada, *people)
    create_order(cast.ada, *people)
    port = app.extensions["mail"].port
    app.extensions["mail"].port = 1  # nobody listens there
    assert run()["retrying"] == 5
    rows = db.session.scalars(select(ReportDelivery)).all()
    assert {(row.status, row.attempts) for row in rows} == {(DeliveryStatus.PENDING, 0)}
    assert sorted(row.reason or "" for row in rows) == [""] * 5 + [Reason.SERVER] * 5
    pause = standstill(app.config, DUE)
    assert (pause.until, pause.refused) == (DUE + timedelta(seconds=60), False)
    assert "refused" in pause.reply
    # Not asked at all meanwhile.
    app.extensions["mail"].port = port
    assert run(DUE + timedelta(seconds=59))["sent"] == 0
    assert smtp.sessions == 0

    assert run(DUE + timedelta(seconds=61))["sent"] == 10
    assert standstill(app.config, DUE + timedelta(seconds=61)) is None


def test_five_sessions_that_meet_trouble_at_the_same_moment_are_five_in_a_row(app):
    gone = Outcome(DeliveryStatus.PENDING, Reason.SERVER, "gone", DUE, charged=False)
    all_there, told = Barrier(5), []

    def meet_trouble():
        with app.app_context():
            all_there.wait(20)
            told.append(note_trouble(app.config, gone, DUE))

    threads = [Thread(target=meet_trouble) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 4 + [True]
    assert standstill(app.config, DUE) is not None


def test_trouble_now_and_then_is_not_five_in_a_row(app, cast, smtp):
    create_order(cast.ada, cast.ada, cast.tom, cast.tea, cast.pia, cast.pol)
    mails = count()
    smtp.on_mail = lambda options: "451 later" if next(mails) % 2 else None
    for turn in range(40):
        run(DUE + timedelta(seconds=10 * turn))
        assert standstill(app.config, DUE + timedelta(seconds=10 * turn)) is None
    assert len(smtp.arrived) == 5


@pytest.mark.parametrize("reply", ["450 4.7.1 too fast", "451 4.3.0 out of order", "530 5.7.0 no"])
def test_a_server_that_takes_no_mails_for_a_while_costs_no_try(cast, smtp, reply):
    create_order(cast.tom, cast.tom, cast.pia)
    smtp.on_mail = lambda options: reply
    for hours in range(20):
        assert run(DUE + timedelta(hours=hours))["retrying"]
    assert {row.attempts for row in db.session.scalars(select(ReportDelivery))} == {0}
    smtp.on_mail = lambda options: None
    assert run(DUE + timedelta(hours=20))["sent"] == 2


@pytest.mark.parametrize("mend", ["other settings", "somebody says so", "an hour later"])
def test_a_server_that_refuses_us_is_not_asked_again_until_something_has_changed(
    app, cast, smtp, mend
):
    create_order(cast.tom, cast.tom, cast.pia)
    smtp.on_mail = lambda options: "550 5.7.1 sender not allowed"
    assert run()["retrying"] == 1
    stop = standstill(app.config, DUE)
    assert (stop.refused, stop.reply) == (True, "550 5.7.1 sender not allowed")
    assert set(ledger().values()) == {
        (DeliveryStatus.PENDING, Reason.CONFIGURATION),
        (DeliveryStatus.PENDING, None),
    }
    smtp.on_mail = lambda options: None
    assert run(DUE + timedelta(minutes=50))["sent"] == 0
    if mend == "other settings":
        app.config["MAIL_USERNAME"] = "somebody else"
    elif mend == "somebody says so":
        try_again()
    at = DUE + timedelta(hours=1) if mend == "an hour later" else DUE + timedelta(minutes=50)
    assert run(at)["sent"] == 2
    assert standstill(app.config, at) is None


def test_a_mail_that_the_server_will_not_hear_of_holds_up_nobody(cast, smtp):
    """Only this mail asks for SMTPUTF8, so that a refusal is about it and not about us."""
    create_order(cast.tom, cast.pia, cast.tom)
    create_order(cast.tea, cast.tea)
    with transaction():
        cast.pia.email = "müller@parent.example"
    smtp.on_mail = lambda options: "550 5.6.7 no" if "SMTPUTF8" in options else None
    assert run()["sent"] == 2
    assert ledger()["müller@parent.example"] == (DeliveryStatus.FAILED, Reason.PERMANENT)


def test_an_address_that_refuses_three_mails_in_a_row_gets_no_more_until_somebody_forgives_it(
    cast, smtp
):
    schedule = create_order(cast.tom, cast.pia, cast.tom)
    smtp.on_rcpt = lambda to: "550 5.1.1 no such user" if to.startswith("pia") else None
    for minute in range(3):
        assert send_now(cast.tom, schedule, DUE + timedelta(minutes=minute))["failed"] == 1
    assert send_now(cast.tom, schedule, DUE + timedelta(minutes=3))["skipped"] == 1
    (trouble,) = db.session.scalars(select(AddressTrouble))
    assert (trouble.address, trouble.failures) == ("pia@parent.example", 3)
    assert trouble.reply == "550 5.1.1 no such user"
    assert trouble.suspended_at == DUE + timedelta(minutes=2)
    last = select(ReportDelivery.reason).where(ReportDelivery.recipient_id == cast.pia.id)
    assert db.session.scalars(last.order_by(ReportDelivery.id.desc())).first() is Reason.SUSPENDED


def test_a_mail_that_gets_through_forgives_its_address(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    smtp.on_rcpt = lambda to: "550 5.1.1 no such user"
    for minute in range(2):
        send_now(cast.tom, schedule, DUE + timedelta(minutes=minute))
    smtp.on_rcpt = lambda to: None
    assert send_now(cast.tom, schedule, DUE + timedelta(minutes=2))["sent"] == 1
    assert db.session.scalars(select(AddressTrouble)).all() == []


@pytest.mark.parametrize("reply", ["552 5.2.2 mailbox full", "450 4.2.1 later"])
def test_a_full_mailbox_or_a_busy_server_is_no_bad_address(cast, smtp, reply):
    create_order(cast.tom, cast.pia)
    smtp.on_rcpt = lambda to: reply
    run()
    assert db.session.scalars(select(AddressTrouble)).all() == []


@pytest.mark.parametrize("stage", ["MAIL", "announced", "content"])
def test_a_mail_too_large_for_the_server_goes_again_with_a_link(cast, smtp, stage):
    create_order(cast.tom, cast.tom, export_format="xlsx")
    too_large = "552 5.3.4 message too big"
    if stage == "MAIL":
        smtp.on_mail = lambda options: too_large if _size(options) > 9_000 else None
    elif stage == "announced":
        smtp.limit = 9_000
    else:
        refusals = iter([too_large])
        smtp.on_data = lambda to: next(refusals, None)
    assert run()["sent"] == 1
    (delivery,) = db.session.scalars(select(ReportDelivery))
    assert (delivery.status, delivery.as_link, delivery.attempts) == (DeliveryStatus.SENT, True, 1)
    mail = smtp.to("tom@teacher.example")
    assert list(mail.message.iter_attachments()) == []
    link = f"https://reports.lindenhof.example/files/{delivery.id}"
    assert link in mail.text
    assert link in mail.html


def test_what_is_too_large_even_as_a_link_fails_and_says_so(cast, smtp):
    create_order(cast.tom, cast.tom)
    smtp.on_data = lambda to: "552 too big"
    assert run()["failed"] == 1
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.FAILED, Reason.TOO_LARGE)


def _size(options) -> int:
    return int(next(word for word in options if word.startswith("SIZE=")).removeprefix("SIZE="))


def test_a_mail_refused_for_what_only_it_asked_for_fails_alone_and_at_once(cast, smtp):
    create_order(cast.tom, cast.pia, cast.tom)
    with transaction():
        cast.pia.email = "müller@parent.example"
    smtp.on_mail = lambda options: "555 5.6.7 no" if "SMTPUTF8" in options else None
    assert run()["sent"] == 1
    assert ledger()["müller@parent.example"] == (DeliveryStatus.FAILED, Reason.PERMANENT)


def test_a_server_that_stays_away_for_a_day_makes_the_run_fail(app, cast, smtp):
    create_order(cast.tom, cast.tom)
    app.extensions["mail"].port = 1
    run()
    recover(DUE + timedelta(hours=24, minutes=1))
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.FAILED, Reason.SERVER)
    assert only_execution().status is ExecutionStatus.FAILED


def test_a_vanished_sender_before_the_content_means_the_mail_is_sent_again(cast, smtp):
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    assert claim("gone", DUE, DUE + timedelta(seconds=60), 10) != []
    assert run(DUE + timedelta(seconds=59))["sent"] == 0
    assert run(DUE + timedelta(seconds=61))["sent"] == 1
    assert len(smtp.arrived) == 1


def test_a_vanished_sender_after_it_means_unknown_until_a_person_decides(cast, smtp):
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    (claimed,) = claim("gone", DUE, DUE + timedelta(seconds=60), 10)
    assert may_send("gone", claimed, DUE) is True
    assert run(DUE + timedelta(seconds=61))["sent"] == 0
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS)
    execution = only_execution()
    assert execution.status is ExecutionStatus.PARTIAL
    assert execution.error_message == "1 mail may or may not have arrived."

    resend(cast.tom, execution.id, DUE)
    assert run(DUE + timedelta(minutes=2))["sent"] == 1


def test_a_sender_that_comes_back_too_late_does_not_send(cast, smtp):
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    (claimed,) = claim("slow", DUE, DUE + timedelta(seconds=60), 10)
    run(DUE + timedelta(seconds=61))
    assert may_send("slow", claimed, DUE) is False
    assert len(smtp.arrived) == 1


def test_a_sender_whose_claims_ran_out_while_it_lives_has_no_mail_in_hand_twice(cast):
    """Its renewals have failed, as with a locked database. Another one may take them."""
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    lease = DUE + timedelta(seconds=60)
    (first,) = claim("slow", DUE, lease, 10)
    recover(DUE, clock.fixed(lease + timedelta(seconds=1)))
    assert claim("slow", DUE, lease, 10) == []
    (second,) = claim("other", DUE, lease, 10)
    assert (may_send("slow", first, DUE), may_send("other", second, DUE)) == (False, True)


def test_claims_are_renewed_without_waiting_for_the_one_that_is_being_written_down(app, cast):
    """Waiting for each other's rows, the two would stop the sending (a deadlock on PostgreSQL)."""
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE)
    first, *others = (each.id for each in claim("me", DUE, DUE + timedelta(seconds=60), 10))
    later, lease = DUE + timedelta(seconds=40), timedelta(seconds=0.3)

    def renewed():
        with db.engine.connect() as fresh:
            is_new = ReportDelivery.claimed_until == later + lease
            return set(fresh.scalars(select(ReportDelivery.id).where(is_new)))

    with db.engine.connect() as writing, writing.begin():
        writing.execute(select(ReportDelivery).where(ReportDelivery.id == first).with_for_update())
        with kept_alive(app, "me", clock.fixed(later), lease):
            wait_for(lambda: renewed() >= set(others), "the others", 10, 0.02)


def test_rows_that_are_written_together_are_locked_in_one_order(cast, monkeypatch):
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE)
    claims = claim("me", DUE, DUE + timedelta(seconds=60), 10)
    told = steps_told(monkeypatch)
    with closing(Recorder(db.engine, "me", clock.fixed(DUE))) as recorder:
        for claimed in reversed(claims):
            recorder.note(claimed, Outcome(DeliveryStatus.FAILED, Reason.PERMANENT, "550 no"))
        recorder.write()
    assert [values["row"] for _, values in told] == sorted(each.id for each in claims)
    assert [status for status, _ in ledger().values()] == [DeliveryStatus.FAILED] * 3


def test_what_another_session_writes_down_lets_no_mail_leave(cast):
    """It goes on with what may take long, and holds up all meanwhile: too much could change."""
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    (question,) = create_questions(claim("me", DUE, DUE + timedelta(seconds=60), 10), DUE)
    phases = []

    def phase():
        phases.append(db.session.scalar(select(ReportDelivery.phase)))
        db.session.rollback()

    with closing(Recorder(db.engine, "me", clock.fixed(DUE))) as recorder:
        recorder.gather = lambda: (recorder.write(), phase())
        assert recorder.may_send(*question) is True
    phase()
    assert phases == ["claimed", "data"]


def test_who_may_not_send_lets_those_go_first_who_may(cast):
    """It has committed for them, too, and goes on with what may take long."""
    create_order(cast.ada, cast.ada, cast.tom)
    plan_due(DUE)
    claims = claim("me", DUE, DUE + timedelta(seconds=60), 10)
    (claimed, mail, version), other = create_questions(claims, DUE)
    turns, answers = Turns(), []

    def ask(*question):
        answers.append(recorder.may_send(*question))

    with closing(Recorder(db.engine, "me", clock.fixed(DUE), turns.gather)) as recorder:
        turns.run([partial(ask, claimed, mail, version - 1), partial(ask, *other)])
    assert answers == [True, False]


def test_rows_that_are_given_back_together_are_locked_in_one_order(cast, monkeypatch):
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE)
    claims = claim("me", DUE, DUE + timedelta(seconds=60), 10)
    questions = create_questions(claims, DUE)
    told = steps_told(monkeypatch)
    turns, answers = Turns(), []

    def ask(claimed, mail, version):
        answers.append(recorder.may_send(claimed, mail, version - 1))

    with closing(Recorder(db.engine, "me", clock.fixed(DUE), turns.gather)) as recorder:
        turns.run([partial(ask, *question) for question in reversed(questions)])
    assert answers == [False] * 3
    rows = sorted(each.id for each in claims)
    assert [values["row"] for _, values in told] == rows * 2
    assert [status for status, _ in ledger().values()] == [DeliveryStatus.PENDING] * 3


@pytest.mark.parametrize("status", [DeliveryStatus.FAILED, DeliveryStatus.PENDING])
def test_a_refusal_that_comes_after_the_claim_ran_out_does_not_touch_the_next_attempt(cast, status):
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    lease = DUE + timedelta(seconds=60)
    (first,) = claim("slow", DUE, lease, 10)
    recover(DUE, clock.fixed(lease + timedelta(seconds=1)))
    (second,) = claim("other", DUE, lease, 10)
    assert may_send("other", second, DUE) is True
    with closing(Recorder(db.engine, "slow", clock.fixed(DUE))) as recorder:
        recorder.note(first, Outcome(status, Reason.TEMPORARY, "450 late", DUE))
        recorder.finish({first.execution_id})
    row = db.session.scalars(select(ReportDelivery)).one()
    assert (row.status, row.phase, row.claimed_by) == ("sending", "data", "other")
    assert (row.attempts, row.smtp_reply) == (0, None)


def test_a_claim_that_runs_out_just_as_its_content_is_to_leave_is_not_sent_again(app, cast, smtp):
    """A sweeper has found it, and has not written anything yet, when its sender asks."""
    create_order(cast.tom, cast.tom)
    plan_due(DUE)
    lease = DUE + timedelta(seconds=60)
    (claimed,) = claim("slow", DUE, lease, 10)
    answers, threads = [], []

    @event.listens_for(db.engine, "before_cursor_execute")
    def before(_connection, _cursor, statement, *_others):
        if statement.startswith("UPDATE report_delivery ") and not threads:
            threads.append(None)
            threads[0] = elsewhere(app, lambda: answers.append(may_send("slow", claimed, DUE)))

    recover(DUE, clock.fixed(lease + timedelta(seconds=1)))
    threads[0].join()
    left = [address for address, (status, _) in ledger().items() if status == "pending"]
    # Either its content leaves, or somebody else takes it up.
    assert answers == [not left]


def test_a_drop_after_the_content_is_unknown_and_the_others_go_on(cast, smtp):
    create_order(cast.tom, cast.ada, cast.pia, cast.tom)
    smtp.on_data = lambda to: HANG_UP if to.startswith("pia") else None
    totals = run()
    assert (totals["sent"], totals["unknown"]) == (2, 1)
    assert ledger()["pia@parent.example"] == (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS)
    assert smtp.sessions == 2


def test_after_an_answer_without_sense_the_others_get_answers_of_their_own(cast, smtp):
    create_order(cast.tom, cast.pia, cast.tom)
    smtp.on_data = lambda to: "what?\r\n250 kept" if to.startswith("pia") else "550 no"
    run()
    assert ledger() == {
        "pia@parent.example": (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS),
        "tom@teacher.example": (DeliveryStatus.FAILED, Reason.PERMANENT),
    }


@pytest.mark.parametrize("mode", ["hold", "resend"])
@pytest.mark.parametrize("fails", ["forgiving the server", "making the next mail"])
def test_a_yes_is_known_even_if_the_database_fails_right_after_it(
    app, cast, smtp, monkeypatch, fails, mode
):
    app.config["AMBIGUOUS_DELIVERY"] = mode
    create_order(cast.tom, cast.pia, cast.tom)
    broken = OperationalError("SELECT", {}, Exception("gone"))

    def fail(*_):
        raise broken

    if fails == "forgiving the server":
        monkeypatch.setattr(send, "try_again", fail)
        with pytest.raises(OperationalError):
            run()
    else:
        monkeypatch.setattr(work.Work, "next_quick", fail)
        run()
    first = smtp.arrived[0].to
    assert ledger()[first] == (DeliveryStatus.SENT, None)
    monkeypatch.undo()
    run(DUE + timedelta(minutes=10))
    assert smtp.addresses == ["pia@parent.example", "tom@teacher.example"]


def test_a_stop_gives_back_what_was_not_begun(cast, smtp):
    create_order(cast.ada, cast.ada, cast.tom, cast.pia, cast.pol)
    plan_due(DUE)
    stop = Event()
    smtp.on_data = lambda to: stop.set()
    assert deliver(clock.fixed(DUE), stop)["sent"] == 1
    states = [status for status, _ in ledger().values()]
    assert sorted(states) == ["pending", "pending", "pending", "sent"]
    assert run()["sent"] == 3
    assert len(smtp.arrived) == 4


def test_at_the_end_what_was_begun_is_not_given_back_nor_what_is_anothers(cast):
    """An interrupt may have come while the content left."""
    create_order(cast.ada, cast.ada, cast.tom, cast.pia)
    plan_due(DUE)
    lease = DUE + timedelta(seconds=60)
    begun, _not_begun = claim("me", DUE, lease, 2)
    claim("other", DUE, lease, 1)
    assert may_send("me", begun, DUE) is True
    with closing(Recorder(db.engine, "me", clock.fixed(DUE))) as recorder:
        recorder.finish({begun.execution_id})
    rows = db.session.scalars(select(ReportDelivery).order_by(ReportDelivery.id))
    assert [(row.status, row.phase, row.claimed_by) for row in rows] == [
        ("sending", "data", "me"),
        ("pending", None, None),
        ("sending", "claimed", "other"),
    ]
    assert only_execution().status is ExecutionStatus.STARTED


def test_a_broken_report_fails_after_its_tries_and_spares_the_others(cast, smtp, monkeypatch):
    broken = create_order(cast.tom, cast.tom, report_type="teacher_weekly_report")
    create_order(cast.tom, cast.pia)

    def explode(*_):
        raise ZeroDivisionError

    kind = REPORTS[broken.report_type]
    monkeypatch.setitem(REPORTS, broken.report_type, replace(kind, build=explode))
    totals = run()
    assert (totals["sent"], totals["retrying"]) == (1, 1)
    assert ledger()["tom@teacher.example"] == (DeliveryStatus.PENDING, Reason.ERROR)


@pytest.mark.parametrize(
    "broken",
    [
        {"given_name": "Pia\nBcc: x"},
        {"email": "pia@" + "ü" * 70 + ".example"},
        {"email": "pia@parent.example\r\nRSET"},
    ],
)
def test_who_cannot_be_written_to_fails_at_once_and_holds_up_nobody(cast, smtp, broken):
    create_order(cast.tom, cast.pia, cast.tom)
    create_order(cast.tea, cast.tea)
    with transaction() as session:
        session.execute(update(User).where(User.id == cast.pia.id).values(broken))
    totals = run()
    assert (totals["sent"], totals["failed"]) == (2, 1)
    delivery = db.session.scalars(select(ReportDelivery).filter_by(recipient_id=cast.pia.id)).one()
    assert (delivery.status, delivery.reason) == (DeliveryStatus.FAILED, Reason.PERMANENT)
    assert delivery.smtp_reply.startswith("The mail cannot be written: ")


@pytest.mark.parametrize("step", ["_envelope", "_content"])
def test_an_unforeseen_error_while_sending_is_its_own_mails_only(cast, smtp, monkeypatch, step):
    create_order(cast.tom, cast.pia, cast.tom)
    plain = getattr(MailSession, step)

    def explode_once(self, *rest):
        monkeypatch.setattr(MailSession, step, plain)
        raise ZeroDivisionError

    monkeypatch.setattr(MailSession, step, explode_once)
    assert run()["sent"] == 1
    assert smtp.addresses == ["tom@teacher.example"]
    assert ledger()["pia@parent.example"] == (
        (DeliveryStatus.PENDING, Reason.ERROR)
        if step == "_envelope"
        else (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS)
    )


def elsewhere(app, work):
    """Does `work` as another process would, while this one is in the middle of something."""

    def run_it():
        with app.app_context():
            work()

    thread = Thread(target=run_it)
    thread.start()
    thread.join(1)
    return thread


@pytest.mark.parametrize("ambiguous", ["hold", "resend"])
def test_a_yes_counts_even_if_the_claim_was_thought_lost_meanwhile(app, cast, smtp, ambiguous):
    """Otherwise a mail that has arrived is called uncertain, or sent again."""
    app.config["AMBIGUOUS_DELIVERY"] = ambiguous
    create_order(cast.tom, cast.pia)
    late = clock.fixed(DUE + timedelta(seconds=61))
    smtp.on_data = lambda to: elsewhere(app, lambda: recover(late(), late)).join()
    plan_due(DUE)
    assert deliver(clock.fixed(DUE), wall=clock.fixed(DUE))["sent"] == 1
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SENT, None)
    execution = only_execution()
    assert (execution.status, execution.successful_sends) == (ExecutionStatus.COMPLETED, 1)
    assert (execution.unknown_sends, execution.error_message) == (0, None)
    assert run(DUE + timedelta(hours=2))["sent"] == 0


@pytest.mark.parametrize("ambiguous", ["hold", "resend"])
def test_a_late_yes_counts_even_if_the_database_fails_while_it_is_written(
    app, cast, smtp, monkeypatch, ambiguous
):
    app.config["AMBIGUOUS_DELIVERY"] = ambiguous
    create_order(cast.tom, cast.pia)
    late = clock.fixed(DUE + timedelta(seconds=61))
    smtp.on_data = lambda to: elsewhere(app, lambda: recover(late(), late)).join()
    plainly, calls = record.reopen, count(1)

    def fail_once(*args):
        if next(calls) == 1:
            raise OperationalError("UPDATE", {}, Exception("gone"))
        return plainly(*args)

    monkeypatch.setattr(record, "reopen", fail_once)
    plan_due(DUE)
    with pytest.raises(OperationalError):
        deliver(clock.fixed(DUE), wall=clock.fixed(DUE))
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SENT, None)
    assert run(DUE + timedelta(hours=2))["sent"] == 0


def test_a_replay_of_another_day_neither_loses_nor_steals_claims(app, cast, smtp):
    """`--now` moves what is due, not the leases, which other processes judge by the wall clock."""
    create_order(cast.tom, cast.pia)
    leases = []
    engine = db.engine

    def look(_address):
        with engine.connect() as connection:
            leases.append(connection.scalar(select(ReportDelivery.claimed_until)))
        far = DUE + timedelta(days=300)
        elsewhere(app, lambda: recover(far, clock.fixed(DUE))).join()

    smtp.on_rcpt = look
    plan_due(DUE)
    later = DUE + timedelta(days=2)
    assert deliver(clock.fixed(later), wall=clock.fixed(DUE))["sent"] == 1
    assert DUE < leases[0] < DUE + timedelta(minutes=5)


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=40)])
def test_what_a_clock_that_was_ahead_has_put_off_is_sent_when_it_has_been_put_right(
    app, cast, smtp, ahead
):
    """A retry, a claim whose sender is gone, and a mail server that refused us."""
    people = (cast.tom, cast.pia, cast.uma)
    order = create_order(cast.tom, *people, is_active=False, when_empty="note")
    wrong = DUE + ahead
    run_now(cast.tom, order.id, wrong, message_domain="lindenhof.example")
    assert len(claim("gone", wrong, wrong + timedelta(seconds=60), 1)) == 1
    smtp.on_rcpt = lambda to: "450 grey" if to.startswith("pia@") else None
    deliver(clock.fixed(wrong), wall=clock.fixed(wrong))
    assert len(only_open()) == 2
    note_trouble(app.config, Outcome(DeliveryStatus.PENDING, Reason.CONFIGURATION, "530"), wrong)
    smtp.on_rcpt = lambda to: None
    assert run(DUE + timedelta(minutes=1))["sent"] == 2


def test_a_retry_is_not_brought_forward(cast, smtp):
    create_order(cast.tom, cast.tom)
    smtp.on_rcpt = lambda to: "450 grey"
    for minutes in (0, 7, 26):
        run(DUE + timedelta(minutes=minutes))
    smtp.on_rcpt = lambda to: None
    assert run(DUE + timedelta(minutes=26 + 47))["sent"] == 0
    assert run(DUE + timedelta(minutes=26 + 73))["sent"] == 1


def test_what_is_sent_again_after_a_day_is_waited_for_another_day(app, cast, smtp):
    create_order(cast.tom, cast.pia)
    smtp.on_data = lambda to: "550 no"
    run()
    later = DUE + timedelta(hours=30)
    resend(cast.tom, only_execution().id, later)
    app.extensions["mail"].port = 1  # nobody listens there
    run(later)
    recover(later + timedelta(hours=23))
    assert ledger()["pia@parent.example"] == (DeliveryStatus.PENDING, Reason.SERVER)
    recover(later + timedelta(hours=25))
    assert ledger()["pia@parent.example"] == (DeliveryStatus.FAILED, Reason.SERVER)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("unsubscribed", "not sent (unsubscribed)."),
        ("refused", "550 no"),
        ("put off", "451 later"),
        ("no server", "refused"),
        ("crash", None),
    ],
)
def test_only_a_yes_ends_the_doubt_about_a_mail_that_may_have_arrived(
    app, cast, smtp, trouble, words
):
    schedule = create_order(cast.tom, cast.pia)
    smtp.on_data = lambda to: HANG_UP
    run()
    (before,) = db.session.scalars(select(ReportDelivery.smtp_reply))
    execution_id = only_execution().id
    later = DUE + timedelta(hours=1)
    resend(cast.tom, execution_id, later)
    smtp.on_data = {"refused": lambda to: "550 no", "put off": lambda to: "451 later"}.get(
        trouble, lambda to: None
    )
    if trouble == "unsubscribed":
        set_subscribed(subscription(schedule, cast.pia).unsubscribe_token, False, later)
    if trouble == "no server":
        app.extensions["mail"].port = 1
    if trouble == "crash":
        claim("gone", later, later, 10)
        recover(later + timedelta(minutes=2))
        assert ledger()["pia@parent.example"] == (DeliveryStatus.PENDING, Reason.AMBIGUOUS)
        recover(later + timedelta(hours=25))
    else:
        for hours in (0, 1, 2, 4, 26):
            run(later + timedelta(hours=hours))
    assert ledger()["pia@parent.example"] == (DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS)
    (after,) = db.session.scalars(select(ReportDelivery.smtp_reply))
    assert after.startswith(before)
    assert words is None or after.count(words) == 1
    assert only_execution().error_message == "1 mail may or may not have arrived."

    app.extensions["mail"].port = smtp.port
    smtp.on_data = lambda to: None
    set_subscribed(subscription(schedule, cast.pia).unsubscribe_token, True, later)
    resend(cast.tom, execution_id, later + timedelta(days=2))
    assert run(later + timedelta(days=2))["sent"] == 1
    assert ledger()["pia@parent.example"] == (DeliveryStatus.SENT, None)


def test_the_server_being_away_does_not_hide_what_else_may_have_arrived(app, cast, smtp):
    create_order(cast.tom, cast.ada, cast.pia)
    smtp.on_data = lambda to: HANG_UP
    run()
    resend(cast.tom, only_execution().id, DUE)
    app.extensions["mail"].port = 1
    run()
    assert set(ledger().values()) == {(DeliveryStatus.PENDING, Reason.AMBIGUOUS)}


def test_the_remark_about_missed_runs_outlives_a_resend(cast, smtp):
    create_order(cast.tom, cast.pia, now=NOW - timedelta(days=15))
    smtp.on_data = lambda to: "550 no"
    run()
    execution = only_execution()
    missed = "2 earlier runs were missed while nothing was running and will not be sent."
    assert execution.error_message == f"{missed} 1 mail could not be delivered."
    resend(cast.tom, execution.id, DUE)
    assert execution.error_message == missed
    run()
    resend(cast.tom, execution.id, DUE)
    smtp.on_data = lambda to: None
    run()
    assert execution.error_message == missed


def test_a_person_who_sends_again_while_a_run_ends_is_not_overlooked(app, cast, smtp, monkeypatch):
    create_order(cast.tom, cast.pia, cast.tom)
    smtp.on_rcpt = lambda to: "550 no" if to.startswith("pia") else None
    tom, threads = cast.tom.id, []
    plainly = ledger_module._end

    def interrupted(session, execution, *rest):
        run_id = execution.id
        threads.append(elsewhere(app, lambda: resend(db.session.get_one(User, tom), run_id, DUE)))
        plainly(session, execution, *rest)

    monkeypatch.setattr(ledger_module, "_end", interrupted)
    run()
    threads[0].join()
    db.session.expire_all()
    assert ledger()["pia@parent.example"] == (DeliveryStatus.PENDING, None)
    assert only_execution().status is ExecutionStatus.STARTED


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda cast: update(User).values(is_active=False), True),
        (lambda cast: update(User).values(role="tutor"), True),
        (lambda cast: update(User).values(given_name="Other"), False),
        (lambda cast: update(GuardianLink).values(no_contact=True), True),
        (lambda cast: update(Enrollment).values(end_date=NOW.date()), True),
        (lambda cast: delete(GuardianLink), True),
        (lambda cast: delete(TutorLink), True),
        (lambda cast: update(ClassGroup).values(is_active=False), True),
        (lambda cast: update(ReportSchedule).values(class_group_id=1), True),
        (lambda cast: update(ReportSchedule).values(next_scheduled=NOW), False),
        (lambda cast: update(School).values(time_zone="Asia/Tokyo"), True),
    ],
)
def test_whatever_takes_sight_from_somebody_is_noticed_by_the_database_itself(cast, change, counts):
    create_order(cast.tom, cast.pia)
    before = access_version(db.session())
    with db.engine.begin() as connection:
        connection.execute(change(cast))
    db.session.rollback()
    assert (access_version(db.session()) != before) == counts


def test_many_changes_are_added_up_and_none_is_lost(cast):
    before = access_version(db.session())
    for _ in range(120):
        with db.engine.begin() as connection:
            connection.execute(update(GuardianLink).values(no_contact=True))
    db.session.rollback()
    after = access_version(db.session())
    assert after >= before + 120
    recover(DUE, clock.fixed(DUE))
    assert access_version(db.session()) == after
    assert len(db.session.scalars(select(AccessChange)).all()) <= 100


def test_a_deleted_schedule_is_not_due(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    with transaction():
        # As an edit that crossed the deletion could have left it.
        schedule.deleted_at = NOW
    assert not anything_due(DUE)
    assert plan_due(DUE).executions == 0


@pytest.mark.parametrize("order", [run_now, send_test])
def test_a_schedule_that_is_deleted_just_now_is_not_sent_by_hand(cast, smtp, monkeypatch, order):
    schedule = create_order(cast.tom, cast.pia)
    schedule_id = schedule.id
    get = runs_module.get_schedule

    def found_just_before(*args):
        found = get(*args)
        with db.engine.begin() as connection:
            connection.execute(
                update(ReportSchedule)
                .where(ReportSchedule.id == schedule_id)
                .values(deleted_at=NOW)
            )
        return found

    monkeypatch.setattr(runs_module, "get_schedule", found_just_before)
    with pytest.raises(NotFound):
        order(cast.tom, schedule_id, NOW, message_domain="lindenhof.example")
    assert db.session.scalars(select(ReportScheduleExecution)).all() == []


def test_a_test_mail_is_no_run_of_the_schedule(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    send_test(cast.tom, schedule.id, NOW, message_domain="lindenhof.example")
    assert deliver(clock.fixed(NOW))["sent"] == 1
    assert only_execution().status is ExecutionStatus.COMPLETED
    assert (schedule.last_sent, schedule.last_generated) == (None, None)


def test_a_stop_gives_the_mail_in_hand_its_time(app):
    server = _Server(app)
    wait = app.config["MAIL_TIMEOUT_SECONDS"]
    assert server.cfg.graceful_timeout > max(FINAL_REPLY_TIMEOUT, wait) + 3 * wait


class TestWithASmallLimit:
    @pytest.fixture
    def settings(self):
        return {"MAX_ATTACHMENT_BYTES": 1024, "DELIVERY_WORKERS": 3}

    def test_a_file_over_the_limit_becomes_a_link(self, cast, smtp):
        create_order(cast.tom, cast.tom, export_format="xlsx")
        create_order(cast.tom, cast.pia)
        run()
        assert list(smtp.to("tom@teacher.example").message.iter_attachments()) == []
        assert "/files/" in smtp.to("tom@teacher.example").text
        assert smtp.to("pia@parent.example").attachment

    def test_several_sessions_send_each_mail_once(self, cast, smtp):
        for _ in range(10):
            create_order(cast.ada, cast.ada, cast.tom, cast.tea, cast.pia, cast.pol)
        assert sum(run().values()) == 50
        recover(DUE)
        executions = db.session.scalars(select(ReportScheduleExecution)).all()
        assert {execution.status for execution in executions} <= {
            ExecutionStatus.COMPLETED,
            ExecutionStatus.FAILED,
            ExecutionStatus.PARTIAL,
        }
        ids = [mail.message["Message-ID"] for mail in smtp.arrived]
        assert len(ids) == len(set(ids)) == sum(e.successful_sends for e in executions)


def test_run_now_and_test_mail_use_the_same_way(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    run_now(cast.tom, schedule.id, NOW, message_domain="lindenhof.example")
    with pytest.raises(Conflict):
        run_now(cast.tom, schedule.id, NOW, message_domain="lindenhof.example")
    send_test(cast.tom, schedule.id, NOW, message_domain="lindenhof.example")
    deliver(clock.fixed(NOW))
    assert smtp.addresses == ["pia@parent.example", "tom@teacher.example"]
    test_mail = smtp.to("tom@teacher.example")
    assert test_mail.message["Subject"].startswith("[Test] ")
    assert test_mail.message["List-Unsubscribe"] is None
    assert "This is a test, sent only to you." in test_mail.text
    assert schedule.next_scheduled == DUE


def subscription(schedule, person) -> ReportScheduleRecipient:
    return db.session.scalars(
        select(ReportScheduleRecipient).filter_by(schedule_id=schedule.id, recipient_id=person.id)
    ).one()


def only_open() -> list[str]:
    return [address for address, (status, _) in ledger().items() if status in OPEN_DELIVERIES]


def test_what_was_thrown_away_before_a_round_is_still_swept_up_soon_after_it(app):
    """Rounds come every few seconds: what each would keep from the sweeping adds up."""

    class Ring:
        def __init__(self):
            self.itself = self

    deliver(clock.now)  # the first one of a process sets aside what is there
    gone = weakref.ref(Ring())
    deliver(clock.now)
    gc.collect(1)
    assert gone() is None
