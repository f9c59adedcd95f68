"""What is due is planned by what its schedule is when it is planned, not when it was found."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import select

from reportapp.constants import PeriodKind
from reportapp.delivery import due, plan_due
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery, ReportScheduleExecution
from reportapp.schedules.audiences import add_audience
from reportapp.schedules.edit import delete_schedule, switch_schedule, update_schedule
from reportapp.schedules.find import lock_schedule
from reportapp.schedules.recipients import add_recipient, remove_recipient
from tests.at_once import at_once
from tests.cast import NOW, create_order

DUE = NOW + timedelta(minutes=30)


def planned():
    """Of each run, how many days it covers and who is to get it."""
    run, mail = ReportScheduleExecution, ReportDelivery
    return [
        (
            (each.period_end - each.period_start).days,
            set(db.session.scalars(select(mail.recipient_id).where(mail.execution_id == each.id))),
        )
        for each in db.session.scalars(select(run).order_by(run.id))
    ]


@pytest.mark.parametrize(
    ("change", "days", "people"),
    [
        (lambda tom, order, _: switch_schedule(tom, order, False, NOW), None, ""),
        (lambda tom, order, _: delete_schedule(tom, order, NOW), None, ""),
        (lambda tom, order, _: update_schedule(tom, order, {"time": "11:00"}, NOW), None, ""),
        (lambda tom, order, _: update_schedule(tom, order, {"period": "last_day"}, NOW), 1, "tom"),
        (lambda tom, order, ada: add_recipient(tom, order, ada.id, NOW), 7, "tom ada"),
        (lambda tom, order, _: remove_recipient(tom, order, tom.id, NOW), 7, ""),
        (lambda tom, order, _: add_audience(tom, order, "all_tutors", None, NOW), 7, "tom uma uwe"),
    ],
    ids=["off", "deleted", "later", "other days", "one more", "one less", "a group"],
)
def test_what_changes_after_a_schedule_was_found_due_counts(
    cast, monkeypatch, change, days, people
):
    order = create_order(cast.tom, cast.tom)
    other = create_order(cast.ada, cast.ada)
    found_due = due.due_schedules

    def changed_then(now):
        found = found_due(now)
        change(cast.tom, order.id, cast.ada)
        return found

    monkeypatch.setattr(due, "due_schedules", changed_then)
    plan_due(DUE)
    expected = [] if days is None else [(days, {getattr(cast, name).id for name in people.split()})]
    assert planned() == [*expected, (7, {cast.ada.id})]
    assert other.next_scheduled == DUE + timedelta(days=7)


def test_a_change_that_is_being_saved_just_now_is_waited_for(app, cast, monkeypatch):
    order = create_order(cast.tom, cast.tom)
    plan, about_to = due.plan_owed_run, Event()

    def told(*args, **more):
        about_to.set()
        return plan(*args, **more)

    def work():
        with app.app_context():
            return plan_due(DUE).executions

    monkeypatch.setattr(due, "plan_owed_run", told)
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            lock_schedule(session, order)
            order.period = PeriodKind.LAST_DAY
            session.flush()
            planning = pool.submit(work)
            assert about_to.wait(10)
            with pytest.raises(TimeoutError):
                planning.result(0.2)
        assert planning.result(10) == 1
    db.session.rollback()
    assert planned() == [(1, {cast.tom.id})]


def test_trouble_with_one_leaves_nothing_half_written_and_does_not_stop_the_next(cast, monkeypatch):
    broken, sound = (create_order(cast.tom, cast.tom) for _ in range(2))
    plan, trouble = due.plan_owed_run, broken.id

    def fails(session, schedule_id, now, **more):
        made = plan(session, schedule_id, now, **more)
        if schedule_id == trouble:
            raise ValueError("no")
        return made

    monkeypatch.setattr(due, "plan_owed_run", fails)
    found = plan_due(DUE)
    assert (found.schedules_due, found.executions, found.deliveries) == (2, 1, 1)
    assert (broken.next_scheduled, sound.next_scheduled) == (DUE, DUE + timedelta(days=7))
    assert len(planned()) == 1


def test_three_that_plan_at_the_same_moment_make_each_run_once(app, cast):
    orders = [create_order(cast.tom, cast.tom, cast.ada) for _ in range(6)]
    found = at_once(app, *3 * [lambda: plan_due(DUE)])
    assert sum(one.executions for one in found) == len(orders) == len(planned())
    assert sum(one.deliveries for one in found) == 2 * len(orders)
