"""What a person does to a run: sending again, taking back, and who it was."""

from datetime import timedelta

import pytest

from reportapp import clock
from reportapp.constants import (
    DeliveryActionKind,
    DeliveryStatus,
    ExecutionStatus,
    Reason,
    Resendable,
    Role,
)
from reportapp.delivery import deliver
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import DeliveryAction, ReportDelivery
from reportapp.schedules.edit import delete_schedule, switch_schedule
from reportapp.schedules.ledger import settle
from reportapp.schedules.run_page import look_at_run
from reportapp.schedules.runs import cancel, get_execution, resend, run_now
from tests.cast import NOW, create_order
from tests.schedules.help import DOMAIN, create_crowd, queries_of

MINUTE = timedelta(minutes=1)
SKIPPED, UNKNOWN = DeliveryStatus.SKIPPED, DeliveryStatus.UNKNOWN


@pytest.fixture
def order(cast):
    return create_order(cast.tom, cast.tom, cast.pia, cast.pol, cast.uma)


@pytest.fixture
def run(cast, order):
    """A run of four mails, none of which has left."""
    return run_now(cast.tom, order.id, NOW, message_domain=DOMAIN)


def deliveries(run):
    rows = db.session.query(ReportDelivery).filter_by(execution_id=run)
    return {row.recipient.given_name: row for row in rows}


def states(run):
    return {name: (row.status, row.reason) for name, row in deliveries(run).items()}


def set_states(run, **wanted):
    """`Pol=(status, reason)`, as the engine would leave it."""
    with transaction() as session:
        for name, (status, reason) in wanted.items():
            row = deliveries(run)[name]
            row.status, row.reason, row.next_attempt_at = status, reason, None
        session.flush()
        settle(session, [run], NOW)


def actions():
    return [
        (row.kind, row.number, row.delivery_id, row.actor.given_name, row.at)
        for row in db.session.query(DeliveryAction).order_by(DeliveryAction.id)
    ]


def test_what_has_not_left_is_taken_back_and_the_run_ends(cast, smtp, run):
    set_states(run, Pia=(DeliveryStatus.SENT, None), Pol=(DeliveryStatus.FAILED, Reason.PERMANENT))
    assert cancel(cast.ada, run, NOW + MINUTE) == 2
    taken_back = (SKIPPED, Reason.CANCELLED)
    assert (states(run)["Tom"], states(run)["Uma"]) == (taken_back, taken_back)
    execution = get_execution(cast.tom, run)
    assert (execution.status, execution.skipped) == (ExecutionStatus.PARTIAL, 2)
    assert execution.completed_at == NOW + MINUTE
    assert sum(deliver(clock.fixed(NOW + MINUTE)).values()) == 0
    with pytest.raises(Conflict, match="nothing left to take back"):
        cancel(cast.tom, run, NOW + MINUTE)
    assert actions() == [(DeliveryActionKind.CANCEL, 2, None, "Ada", NOW + MINUTE)]


def test_one_mail_is_taken_back_and_the_others_leave(cast, smtp, run):
    pol = deliveries(run)["Pol"].id
    assert cancel(cast.tom, run, NOW, delivery_id=pol) == 1
    assert get_execution(cast.tom, run).status is ExecutionStatus.STARTED
    assert deliver(clock.fixed(NOW))["sent"] == 3
    assert "pol@parent.example" not in smtp.addresses
    assert actions() == [(DeliveryActionKind.CANCEL, 1, pol, "Tom", NOW)]


def test_what_may_have_arrived_before_stays_unclear_when_it_is_taken_back(cast, run):
    set_states(
        run,
        Pol=(UNKNOWN, Reason.AMBIGUOUS),
        Pia=(DeliveryStatus.SENT, None),
        Tom=(DeliveryStatus.SENT, None),
        Uma=(DeliveryStatus.SENT, None),
    )
    resend(cast.tom, run, NOW)
    cancel(cast.tom, run, NOW)
    assert states(run)["Pol"] == (UNKNOWN, Reason.AMBIGUOUS)
    execution = get_execution(cast.tom, run)
    assert (execution.status, execution.unknown_sends) == (ExecutionStatus.PARTIAL, 1)


def test_what_was_taken_back_can_be_sent_after_all(cast, smtp, run):
    cancel(cast.tom, run, NOW)
    with pytest.raises(Conflict):
        resend(cast.tom, run, NOW)  # it did not fail
    assert resend(cast.tom, run, NOW, kinds=[Resendable.CANCELLED]) == 4
    assert deliver(clock.fixed(NOW))["sent"] == 4
    assert [action[:2] for action in actions()] == [
        (DeliveryActionKind.CANCEL, 4),
        (DeliveryActionKind.RESEND, 4),
    ]


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.CANCELLED])
def test_what_was_skipped_can_be_tried_again_unless_its_reader_does_not_want_it(cast, run, reason):
    set_states(run, Pol=(SKIPPED, reason))
    pol = deliveries(run)["Pol"].id
    if reason is Reason.UNSUBSCRIBED:
        with pytest.raises(Conflict, match="nothing to send again"):
            resend(cast.tom, run, NOW, delivery_id=pol, kinds=list(Resendable))
        assert states(run)["Pol"] == (SKIPPED, reason)
    else:
        assert resend(cast.tom, run, NOW, delivery_id=pol, kinds=[Resendable.SKIPPED]) == 1
        assert states(run)["Pol"] == (DeliveryStatus.PENDING, None)


def test_what_heals_is_sent_and_what_does_not_is_skipped_once_more(cast, smtp, run):
    with transaction():
        cast.pol.email = cast.pia.email = None
    deliver(clock.fixed(NOW))
    assert states(run)["Pol"] == states(run)["Pia"] == (SKIPPED, Reason.NO_ADDRESS)
    with transaction():
        cast.pol.email = "new@parent.example"
    assert resend(cast.tom, run, NOW, kinds=[Resendable.SKIPPED]) == 2
    deliver(clock.fixed(NOW))
    assert "new@parent.example" in smtp.addresses
    assert states(run)["Pia"] == (SKIPPED, Reason.NO_ADDRESS)


def test_each_kind_is_sent_again_only_when_it_is_asked_for(cast, run):
    pending = (DeliveryStatus.PENDING, None)
    before = {
        "Tom": (DeliveryStatus.FAILED, Reason.PERMANENT),
        "Pia": (UNKNOWN, Reason.AMBIGUOUS),
        "Pol": (SKIPPED, Reason.NO_DATA),
        "Uma": (DeliveryStatus.SENT, None),
    }
    set_states(run, **before)
    assert resend(cast.tom, run, NOW, kinds=[Resendable.FAILED]) == 1
    assert states(run) == {**before, "Tom": pending}
    # Somebody has pressed the button of a failed mail that has become unclear meanwhile.
    pia = deliveries(run)["Pia"].id
    with pytest.raises(Conflict):
        resend(cast.tom, run, NOW, delivery_id=pia, kinds=[Resendable.FAILED])
    assert resend(cast.tom, run, NOW, delivery_id=pia, kinds=[Resendable.UNKNOWN]) == 1
    with pytest.raises(Conflict):
        resend(cast.tom, run, NOW, kinds=[Resendable.CANCELLED, Resendable.UNKNOWN])
    assert states(run)["Uma"] == (DeliveryStatus.SENT, None)


def test_nothing_is_sent_again_for_a_schedule_that_is_off_or_gone(cast, order, run):
    set_states(run, Pol=(DeliveryStatus.FAILED, Reason.PERMANENT))
    with transaction():
        get_execution(cast.tom, run).trigger = "schedule"
    switch_schedule(cast.tom, order.id, False, NOW)
    with pytest.raises(Conflict, match="switched off"):
        resend(cast.tom, run, NOW)
    delete_schedule(cast.tom, order.id, NOW)
    with pytest.raises(Conflict, match="deleted"):
        resend(cast.tom, run, NOW)
    assert actions() == []
    # Taking back is always safe.
    assert cancel(cast.tom, run, NOW) == 3


def test_only_who_may_manage_the_schedule_may_act(cast, run):
    set_states(run, Pol=(DeliveryStatus.FAILED, Reason.PERMANENT))
    before = states(run)
    for person in (cast.tea, cast.uma, cast.olga, cast.pol):
        for act in (resend, cancel, lambda *args: look_at_run(*args[:2])):
            with pytest.raises(NotFound):
                act(person, run, NOW)
    assert (states(run), actions()) == (before, [])


def test_the_page_of_a_run_counts_and_lists_what_can_be_done(cast, run):
    set_states(
        run,
        Pia=(UNKNOWN, Reason.AMBIGUOUS),
        Pol=(SKIPPED, Reason.UNSUBSCRIBED),
        Uma=(SKIPPED, Reason.NO_DATA),
    )
    page = look_at_run(cast.tom, run)
    assert [
        (each.row.recipient.given_name, each.resendable, each.cancellable)
        for each in page.deliveries
    ] == [
        ("Pia", Resendable.UNKNOWN, False),
        ("Tom", None, True),
        ("Pol", None, False),
        ("Uma", Resendable.SKIPPED, False),
    ]
    assert {kind: number for kind, number in page.resendable.items() if number} == {
        Resendable.UNKNOWN: 1,
        Resendable.SKIPPED: 1,
    }
    assert page.cancellable == 1
    assert page.counts[SKIPPED] == 2
    skipped = look_at_run(cast.tom, run, status=SKIPPED, page=2, page_size=1)
    assert [each.row.recipient.given_name for each in skipped.deliveries] == ["Uma"]
    assert skipped.found == 2


def test_the_page_tells_who_did_what_the_newest_first(cast, run):
    set_states(run, Pol=(DeliveryStatus.FAILED, Reason.PERMANENT))
    pol = deliveries(run)["Pol"].id
    resend(cast.tom, run, NOW, delivery_id=pol)
    cancel(cast.ada, run, NOW + MINUTE)
    assert [
        (action.kind, action.number, action.actor, person)
        for action, person in look_at_run(cast.tom, run).actions
    ] == [
        (DeliveryActionKind.CANCEL, 4, cast.ada, None),
        (DeliveryActionKind.RESEND, 1, cast.tom, cast.pol),
    ]


def test_acting_and_looking_cost_the_same_for_many_mails(cast):
    def costs(size, role):
        order = create_order(cast.tom, *create_crowd(cast, role, size))
        run = run_now(cast.tom, order.id, NOW, message_domain=DOMAIN)
        costs = [queries_of(lambda: cancel(cast.tom, run, NOW))]
        again = [Resendable.CANCELLED]
        costs.append(queries_of(lambda: resend(cast.tom, run, NOW, kinds=again)))

        def look():
            page = look_at_run(cast.tom, run)
            assert [each.row.recipient.name for each in page.deliveries]
            assert [action.actor.name for action, _ in page.actions]

        return [*costs, queries_of(look)]

    few = costs(1, Role.PARENT)
    assert costs(40, Role.STUDENT) == few
    assert max(few) < 14
