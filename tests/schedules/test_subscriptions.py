"""Leaving a report and coming back."""

from datetime import timedelta

import pytest

from reportapp.constants import EnrollmentRole, Role
from reportapp.errors import NotFound
from reportapp.extensions import transaction
from reportapp.models import ReportScheduleRecipient
from reportapp.schedules.audiences import add_audience
from reportapp.schedules.edit import delete_schedule, switch_schedule
from reportapp.schedules.recipients import remove_recipient
from reportapp.schedules.runs import run_now
from reportapp.schedules.subscriptions import (
    find_subscription,
    my_subscriptions,
    set_my_subscription,
    set_subscribed,
)
from reportapp.tokens import new_unsubscribe_token
from tests.cast import NOW, create_order, enroll
from tests.schedules.help import DOMAIN, create_crowd, queries_of, row_of

LATER = NOW + timedelta(hours=1)


def state(row: ReportScheduleRecipient):
    return row.is_subscribed, row.unsubscribed_at


@pytest.fixture
def row(cast):
    """Pia's subscription; Pol's stands beside it."""
    return row_of(create_order(cast.tom, cast.pia, cast.pol), cast.pia)


def test_the_token_ends_and_takes_back_one_subscription(cast, row):
    token = row.unsubscribe_token
    assert find_subscription(token) is row
    assert state(row) == (True, None)
    assert state(set_subscribed(token, False, NOW)) == (False, NOW)
    assert state(set_subscribed(token, True, LATER)) == (True, None)
    assert state(set_subscribed(token, False, LATER)) == (False, LATER)
    assert state(row_of(row.schedule, cast.pol)) == (True, None)


def test_a_second_click_keeps_the_time_of_the_first(row):
    token = row.unsubscribe_token
    set_subscribed(token, False, NOW)
    assert state(set_subscribed(token, False, LATER)) == (False, NOW)
    set_subscribed(token, True, NOW)
    assert state(set_subscribed(token, True, LATER)) == (True, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: " ",
        lambda token: "%",
        lambda token: "_" * len(token),
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: f" {token}",
        lambda token: f"{token}\n",
        lambda token: f"{token}\x00",
        lambda token: token.swapcase(),
        lambda token: "' OR '1'='1",
        lambda token: "../../etc/passwd",
        lambda token: "Ω😀",
        lambda token: "x" * 10_000,
        lambda token: new_unsubscribe_token(),
    ],
)
def test_any_other_text_is_no_token_and_changes_nothing(row, spoil):
    text = spoil(row.unsubscribe_token)
    with pytest.raises(NotFound):
        find_subscription(text)
    with pytest.raises(NotFound):
        set_subscribed(text, False, NOW)
    assert state(row) == (True, None)


def test_the_link_in_an_old_mail_works_whatever_became_of_the_schedule(cast, row):
    schedule, token = row.schedule, row.unsubscribe_token
    switch_schedule(cast.tom, schedule.id, False, NOW)
    assert state(set_subscribed(token, False, NOW)) == (False, NOW)
    remove_recipient(cast.tom, schedule.id, cast.pia.id, NOW)
    assert state(set_subscribed(token, True, NOW)) == (True, None)
    delete_schedule(cast.tom, schedule.id, NOW)
    assert state(set_subscribed(token, False, LATER)) == (False, LATER)


def test_signed_in_everybody_changes_the_own_subscription_and_nobody_elses(cast, row):
    for person in cast.people.values():
        if person is not cast.pia:
            with pytest.raises(NotFound):
                set_my_subscription(person, row.id, False, NOW)
    with pytest.raises(NotFound):
        set_my_subscription(cast.pia, 2_147_483_647, False, NOW)
    assert state(row) == (True, None)
    assert state(set_my_subscription(cast.pia, row.id, False, NOW)) == (False, NOW)
    assert state(set_my_subscription(cast.pia, row.id, False, LATER)) == (False, NOW)
    assert state(set_my_subscription(cast.pia, row.id, True, LATER)) == (True, None)


def test_my_subscriptions_are_mine_by_name_with_those_that_i_left(cast):
    orders = {
        name: create_order(cast.tom, cast.pia, cast.pol, name=name)
        for name in ("Left", "Deleted", "B", "Removed", "A", "Off")
    }
    create_order(cast.tom, cast.pol, name="Not mine")
    set_subscribed(row_of(orders["Left"], cast.pia).unsubscribe_token, False, NOW)
    remove_recipient(cast.tom, orders["Removed"].id, cast.pia.id, NOW)
    delete_schedule(cast.tom, orders["Deleted"].id, NOW)
    switch_schedule(cast.tom, orders["Off"].id, False, NOW)
    mine = my_subscriptions(cast.pia, NOW)
    assert [(row.schedule.name, row.is_subscribed) for row in mine] == [
        ("A", True),
        ("B", True),
        ("Left", False),
        ("Off", True),
    ]
    assert {row.recipient_id for row in mine} == {cast.pia.id}


def test_many_subscriptions_need_no_more_queries_than_one(cast):
    create_order(cast.tom, cast.ada)

    def look():
        return [row.schedule.created_by.name for row in my_subscriptions(cast.ada, NOW)]

    one = queries_of(look)
    for teacher in create_crowd(cast, Role.TEACHER, 29):
        create_order(teacher, cast.ada)
    assert len(set(look())) == 30
    assert queries_of(look) == one


def test_many_groups_need_no_more_queries_than_one(cast):
    def ordered(author):
        schedule = create_order(author)
        add_audience(author, schedule.id, "class_guardians", cast.classes["maths"].id, NOW)
        run_now(author, schedule.id, NOW, message_domain=DOMAIN)
        return schedule

    def look():
        return [row.schedule.created_by.name for row in my_subscriptions(cast.pia, NOW)]

    ordered(cast.tom)
    assert len(look()) == 1
    one = queries_of(look)
    teachers = create_crowd(cast, Role.TEACHER, 4)
    with transaction():
        for teacher in teachers:
            enroll(cast.classes["maths"], teacher, EnrollmentRole.TEACHER)
    for author in (cast.tom, cast.ada, cast.uma, *teachers):
        ordered(author)
    assert len(look()) == 8
    assert queries_of(look) == one
