"""The days on which a school is open."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

_DAY = timedelta(days=1)
#: A shift over more closed days than this is no shift any more: the run is skipped.
MOST_CLOSED_DAYS = 400


@dataclass(frozen=True, order=True)
class Span:
    """The days from `first` to `last`, both included: a term, holidays, a closure, exams."""

    first: date
    last: date
    title: str = ""

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class SchoolCalendar:
    """What a school has said about its days.

    `weekdays` (1 = Monday .. 7 = Sunday) have lessons. No day of `closed` has any, nor has a day
    between two of the `terms`; before the first and after the last of them nothing is known, so
    those days count as open. `exams` are open days, unless a rule wants them closed.
    """

    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    closed: tuple[Span, ...] = ()
    exams: tuple[Span, ...] = ()
    terms: tuple[Span, ...] = ()

    def is_open(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and self.closed_until(day) is None

    def closed_until(self, day: date) -> date | None:
        """The last day of the closed days without a break that `day` is one of; None when it is
        none. Weekends are not looked at."""
        block = self._block_of(day)
        return block.last if block is not None else None

    def why_closed(self, day: date) -> str | None:
        """In a reader's words, or None on an open day."""
        for span in self._spans:
            if day in span:
                return span.title
        return None if day.isoweekday() in self.weekdays else f"no lessons on {day:%A}s"

    def open_day_from(self, day: date, step: int) -> date | None:
        """The first open day at or after `day` (`step` 1), or at or before it (-1); None when it is
        further than MOST_CLOSED_DAYS."""
        begin = day
        while self.weekdays and abs((day - begin).days) <= MOST_CLOSED_DAYS:
            block = self._block_of(day)
            if block is not None:
                day = block.last if step > 0 else block.first
            elif day.isoweekday() in self.weekdays:
                return day
            if day in (date.min, date.max):
                return None
            day += step * _DAY
        return None

    def _block_of(self, day: date) -> Span | None:
        place = bisect_right(self._firsts, day) - 1
        return self._blocks[place] if place >= 0 and day <= self._blocks[place].last else None

    def term_of(self, day: date) -> Span | None:
        """The term that `day` lies in, else the last one that ended before it."""
        begun = [term for term in self.terms if term.first <= day]
        running = [term for term in begun if day in term]
        return max(running or begun, key=lambda term: (term.last, term.first), default=None)

    @cached_property
    def exams_closed(self) -> "SchoolCalendar":
        """The same, with the exams among the closed days."""
        return SchoolCalendar(self.weekdays, self.closed + self.exams, (), self.terms)

    @cached_property
    def _spans(self) -> tuple[Span, ...]:
        between = [
            Span(before.last + _DAY, after.first - _DAY, "between two terms")
            for before, after in zip(self._term_blocks, self._term_blocks[1:], strict=False)
        ]
        return (*sorted(self.closed), *between)

    @cached_property
    def _term_blocks(self) -> tuple[Span, ...]:
        return _joined(self.terms)

    @cached_property
    def _blocks(self) -> tuple[Span, ...]:
        return _joined(self._spans)

    @cached_property
    def _firsts(self) -> list[date]:
        return [block.first for block in self._blocks]


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same days in blocks that neither overlap nor touch, rising."""
    blocks: list[Span] = []
    for span in sorted(spans):
        if blocks and span.first <= blocks[-1].last + _DAY:
            blocks[-1] = Span(blocks[-1].first, max(blocks[-1].last, span.last))
        else:
            blocks.append(Span(span.first, span.last))
    return tuple(blocks)
