"""Runs that a person asks for, sending again, the list of runs, and the preview."""

from datetime import date, timedelta

import pytest

from reportapp import clock
from reportapp.constants import DeliveryStatus, ExecutionStatus, Reason, Role, Trigger
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Period
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery
from reportapp.schedules.edit import delete_schedule
from reportapp.schedules.preview import preview, preview_by_id
from reportapp.schedules.recipients import remove_recipient
from reportapp.schedules.run_page import look_at_run
from reportapp.schedules.runs import get_execution, list_executions, resend, run_now, send_test
from reportapp.schedules.subscriptions import set_subscribed
from tests.cast import NOW, create_order
from tests.schedules.help import DOMAIN, count, create_crowd, executions, queries_of, row_of

DUE = NOW + timedelta(minutes=30)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def press_run(person, schedule, now=NOW):
    return run_now(person, schedule.id, now, message_domain=DOMAIN)


def press_test(person, schedule, now=NOW):
    return send_test(person, schedule.id, now, message_domain=DOMAIN)


def deliveries(run):
    """{first name: row} of one run."""
    rows = db.session.query(ReportDelivery).filter_by(execution_id=run)
    return {row.recipient.given_name: row for row in rows}


def ledger(run):
    """{first name: (status, reason)} of one run."""
    return {name: (row.status, row.reason) for name, row in deliveries(run).items()}


PENDING = (DeliveryStatus.PENDING, None)


def test_run_now_writes_a_row_for_everybody_and_leaves_the_planned_run_alone(cast):
    schedule = create_order(cast.tom, cast.tom, cast.pia, cast.pol, cast.uma)
    set_subscribed(row_of(schedule, cast.pia).unsubscribe_token, False, NOW)
    remove_recipient(cast.tom, schedule.id, cast.uma.id, NOW)
    wednesday = NOW + 2 * DAY - 7 * DAY
    run = press_run(cast.ada, schedule, wednesday)
    execution = get_execution(cast.tom, run)
    assert (execution.trigger, execution.status) == (Trigger.MANUAL, ExecutionStatus.STARTED)
    assert (execution.scheduled_for, execution.started_at) == (wednesday, wednesday)
    # What the Monday before it covers, as the schedule itself would have sent it.
    assert (execution.period_start, execution.period_end) == (
        date(2026, 11, 9),
        date(2026, 11, 16),
    )
    assert execution.planned_day == date(2026, 11, 16)
    assert execution.total_recipients == 3
    assert ledger(run) == {
        "Tom": PENDING,
        "Pol": PENDING,
        "Pia": (DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED),
    }
    assert schedule.next_scheduled == DUE


def test_run_now_waits_for_the_run_before_but_not_for_tests_or_planned_ones(cast, smtp):
    schedule = create_order(cast.tom, cast.pia)
    press_test(cast.tom, schedule)
    plan_due(DUE)
    press_run(cast.tom, schedule, DUE)
    for person in (cast.tom, cast.ada):
        with pytest.raises(Conflict, match="under way"):
            press_run(person, schedule, DUE)
    assert len(executions()) == 3
    press_run(cast.tom, create_order(cast.tom, cast.pia), DUE)
    deliver(clock.fixed(DUE))
    press_run(cast.tom, schedule, DUE + MINUTE)


def test_run_now_without_anybody_to_send_to_is_refused_and_leaves_no_trace(cast):
    schedule = create_order(cast.tom, cast.pia)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    with pytest.raises(Conflict, match="Nobody receives"):
        press_run(cast.tom, schedule)
    assert executions() == []


def test_a_schedule_that_is_off_can_still_be_run_by_hand(cast, smtp):
    schedule = create_order(cast.tom, cast.pia, is_active=False)
    press_run(cast.tom, schedule)
    assert deliver(clock.fixed(NOW))["sent"] == 1
    assert schedule.next_scheduled is None


def test_a_test_goes_to_who_pressed_the_button_and_to_nobody_else(cast):
    schedule = create_order(cast.tom, cast.pia, cast.pol)
    run = press_test(cast.ada, schedule)
    assert ledger(run) == {"Ada": PENDING}
    assert executions()[0].trigger is Trigger.TEST
    assert schedule.next_scheduled == DUE
    # Nobody is put on the schedule by it, and it may be repeated.
    assert list(ledger(press_test(cast.tom, schedule))) == ["Tom"]
    with transaction():
        cast.tom.email = None
    with pytest.raises(Conflict, match="no e-mail address"):
        press_test(cast.tom, schedule)
    assert len(executions()) == 2


def test_run_now_needs_a_fixed_number_of_queries(cast):
    def queries(size, name):
        schedule = create_order(cast.tom, *create_crowd(cast, name, size))
        return queries_of(lambda: press_run(cast.tom, schedule))

    few = queries(1, Role.PARENT)
    assert queries(30, Role.STUDENT) == few < 24
    assert count(ReportDelivery) == 31


@pytest.fixture
def half_sent(cast, smtp):
    """A run in which Tom got his mail, Pia has left, and Pol and Uma were refused."""
    schedule = create_order(cast.tom, cast.tom, cast.pia, cast.pol, cast.uma)
    set_subscribed(row_of(schedule, cast.pia).unsubscribe_token, False, NOW)
    run = press_run(cast.tom, schedule)
    smtp.on_rcpt = lambda to: None if to.startswith("tom") else "550 5.1.1 no such user"
    deliver(clock.fixed(NOW))
    smtp.on_rcpt = lambda to: None
    return get_execution(cast.tom, run)


def test_only_what_failed_is_sent_again_with_its_message_id(cast, smtp, half_sent):
    ids = {name: row.message_id for name, row in deliveries(half_sent.id).items()}
    assert (half_sent.status, half_sent.failed_sends) == (ExecutionStatus.PARTIAL, 2)
    assert resend(cast.ada, half_sent.id, NOW + MINUTE) == 2
    assert (half_sent.status, half_sent.completed_at) == (ExecutionStatus.STARTED, None)
    deliver(clock.fixed(NOW + MINUTE))
    assert smtp.addresses == ["pol@parent.example", "tom@teacher.example", "uma@tutor.example"]
    assert smtp.to("pol@parent.example").message["Message-ID"] == f"<{ids['Pol']}>"
    assert (half_sent.status, half_sent.successful_sends) == (ExecutionStatus.COMPLETED, 3)
    assert (half_sent.failed_sends, half_sent.skipped, half_sent.error_message) == (0, 1, None)
    with pytest.raises(Conflict, match="nothing to send again"):
        resend(cast.tom, half_sent.id, NOW + MINUTE)


def test_what_may_have_arrived_is_sent_again_only_by_a_person(cast, half_sent):
    with transaction():
        pol = deliveries(half_sent.id)["Pol"]
        pol.status, pol.reason = DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS
    assert deliver(clock.fixed(NOW + DAY))["sent"] == 0
    assert resend(cast.tom, half_sent.id, NOW, delivery_id=pol.id) == 1
    # Until it is sent again, the ledger goes on saying that it may have arrived.
    assert ledger(half_sent.id)["Pol"] == (DeliveryStatus.PENDING, Reason.AMBIGUOUS)


def test_one_delivery_can_be_sent_again_alone_and_only_from_its_own_run(cast, half_sent):
    rows = {name: row.id for name, row in deliveries(half_sent.id).items()}
    other = press_run(cast.tea, create_order(cast.tea, cast.tea))
    for run, delivery in (
        (half_sent.id, rows["Tom"]),
        (half_sent.id, rows["Pia"]),
        (half_sent.id, 2_147_483_647),
    ):
        with pytest.raises(Conflict):
            resend(cast.tom, run, NOW, delivery_id=delivery)
    with pytest.raises(Conflict):
        resend(cast.tea, other, NOW, delivery_id=rows["Pol"])
    with pytest.raises(NotFound):
        resend(cast.tea, half_sent.id, NOW, delivery_id=rows["Pol"])
    failed = (DeliveryStatus.FAILED, Reason.PERMANENT)
    assert (ledger(half_sent.id)["Pol"], ledger(half_sent.id)["Uma"]) == (failed, failed)
    assert resend(cast.tom, half_sent.id, NOW, delivery_id=rows["Pol"]) == 1
    assert (ledger(half_sent.id)["Pol"], ledger(half_sent.id)["Uma"]) == (PENDING, failed)


def test_sending_again_does_not_reach_who_has_left_meanwhile(cast, smtp, half_sent):
    set_subscribed(row_of(half_sent.schedule, cast.pol).unsubscribe_token, False, NOW)
    resend(cast.tom, half_sent.id, NOW)
    deliver(clock.fixed(NOW))
    assert smtp.addresses == ["tom@teacher.example", "uma@tutor.example"]
    assert ledger(half_sent.id)["Pol"] == (DeliveryStatus.SKIPPED, Reason.UNSUBSCRIBED)


def test_runs_are_listed_newest_first_page_by_page_with_true_counts(cast, half_sent):
    schedule = half_sent.schedule
    runs = [half_sent.id] + [press_test(cast.tom, schedule, NOW + n * MINUTE) for n in (3, 1, 2, 2)]
    press_test(cast.tea, create_order(cast.tea))
    expected = [runs[1], runs[4], runs[3], runs[2], runs[0]]
    pages = [list_executions(cast.tom, schedule.id, 2, offset) for offset in (0, 2, 4, 6)]
    assert [p.execution.id for rows, _ in pages for p in rows] == expected
    assert [(len(rows), total) for rows, total in pages] == [(2, 5), (2, 5), (1, 5), (0, 5)]
    assert pages[0][0][0].counts == {DeliveryStatus.PENDING: 1}
    assert pages[2][0][0].counts == {
        DeliveryStatus.SENT: 1,
        DeliveryStatus.FAILED: 2,
        DeliveryStatus.SKIPPED: 1,
    }


def test_a_run_lists_its_deliveries_troubles_first_also_when_its_schedule_is_gone(cast, half_sent):
    delete_schedule(cast.tom, half_sent.schedule_id, NOW)
    page = look_at_run(cast.tom, half_sent.id)
    assert page.execution is half_sent
    names = [listed.row.recipient.given_name for listed in page.deliveries]
    assert names == ["Pol", "Uma", "Pia", "Tom"]
    for person, run in ((cast.tea, half_sent.id), (cast.olga, half_sent.id), (cast.tom, 999)):
        with pytest.raises(NotFound):
            get_execution(person, run)


def test_many_runs_and_deliveries_need_no_more_queries_than_one(cast):
    schedule = create_order(cast.tom, *create_crowd(cast, Role.PARENT, 30))
    small, schedule_id = press_test(cast.tom, schedule), schedule.id

    def runs():
        return [p.counts for p in list_executions(cast.tom, schedule_id, 50)[0]]

    def names(run):
        return [listed.row.recipient.name for listed in look_at_run(cast.tom, run).deliveries]

    one = queries_of(runs)
    for _ in range(28):
        press_test(cast.tom, schedule)
    big = press_run(cast.tom, schedule)
    assert (len(runs()), len(names(small)), len(names(big))) == (30, 1, 30)
    assert queries_of(runs) == one
    assert queries_of(lambda: names(small)) == queries_of(lambda: names(big))


def test_a_preview_shows_what_that_person_would_get_and_sends_nothing(cast):
    schedule = create_order(cast.tom, cast.pia)
    seen = preview(cast.tom, schedule.id, cast.pia.id, NOW)
    assert (seen.recipient, seen.reason) == (cast.pia, None)
    assert "Ana Example" in repr(seen.document)
    assert "Ben Example" not in repr(seen.document)
    assert seen.document.period == Period(date(2026, 11, 16), date(2026, 11, 23))
    # The author's own needs no place on the schedule.
    own = preview(cast.tom, schedule.id, cast.tom.id, NOW)
    assert "Ben Example" in repr(own.document)
    assert executions() == []
    assert count(ReportDelivery) == 0
    assert preview_by_id(schedule.id, cast.pia.id, NOW) == seen


def test_a_preview_is_only_of_people_on_the_schedule(cast):
    schedule = create_order(cast.tom, cast.pia)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    for person_id in (cast.pia.id, cast.ana.id, cast.otto.id, 2_147_483_647):
        with pytest.raises(NotFound):
            preview(cast.tom, schedule.id, person_id, NOW)


def test_a_preview_says_why_somebody_would_get_nothing(cast):
    schedule = create_order(cast.ada, cast.nil, cast.pia, cast.uma)

    def reason(person, now=NOW):
        return preview_by_id(schedule.id, person.id, now).reason

    assert reason(cast.nil) is Reason.OUT_OF_SCOPE
    assert reason(cast.pia, NOW + 60 * DAY) is Reason.NO_DATA
    assert reason(cast.uma) is None
    with transaction():
        cast.uma.is_active = False
    assert reason(cast.uma) is Reason.INACTIVE
    with transaction():
        cast.ada.is_active = False
    assert reason(cast.pia) is Reason.AUTHOR_INACTIVE


def test_there_is_no_preview_of_a_schedule_that_is_not_there(cast):
    schedule = create_order(cast.tom)
    delete_schedule(cast.tom, schedule.id, NOW)
    for schedule_id in (schedule.id, 999):
        with pytest.raises(NotFound):
            preview_by_id(schedule_id, cast.tom.id, NOW)
        with pytest.raises(NotFound):
            preview(cast.tom, schedule_id, cast.tom.id, NOW)
