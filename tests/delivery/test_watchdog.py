"""What the system notices by itself: who is told, in the app and by mail, and until when."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import select, update

from reportapp import clock
from reportapp.constants import ExecutionStatus, NoticeKind, WhenEmpty
from reportapp.delivery import came_back, deliver, due, health, plan_due, recover, tell, watch
from reportapp.delivery.tell import CLAIM, PAUSE, _claim
from reportapp.delivery.watchdog import AWAY, OLD, OVERDUE
from reportapp.extensions import db, transaction
from reportapp.jobs.lease import hold_lease, let_go
from reportapp.models import (
    AddressTrouble,
    Notice,
    ReportSchedule,
    ReportScheduleExecution,
    User,
)
from reportapp.schedules.edit import delete_schedule, switch_schedule, update_schedule
from reportapp.schedules.heartbeat import scheduler_runs
from reportapp.schedules.my_notices import count_open, list_open, put_all_away, put_away
from reportapp.schedules.runs import resend, run_now, send_test
from reportapp.schedules.subscriptions import set_subscribed
from tests.cast import NOW, create_order
from tests.smtp import HANG_UP

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DUE = NOW + HOUR / 2
ADA, TOM = "ada@admin.example", "tom@teacher.example"


def run(instant):
    """One turn of the engine at `instant`."""
    plan_due(instant)
    recover(instant, clock.fixed(instant))
    deliver(clock.fixed(instant), wall=clock.fixed(instant))


def look(app, instant):
    """One look of the watchdog; how many mails it sent."""
    watch(app.config, instant)
    return tell(instant, Event())


def told(person):
    """The titles of what somebody has been told and not put away."""
    db.session.expire_all()
    return [each.news.title for each in list_open(person, 50)]


def kinds():
    query = select(User.email, Notice.kind).join(User).where(Notice.closed_at.is_(None))
    return sorted(tuple(row) for row in db.session.execute(query))


def refuse(*addresses):
    return lambda to: "550 5.1.1 no such user" if not addresses or to in addresses else None


def test_the_first_run_that_fails_is_told_the_next_is_not_and_a_good_one_ends_it(app, cast, smtp):
    order = create_order(cast.tom, cast.pia, cast.pol, name="Week", frequency="daily")
    create_order(cast.tea, cast.pia, name="Not meant", start_date="2027-06-01")
    run(DUE)
    assert kinds() == []
    smtp.on_rcpt = refuse("pol@parent.example")
    update_schedule(cast.tom, order.id, {"period": "last_30_days"}, DUE)
    run(DUE + DAY)
    assert kinds() == [(ADA, NoticeKind.FAILED_RUN), (TOM, NoticeKind.FAILED_RUN)]
    assert told(cast.tom) == ["“Week” did not reach everybody"]
    (each,) = list_open(cast.tom, 50)
    assert each.news.text == "Tue 24 Nov 2026, 09:00: of its 2 mails, 1 could not be delivered."
    assert each.news.path == f"/executions/{each.notice.execution_id}"
    run(DUE + 2 * DAY)
    assert len(kinds()) == 2
    smtp.on_rcpt = lambda to: None
    with transaction() as session:
        session.query(AddressTrouble).delete()
    run(DUE + 3 * DAY)
    watch(app.config, DUE + 3 * DAY)
    assert kinds() == []


def test_sending_the_failed_ones_again_ends_it_too(app, cast, smtp):
    create_order(cast.tom, cast.pia)
    smtp.on_rcpt = refuse()
    run(DUE)
    assert told(cast.ada)[0].endswith("reached nobody")
    smtp.on_rcpt = lambda to: None
    resend(cast.tom, list_open(cast.tom, 1)[0].notice.execution_id, DUE + HOUR)
    run(DUE + HOUR)
    watch(app.config, DUE + HOUR)
    assert kinds() == []


def fail_often(cast, smtp, days=3, reply="554 5.7.1 we do not want it"):
    """A schedule, of which so many daily runs have failed."""
    order = create_order(cast.tom, cast.pia, name="Week", frequency="daily", period="last_30_days")
    smtp.on_data = lambda to: reply
    for day in range(days):
        run(DUE + day * DAY)
    db.session.expire_all()
    return order


def test_a_schedule_that_failed_three_times_in_a_row_is_switched_off_until_a_person_acts(
    app, cast, smtp
):
    order = fail_often(cast, smtp, 2)
    assert (order.is_active, order.failed_runs) == (True, 2)
    run(DUE + 2 * DAY)
    db.session.expire_all()
    assert (order.is_active, order.next_scheduled) == (False, None)
    assert order.paused_reason == "Its last 3 runs reached nobody."
    assert "“Week” was switched off" in told(cast.tom)
    assert told(cast.ada) == told(cast.tom)
    watch(app.config, DUE + 2 * DAY)
    assert len(told(cast.tom)) == 2
    run(DUE + 3 * DAY)
    assert len(db.session.scalars(select(ReportScheduleExecution)).all()) == 3

    switch_schedule(cast.tom, order.id, True, DUE + 4 * DAY)
    assert (order.paused_reason, order.failed_runs) == (None, 0)
    watch(app.config, DUE + 4 * DAY)
    assert told(cast.tom) == ["“Week” reached nobody"]
    # It has as many tries as at first.
    run(DUE + 5 * DAY)
    db.session.expire_all()
    assert (order.is_active, order.failed_runs) == (True, 1)


def test_editing_a_stopped_schedule_leaves_it_stopped(app, cast, smtp):
    order = fail_often(cast, smtp)
    update_schedule(cast.tom, order.id, {"name": "Other"}, DUE + 3 * DAY)
    assert order.paused_reason is not None
    assert not order.is_active


def test_a_run_that_is_sent_again_in_vain_does_not_count_twice(cast, smtp):
    order = fail_often(cast, smtp, 1)
    for hours in (1, 2, 3):
        (execution,) = db.session.scalars(select(ReportScheduleExecution))
        resend(cast.tom, execution.id, DUE + hours * HOUR)
        run(DUE + hours * HOUR)
    db.session.expire_all()
    assert (order.is_active, order.failed_runs) == (True, 1)


def test_a_good_run_between_begins_the_count_anew(cast, smtp):
    order = fail_often(cast, smtp, 2)
    smtp.on_data = lambda to: None
    run(DUE + 2 * DAY)
    smtp.on_data = lambda to: "554 5.7.1 no"
    run(DUE + 3 * DAY)
    db.session.expire_all()
    assert (order.is_active, order.failed_runs) == (True, 1)


def test_the_mail_server_being_away_switches_no_schedule_off(app, cast, smtp):
    order = create_order(cast.tom, cast.pia, name="Week", frequency="daily", period="last_30_days")
    app.extensions["mail"].port = 1
    for hours in range(0, 5 * 24, 3):
        run(DUE + hours * HOUR)
    db.session.expire_all()
    failed = select(ReportScheduleExecution).where(
        ReportScheduleExecution.status == ExecutionStatus.FAILED
    )
    assert len(db.session.scalars(failed).all()) >= 3
    assert (order.is_active, order.failed_runs) == (True, 0)
    assert told(cast.tom) == ["“Week” reached nobody"]


def test_by_hand_and_tests_are_no_news(cast, smtp):
    order = create_order(cast.tom, cast.pia)
    smtp.on_rcpt = refuse()
    run_now(cast.tom, order.id, NOW, message_domain="x.example")
    send_test(cast.tom, order.id, NOW, message_domain="x.example")
    run(NOW)
    assert kinds() == []


@pytest.mark.parametrize("when_empty", WhenEmpty)
def test_only_an_author_who_wants_to_hear_of_it_is_told_that_there_was_no_data(
    cast, smtp, when_empty
):
    order = create_order(cast.tom, cast.pia, cast.pol, name="Week")
    db.session.execute(update(ReportSchedule).values(when_empty=when_empty))
    db.session.execute(update(ReportSchedule).values(next_scheduled=DUE + 70 * DAY))
    db.session.commit()
    run(DUE + 70 * DAY)
    wanted = [(TOM, NoticeKind.NO_DATA)] if when_empty is WhenEmpty.TELL else []
    assert kinds() == wanted
    if wanted:
        (each,) = list_open(cast.tom, 50)
        assert each.news.title == "“Week” had nothing to report"
        assert "2 of 2 recipients got no mail" in each.news.text
        assert each.notice.schedule_id == order.id


def test_a_run_that_nobody_plans_although_the_jobs_run_is_told_until_it_comes(
    app, cast, monkeypatch
):
    create_order(cast.tom, cast.pia, name="Week")

    def broken(*args, **kwargs):
        raise ValueError("no")

    with monkeypatch.context() as patch:
        patch.setattr(due, "plan_owed_run", broken)
        for minutes in (0, 15, 16, 17):
            plan_due(DUE + minutes * MINUTE)
            watch(app.config, DUE + minutes * MINUTE)
            expected = ["“Week” is overdue"] if DUE + minutes * MINUTE - DUE > OVERDUE else []
            assert told(cast.tom) == told(cast.ada) == expected
    plan_due(DUE + 20 * MINUTE)
    watch(app.config, DUE + 20 * MINUTE)
    assert kinds() == []


def test_a_missed_run_is_put_right_by_sending_by_hand(app, cast, smtp):
    order = create_order(cast.tom, cast.pia, name="Week")
    run(DUE + 2 * DAY)
    watch(app.config, DUE + 2 * DAY)
    assert told(cast.tom) == ["“Week” was not sent"]
    run_now(cast.tom, order.id, DUE + 3 * DAY, message_domain="x.example")
    run(DUE + 3 * DAY)
    watch(app.config, DUE + 3 * DAY)
    assert kinds() == []


def test_admins_are_told_once_that_the_mail_server_refuses_us_until_it_does_not(app, cast, smtp):
    create_order(cast.tom, cast.pia)
    smtp.on_mail = lambda options: "530 5.7.0 log in first"
    run(DUE)
    assert look(app, DUE) == 0
    refused = [(ADA, NoticeKind.MAIL_STOPPED), ("olga@admin.example", NoticeKind.MAIL_STOPPED)]
    assert kinds() == refused
    assert "530 5.7.0 log in first" in list_open(cast.ada, 1)[0].news.text
    # It asks again by itself every hour, which is no news.
    for hours in range(1, 5):
        run(DUE + hours * HOUR + 6 * MINUTE)
        look(app, DUE + hours * HOUR + 6 * MINUTE)
    assert kinds() == refused
    put_away(cast.ada, list_open(cast.ada, 1)[0].notice.id, DUE + 5 * HOUR)
    look(app, DUE + 5 * HOUR)
    assert kinds() == refused[1:]

    smtp.on_mail = lambda options: None
    health.try_again()
    run(DUE + 5 * HOUR + MINUTE)
    assert look(app, DUE + 5 * HOUR + MINUTE) == 0
    assert kinds() == []
    assert smtp.addresses == ["pia@parent.example"]


def test_a_mail_server_that_is_only_out_of_order_is_no_news(app, cast):
    create_order(cast.tom, cast.pia)
    app.extensions["mail"].port = 1
    pauses = []
    for seconds in range(0, 120, 6):
        run(DUE + timedelta(seconds=seconds))
        pauses.append(health.standstill(app.config, DUE + timedelta(seconds=seconds)))
        watch(app.config, DUE + timedelta(seconds=seconds))
    assert {each.refused for each in pauses if each} == {False}
    assert kinds() == []


def suspend(person):
    with transaction() as session:
        session.add(
            AddressTrouble(
                address=person.email,
                failures=3,
                reply="550 5.1.1\r\nno such user",
                failed_at=NOW,
                suspended_at=NOW,
            )
        )


def test_an_address_that_takes_nothing_is_told_to_its_authors_and_admins(app, cast):
    order = create_order(cast.tom, cast.pia, cast.pol)
    create_order(cast.tea, cast.pol)
    suspend(cast.pia)
    for _ in range(2):
        watch(app.config, NOW)
    assert [email for email, _ in kinds()] == [ADA, TOM]
    (of_tom,), (of_ada,) = list_open(cast.tom, 50), list_open(cast.ada, 50)
    assert of_tom.news.path == f"/schedules/{order.id}"
    assert of_ada.news.path == f"/people/{cast.pia.id}"
    assert "Pia Example (pia@parent.example) has refused 3 mails" in of_tom.news.text
    assert "“550 5.1.1 no such user”" in of_tom.news.text
    with transaction() as session:
        session.get_one(User, cast.pia.id).email = "right@parent.example"
    watch(app.config, NOW)
    assert kinds() == []


def test_after_a_while_without_a_scheduler_admins_are_told_if_something_was_due(app, cast, smtp):
    hold_lease("a", NOW, timedelta(seconds=30))
    create_order(cast.tom, cast.pia)
    came_back(NOW + AWAY)
    assert kinds() == []
    let_go("a")
    back = DUE + HOUR
    assert not scheduler_runs(back)
    for _ in range(2):  # two processes
        came_back(back)
    assert hold_lease("b", back, timedelta(seconds=30))
    came_back(back)
    assert kinds() == [(ADA, NoticeKind.NO_HEARTBEAT)]
    assert list_open(cast.ada, 1)[0].news.text.startswith(
        "From Mon 23 Nov 2026, 08:30 to Mon 23 Nov 2026, 10:00 nothing was running, so 1 schedule "
        "could not be sent in time."
    )
    plan_due(back)
    assert look(app, back) == 1
    assert smtp.addresses == [ADA]
    assert scheduler_runs(back)


def test_a_while_in_which_nothing_was_due_is_no_news(cast):
    hold_lease("a", NOW - 5 * DAY, timedelta(seconds=30))
    create_order(cast.tom, cast.pia)
    came_back(NOW)
    assert kinds() == []


def test_a_lease_from_a_wrong_clock_is_taken_over(cast):
    hold_lease("a", NOW + 40 * DAY, timedelta(seconds=30))
    assert hold_lease("b", NOW, timedelta(seconds=30))
    assert not hold_lease("a", NOW, timedelta(seconds=30))


# By mail


def break_two(cast, smtp):
    """Two schedules of Tom's whose runs fail at the same time."""
    for name in ("Week", "Day\r\nBcc: x@y.example"):
        create_order(cast.tom, cast.pia, name=name)
    with transaction() as session:
        session.execute(
            update(ReportSchedule).where(ReportSchedule.name.like("Day%")).values(name="Day <b>")
        )
    smtp.on_rcpt = refuse("pia@parent.example")
    run(DUE)


def test_all_news_come_in_one_mail_and_at_most_one_an_hour(app, cast, smtp):
    break_two(cast, smtp)
    assert look(app, DUE) == 2
    assert smtp.addresses == [ADA, TOM]
    mail = smtp.to(TOM)
    assert mail.message["Subject"] == "Reportapp: 2 things to look at"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.text.count("reached nobody") == 2
    assert "Day &lt;b&gt;" in mail.html
    assert "<b>" not in mail.html
    for each in list_open(cast.tom, 50):
        assert f"https://reports.lindenhof.example{each.news.path}" in mail.text
        assert f'href="https://reports.lindenhof.example{each.news.path}"' in mail.html
    assert look(app, DUE + MINUTE) == 0

    create_order(cast.tom, cast.pia, time="09:10")
    create_order(cast.tom, cast.pia, time="09:20")
    smtp.arrived.clear()
    for minutes in (10, 20, 59):
        run(DUE + minutes * MINUTE)
        assert look(app, DUE + minutes * MINUTE) == 0
    assert look(app, DUE + PAUSE) == 2
    told_later = smtp.to(TOM).text
    assert told_later.count("reached nobody") == 1
    # That was the third mail that the address has refused.
    assert told_later.count("takes no mails any more") == 1


def test_what_healed_or_was_put_away_before_the_mail_is_not_mailed(app, cast, smtp):
    break_two(cast, smtp)
    put_all_away(cast.tom, max(each.notice.id for each in list_open(cast.tom, 50)), DUE)
    assert look(app, DUE) == 1
    assert smtp.addresses == [ADA]


@pytest.mark.parametrize(
    "change", ["inactive", "no address", "suspended", "parent", "unsubscribed"]
)
def test_who_is_gone_or_wants_no_mails_gets_none(app, cast, smtp, change):
    order = create_order(cast.tom, cast.tom, cast.pia)
    smtp.on_rcpt = refuse("pia@parent.example")
    run(DUE)
    smtp.arrived.clear()
    row = db.session.scalars(select(ReportSchedule).where(ReportSchedule.id == order.id)).one()
    with transaction() as session:
        tom = session.get_one(User, cast.tom.id)
        if change == "inactive":
            tom.is_active = False
        elif change == "no address":
            tom.email = None
        elif change == "parent":
            tom.role = "parent"
    if change == "suspended":
        suspend(cast.tom)
    if change == "unsubscribed":
        from tests.delivery.test_engine import subscription

        set_subscribed(subscription(row, cast.tom).unsubscribe_token, False, DUE)
    assert look(app, DUE) == 1
    assert smtp.addresses == [ADA]


def test_a_mail_that_could_not_be_sent_is_tried_again_at_the_next_look(app, cast, smtp):
    break_two(cast, smtp)
    smtp.on_rcpt = lambda to: "451 4.3.0 later" if to == TOM else None
    assert look(app, DUE) == 1
    smtp.on_rcpt = lambda to: None
    assert look(app, DUE + MINUTE) == 1
    assert smtp.addresses == [ADA, TOM]

    port, app.extensions["mail"].port = app.extensions["mail"].port, 1
    create_order(cast.tom, cast.pia, time="14:00")
    smtp.on_rcpt = refuse("pia@parent.example")
    app.extensions["mail"].port = port
    run(DUE + 5 * HOUR)
    app.extensions["mail"].port = 1
    assert look(app, DUE + 5 * HOUR) == 0
    assert db.session.scalars(select(Notice.mailed_at).where(Notice.mailed_at.is_(None))).all()
    app.extensions["mail"].port = port
    # Pia's address is suspended by now, which is one thing more.
    assert look(app, DUE + 5 * HOUR + MINUTE) == 2


def test_an_address_that_refuses_its_news_is_not_asked_every_minute(app, cast, smtp):
    break_two(cast, smtp)
    asked = []
    smtp.on_rcpt = lambda to: asked.append(to) or ("550 5.1.1 no" if to == TOM else None)
    for minutes in range(5):
        look(app, DUE + minutes * MINUTE)
    assert asked.count(TOM) == 1
    smtp.on_rcpt = lambda to: None
    assert look(app, DUE + CLAIM + MINUTE) == 1


def test_a_mail_that_may_have_arrived_is_not_sent_again(app, cast, smtp):
    break_two(cast, smtp)
    smtp.on_data = lambda to: HANG_UP if to == TOM else None
    look(app, DUE)
    smtp.on_data = lambda to: None
    assert look(app, DUE + 2 * HOUR) == 0


def test_two_processes_do_not_mail_the_same_news(app, cast, smtp):
    break_two(cast, smtp)
    watch(app.config, DUE)
    sent = []

    def other():
        with app.app_context():
            sent.append(tell(DUE, Event()))
            db.session.remove()

    threads = [Thread(target=other) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 2
    assert smtp.addresses == [ADA, TOM]


def test_news_whose_sender_vanished_are_mailed_by_the_next_one(app, cast, smtp):
    break_two(cast, smtp)
    for person in (cast.ada, cast.tom):
        assert len(_claim(person.id, DUE)) == 2
    assert look(app, DUE + MINUTE) == 0
    assert look(app, DUE + CLAIM) == 2


def test_a_stop_ends_it_before_the_next_mail(app, cast, smtp):
    break_two(cast, smtp)
    stop = Event()
    stop.set()
    assert tell(DUE, stop) == 0


# Who sees what


def test_everybody_sees_and_puts_away_only_their_own(cast, smtp):
    break_two(cast, smtp)
    assert (count_open(cast.tom), count_open(cast.ada)) == (2, 2)
    assert (count_open(cast.tea), count_open(cast.olga)) == (0, 0)
    put_away(cast.tom, list_open(cast.tom, 1)[0].notice.id, DUE)
    assert (count_open(cast.tom), count_open(cast.ada)) == (1, 2)


def test_who_is_no_admin_any_more_reads_nothing_of_others(cast, smtp):
    break_two(cast, smtp)
    with transaction() as session:
        session.get_one(User, cast.ada.id).role = "teacher"
    assert count_open(cast.ada) == 0


def test_a_deleted_schedule_takes_its_news_along_and_old_ones_go(app, cast, smtp):
    break_two(cast, smtp)
    first, second = db.session.scalars(select(ReportSchedule).order_by(ReportSchedule.id))
    delete_schedule(cast.tom, first.id, DUE)
    assert count_open(cast.tom) == 1
    watch(app.config, DUE)
    assert len(kinds()) == 2
    switch_schedule(cast.tom, second.id, False, DUE)
    watch(app.config, DUE + OLD + MINUTE)
    assert kinds() == []
