"""The files that were sent: who may have one again, with a log-in or by a link that works once."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from reportapp.access import may_manage_schedule_of
from reportapp.artefacts import artefact_path
from reportapp.constants import FAMILY_ROLES, LinkAccess, ReportType
from reportapp.errors import Gone, NotFound
from reportapp.extensions import db, rows_changed, transaction
from reportapp.models import ReportDelivery, ReportFile, ReportScheduleExecution, User
from reportapp.reports.scope import school_day, seen_pairs
from reportapp.tokens import read_download

log = logging.getLogger(__name__)

_NO_SUCH_FILE = "There is no such file, or you may not see everybody in it any more."
_NOT_VALID = "This link is not valid, or no longer."


@dataclass(frozen=True)
class Download:
    """A file as it was sent."""

    name: str
    content_type: str
    data: bytes


class LinkState(StrEnum):
    """What a link that works once is good for."""

    OPEN = "open"
    USED = "used"
    #: The schedule's links ask for log-in by now.
    ASKS = "asks"
    #: Its file is kept no longer.
    GONE = "gone"


def artefacts_root() -> Path:
    """The folder of the files that were sent."""
    return Path(current_app.instance_path) / "artefacts"


def scope_digest(kind: ReportType, pairs: Sequence[Sequence[int]], *, family: bool) -> str:
    """What tells apart files of the same bytes about different people, or about the same ones for
    families and for others: SHA-256, 64 hex digits. `pairs`: rising."""
    return hashlib.sha256(json.dumps([kind, pairs, family]).encode()).hexdigest()


def find_file(actor: User, delivery_id: int, now: datetime) -> ReportFile:
    """The file of a delivery, for its recipient and for whoever may manage its schedule, while they
    may see all whom it is about. Raises NotFound, or Gone when it is kept no longer."""
    delivery = db.session.get(ReportDelivery, delivery_id)
    if delivery is None or not _concerns(actor, delivery):
        raise NotFound(_NO_SUCH_FILE)
    if delivery.report_file is None:
        raise Gone(_no_longer_kept())
    if not _may_see_all(actor, delivery.report_file, now):
        raise NotFound(_NO_SUCH_FILE)
    return delivery.report_file


def get_file(actor: User, delivery_id: int, now: datetime) -> Download:
    """The same with its bytes."""
    return _read(find_file(actor, delivery_id, now))


def latest_files(actor: User, now: datetime) -> dict[int, ReportDelivery]:
    """The actor's latest delivery with a file that they may have, by schedule id."""
    run = ReportScheduleExecution
    newest = (
        select(func.max(ReportDelivery.id))
        .join(run, run.id == ReportDelivery.execution_id)
        .where(
            ReportDelivery.recipient_id == actor.id,
            ReportDelivery.sent_at.is_not(None),
            ReportDelivery.report_file_id.is_not(None),
        )
        .group_by(run.schedule_id)
    )
    deliveries = db.session.scalars(
        select(ReportDelivery)
        .where(ReportDelivery.id.in_(newest))
        .options(joinedload(ReportDelivery.execution), joinedload(ReportDelivery.report_file))
    )
    return {
        delivery.execution.schedule_id: delivery
        for delivery in deliveries
        if _concerns(actor, delivery)
        and delivery.report_file is not None
        and _may_see_all(actor, delivery.report_file, now)
    }


def look_at_link(token: str, now: datetime) -> tuple[ReportDelivery, LinkState]:
    """The delivery of a link in a mail, and what the link is good for; looking changes nothing.
    That somebody has a link proves that a mail held it. Raises NotFound for any other text, and
    when the recipient is switched off or may not see all whom the file is about any more."""
    delivery_id = read_download(current_app.config["SECRET_KEY"], token)
    delivery = None if delivery_id is None else db.session.get(ReportDelivery, delivery_id)
    if delivery is None or not _concerns(delivery.recipient, delivery):
        raise NotFound(_NOT_VALID)
    file = delivery.report_file
    if file is None:
        return delivery, LinkState.GONE
    if not _may_see_all(delivery.recipient, file, now):
        raise NotFound(_NOT_VALID)
    if delivery.execution.schedule.link_access is not LinkAccess.ONE_TIME:
        return delivery, LinkState.ASKS
    return delivery, LinkState.USED if delivery.fetched_at is not None else LinkState.OPEN


def take_by_link(token: str, now: datetime) -> tuple[ReportDelivery, LinkState, Download | None]:
    """The file behind a link, which is used up by that, or why there is none. Raises NotFound like
    `look_at_link`."""
    delivery, state = look_at_link(token, now)
    if state is not LinkState.OPEN or delivery.report_file is None:
        return delivery, state, None
    try:
        # First, so that a link is not used up by a file that is not there.
        download = _read(delivery.report_file)
    except Gone:
        return delivery, LinkState.GONE, None
    with transaction() as session:
        # The first of two clicks has it.
        taken = session.execute(
            update(ReportDelivery)
            .where(
                ReportDelivery.id == delivery.id,
                ReportDelivery.report_file_id == delivery.report_file_id,
                ReportDelivery.fetched_at.is_(None),
            )
            .values(fetched_at=now)
            .execution_options(synchronize_session=False)
        )
    if rows_changed(taken) == 0:
        return delivery, LinkState.USED, None
    return delivery, LinkState.OPEN, download


def _concerns(person: User, delivery: ReportDelivery) -> bool:
    """Whether the delivery is any business of theirs, and has left."""
    if not person.is_active or not delivery.may_have_arrived or delivery.artefact is None:
        return False
    author = delivery.execution.schedule.created_by
    return person.id == delivery.recipient_id or may_manage_schedule_of(person, author)


def _may_see_all(person: User, file: ReportFile, now: datetime) -> bool:
    pairs = {(student, other) for student, other in file.pairs}
    if person.role in FAMILY_ROLES:
        # Who has become a parent since does not get what was for teachers.
        family = scope_digest(file.report_type, file.pairs, family=True)
        if file.scope_digest != family:
            return False
    query = seen_pairs(file.report_type, person, school_day(db.session(), person, now))
    students = {student for student, _ in pairs}
    query = query.where(query.selected_columns[0].in_(students))
    return bool(pairs) and pairs <= {(row[0], row[1]) for row in db.session.execute(query)}


def _read(file: ReportFile) -> Download:
    path = artefact_path(artefacts_root(), file.sha256)
    data = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(data).hexdigest() != file.sha256:
        log.error("the file of report_file %s is missing or damaged", file.id)
        raise Gone(_no_longer_kept())
    return Download(file.name, file.content_type, data)


def _no_longer_kept() -> str:
    days = current_app.config["ARTEFACT_DAYS"]
    kept = "a day" if days == 1 else f"{days} days"
    return f"This file is no longer here: files are kept for {kept} after they were sent."
