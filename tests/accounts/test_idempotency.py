"""Requests under a key: carried out once, answered the same, whoever dies in between."""

from datetime import timedelta

import pytest

from reportapp.accounts.idempotency import (
    Answer,
    Asked,
    Claim,
    KeyReused,
    claim,
    keep,
    let_go,
    purge,
)
from reportapp.constants import Role
from reportapp.errors import Conflict
from reportapp.extensions import db, transaction
from reportapp.models import IdempotencyKey, User
from tests.at_once import succeeded
from tests.cast import NOW

ASKED = Asked("key-1", "POST /api/things/", "a" * 64)
ANSWER = Answer(201, {"Content-Type": "application/json"}, b'{"id": 1}')
LATER = NOW + timedelta(minutes=6)
A_DAY = timedelta(hours=24)


def work(name="Made"):
    """Something that a request does, in one transaction as all use-cases."""
    with transaction():
        db.session.add(
            User(school_id=1, role=Role.PARENT, given_name=name, family_name="", created_at=NOW)
        )


def made(name="Made"):
    db.session.rollback()
    return db.session.query(User).filter_by(given_name=name).count()


def test_the_first_works_and_all_later_ones_get_its_answer(cast):
    held = claim(cast.tom, ASKED, NOW)
    work()
    keep(held, ANSWER)
    for now in (NOW, LATER, NOW + A_DAY - timedelta(seconds=1)):
        assert claim(cast.tom, ASKED, now) == ANSWER
    assert made() == 1


def test_after_a_day_a_key_is_new_again(cast):
    keep(claim(cast.tom, ASKED, NOW), ANSWER)
    assert isinstance(claim(cast.tom, ASKED, NOW + A_DAY), Claim)


def test_a_key_is_its_persons_own(cast):
    keep(claim(cast.tom, ASKED, NOW), ANSWER)
    assert isinstance(claim(cast.tea, ASKED, NOW), Claim)


def test_a_key_for_another_request_is_refused_by_the_first_ones_name(cast):
    other = Asked(ASKED.key, "POST /api/others/", "b" * 64)
    held = claim(cast.tom, ASKED, NOW)
    with pytest.raises(KeyReused, match="POST /api/things/"):
        claim(cast.tom, other, NOW)
    keep(held, ANSWER)
    with pytest.raises(KeyReused):
        claim(cast.tom, other, NOW)
    assert claim(cast.tom, ASKED, NOW) == ANSWER


def test_while_the_first_is_at_work_the_second_is_asked_to_wait(cast):
    claim(cast.tom, ASKED, NOW)
    with pytest.raises(Conflict, match="still being worked on"):
        claim(cast.tom, ASKED, NOW)


def test_what_came_to_nothing_can_be_tried_again_with_the_same_key(cast):
    let_go(claim(cast.tom, ASKED, NOW))
    assert isinstance(claim(cast.tom, ASKED, NOW), Claim)


def test_who_dies_before_the_work_blocks_the_key_for_minutes_only(cast):
    claim(cast.tom, ASKED, NOW)
    db.session.info.clear()
    held = claim(cast.tom, ASKED, LATER)
    work()
    keep(held, ANSWER)
    assert (made(), claim(cast.tom, ASKED, LATER)) == (1, ANSWER)


def test_who_dies_after_the_work_never_has_it_done_twice(cast):
    claim(cast.tom, ASKED, NOW)
    work()
    for now in (NOW, LATER):
        with pytest.raises(Conflict, match="has been carried out"):
            claim(cast.tom, ASKED, now)
    assert made() == 1


def test_an_error_after_the_work_does_not_free_the_key(cast):
    held = claim(cast.tom, ASKED, NOW)
    work()
    let_go(held)
    with pytest.raises(Conflict, match="has been carried out"):
        claim(cast.tom, ASKED, LATER)


def test_who_was_thought_dead_does_nothing_any_more(app, cast):
    slow = claim(cast.tom, ASKED, NOW)
    companion = db.session.info.copy()
    db.session.info.clear()
    quick = claim(cast.tom, ASKED, LATER)
    work("Quick")
    db.session.info.update(companion)
    with pytest.raises(Conflict):
        work("Slow")
    keep(slow, Answer(409, {}, b"{}"))
    keep(quick, ANSWER)
    assert (made("Slow"), made("Quick")) == (0, 1)
    assert claim(cast.tom, ASKED, LATER) == ANSWER


def test_a_write_that_fails_is_not_noted_as_done_and_the_next_one_is(cast):
    held = claim(cast.tom, ASKED, NOW)
    with pytest.raises(ZeroDivisionError), transaction():
        _ = 1 / 0
    assert not held.carried_out
    work()
    assert held.carried_out
    work("Second")  # a request of two writes goes on
    keep(held, ANSWER)
    assert (made(), made("Second")) == (1, 1)


def test_a_refusal_is_an_answer_too(cast):
    held = claim(cast.tom, ASKED, NOW)
    refusal = Answer(400, {}, b'{"name": ["Give a name."]}')
    keep(held, refusal)
    assert claim(cast.tom, ASKED, NOW) == refusal


def test_of_two_at_the_same_moment_one_works(app, cast):
    tom_id, found = cast.tom.id, []

    def ask():
        found.append(claim(db.session.get_one(User, tom_id), ASKED, NOW))

    assert sorted(succeeded(app, *[ask] * 4)) == [False] * 3 + [True]
    assert len(found) == 1


def test_of_two_who_find_a_dead_one_at_the_same_moment_one_works(app, cast):
    claim(cast.tom, ASKED, NOW)
    tom_id = cast.tom.id

    def ask():
        claim(db.session.get_one(User, tom_id), ASKED, LATER)

    assert sorted(succeeded(app, *[ask] * 4)) == [False] * 3 + [True]


def test_keys_are_forgotten_after_a_day(cast):
    keep(claim(cast.tom, ASKED, NOW), ANSWER)
    keep(claim(cast.tea, ASKED, NOW + timedelta(hours=1)), ANSWER)
    assert purge(NOW + A_DAY - timedelta(seconds=1)) == 0
    assert purge(NOW + A_DAY) == 1
    assert db.session.query(IdempotencyKey).one().user_id == cast.tea.id


def test_any_bytes_are_kept_as_they_were(cast):
    answer = Answer(200, {"Location": "/ü"}, bytes(range(256)))
    keep(claim(cast.tom, ASKED, NOW), answer)
    assert claim(cast.tom, ASKED, NOW) == answer
