"""A queued mail to a member of a group follows the group as it stands when the mail leaves."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from reportapp import clock
from reportapp.constants import AudienceKind, DeliveryStatus, ExecutionStatus, Reason
from reportapp.delivery import deliver, plan_due
from reportapp.extensions import db, transaction
from reportapp.models import (
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportDelivery,
    ReportScheduleAudience,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    TutorLink,
)
from reportapp.schedules.audiences import add_audience, list_audiences, remove_audience
from reportapp.schedules.recipients import remove_recipient
from reportapp.schedules.runs import resend, run_now, send_test
from reportapp.schedules.subscriptions import set_subscribed
from tests.cast import NOW, create_order
from tests.schedules.help import DOMAIN, queries_of, row_of

DUE = NOW + timedelta(minutes=30)
YESTERDAY = (NOW - timedelta(days=1)).date()
GONE = (DeliveryStatus.SKIPPED, Reason.REMOVED)
SENT = (DeliveryStatus.SENT, None)


@pytest.fixture
def schedule(cast):
    """Tom's, for the guardians and the tutors of 7a Mathematics, and for Ada by name."""
    order = create_order(cast.tom, cast.ada)
    for kind in (AudienceKind.CLASS_GUARDIANS, AudienceKind.CLASS_TUTORS):
        add_audience(cast.tom, order.id, kind, cast.classes["maths"].id, NOW)
    return order


def ledger():
    return {
        row.recipient.given_name: (row.status, row.reason)
        for row in db.session.query(ReportDelivery)
    }


def ended(cast, what):
    """(table, where, values, who gets nothing any more)"""
    pia, ana = GuardianLink.guardian_id == cast.pia.id, Enrollment.user_id == cast.ana.id
    maths = cast.classes["maths"].id
    return {
        "guardian link ended": (GuardianLink, pia, {"end_date": YESTERDAY}, {"Pia"}),
        "no contact": (GuardianLink, pia, {"no_contact": True}, {"Pia"}),
        "enrolment ended": (Enrollment, ana, {"end_date": YESTERDAY}, {"Pia", "Pol", "Uma"}),
        "tutor link ended": (
            TutorLink,
            TutorLink.tutor_id == cast.uwe.id,
            {"end_date": YESTERDAY},
            {"Uwe"},
        ),
        "class ended": (
            ClassGroup,
            ClassGroup.id == maths,
            {"is_active": False},
            {"Pia", "Pol", "Uma", "Uwe"},
        ),
    }[what]


CHANGES = [
    "guardian link ended",
    "no contact",
    "enrolment ended",
    "tutor link ended",
    "class ended",
]


def test_everybody_in_the_groups_gets_a_mail_with_a_link_to_leave(cast, smtp, schedule):
    assert plan_due(DUE).deliveries == 5
    deliver(clock.fixed(DUE))
    assert ledger() == dict.fromkeys(("Ada", "Pia", "Pol", "Uma", "Uwe"), SENT)
    token = row_of(schedule, cast.pia).unsubscribe_token
    assert token in smtp.to("pia@parent.example").message["List-Unsubscribe"]
    rows = smtp.to("uwe@tutor.example").attachment[1].decode("utf-8-sig")
    assert ("Ben" in rows, "Ana" in rows) == (True, False)


@pytest.mark.parametrize("what", CHANGES)
def test_who_leaves_a_group_between_planning_and_sending_gets_nothing(cast, smtp, schedule, what):
    plan_due(DUE)
    model, where, values, without = ended(cast, what)
    with transaction() as session:
        session.execute(update(model).where(where).values(**values))
    deliver(clock.fixed(DUE))
    got = {name for name, state in ledger().items() if state == SENT}
    assert {name for name, state in ledger().items() if state == GONE} == without
    assert got | without | {"Ada"} == {"Ada", "Pia", "Pol", "Uma", "Uwe"}
    assert len(smtp.arrived) == len(got)


@pytest.mark.parametrize("what", CHANGES)
def test_who_leaves_a_group_after_the_mails_were_made_gets_nothing_either(
    cast, smtp, schedule, what
):
    plan_due(DUE)
    model, where, values, without = ended(cast, what)
    engine = db.engine

    def change(named):
        # Ada's is the first: by now the mails of the whole batch have been made.
        if named == "ada@admin.example":
            with engine.begin() as connection:
                connection.execute(update(model).where(where).values(**values))

    smtp.on_rcpt = change
    deliver(clock.fixed(DUE))
    assert {name for name, state in ledger().items() if state == GONE} == without
    assert not {f"{name.lower()}@" for name in without} & {
        address.partition("@")[0] + "@" for address in smtp.addresses
    }


def test_a_group_that_is_removed_while_its_mails_wait_gets_nothing(cast, smtp, schedule):
    plan_due(DUE)
    guardians = list_audiences(cast.tom, schedule.id, DUE)[0]
    remove_audience(cast.tom, schedule.id, guardians.audience.id)
    deliver(clock.fixed(DUE))
    assert ledger() == {
        "Ada": SENT,
        "Pia": GONE,
        "Pol": GONE,
        "Uma": SENT,
        "Uwe": SENT,
    }
    (run,) = db.session.query(ReportScheduleExecution)
    assert (run.status, run.skipped) == (ExecutionStatus.COMPLETED, 2)


def test_leaving_by_link_and_being_left_out_count_at_sending(cast, smtp, schedule):
    plan_due(DUE)
    set_subscribed(row_of(schedule, cast.pia).unsubscribe_token, False, DUE)
    remove_recipient(cast.tom, schedule.id, cast.pol.id, DUE)
    deliver(clock.fixed(DUE))
    assert ledger()["Pia"] == (DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED)
    assert ledger()["Pol"] == GONE


def test_sending_again_asks_the_groups_again(cast, smtp, schedule):
    smtp.on_rcpt = lambda to: "550 5.1.1 no" if "parent" in to else None
    run = run_now(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    deliver(clock.fixed(NOW))
    smtp.on_rcpt = lambda to: None
    with transaction() as session:
        session.execute(
            update(GuardianLink)
            .where(GuardianLink.guardian_id == cast.pia.id)
            .values(end_date=YESTERDAY)
        )
    assert resend(cast.tom, run, NOW) == 2
    deliver(clock.fixed(NOW))
    assert (ledger()["Pia"], ledger()["Pol"]) == (GONE, SENT)


def test_a_test_mail_goes_to_its_author_only_and_gives_nobody_a_row(cast, smtp, schedule):
    send_test(cast.tom, schedule.id, NOW, message_domain=DOMAIN)
    deliver(clock.fixed(NOW))
    assert smtp.addresses == ["tom@teacher.example"]
    assert db.session.query(ReportScheduleRecipient).count() == 1
    assert db.session.query(ReportScheduleAudience).count() == 2


def test_only_schedules_with_groups_pay_for_them(cast, smtp, schedule):
    direct = create_order(cast.tom, cast.pia, cast.pol)

    def queries(order):
        run_now(cast.tom, order.id, NOW, message_domain=DOMAIN)
        return queries_of(lambda: deliver(clock.fixed(NOW)))

    plain, grouped = queries(direct), queries(schedule)
    seen = []
    from reportapp.delivery import standing

    def spy(*args):
        seen.append(args)
        return original(*args)

    original = standing.members
    standing.members = spy
    try:
        queries(direct)
        assert seen == []
        queries(schedule)
        assert seen
    finally:
        standing.members = original
    assert plain < grouped
