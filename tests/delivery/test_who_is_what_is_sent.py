"""What the page says on who gets what is what a run does, in schools made by chance."""

from random import Random

import pytest
from sqlalchemy import select

from reportapp import clock
from reportapp.access import REPORT_AUTHORS
from reportapp.constants import (
    CLASS_AUDIENCES,
    AudienceKind,
    DeliveryStatus,
    EnrollmentRole,
    Reason,
    ReportType,
)
from reportapp.delivery import deliver
from reportapp.errors import Conflict
from reportapp.extensions import db, transaction
from reportapp.models import (
    AddressTrouble,
    ClassGroup,
    Enrollment,
    ReportDelivery,
    ReportScheduleAudience,
    ReportScheduleRecipient,
    User,
)
from reportapp.schedules.overview import who_gets_what
from reportapp.schedules.reach import reachable
from reportapp.schedules.recipients import add_recipient, remove_recipient
from reportapp.schedules.runs import run_now
from reportapp.schedules.subscriptions import set_subscribed
from tests.cast import NOW, WEEK, create_order, create_score, create_teacher_weekly
from tests.reports.oracle import allowed_pairs
from tests.schedules.help import DOMAIN, row_of
from tests.schedules.random_school import random_school


@pytest.mark.parametrize("seed", [2, 9])
def test_who_would_get_a_report_gets_it_and_who_would_not_does_not_and_the_reason_is_true(
    app, smtp, seed
):
    rng = Random(seed)
    rooms = random_school(rng)
    give_everybody_something_to_read()
    seen = dict.fromkeys(("sent", *Reason), 0)
    for author in authors():
        if not author.is_active:
            continue  # since an earlier round
        schedule = random_schedule(rng, author, rooms)
        things_happen(rng, schedule)
        told = overview_of(author, schedule)
        smtp.arrived.clear()
        ledger = run(author, schedule)
        got = {user for user, (status, _) in ledger.items() if status is DeliveryStatus.SENT}
        nothing = {user: reason for user, (_, reason) in ledger.items() if reason is not None}
        empty = {user for user, reason in nothing.items() if reason is Reason.NO_DATA}
        # Only making a report can tell that there is nothing to report.
        assert {user for user, reason in told.items() if reason is None} == got | empty
        # Who was taken off has no delivery at all.
        assert {
            user: reason for user, reason in told.items() if reason not in (None, Reason.REMOVED)
        } == {user: reason for user, reason in nothing.items() if user not in empty}
        assert got | nothing.keys() == ledger.keys()
        assert sorted(smtp.addresses) == sorted(db.session.get_one(User, id_).email for id_ in got)
        for user, reason in told.items():
            assert is_true(reason, schedule, user), (reason, user, author.role)
            seen[reason or "sent"] += 1
    assert seen["sent"] > 10, seen
    assert seen[Reason.SUSPENDED], seen
    assert sum(map(bool, seen.values())) >= 5, seen


def authors() -> list[User]:
    return list(
        db.session.scalars(
            select(User).where(User.role.in_(["admin", "teacher", "tutor"]), User.is_active)
        )
    )


def give_everybody_something_to_read() -> None:
    with transaction():
        for seat in db.session.scalars(select(Enrollment).filter_by(role=EnrollmentRole.STUDENT)):
            group = db.session.get_one(ClassGroup, seat.class_group_id)
            student = db.session.get_one(User, seat.user_id)
            create_score(group, student, 70, WEEK)
            for teacher in authors()[:1]:
                create_teacher_weekly(teacher, student, group, notes="Good.")


def random_schedule(rng: Random, author: User, rooms: list[int]):
    kinds = [kind for kind in ReportType if author.role in REPORT_AUTHORS[kind]]
    schedule = create_order(author, report_type=rng.choice(kinds))
    nearby = list(db.session.scalars(reachable(schedule, NOW).order_by(User.id)))
    for person in rng.sample(nearby, min(len(nearby), 6)):
        add_recipient(author, schedule.id, person.id, NOW)
    with transaction() as session:
        # Also groups and a class that the author may not choose, or not any more.
        for kind in rng.sample(list(AudienceKind), 3):
            room = rng.choice(rooms) if kind in CLASS_AUDIENCES else None
            session.add(
                ReportScheduleAudience(
                    schedule_id=schedule.id, kind=kind, class_group_id=room, added_at=NOW
                )
            )
        if rng.random() < 0.25:
            schedule.class_group_id = rng.choice(rooms)
    return schedule


def things_happen(rng: Random, schedule) -> None:
    """People leave, are taken off, lose their address or their account, and the report changes."""
    author = schedule.created_by
    for person_id in overview_of(author, schedule):
        person = db.session.get_one(User, person_id)
        what = rng.random()
        if what < 0.1:
            remove_recipient(author, schedule.id, person_id, NOW)
        elif what < 0.2 and on_by_name(schedule, person_id):
            set_subscribed(row_of(schedule, person).unsubscribe_token, False, NOW)
        elif what < 0.24:
            with transaction():
                person.email = None
        elif what < 0.38 and person.email:
            with transaction() as session:
                # Two refusals are not enough.
                refused = rng.choice([2, 3, 3])
                session.merge(
                    AddressTrouble(
                        address=person.email.lower(),
                        failures=refused,
                        reply="550 no such user",
                        failed_at=NOW,
                        suspended_at=NOW if refused == 3 else None,
                    )
                )
        elif what < 0.41 and person_id != author.id:
            with transaction():
                person.is_active = False
    if rng.random() < 0.25:
        with transaction():
            schedule.report_type = rng.choice(list(ReportType))


def on_by_name(schedule, person_id: int) -> bool:
    return (
        db.session.query(ReportScheduleRecipient)
        .filter_by(schedule_id=schedule.id, recipient_id=person_id)
        .count()
        > 0
    )


def overview_of(author: User, schedule) -> dict[int, Reason | None]:
    """{user: why nothing}, of everybody on the page."""
    overview = who_gets_what(author, schedule.id, NOW, page_size=1000)
    readers = [reader for reader, _ in overview.readers] + overview.others
    assert len(readers) == overview.gets + overview.gets_nothing
    return {reader.person.id: reader.reason for reader in readers}


def run(author: User, schedule) -> dict[int, tuple[DeliveryStatus, Reason | None]]:
    try:
        execution = run_now(author, schedule.id, NOW, message_domain=DOMAIN)
    except Conflict:
        return {}
    deliver(clock.fixed(NOW))
    rows = db.session.query(ReportDelivery).filter_by(execution_id=execution).all()
    found = {row.recipient_id: (row.status, row.reason) for row in rows}
    assert len(found) == len(rows)
    return found


def is_true(reason: Reason | None, schedule, user_id: int) -> bool:
    """Asked of the tables and of plain SQL, not of the code that gave the reason."""
    person = db.session.get_one(User, user_id)
    row = (
        db.session.query(ReportScheduleRecipient)
        .filter_by(schedule_id=schedule.id, recipient_id=user_id)
        .one_or_none()
    )
    may_see = allowed_pairs(
        db.session,
        schedule.report_type,
        schedule.created_by_id,
        user_id,
        NOW.date(),
        schedule.class_group_id,
    )
    trouble = db.session.get(AddressTrouble, (person.email or "").lower())
    is_suspended = trouble is not None and trouble.suspended_at is not None
    return {
        None: person.is_active and person.email is not None and bool(may_see) and not is_suspended,
        Reason.UNSUBSCRIBED: row is not None and not row.is_subscribed,
        Reason.REMOVED: row is not None and row.removed_at is not None,
        Reason.NO_ADDRESS: person.email is None,
        Reason.INACTIVE: not person.is_active,
        Reason.OUT_OF_SCOPE: not may_see,
        Reason.SUSPENDED: is_suspended,
    }[reason]
