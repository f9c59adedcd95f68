"""From claimed deliveries to mails: each document built once per scope, each file made once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from reportapp.artefacts import keep_artefact
from reportapp.constants import (
    DeliveryMode,
    DeliveryStatus,
    ExportFormat,
    LinkAccess,
    Reason,
    ReportType,
    Trigger,
    WhenEmpty,
)
from reportapp.delivery.claims import Claim
from reportapp.delivery.policy import Outcome, after_error, unwritable
from reportapp.delivery.standing import Standing, access_version, load_run
from reportapp.documents import Period, ReportDocument
from reportapp.mail import Letter, SealedMail, compose, encode_attachment
from reportapp.rendering import RENDERERS, file_name
from reportapp.rendering.workers import PdfWorkers, TooHeavy
from reportapp.reports import REPORTS, Order, Scope
from reportapp.schedules.files import artefacts_root, scope_digest
from reportapp.schedules.timing import sentence_of
from reportapp.tokens import sign_download

log = logging.getLogger(__name__)

#: Letters that outlive their batch, for others of the same run with the same scope.
_KEPT_LETTERS = 50


@dataclass(frozen=True)
class MadeFile:
    """A file that is kept, and whom it is about. `size`: bytes."""

    sha256: str
    scope_digest: str
    report_type: ReportType
    pairs: list[list[int]]
    name: str
    content_type: str
    size: int

    @property
    def key(self) -> tuple[str, str]:
        return self.sha256, self.scope_digest


@dataclass(frozen=True)
class Mail:
    """A delivery ready to be sent, to be looked at once more just before it is: it is good for
    this standing only. `file`: None for a mail that says that there is nothing to tell."""

    sealed: SealedMail
    file: MadeFile | None
    standing: Standing


@dataclass(frozen=True)
class _Made:
    """What the mails with one document share."""

    letter: Letter
    file: MadeFile | None


#: An execution's letters by scope, and by whether they hold a link in place of the file.
_Key = tuple[int, Scope, bool]
_Letters = OrderedDict[_Key, _Made | Outcome]


class Producer:
    """Makes the mails of one batch of claims after the other. `number` and `seconds`: how many
    PDFs are laid out at once, and how long one may take. Close it at the end."""

    def __init__(self, number: int, seconds: float) -> None:
        self._letters: _Letters = OrderedDict()
        self._pdfs = PdfWorkers(number, seconds)
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="pdf")

    def batch(self, session: Session, claims: Sequence[Claim], now: datetime) -> Batch:
        """Read what the claims need from the database. Nothing stays open: making the files, and
        the conversation with the server, hold no transaction."""
        session.rollback()  # what it has read before is the past
        version = access_version(session)
        while len(self._letters) > _KEPT_LETTERS:
            self._letters.popitem(last=False)
        runs: dict[int, _Run | Exception] = {}
        for execution_id in dict.fromkeys(claim.execution_id for claim in claims):
            mine = [claim for claim in claims if claim.execution_id == execution_id]
            try:
                runs[execution_id] = _Run(session, execution_id, mine, now, self._letters)
            except Exception as error:
                log.exception("execution %s: no documents", execution_id)
                session.rollback()
                runs[execution_id] = error
        session.commit()
        for run in runs.values():
            if isinstance(run, _Run) and run.export_format is ExportFormat.PDF:
                run.pdfs = {
                    scope: self._pool.submit(self._pdfs.render, document)
                    for scope, document in run.documents.items()
                    if document.has_data
                }
        return Batch(runs, now, version)

    def close(self) -> None:
        """End the PDF processes; what they have not begun is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pdfs.close()


class Batch:
    """Mails that were read together."""

    def __init__(
        self, runs: dict[int, _Run | Exception], now: datetime, access_version: int
    ) -> None:
        self._runs, self._now = runs, now
        #: Of the standings.
        self.access_version = access_version

    def mail(self, claim: Claim) -> Mail | Outcome | None:
        """The mail of a claim, or what becomes of it without one. None: things have changed since
        it was read, so that it has to be read anew. One document's failure is its own deliveries'
        only."""
        run = self._runs[claim.execution_id]
        if isinstance(run, Exception):
            return after_error(run, claim.attempts, self._now)
        return run.mail(claim)

    def pdf(self, claim: Claim) -> Future[bytes] | None:
        """What has to be waited for before its mail is made; None: nothing."""
        run = self._runs[claim.execution_id]
        return None if isinstance(run, Exception) else run.pdf(claim)

    def standing(self, claim: Claim) -> Standing | None:
        """As it was last read; None: it could not be read."""
        run = self._runs[claim.execution_id]
        return None if isinstance(run, Exception) else run.standings[claim.recipient_id]

    def read_again(self, session: Session, claims: Sequence[Claim], now: datetime) -> None:
        """Bring the standings of some of the claims up to date."""
        session.rollback()  # what it has read before is the past
        version = access_version(session)
        for execution_id, run in self._runs.items():
            mine = [c.recipient_id for c in claims if c.execution_id == execution_id]
            if mine and isinstance(run, _Run):
                fresh = load_run(session, execution_id, mine, now).standings
                # Equal ones stay the same objects, which are compared at no cost.
                run.standings.update(
                    {who: new for who, new in fresh.items() if run.standings[who] != new}
                )
        session.commit()
        self.access_version = version


class _Run:
    """Deliveries of one execution: the data is read for all of them together."""

    def __init__(
        self,
        session: Session,
        execution_id: int,
        claims: Sequence[Claim],
        now: datetime,
        letters: _Letters,
    ) -> None:
        self.id, self.now = execution_id, now
        #: Of all batches, and those that this one is sure to need: there they may be let go.
        self._shared = letters
        self._letters: dict[_Key, _Made | Outcome | Exception] = {}
        run = load_run(session, execution_id, [claim.recipient_id for claim in claims], now)
        schedule, author = run.schedule, run.author
        self.standings = run.standings
        self.is_test = run.execution.trigger is Trigger.TEST
        self.report_type = schedule.report_type
        order = Order(
            schedule.report_type,
            author.school.name,
            author.name,
            Period(run.execution.period_start, run.execution.period_end),
        )
        #: Whether somebody gets what is asked for.
        asked: dict[_Key, bool] = {}
        for claim in claims:
            standing = run.standings[claim.recipient_id]
            key = self._key(claim, standing)
            asked[key] = asked.get(key, False) or standing.skip is None
        unmade = set()
        for key, is_wanted in asked.items():
            if key in letters:
                letters.move_to_end(key)
                self._letters[key] = letters[key]
            elif is_wanted:
                unmade.add(key[1])
        self.documents: dict[Scope, ReportDocument] = {}
        if unmade:
            self.documents = REPORTS[schedule.report_type].build(session, order, unmade)
        self.pdfs: dict[Scope, Future[bytes]] = {}
        self.export_format = schedule.export_format
        self.mode, self.link_access = schedule.delivery_mode, schedule.link_access
        self.when_empty = schedule.when_empty
        self.schedule_name = schedule.name
        self.rhythm = sentence_of(schedule, now)
        self.reply_to = (author.name, author.email) if author.email else None

    def _key(self, claim: Claim, standing: Standing) -> _Key:
        return self.id, standing.scope, claim.as_link

    def pdf(self, claim: Claim) -> Future[bytes] | None:
        standing = self.standings[claim.recipient_id]
        pdf = self.pdfs.get(standing.scope)
        return None if pdf is None or pdf.done() else pdf

    def mail(self, claim: Claim) -> Mail | Outcome | None:
        standing = self.standings[claim.recipient_id]
        if standing.skip is not None:
            return Outcome(DeliveryStatus.SKIPPED, standing.skip, charged=False)
        assert standing.email is not None
        if standing.scope not in self.documents and self._key(claim, standing) not in self._letters:
            return None
        try:
            made = self._made(claim, standing)
            if isinstance(made, Outcome):
                return made
            message = compose(
                made.letter,
                to=(standing.name, standing.email),
                message_id=claim.message_id,
                unsubscribe_token=standing.unsubscribe_token,
                now=self.now,
                download_path=self._path(claim) if made.letter.linked else None,
            )
        except Exception as error:
            log.exception("delivery %s: no mail", claim.id)
            return after_error(error, claim.attempts, self.now)
        try:
            sealed = message.sealed()
        except ValueError as error:
            return unwritable(error)
        return Mail(sealed, made.file, standing)

    def _path(self, claim: Claim) -> str:
        if self.link_access is LinkAccess.LOGIN:
            return f"/files/{claim.id}"
        return f"/f/{sign_download(current_app.config['SECRET_KEY'], claim.id)}"

    def _made(self, claim: Claim, standing: Standing) -> _Made | Outcome:
        """Made for the first who asks."""
        key = self._key(claim, standing)
        made = self._letters.get(key)
        if made is None:
            try:
                made = self._shared[key] = self._make(standing.scope, claim.as_link)
            except Exception as error:
                made = error
            self._letters[key] = made
        if isinstance(made, Exception):
            raise made
        return made

    def _make(self, scope: Scope, as_link: bool) -> _Made | Outcome:
        document = self.documents[scope]
        if not document.has_data:
            if self.when_empty is not WhenEmpty.NOTE:
                return Outcome(DeliveryStatus.SKIPPED, Reason.NO_DATA, charged=False)
            return _Made(self._letter(document), None)
        try:
            data = self._data(scope)
        except TooHeavy as error:
            return Outcome(DeliveryStatus.FAILED, Reason.TOO_HEAVY, str(error))
        pairs = [list(pair) for pair in sorted(scope.pairs)]
        file = MadeFile(
            keep_artefact(artefacts_root(), data),
            scope_digest(self.report_type, pairs, family=scope.family),
            self.report_type,
            pairs,
            file_name(document, self.export_format),
            RENDERERS[self.export_format].content_type,
            len(data),
        )
        too_large = len(data) > current_app.config["MAX_ATTACHMENT_BYTES"]
        mode = DeliveryMode.LINK if as_link or too_large else self.mode
        return _Made(self._letter(document, file, data, mode), file)

    def _data(self, scope: Scope) -> bytes:
        if scope in self.pdfs:
            return self.pdfs[scope].result()
        return RENDERERS[self.export_format].render(self.documents[scope])

    def _letter(
        self,
        document: ReportDocument,
        file: MadeFile | None = None,
        data: bytes = b"",
        mode: DeliveryMode = DeliveryMode.ATTACHMENT,
    ) -> Letter:
        attachment = linked = None
        if file is not None and mode is not DeliveryMode.LINK:
            attachment = encode_attachment(file.name, file.content_type, data)
        if file is not None and mode is not DeliveryMode.ATTACHMENT:
            linked = (file.name, file.size)
        return Letter(
            document,
            self.schedule_name,
            self.rhythm,
            attachment,
            self.reply_to,
            self.is_test,
            linked=linked,
            link_asks=self.link_access is LinkAccess.LOGIN,
        )
