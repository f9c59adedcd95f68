"""What a page about one run shows: its counts, one page of its mails, and who did what to it."""

from dataclasses import dataclass

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import contains_eager, joinedload

from reportapp.constants import DeliveryStatus, Resendable
from reportapp.extensions import db
from reportapp.models import (
    AddressTrouble,
    DeliveryAction,
    ReportDelivery,
    ReportScheduleExecution,
    User,
)
from reportapp.schedules.addresses import troubles_at
from reportapp.schedules.runs import CANCELLABLE, RESENDABLE, get_execution

#: The states in the order of how much they ask of the reader.
_ORDER = (
    DeliveryStatus.FAILED,
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.SENDING,
    DeliveryStatus.PENDING,
    DeliveryStatus.SKIPPED,
    DeliveryStatus.SENT,
)
#: What a person may do with a mail: (kind of sending again or NULL, whether it can be taken back).
_KIND = case(*((condition, kind.value) for kind, condition in RESENDABLE.items())).label("kind")
_CAN_CANCEL = case((CANCELLABLE, 1), else_=0).label("can_cancel")
#: So many of what was done are listed, the last ones.
ACTIONS_LISTED = 20


@dataclass(frozen=True)
class ListedDelivery:
    """A mail of a run, and what a person may do with it: send it again, or take it back.
    `trouble`: what its address has refused, where nothing is sent there any more."""

    row: ReportDelivery
    resendable: Resendable | None
    cancellable: bool
    trouble: AddressTrouble | None


@dataclass(frozen=True)
class RunPage:
    """`counts` has every state; `resendable` and `cancellable` count what a person may do. The list
    is one page of `found`. `actions`: (what was done, the name of the only mail's recipient), the
    newest first."""

    execution: ReportScheduleExecution
    counts: dict[DeliveryStatus, int]
    resendable: dict[Resendable, int]
    cancellable: int
    found: int
    deliveries: list[ListedDelivery]
    actions: list[tuple[DeliveryAction, User | None]]


def look_at_run(
    actor: User,
    execution_id: int,
    *,
    status: DeliveryStatus | None = None,
    page: int = 1,
    page_size: int = 100,
) -> RunPage:
    """A page of the run's mails of one state or of all, troubles first, then by the recipients'
    names. The number of queries does not grow with the mails. Raises NotFound."""
    execution = get_execution(actor, execution_id)
    counts = dict.fromkeys(DeliveryStatus, 0)
    resendable = dict.fromkeys(Resendable, 0)
    cancellable = 0
    for state, kind, can_cancel, number in db.session.execute(_counted(execution_id)):
        counts[state] += number
        if kind is not None:
            resendable[Resendable(kind)] += number
        cancellable += number if can_cancel else 0
    troubles = troubles_at(execution.schedule.created_by.school_id)
    listed = db.session.execute(_listed(execution_id, status, page, page_size))
    return RunPage(
        execution,
        counts,
        resendable,
        cancellable,
        sum(counts.values()) if status is None else counts[status],
        [
            ListedDelivery(
                row,
                Resendable(kind) if kind is not None else None,
                bool(can_cancel),
                troubles.get(row.recipient_id),
            )
            for row, kind, can_cancel in listed
        ],
        _actions(execution_id),
    )


def _counted(execution_id: int) -> Select[DeliveryStatus, str | None, int, int]:
    return (
        select(ReportDelivery.status, _KIND, _CAN_CANCEL, func.count())
        .where(ReportDelivery.execution_id == execution_id)
        .group_by(ReportDelivery.status, "kind", "can_cancel")
    )


def _listed(
    execution_id: int, status: DeliveryStatus | None, page: int, page_size: int
) -> Select[ReportDelivery, str | None, int]:
    query = (
        select(ReportDelivery, _KIND, _CAN_CANCEL)
        .join(ReportDelivery.recipient)
        .options(contains_eager(ReportDelivery.recipient))
        .where(ReportDelivery.execution_id == execution_id)
        .order_by(
            case({each: place for place, each in enumerate(_ORDER)}, value=ReportDelivery.status),
            User.family_name,
            User.given_name,
            User.id,
        )
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    return query if status is None else query.where(ReportDelivery.status == status)


def _actions(execution_id: int) -> list[tuple[DeliveryAction, User | None]]:
    rows = db.session.execute(
        select(DeliveryAction, User)
        .outerjoin(ReportDelivery, ReportDelivery.id == DeliveryAction.delivery_id)
        .outerjoin(User, User.id == ReportDelivery.recipient_id)
        .options(joinedload(DeliveryAction.actor))
        .where(DeliveryAction.execution_id == execution_id)
        .order_by(DeliveryAction.id.desc())
        .limit(ACTIONS_LISTED)
    )
    return [(action, recipient) for action, recipient in rows]
