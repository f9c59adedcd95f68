"""The ledger of sending: before a mail's content leaves, and what became of it, in one commit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Dialect,
    Engine,
    Executable,
    Integer,
    Select,
    bindparam,
    case,
    delete,
    exists,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from reportapp.clock import Clock
from reportapp.constants import DeliveryPhase, DeliveryStatus, Reason, Trigger
from reportapp.delivery.claims import Claim
from reportapp.delivery.policy import ADDRESS_TRIES, Outcome
from reportapp.delivery.produce import MadeFile, Mail
from reportapp.delivery.standing import ACCESS_VERSION
from reportapp.delivery.statements import Prepared, Step, Writer
from reportapp.extensions import insert_into, rows_changed, transaction
from reportapp.models import (
    IS_SENDING,
    AddressTrouble,
    ReportDelivery,
    ReportFile,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
)
from reportapp.models.types import UtcDateTime
from reportapp.schedules.ledger import lock_execution, reopen, settle

log = logging.getLogger(__name__)

#: Files whose row is remembered: of shared ones, not of all that ever were.
_KNOWN_FILES = 200


def _wanted() -> Select[int]:
    """Whether the recipient of the delivery may still be written to at this address: what can be
    told from a few rows. Whose data it may hold was asked for all recipients together."""
    run, order, person = ReportScheduleExecution, ReportSchedule, aliased(User)
    author, row = aliased(User), ReportScheduleRecipient
    return (
        select(1)
        .select_from(run)
        .join(order, order.id == run.schedule_id)
        .join(author, author.id == order.created_by_id)
        .join(person, person.id == ReportDelivery.recipient_id)
        .outerjoin(row, (row.schedule_id == order.id) & (row.recipient_id == person.id))
        .where(
            run.id == ReportDelivery.execution_id,
            order.deleted_at.is_(None),
            or_(order.is_active, run.trigger != Trigger.SCHEDULE),
            author.is_active,
            person.is_active,
            person.email == bindparam("address"),
            or_(run.trigger == Trigger.TEST, row.is_subscribed & row.removed_at.is_(None)),
        )
    )


_MINE = (
    IS_SENDING,
    ReportDelivery.id == bindparam("row"),
    ReportDelivery.claimed_by == bindparam("owner"),
)
#: The compare-and-set that lets a mail's content leave.
_TO_DATA = (
    update(ReportDelivery)
    .where(
        *_MINE,
        ReportDelivery.phase == DeliveryPhase.CLAIMED,
        exists(_wanted()),
        ACCESS_VERSION.scalar_subquery() == bindparam("version", type_=Integer),
    )
    .values(
        phase=DeliveryPhase.DATA,
        artefact=bindparam("sha256"),
        report_file_id=select(ReportFile.id)
        .where(
            ReportFile.sha256 == bindparam("sha256"),
            ReportFile.scope_digest == bindparam("scope_digest"),
        )
        .scalar_subquery(),
    )
)
#: With what `_values` says of an outcome.
_END = update(ReportDelivery).values(
    status=bindparam("new_status"),
    phase=null(),
    reason=bindparam("new_reason"),
    smtp_reply=bindparam("reply"),
    next_attempt_at=bindparam("next"),
    sent_at=bindparam("sent"),
    attempts=ReportDelivery.attempts + bindparam("charge"),
    as_link=or_(ReportDelivery.as_link, bindparam("link", type_=Boolean)),
    claimed_by=null(),
    claimed_until=null(),
)
_OUTCOME = _END.where(*_MINE)
#: Of claims of an owner, those that were not begun.
_UNBEGUN = (
    IS_SENDING,
    ReportDelivery.claimed_by == bindparam("owner"),
    ReportDelivery.phase == DeliveryPhase.CLAIMED,
)
_FREE = (
    update(ReportDelivery)
    .values(status=DeliveryStatus.PENDING, phase=None, claimed_by=None, claimed_until=None)
    .execution_options(synchronize_session=False)
)
_GIVE_BACK = _FREE.where(*_UNBEGUN, ReportDelivery.id == bindparam("row"))
_GIVE_ALL_BACK = _FREE.where(
    # Locked in their order, as by everybody who locks several.
    ReportDelivery.id.in_(
        select(ReportDelivery.id).where(*_UNBEGUN).order_by(ReportDelivery.id).with_for_update()
    )
)
#: One more mail that the address has refused; after so many, none are sent there any more.
_COUNT_REFUSAL = (
    update(AddressTrouble)
    .where(AddressTrouble.address == bindparam("refused"))
    .values(
        failures=AddressTrouble.failures + 1,
        reply=bindparam("words"),
        failed_at=bindparam("now"),
        suspended_at=case(
            (AddressTrouble.failures + 1 >= ADDRESS_TRIES, bindparam("now", type_=UtcDateTime)),
            else_=AddressTrouble.suspended_at,
        ),
    )
)
_FORGIVE = delete(AddressTrouble).where(AddressTrouble.address == bindparam("forgiven"))


@dataclass
class _Question:
    """A mail whose content is about to leave, and the answer once it is known."""

    claim: Claim
    mail: Mail
    access_version: int
    answer: bool | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class _Ended:
    """An attempt that has come to its end."""

    claim: Claim
    outcome: Outcome


@dataclass
class Recorder:
    """Writes down what becomes of the owner's claims, for several sessions at once: `gather` waits
    for those that want something written down, too, and whoever comes back first commits for all.
    An outcome is kept until the next commit and goes with it."""

    engine: Engine
    owner: str
    clock: Clock
    gather: Callable[[], None] = lambda: None
    _questions: list[_Question] = field(default_factory=list)
    _outcomes: list[_Ended] = field(default_factory=list)
    #: Files of which the database knows.
    _files: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._writer = Writer(self.engine)
        self._statements = _statements(self.engine.dialect)

    def note(self, claim: Claim, outcome: Outcome) -> None:
        """Keep an outcome for the next commit."""
        self._outcomes.append(_Ended(claim, outcome))

    def may_send(self, claim: Claim, mail: Mail, access_version: int) -> bool:
        """Commit, just before the mail's content leaves, that from now on the server may have it.

        False: not this mail, since the claim is no longer ours, since its recipient is not to be
        written to any more, or since somebody may see less than at `access_version`, when whose
        data it may hold was read; then it is given back, to be made anew or skipped.
        """
        question = _Question(claim, mail, access_version)
        self._questions.append(question)
        try:
            self.gather()
        except BaseException:
            # Nobody is there any more to send what would be allowed to leave.
            self._questions = [each for each in self._questions if each is not question]
            raise
        if question.error is not None:
            raise question.error
        if question.answer is None:
            questions, self._questions = self._questions, []
            self._commit(questions)
            if not question.answer:
                self.gather()  # those go first for whom it was committed, too
        assert question.answer is not None
        return question.answer

    def give_back(self, claim: Claim) -> None:
        """Let a claim of which nothing was sent be made anew."""
        self._writer.write([self._give_back(claim)])

    def finish(self, executions: set[int]) -> None:
        """Write what is still kept, give back what was not begun, and end the executions that have
        nothing open."""
        try:
            self.write()
        finally:
            self.close()
        with transaction() as session:
            session.execute(_GIVE_ALL_BACK, {"owner": self.owner})
            settle(session, executions, self.clock())

    def close(self) -> None:
        """Let go of the database."""
        self._writer.close()

    def write(self) -> None:
        """Write what is kept. Answers no questions: who has asked goes on after the one who writes,
        and that one goes on with what takes its time."""
        self._commit([])

    def _commit(self, questions: list[_Question]) -> None:
        if not questions and not self._outcomes:
            return
        try:
            late, answers = self._written(questions, self._outcomes)
        except BaseException as error:
            for question in questions:
                question.error = error
            raise
        self._outcomes = late  # those in transactions of their own
        for question, answer in zip(questions, answers, strict=True):
            question.answer = answer
        while self._outcomes:
            _record_late(self._outcomes[0].claim, self._outcomes[0].outcome)
            del self._outcomes[0]

    def _written(
        self, questions: list[_Question], outcomes: list[_Ended]
    ) -> tuple[list[_Ended], list[bool]]:
        """One transaction: the outcomes that came too late for their claims, and the answers."""
        files = {each.mail.file.key: each.mail.file for each in questions if each.mail.file}
        new = sorted(files.keys() - self._files)
        # Everybody who locks several rows does so in their order: nobody waits in a circle.
        steps: list[Step] = [self._file(files[key]) for key in new]
        places: dict[int, int] = {}
        told: list[_Ended | _Question] = [*outcomes, *questions]
        told = sorted(told, key=lambda each: each.claim.id)
        for each in told:
            if isinstance(each, _Question):
                steps.append(self._to_data(each))
            else:
                steps += self._outcome(each)
            places[id(each)] = len(steps) - 1
        changed = self._writer.write(steps)
        if len(self._files) > _KNOWN_FILES:
            self._files.clear()
        self._files.update(new)
        missed = [each for each in told if changed[places[id(each)]] != 1]
        refused = [each for each in missed if isinstance(each, _Question)]
        if refused:
            self._writer.write([self._give_back(each.claim) for each in refused])
        ended = [each for each in missed if isinstance(each, _Ended)]
        late = [each for each in ended if each.outcome.status is DeliveryStatus.SENT]
        return late, [each not in refused for each in questions]

    def _outcome(self, ended: _Ended) -> list[Step]:
        statements, outcome = self._statements, ended.outcome
        steps: list[Step] = []
        if outcome.refused is not None:
            told = {
                "refused": outcome.refused,
                "words": outcome.reply or "",
                "now": self.clock(),
            }
            steps += [(statements.first_refusal, told), (statements.count_refusal, told)]
        if outcome.forgiven is not None:
            steps.append((statements.forgive, {"forgiven": outcome.forgiven}))
        values = {"row": ended.claim.id, "owner": self.owner, **_values(outcome)}
        return [*steps, (statements.outcome, values)]

    def _file(self, file: MadeFile) -> Step:
        return self._statements.file, {**vars(file), "last_used_at": self.clock()}

    def _to_data(self, question: _Question) -> Step:
        claim, file = question.claim, question.mail.file
        return self._statements.to_data, {
            "row": claim.id,
            "owner": self.owner,
            "address": question.mail.standing.email,
            "version": question.access_version,
            "sha256": file.sha256 if file else None,
            "scope_digest": file.scope_digest if file else None,
        }

    def _give_back(self, claim: Claim) -> Step:
        log.info("delivery %s does not leave: taken over, or things have changed", claim.id)
        return self._statements.give_back, {"row": claim.id, "owner": self.owner}


def record(session: Session, delivery_id: int, owner: str | None, outcome: Outcome) -> bool:
    """Write an outcome onto a delivery whose sender seems to have vanished, if it is still that
    one's."""
    written = session.execute(
        # `claimed_by` stays: should that sender live after all, it may have the mail in hand, and
        # must not take it up once more. Then it could not tell which of the two was refused.
        _OUTCOME.values(claimed_by=ReportDelivery.claimed_by).execution_options(
            synchronize_session=False
        ),
        {"row": delivery_id, "owner": owner, **_values(outcome)},
    )
    return rows_changed(written) == 1


@dataclass(frozen=True)
class _Statements:
    """What is written for each mail, or each of its troubles."""

    to_data: Prepared
    outcome: Prepared
    give_back: Prepared
    file: Prepared
    first_refusal: Prepared
    count_refusal: Prepared
    forgive: Prepared


@lru_cache(2)
def _statements(dialect: Dialect) -> _Statements:
    return _Statements(
        to_data=Prepared(_TO_DATA, dialect),
        outcome=Prepared(_OUTCOME, dialect),
        give_back=Prepared(_GIVE_BACK, dialect),
        file=Prepared(_upsert_file(dialect), dialect),
        first_refusal=Prepared(_first_refusal(dialect), dialect),
        count_refusal=Prepared(_COUNT_REFUSAL, dialect),
        forgive=Prepared(_FORGIVE, dialect),
    )


def _upsert_file(dialect: Dialect) -> Executable:
    """What is known of a file: two processes may make the same one at once."""
    insert = insert_into(ReportFile, dialect)
    columns = [column for column in ReportFile.__table__.columns if column.name != "id"]
    values = {column.name: bindparam(column.name, type_=column.type) for column in columns}
    statement: Executable = insert.values(values).on_conflict_do_update(
        index_elements=["sha256", "scope_digest"],
        set_={"last_used_at": insert.excluded.last_used_at},
    )
    return statement


def _first_refusal(dialect: Dialect) -> Executable:
    statement: Executable = (
        insert_into(AddressTrouble, dialect)
        .values(
            address=bindparam("refused"),
            failures=0,
            reply=bindparam("words"),
            failed_at=bindparam("now"),
        )
        .on_conflict_do_nothing()
    )
    return statement


def _record_late(claim: Claim, outcome: Outcome) -> None:
    """The claim was taken from us while the server was thinking, but its yes stands, unless
    somebody has begun to send the mail again."""
    with transaction() as session:
        execution = lock_execution(session, claim.execution_id)
        written = session.execute(
            _END.where(
                ReportDelivery.id == claim.id,
                ReportDelivery.status.in_((DeliveryStatus.UNKNOWN, DeliveryStatus.PENDING)),
                ReportDelivery.reason == Reason.AMBIGUOUS,
            ).execution_options(synchronize_session=False),
            _values(outcome),
        )
        if rows_changed(written) == 1:
            reopen(session, execution)


def _values(outcome: Outcome) -> dict[str, Any]:
    return {
        "new_status": outcome.status,
        "new_reason": outcome.reason,
        "reply": outcome.reply,
        "next": outcome.next_attempt_at,
        "sent": outcome.sent_at,
        "charge": int(outcome.charged),
        "link": outcome.as_link,
    }
