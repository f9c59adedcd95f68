"""Whom somebody can write about, and whom they have already written about in a period."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from reportapp.access import Action, require
from reportapp.constants import AuthoredStatus, ReportType
from reportapp.documents import Period
from reportapp.errors import NotFound
from reportapp.extensions import db
from reportapp.models import User
from reportapp.reports import facts, names
from reportapp.reports.calendar import terms_of
from reportapp.reports.scope import school_day, seen_pairs
from reportapp.written.find import draft_of, published_of, written_by
from reportapp.written.kinds import WRITTEN, Subject, kinds_by, of_class, require_writer
from reportapp.written.values import PeriodChoice, check_period, period_choices, why_not_yet

#: So many periods of an author's drafts are offered first.
_BEGUN = 3


@dataclass(frozen=True)
class Choices:
    """What an author can write: `classes` (id, title) of one kind of report, empty for tutors."""

    kinds: list[ReportType]
    kind: ReportType
    classes: list[tuple[int, str]]
    periods: list[PeriodChoice]
    today: date

    @property
    def is_of_class(self) -> bool:
        return of_class(self.kind)


@dataclass(frozen=True)
class Row:
    """One student with the author's report of the period, if there is one."""

    student_id: int
    name: str
    draft: Any | None
    published: Any | None

    @property
    def is_open(self) -> bool:
        """Whether nothing has been written yet."""
        return self.draft is None and self.published is None


@dataclass(frozen=True)
class Board:
    """The students of one class (or of a tutor), by name, in one period."""

    kind: ReportType
    class_id: int | None
    class_title: str | None
    period: Period
    rows: list[Row]

    @property
    def sendable(self) -> list[Row]:
        """The rows whose draft is ready."""
        return [
            row
            for row in self.rows
            if row.draft is not None and why_not_yet(self.kind, row.draft, row.published) is None
        ]

    def subject(self, student_id: int) -> Subject:
        return Subject(self.kind, self.class_id, student_id, self.period)

    def next_after(self, student_id: int) -> Row | None:
        """The next student in the list, from the beginning again after its end, about whom nothing
        has been written."""
        ids = [row.student_id for row in self.rows]
        place = ids.index(student_id) + 1 if student_id in ids else 0
        following = [*self.rows[place:], *self.rows[:place]]
        return next(
            (row for row in following if row.is_open and row.student_id != student_id), None
        )


def choices(actor: User, kind: ReportType | None, now: datetime) -> Choices:
    """What `actor` can write at the aware instant `now`; `kind` None: what they write most often.
    Raises Forbidden, also for a kind that others write."""
    require(actor, Action.WRITE_REPORTS)
    kinds = kinds_by(actor.role)
    kind = kinds[0] if kind is None else kind
    require_writer(actor, kind)
    today = school_day(db.session(), actor, now)
    classes: list[tuple[int, str]] = []
    if of_class(kind):
        pairs = seen_pairs(kind, actor, today).subquery()
        ids = set(db.session.scalars(select(pairs.c[1]).distinct()))
        named = names.classes(db.session(), ids)
        classes = sorted(((id_, named[id_].title) for id_ in ids), key=lambda one: (one[1], one[0]))
    terms = terms_of(db.session(), actor.school_id)
    begun = _begun(actor, kind, today)
    others = [one for one in period_choices(kind, today, terms) if one.period not in begun]
    periods = [*(PeriodChoice(f"Begun: {one.words}", one) for one in begun), *others]
    return Choices(kinds, kind, classes, periods, today)


def _begun(actor: User, kind: ReportType, today: date) -> list[Period]:
    """The latest periods of which there are drafts of the actor's. Weeks are all offered anyway."""
    if WRITTEN[kind].weekly:
        return []
    model = WRITTEN[kind].model
    found = db.session.execute(
        select(model.period_start, model.period_end)
        .where(model.status == AuthoredStatus.DRAFT, written_by(kind, actor, today))
        .distinct()
        .order_by(model.period_start.desc(), model.period_end.desc())
        .limit(_BEGUN)
    )
    return [Period(start, end) for start, end in found]


def load_board(
    actor: User, kind: ReportType, class_id: int | None, period: Period, now: datetime
) -> Board:
    """The board of one of the actor's classes (of a tutor's students: None), in a fixed number of
    queries. Raises Forbidden; NotFound for a class without students of theirs; InvalidInput at
    `period`."""
    require(actor, Action.WRITE_REPORTS)
    if kind not in kinds_by(actor.role):
        raise NotFound("There is no such class for you to write about.")
    session = db.session()
    today = school_day(session, actor, now)
    check_period(kind, period.start, period.end, today)
    pairs = seen_pairs(kind, actor, today).subquery()
    place = class_id if of_class(kind) else actor.id
    ids = set(session.scalars(select(pairs.c[0]).where(pairs.c[1] == place)))
    if not ids and of_class(kind):
        raise NotFound("There is no such class for you to write about.")
    named = names.people(session, ids)
    board = Board(kind, class_id if of_class(kind) else None, None, period, [])
    title = None
    if of_class(kind):
        assert class_id is not None
        title = names.classes(session, {class_id})[class_id].title
    written = _written(actor, board, ids)
    rows = [
        Row(id_, named[id_].full, draft_of(written[id_]), published_of(written[id_]))
        for id_ in sorted(ids, key=lambda id_: (named[id_].sort_key, id_))
    ]
    return Board(kind, board.class_id, title, period, rows)


def _written(actor: User, board: Board, ids: set[int]) -> dict[int, list[Any]]:
    """All versions of the actor's reports of the board, by student."""
    model = WRITTEN[board.kind].model
    same = board.subject(0).identity(actor)
    del same["student_id"]
    query = select(model).filter_by(**same).where(facts.among(model.student_id, ids))
    found: dict[int, list[Any]] = defaultdict(list)
    for report in db.session.scalars(query.order_by(model.version)):
        found[report.student_id].append(report)
    return found
