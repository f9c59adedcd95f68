"""What the demo school's schedules have sent so far: executions, their deliveries, true counts.

Who would have had nothing to read is asked of the reports themselves, as when mails are sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import select, update

from reportapp.constants import DeliveryStatus, ExecutionStatus, Frequency, Reason, Trigger
from reportapp.documents import Period
from reportapp.models import Notice, ReportDelivery, ReportScheduleExecution, School, User
from reportapp.recurrence import next_runs
from reportapp.reports import REPORTS, Scope, scopes_of
from reportapp.reports import Order as ReportOrder
from reportapp.schedules.ledger import settle
from reportapp.schedules.timing import covered_by, day_of, rule_of
from reportapp.school.demo_people import Person
from reportapp.school.demo_schedules import Placed, left_at
from reportapp.school.demo_stage import Stage, instant

#: How far back the runs go, in days.
_HISTORY = {Frequency.DAILY: 7, Frequency.WEEKLY: 42, Frequency.MONTHLY: 65}
_REFUSAL = "550 5.1.1 No such mailbox"
_NO_SERVER = "The mail server could not be reached: connection refused"
#: So long mails wait for the mail server before they are given up.
_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class _Fate:
    status: DeliveryStatus
    reason: Reason | None = None
    reply: str | None = None
    attempts: int = 0


_SENT = _Fate(DeliveryStatus.SENT, None, "250 OK", 1)
_REFUSED = _Fate(DeliveryStatus.FAILED, Reason.PERMANENT, _REFUSAL, 1)
#: A server out of order is not charged as an attempt.
_UNREACHED = _Fate(DeliveryStatus.FAILED, Reason.SERVER, _NO_SERVER)


def make_runs(stage: Stage, placed: list[Placed]) -> tuple[int, int]:
    """The past of all active schedules, in the database; how many executions and deliveries."""
    executions = deliveries = 0
    for one in placed:
        if not one.order.is_active:
            continue
        history = _History(stage, one)
        runs = _planned(stage, one)
        for number, planned in enumerate(runs):
            deliveries += history.run(planned, runs_ago=len(runs) - number)
        executions += len(runs)
    # What the runs told is the past, too: nobody gets a mail about it today.
    stage.session.execute(update(Notice).values(mailed_at=Notice.created_at))
    return executions, deliveries


def _planned(stage: Stage, placed: Placed) -> list[datetime]:
    """The instants at which the schedule has run, rising."""
    days = _HISTORY[placed.order.frequency]
    start = instant(stage.today - timedelta(days=days), 0)
    runs = next_runs(rule_of(placed.schedule), start, days + 1)
    return list(takewhile(lambda planned: planned <= stage.now, runs))


class _History:
    """Writes the runs of one schedule, the oldest first."""

    def __init__(self, stage: Stage, placed: Placed) -> None:
        self.stage, self.order, self.schedule = stage, placed.order, placed.schedule
        ids = [person.id for person in self.order.recipients]
        session = stage.session
        readers = session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id)).all()
        author = session.get_one(User, self.order.author.id)
        self.author_name = author.name
        self.school_name = session.get_one(School, stage.school_id).name
        self.scopes = scopes_of(session, self.schedule, readers, stage.now)

    def run(self, planned: datetime, *, runs_ago: int) -> int:
        """Write the run planned for that instant; how many deliveries it has."""
        stage, period = self.stage, covered_by(self.stage.session, self.schedule, planned)
        started = self._later(planned, stage.dice.randint(1, 20))
        execution = ReportScheduleExecution(
            schedule_id=self.schedule.id,
            scheduled_for=planned,
            period_start=period.start,
            period_end=period.end,
            planned_day=day_of(rule_of(self.schedule), planned),
            trigger=Trigger.SCHEDULE,
            status=ExecutionStatus.STARTED,
            total_recipients=len(self.order.recipients),
            started_at=started,
        )
        stage.session.add(execution)
        stage.session.flush()
        fates = self._fates(planned, period, runs_ago)
        finished = started
        rows: list[dict[str, Any]] = []
        for person, fate in fates:
            finished = self._later(finished, stage.dice.randint(1, 3))
            rows.append(self._delivery(execution.id, person, fate, finished))
        count = stage.add(ReportDelivery, rows)
        if runs_ago == self.order.failed_run:
            finished = self._later(started, int(_PATIENCE.total_seconds()) + 40)
        settle(stage.session, [execution.id], finished)
        stage.session.flush()
        return count

    def _later(self, moment: datetime, seconds: int) -> datetime:
        """Nothing has happened after now."""
        return min(moment + timedelta(seconds=seconds), self.stage.now)

    def _delivery(
        self, execution_id: int, person: Person, fate: _Fate, moment: datetime
    ) -> dict[str, Any]:
        return {
            "execution_id": execution_id,
            "recipient_id": person.id,
            "status": fate.status,
            "reason": fate.reason,
            "attempts": fate.attempts,
            "message_id": f"{self.stage.dice.getrandbits(96):024x}@lindenhof.example",
            "smtp_reply": fate.reply,
            "sent_at": moment if fate is _SENT else None,
        }

    def _fates(
        self, planned: datetime, period: Period, runs_ago: int
    ) -> list[tuple[Person, _Fate]]:
        """What became of everybody's mail."""
        readable = self._readable(period)
        skipped = {
            person: self._skipped(person, planned, readable) for person in self.order.recipients
        }
        due = [person for person, reason in skipped.items() if reason is None]
        # The last one's mailbox is gone; somebody else must have got theirs.
        refused = due[-1] if runs_ago == self.order.refused_run and len(due) > 1 else None
        reached = _UNREACHED if runs_ago == self.order.failed_run else _SENT

        def fate(person: Person, reason: Reason | None) -> _Fate:
            if reason is not None:
                return _Fate(DeliveryStatus.SKIPPED, reason)
            return _REFUSED if person is refused else reached

        return [(person, fate(person, reason)) for person, reason in skipped.items()]

    def _skipped(
        self, person: Person, planned: datetime, readable: dict[Scope, bool]
    ) -> Reason | None:
        """The first reason that holds, in the order in which the sender looks at them."""
        scope = self.scopes[person.id]
        left = person in self.order.unsubscribed and left_at(self.stage) <= planned
        reasons = (
            (left, Reason.UNSUBSCRIBED),
            (not person.is_active, Reason.INACTIVE),
            (not person.email, Reason.NO_ADDRESS),
            (not scope, Reason.OUT_OF_SCOPE),
            (not readable.get(scope, False), Reason.NO_DATA),
        )
        return next((reason for holds, reason in reasons if holds), None)

    def _readable(self, period: Period) -> dict[Scope, bool]:
        """Whether there was anything to report on in the period, by scope."""
        scopes = {scope for scope in self.scopes.values() if scope}
        if not scopes:
            return {}
        kind = self.order.report_type
        order = ReportOrder(kind, self.school_name, self.author_name, period)
        documents = REPORTS[kind].build(self.stage.session, order, scopes)
        return {scope: document.has_data for scope, document in documents.items()}
