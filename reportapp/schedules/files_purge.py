"""Taking away the files that were sent when their time is over. The ledger keeps their digests."""

from collections.abc import Collection
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, select, update

from reportapp.artefacts import remove_artefacts
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery, ReportFile
from reportapp.schedules.files import artefacts_root

#: Rows in one transaction, so that mails need not wait for it.
_ROWS = 200
#: A file is made, and its mail leaves, well within this time; until then no row may tell of it.
_YOUNG = timedelta(days=1)


def purge(now: datetime) -> int:
    """Remove what was last sent more than ARTEFACT_DAYS ago, and files that no delivery knows; how
    many files."""
    old = now - timedelta(days=current_app.config["ARTEFACT_DAYS"])
    while _forget_some(old) == _ROWS:
        pass
    return remove_artefacts(artefacts_root(), now - _YOUNG, _known)


def _forget_some(old: datetime) -> int:
    with transaction() as session:
        # Locked: one that becomes part of a mail just now is left alone.
        ids = session.scalars(
            select(ReportFile.id)
            .where(ReportFile.last_used_at < old)
            .order_by(ReportFile.last_used_at)
            .limit(_ROWS)
            .with_for_update(skip_locked=True)
        ).all()
        session.execute(
            update(ReportDelivery)
            .where(ReportDelivery.report_file_id.in_(ids))
            .values(report_file_id=None)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            delete(ReportFile)
            .where(ReportFile.id.in_(ids))
            .execution_options(synchronize_session=False)
        )
    return len(ids)


def _known(digests: Collection[str]) -> set[str]:
    if not digests:
        return set()
    known = set(db.session.scalars(select(ReportFile.sha256).where(ReportFile.sha256.in_(digests))))
    db.session.rollback()  # no transaction stays open while files are removed
    return known
