"""The figures of one class as one reader may see them.

A reader who sees some of the students only (`Scope.crowd`) gets figures of at least
`FEWEST_STUDENTS` students beside their own: what is left when one's own are taken away must not be
anybody's. What is left out is left out of every sum, too, and bands with too few students are put
together, so that nothing can be worked out from the rest. Nor do they get two figures of the same
facts, whose difference could be one child: no average of the period before once more, when somebody
may have left the class, and no days at school, which count alike in another class of nearly the
same children.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from reportapp.access import FEWEST_STUDENTS
from reportapp.reports import facts, names
from reportapp.reports.facts import Pair, Scores
from reportapp.reports.kinds import Order
from reportapp.reports.numbers import BANDS, band_of, difference, mean, tenth, total

#: So many who rose most and who fell most are named per class.
MOST_MOVERS = 3
_NOTHING = Scores(None, 0, 0)


@dataclass(frozen=True)
class Known:
    """What is known of some students in some classes, for a period."""

    students: dict[int, names.Name]
    classes: dict[int, names.ClassName]
    now: dict[Pair, Scores]
    before: dict[Pair, Scores]
    due: dict[Pair, int]
    #: (lessons attended, lessons that count) by Monday.
    weeks: dict[Pair, dict[date, Pair]]
    #: The same without what is recorded for a day at school and not for a lesson.
    lessons: dict[Pair, dict[date, Pair]]

    def average(self, pair: Pair) -> float | None:
        return tenth(self.now.get(pair, _NOTHING).average)

    def average_before(self, pair: Pair) -> float | None:
        return tenth(self.before.get(pair, _NOTHING).average)

    def work(self, pair: Pair) -> Pair:
        """(done, total) of the work due."""
        scores = self.now.get(pair, _NOTHING)
        return scores.done, self.due.get(pair, 0) - scores.exempt


def gather(session: Session, order: Order, pairs: Collection[Pair]) -> Known:
    """Everything about these pairs, in a constant number of queries."""

    def attendance(*, whole_days: bool) -> dict[Pair, dict[date, Pair]]:
        found: dict[Pair, dict[date, Pair]] = defaultdict(dict)
        weeks = facts.attendance_by_week(session, pairs, order.period, whole_days=whole_days)
        for (pair, monday), lessons in weeks.items():
            found[pair][monday] = lessons
        return dict(found)

    return Known(
        names.people(session, {student for student, _ in pairs}),
        names.classes(session, {group for _, group in pairs}),
        facts.scores(session, pairs, order.period),
        facts.scores(session, pairs, order.period.before()),
        facts.assignments_due(session, pairs, order.period),
        attendance(whole_days=True),
        attendance(whole_days=False),
    )


class ClassFigures:
    """One class. `own`: whom the reader may see each by themselves; None: everybody."""

    def __init__(
        self, group: int, pairs: Collection[Pair], own: frozenset[Pair] | None, known: Known
    ) -> None:
        self.group, self.own, self.known = group, own, known
        self.title, self.subject = known.classes[group].title, known.classes[group].subject
        self.named = sorted(
            (pair for pair in pairs if own is None or pair in own),
            key=lambda pair: (known.students[pair[0]].sort_key, pair[0]),
        )
        self.members = self._enough(pairs)
        self.graded = self._enough(pair for pair in pairs if known.average(pair) is not None)
        before = [p for p in pairs if own is None and known.average_before(p) is not None]
        #: Of the students who have one, in percent, in this period and in the one before.
        self.averages = [known.average(pair) for pair in self.graded]
        self.averages_before = [known.average_before(pair) for pair in before]
        #: (done, total) of each who had something due.
        self.work = [
            known.work(pair) for pair in self._enough(p for p in pairs if known.work(p)[1])
        ]
        self.weeks = self._weeks(pairs)

    @property
    def average(self) -> float | None:
        return tenth(mean(self.averages))

    @property
    def change(self) -> float | None:
        """Of the average, in percentage points; None for a reader who sees some students only."""
        return difference(mean(self.averages), mean(self.averages_before))

    @property
    def spread(self) -> list[tuple[str, int]]:
        """How many students have an average in each band; one that holds too few is put together
        with its neighbour."""
        bands: list[tuple[int, int, list[Pair]]] = []
        for low, high in BANDS:
            inside = [pair for pair in self.graded if band_of(self.known.average(pair)) == low]
            if bands and not self._are_enough(bands[-1][2]):
                low, _, others = bands.pop()
                inside += others
            bands.append((low, high, inside))
        if not self._are_enough(bands[-1][2]) and len(bands) > 1:
            _, high, inside = bands.pop()
            low, _, others = bands.pop()
            bands.append((low, high, inside + others))
        if not self.graded:
            return []
        return [(f"{low}–{high} %", len(inside)) for low, high, inside in bands]

    @property
    def movers(self) -> list[tuple[Pair, float]]:
        """Those who rose most, the highest first, then those who fell, the deepest last."""
        changes = [
            (pair, change)
            for pair in self.named
            if (change := difference(self.known.average(pair), self.known.average_before(pair)))
        ]
        changes.sort(key=lambda change: -change[1])
        risen = [change for change in changes if change[1] > 0]
        fallen = [change for change in changes if change[1] < 0]
        return risen[:MOST_MOVERS] + fallen[-MOST_MOVERS:]

    @property
    def missing(self) -> list[tuple[Pair, int, int]]:
        """(pair, missing, total) of those whose work is missing, the most first."""
        work = [(pair, *self.known.work(pair)) for pair in self.named]
        found = [(pair, total - done, total) for pair, done, total in work if total > done]
        return sorted(found, key=lambda row: -row[1])

    def _weeks(self, pairs: Collection[Pair]) -> dict[date, Pair]:
        """(lessons attended, lessons that count) by Monday."""
        weeks = self.known.weeks if self.own is None else self.known.lessons
        there: dict[date, list[Pair]] = defaultdict(list)
        for pair in pairs:
            for monday in weeks.get(pair, ()):
                there[monday].append(pair)
        return {
            monday: total(weeks[pair][monday] for pair in there[monday])
            for monday in sorted(there)
            if self._are_enough(there[monday])
        }

    def _enough(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs, or none of them where the reader could tell somebody apart."""
        found = list(pairs)
        return found if self._are_enough(found) else []

    def _are_enough(self, pairs: Collection[Pair]) -> bool:
        own = self.own
        return own is None or sum(pair not in own for pair in pairs) >= FEWEST_STUDENTS
