"""Who may do what with whose schedule; the list of schedules; the runs that a form announces."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from reportapp.constants import Role
from reportapp.delivery import plan_due
from reportapp.errors import Forbidden, InvalidInput, NotFound
from reportapp.extensions import transaction
from reportapp.models import ReportDelivery, ReportSchedule, ReportScheduleRecipient
from reportapp.schedules.addresses import send_again_for_schedule
from reportapp.schedules.edit import (
    create_schedule,
    delete_schedule,
    fields_of,
    switch_schedule,
    update_schedule,
)
from reportapp.schedules.find import get_schedule, list_schedules
from reportapp.schedules.preview import preview
from reportapp.schedules.recipients import (
    add_recipient,
    list_recipients,
    remove_recipient,
    search_candidates,
)
from reportapp.schedules.run_page import look_at_run
from reportapp.schedules.runs import (
    cancel,
    get_execution,
    list_executions,
    resend,
    run_now,
    send_test,
)
from reportapp.schedules.subscriptions import set_my_subscription
from reportapp.schedules.upcoming import upcoming_runs
from tests.cast import NOW, create_order
from tests.schedules.help import DOMAIN, count, create_crowd, executions, queries_of, row_of

DAY = timedelta(days=1)
DUE = NOW + timedelta(minutes=30)
RHYTHM = {
    "frequency": "weekly",
    "day_of_week": 1,
    "day_of_month": 1,
    "time": "09:00",
    "time_zone": "Europe/Berlin",
}

#: Everything that can be done with a schedule of Tom's which Tom and Pia receive.
DEEDS = {
    "look": lambda a, s, c: get_schedule(a, s.id),
    "resend": lambda a, s, c: resend(a, executions()[0].id, NOW),
    "take back": lambda a, s, c: cancel(a, executions()[0].id, NOW),
    "look at a run": lambda a, s, c: look_at_run(a, executions()[0].id),
    "send to an address": lambda a, s, c: send_again_for_schedule(a, s.id, c.pia.id, NOW),
    "change": lambda a, s, c: update_schedule(a, s.id, {"name": "Mine"}, NOW),
    "switch": lambda a, s, c: switch_schedule(a, s.id, False, NOW),
    "list recipients": lambda a, s, c: list_recipients(a, s.id, NOW),
    "search": lambda a, s, c: search_candidates(a, s.id, "", NOW),
    "add": lambda a, s, c: add_recipient(a, s.id, c.ana.id, NOW),
    "remove": lambda a, s, c: remove_recipient(a, s.id, c.pia.id, NOW),
    "preview": lambda a, s, c: preview(a, s.id, c.tom.id, NOW),
    "preview own": lambda a, s, c: preview(a, s.id, a.id, NOW),
    "runs": lambda a, s, c: list_executions(a, s.id),
    "run": lambda a, s, c: get_execution(a, executions()[0].id),
    "run now": lambda a, s, c: run_now(a, s.id, NOW, message_domain=DOMAIN),
    "test": lambda a, s, c: send_test(a, s.id, NOW, message_domain=DOMAIN),
    "delete": lambda a, s, c: delete_schedule(a, s.id, NOW),
}


def test_nobody_but_the_author_and_the_schools_admin_can_touch_or_see_a_schedule(cast):
    schedule = create_order(cast.tom, cast.tom, cast.pia)
    plan_due(DUE)
    before = fields_of(schedule), schedule.updated_at, schedule.deleted_at
    for name in cast.people.keys() - {"tom", "ada"}:
        for deed in DEEDS.values():
            # NotFound, not Forbidden: that there is such a schedule is not told.
            with pytest.raises(NotFound):
                deed(cast.people[name], schedule, cast)
    with transaction():
        cast.tom.is_active = False
    for deed in DEEDS.values():
        with pytest.raises(NotFound):
            deed(cast.tom, schedule, cast)
    assert (fields_of(schedule), schedule.updated_at, schedule.deleted_at) == before
    assert row_of(schedule, cast.pia).removed_at is None
    assert (count(ReportScheduleRecipient), count(ReportDelivery), len(executions())) == (2, 2, 1)


@pytest.mark.parametrize("name", ["tom", "ada"])
def test_the_author_and_the_schools_admin_can_do_everything(cast, name, smtp):
    schedule = create_order(cast.tom, cast.tom, cast.pia)
    plan_due(DUE)
    with transaction() as session:
        session.query(ReportDelivery).update({"status": "failed"})
    for deed in DEEDS.values():
        deed(cast.people[name], schedule, cast)
    assert schedule.deleted_at == NOW


def test_an_author_who_has_become_a_parent_no_longer_manages_anything(cast):
    schedule = create_order(cast.tom)
    with transaction():
        cast.tom.role = Role.PARENT
    with pytest.raises(NotFound):
        get_schedule(cast.tom, schedule.id)
    assert get_schedule(cast.ada, schedule.id) is schedule


def test_only_staff_in_office_make_and_list_schedules_and_only_admins_list_everybodys(cast):
    data = {**fields_of(create_order(cast.ada)), "name": "New"}
    for person in cast.people.values():
        staff = person.role in (Role.ADMIN, Role.TEACHER, Role.TUTOR)
        asks = {
            lambda p: create_schedule(p, data, NOW): staff,
            lambda p: list_schedules(p): staff,
            lambda p: upcoming_runs(p, RHYTHM, NOW): staff,
            lambda p: list_schedules(p, everybody=True): person.role is Role.ADMIN,
        }
        for ask, allowed in asks.items():
            if allowed:
                ask(person)
            else:
                with pytest.raises(Forbidden):
                    ask(person)
    made = count(ReportSchedule)
    with transaction():
        cast.ada.is_active = False
    for ask in asks:
        with pytest.raises(Forbidden):
            ask(cast.ada)
    # One each for the seven of the staff of both schools, beside the first.
    assert made == count(ReportSchedule) == 1 + 7


def names(listed):
    return [row.schedule.name for row in listed[0]]


def test_the_list_begins_with_what_runs_next_and_ends_with_what_is_off(cast):
    create_order(cast.tom, name="off", is_active=False)
    create_order(cast.tom, name="later", time="11:00")
    create_order(cast.tom, name="same time, older", time="10:00")
    create_order(cast.tom, name="same time, newer", time="10:00")
    create_order(cast.tom, name="first", time="23:00", frequency="daily", now=NOW - DAY)
    create_order(cast.tea, name="of somebody else")
    delete_schedule(cast.tom, create_order(cast.tom, name="deleted").id, NOW)
    listed = list_schedules(cast.tom)
    assert names(listed) == ["first", "same time, older", "same time, newer", "later", "off"]
    assert listed[1] == 5


def test_pages_hold_each_schedule_once_and_the_total_of_all(cast):
    for n in range(5):
        create_order(cast.tom, name=str(n), frequency="daily")
    pages = [list_schedules(cast.tom, page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [names(page) for page in pages] == [["0", "1"], ["2", "3"], ["4"], []]
    assert {total for _, total in pages} == {5}


def test_the_list_counts_who_is_on_it_and_who_of_them_has_left(cast):
    schedule = create_order(cast.ada, cast.ada, cast.tom, cast.pia, cast.pol)
    remove_recipient(cast.ada, schedule.id, cast.tom.id, NOW)
    set_my_subscription(cast.pia, row_of(schedule, cast.pia).id, False, NOW)
    create_order(cast.ada, is_active=False)
    rows, _ = list_schedules(cast.ada)
    assert [(row.recipients, row.unsubscribed) for row in rows] == [(3, 1), (0, 0)]


def test_an_admin_lists_the_own_school_and_no_other(cast):
    for person in (cast.tom, cast.tea, cast.ada, cast.otto, cast.olga):
        create_order(person, name=person.given_name)
    assert sorted(names(list_schedules(cast.ada, everybody=True))) == ["Ada", "Tea", "Tom"]
    assert sorted(names(list_schedules(cast.olga, everybody=True))) == ["Olga", "Otto"]
    assert names(list_schedules(cast.ada)) == ["Ada"]


def test_a_long_list_needs_no_more_queries_than_a_short_one(cast):
    create_order(cast.tom, cast.pia)
    few = queries_of(lambda: list_schedules(cast.tom, page_size=50))
    for person in create_crowd(cast, Role.PARENT, 29):
        create_order(cast.tom, person)

    def look():
        rows, total = list_schedules(cast.tom, page_size=50)
        assert (len(rows), total) == (30, 30)
        assert {(row.schedule.created_by.name, row.recipients) for row in rows} == {
            (cast.tom.name, 1)
        }

    assert queries_of(look) == few


def test_the_announced_runs_rise_and_their_periods_touch(cast):
    rule, runs = upcoming_runs(cast.tom, {**RHYTHM, "frequency": "daily"}, NOW, count=4)
    assert rule.time.isoformat("minutes") == "09:00"
    assert [upcoming.run for upcoming in runs] == [DUE + n * DAY for n in range(4)]
    assert runs[0].period.end == date(2026, 11, 23)
    for earlier, later in pairwise(runs):
        assert earlier.period.end == later.period.start


@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"time": "10:00"},
        {"time": "08:00"},
        {"time_zone": "America/New_York"},
        {"frequency": "daily"},
        {"frequency": "monthly", "day_of_month": 23, "time": "23:00"},
    ],
)
def test_the_first_announced_run_is_the_one_that_saving_then_gives(cast, change, planned):
    schedule = create_order(cast.tom, cast.tom)
    now = DUE + timedelta(minutes=5 if planned else -5)
    if planned:
        plan_due(DUE)
    _, runs = upcoming_runs(cast.tom, RHYTHM | change, now, schedule_id=schedule.id)
    update_schedule(cast.tom, schedule.id, RHYTHM | change, now)
    assert runs[0].run == schedule.next_scheduled


def test_a_run_that_is_owed_is_announced_first(cast):
    schedule = create_order(cast.tom, cast.tom)
    late = DUE + timedelta(hours=1)
    _, runs = upcoming_runs(cast.tom, RHYTHM, late, schedule_id=schedule.id, count=2)
    assert [upcoming.run for upcoming in runs] == [DUE, DUE + 7 * DAY]


def test_announced_periods_are_those_that_the_runs_then_have(cast):
    # On 27 March 2027 Nuuk's clocks go from 23:00 to midnight: that day's 23:30 comes on the 28th.
    rhythm = {"frequency": "daily", "time": "23:30", "time_zone": "America/Nuuk"}
    start = datetime(2027, 3, 26, 12, tzinfo=UTC)
    schedule = create_order(cast.tom, now=start, **rhythm)
    _, announced = upcoming_runs(cast.tom, rhythm, start, count=3)
    for _ in announced:
        plan_due(schedule.next_scheduled)
    assert [(entry.run, entry.period.start, entry.period.end) for entry in announced] == [
        (run.scheduled_for, run.period_start, run.period_end) for run in executions()
    ]


def test_announcing_for_a_schedule_that_is_off_says_when_it_would_run(cast):
    schedule = create_order(cast.tom, is_active=False)
    _, runs = upcoming_runs(cast.tom, RHYTHM, NOW, schedule_id=schedule.id, count=1)
    assert [upcoming.run for upcoming in runs] == [DUE]
    assert schedule.next_scheduled is None


def test_announcing_wrong_fields_tells_all_and_for_others_schedules_nothing(cast):
    with pytest.raises(InvalidInput) as caught:
        upcoming_runs(cast.tom, {**RHYTHM, "time": "24:00", "time_zone": "../../x"}, NOW)
    assert set(caught.value.fields) == {"time", "time_zone"}
    schedule = create_order(cast.tom)
    for person in (cast.tea, cast.olga):
        with pytest.raises(NotFound):
            upcoming_runs(person, RHYTHM, NOW, schedule_id=schedule.id)
