"""What people do to a run while a sender is in the middle of it."""

from contextlib import suppress
from datetime import timedelta
from threading import Thread

import pytest

from reportapp import clock
from reportapp.constants import OPEN_DELIVERIES, DeliveryStatus, ExecutionStatus, Reason, Resendable
from reportapp.delivery import deliver, recover
from reportapp.delivery import recover as recover_function
from reportapp.delivery.claims import claim
from reportapp.errors import Conflict
from reportapp.extensions import db, transaction
from reportapp.models import AddressTrouble, DeliveryAction, ReportDelivery, User
from reportapp.schedules import ledger as ledger_module
from reportapp.schedules.addresses import send_again_for_schedule, send_again_to, trouble_of
from reportapp.schedules.runs import cancel, get_execution, resend, run_now
from tests.at_once import at_once
from tests.cast import NOW, create_order
from tests.delivery.asking import may_send

DAY = timedelta(days=1)
TAKEN_BACK = (DeliveryStatus.SKIPPED, Reason.CANCELLED)
AGAIN = (Resendable.CANCELLED,)


def start(author, schedule, now=NOW):
    return run_now(author, schedule.id, now, message_domain="lindenhof.example")


def send(now=NOW):
    return deliver(clock.fixed(now), wall=clock.fixed(now))


def states(run):
    rows = db.session.query(ReportDelivery).filter_by(execution_id=run)
    return {row.recipient.given_name: (row.status, row.reason) for row in rows}


def only_delivery():
    return db.session.query(ReportDelivery).one()


class Elsewhere:
    """Does something as another process would, while this one is in the middle of a mail."""

    def __init__(self, app, person):
        self.app, self.person_id, self.threads = app, person.id, []
        self.refused = 0

    def do(self, act, *args, wait=5.0, **options):
        def work():
            with self.app.app_context():
                try:
                    act(db.session.get_one(User, self.person_id), *args, **options)
                except Conflict:
                    self.refused += 1

        thread = Thread(target=work)
        self.threads.append(thread)
        thread.start()
        thread.join(wait)

    def done(self):
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        db.session.rollback()


@pytest.fixture
def elsewhere(app, cast):
    return Elsewhere(app, cast.ada)


def test_a_mail_is_taken_back_while_its_recipient_is_being_named(cast, smtp, elsewhere):
    run = start(cast.tom, create_order(cast.tom, cast.ada, cast.pia, cast.pol))
    named = []

    def on_rcpt(to):
        named.append(to)
        if len(named) == 2:  # one has left, this one and the last have not
            elsewhere.do(cancel, run, NOW)

    smtp.on_rcpt = on_rcpt
    assert send()["sent"] == 1
    elsewhere.done()
    assert smtp.addresses == named[:1]
    assert sorted(states(run).values()) == [(DeliveryStatus.SENT, None), TAKEN_BACK, TAKEN_BACK]
    execution = get_execution(cast.tom, run)
    assert (execution.status, execution.successful_sends) == (ExecutionStatus.COMPLETED, 1)
    assert execution.skipped == 2
    assert sum(send().values()) == 0


def test_a_mail_whose_content_leaves_is_not_taken_back(cast, smtp, elsewhere):
    run = start(cast.tom, create_order(cast.tom, cast.ada, cast.pia, cast.pol))
    smtp.on_data = lambda to: elsewhere.do(cancel, run, NOW)
    assert send()["sent"] == 1
    elsewhere.done()
    assert len(smtp.arrived) == 1
    assert sorted(states(run).values()) == [(DeliveryStatus.SENT, None), TAKEN_BACK, TAKEN_BACK]
    assert [row.number for row in db.session.query(DeliveryAction)] == [2]


@pytest.mark.parametrize("reply", ["450 4.2.1 later", "550 5.1.1 no", "451 4.3.0 odd"])
def test_a_refusal_that_comes_after_a_mail_was_taken_back_changes_nothing(
    cast, smtp, elsewhere, reply
):
    run = start(cast.tom, create_order(cast.tom, cast.pia))

    def on_rcpt(_):
        elsewhere.do(cancel, run, NOW)
        return reply

    smtp.on_rcpt = on_rcpt
    send()
    elsewhere.done()
    assert states(run) == {"Pia": TAKEN_BACK}
    assert get_execution(cast.tom, run).status is ExecutionStatus.COMPLETED


def test_what_is_taken_back_and_sent_after_all_while_it_is_in_hand_arrives_once(
    app, cast, smtp, elsewhere
):
    run = start(cast.tom, create_order(cast.tom, cast.pia, cast.pol))
    message_ids = {row.message_id for row in db.session.query(ReportDelivery)}
    named = []

    def on_rcpt(to):
        named.append(to)
        if len(named) == 1:
            elsewhere.do(cancel, run, NOW)
            elsewhere.do(resend, run, NOW, kinds=AGAIN)

    smtp.on_rcpt = on_rcpt
    send()
    send()
    elsewhere.done()
    assert smtp.addresses == ["pia@parent.example", "pol@parent.example"]
    assert {mail.message["Message-ID"].strip("<>") for mail in smtp.arrived} == message_ids
    assert set(states(run).values()) == {(DeliveryStatus.SENT, None)}


def test_a_sender_never_has_the_same_mail_in_hand_twice(cast):
    """Of its sessions, one may still be at it when it is to be sent after all."""
    run = start(cast.tom, create_order(cast.tom, cast.pia))
    (first,) = claim("one", NOW, NOW + DAY, 10)
    cancel(cast.tom, run, NOW)
    assert may_send("one", first, NOW) is False
    resend(cast.tom, run, NOW, kinds=AGAIN)
    assert claim("one", NOW, NOW + DAY, 10) == []
    assert may_send("one", first, NOW) is False
    (second,) = claim("two", NOW, NOW + DAY, 10)
    assert (may_send("one", first, NOW), may_send("two", second, NOW)) == (False, True)
    # Nor does its content leave twice.
    assert may_send("two", second, NOW) is False
    with pytest.raises(Conflict):
        cancel(cast.tom, run, NOW)


def press_at_once(app, people, act):
    """Several people press at the same moment; how many were refused."""
    presses = [lambda id=person.id: act(db.session.get_one(User, id)) for person in people]
    return sum(isinstance(one, Conflict) for one in at_once(app, *presses))


@pytest.mark.parametrize("turn", range(3))
def test_of_two_who_press_at_once_one_does_it_and_one_is_told(app, cast, smtp, turn):
    run = start(cast.tom, create_order(cast.tom, cast.pia, cast.pol))
    people = (cast.tom, cast.ada)
    assert press_at_once(app, people, lambda person: cancel(person, run, NOW)) == 1
    assert press_at_once(app, people, lambda person: resend(person, run, NOW, kinds=AGAIN)) == 1
    assert [row.number for row in db.session.query(DeliveryAction)] == [2, 2]
    assert send()["sent"] == 2
    assert len(smtp.arrived) == 2


@pytest.mark.parametrize("turn", range(3))
def test_taking_back_and_sending_again_at_once_leave_an_honest_run(app, cast, smtp, turn):
    run = start(cast.tom, create_order(cast.tom, cast.pia, cast.pol))
    smtp.on_rcpt = lambda to: "550 no" if to.startswith("pol") else None
    with transaction() as session:
        session.query(ReportDelivery).filter_by(recipient_id=cast.pia.id).update(
            {"next_attempt_at": NOW + DAY}
        )
    send()

    def press(person):
        with suppress(Conflict):
            (cancel if person.id == tom else resend)(person, run, NOW)

    tom = cast.tom.id
    press_at_once(app, (cast.tom, cast.ada), press)
    is_open = any(status in OPEN_DELIVERIES for status, _ in states(run).values())
    assert (get_execution(cast.tom, run).status is ExecutionStatus.STARTED) is is_open
    recorded = sum(row.number for row in db.session.query(DeliveryAction))
    assert recorded in (2, 3)


def test_taking_back_while_the_run_ends_is_refused_and_counts_right(
    cast, smtp, elsewhere, monkeypatch
):
    run = start(cast.tom, create_order(cast.tom, cast.pia))
    plainly = ledger_module._end

    def interrupted(*args):
        elsewhere.do(cancel, run, NOW, wait=0.5)
        plainly(*args)

    monkeypatch.setattr(ledger_module, "_end", interrupted)
    send()
    elsewhere.done()
    execution = get_execution(cast.tom, run)
    assert (execution.status, execution.successful_sends) == (ExecutionStatus.COMPLETED, 1)
    assert elsewhere.refused == 1


def test_taking_back_while_a_sweeper_gives_the_mail_up_blocks_neither(
    cast, smtp, elsewhere, monkeypatch
):
    """Each wants what the other has: the run, and its mails."""
    run = start(cast.tom, create_order(cast.tom, cast.pia))
    module = __import__(recover_function.__module__, fromlist=["_give_up"])
    plainly = module._give_up

    def interrupted(*args):
        number = plainly(*args)
        elsewhere.do(cancel, run, NOW + 2 * DAY, wait=0.5)
        return number

    monkeypatch.setattr(module, "_give_up", interrupted)
    recover(NOW + 2 * DAY, clock.fixed(NOW))
    elsewhere.done()
    assert states(run) == {"Pia": (DeliveryStatus.FAILED, Reason.TOO_LATE)}
    assert elsewhere.refused == 1
    assert get_execution(cast.tom, run).status is ExecutionStatus.FAILED


def suspend(smtp, author, schedule):
    """Three mails in a row are refused."""
    smtp.on_rcpt = lambda to: "550 5.1.1 no such user"
    for minute in range(3):
        now = NOW + timedelta(minutes=minute)
        start(author, schedule, now)
        send(now)
    smtp.on_rcpt = lambda to: None


@pytest.mark.parametrize("who", ["admin", "author"])
def test_an_address_is_written_to_again_when_somebody_says_so(cast, smtp, who):
    schedule = create_order(cast.tom, cast.pia)
    with transaction():
        cast.pia.email = "Pia@Parent.example"
    suspend(smtp, cast.tom, schedule)
    assert trouble_of(cast.pia).failures == 3
    run = start(cast.tom, schedule, NOW + DAY)
    send(NOW + DAY)
    assert states(run) == {"Pia": (DeliveryStatus.SKIPPED, Reason.SUSPENDED)}
    if who == "admin":
        send_again_to(cast.ada, cast.pia.id)
    else:
        send_again_for_schedule(cast.tom, schedule.id, cast.pia.id, NOW)
    assert db.session.query(AddressTrouble).count() == 0
    resend(cast.tom, run, NOW + DAY, kinds=[Resendable.SKIPPED])
    send(NOW + DAY)
    assert states(run) == {"Pia": (DeliveryStatus.SENT, None)}


def test_another_address_is_free_by_itself(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    suspend(smtp, cast.tom, schedule)
    with transaction():
        cast.pia.email = "new@parent.example"
    assert trouble_of(cast.pia) is None
    start(cast.tom, schedule, NOW + DAY)
    assert send(NOW + DAY)["sent"] == 1
