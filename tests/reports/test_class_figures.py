"""What a reader who sees some students of a class can work out about the others: nothing."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reportapp.access import FEWEST_STUDENTS
from reportapp.reports.class_figures import ClassFigures, Known
from reportapp.reports.facts import Scores
from reportapp.reports.names import ClassName, Name
from tests.cast import WEEK

averages = st.one_of(st.none(), st.integers(0, 100).map(float))
MONDAYS = [WEEK, WEEK + timedelta(days=7)]


@st.composite
def classes(draw):
    """A class with its students' figures, and how many of them the reader tutors."""
    size = draw(st.integers(1, 16))
    pairs = [(student, 1) for student in range(size)]
    now = {pair: Scores(draw(averages), 1, 0) for pair in pairs}
    before = {pair: Scores(draw(averages), 1, 0) for pair in pairs}
    weeks, lessons = (
        {
            pair: {m: (draw(st.integers(0, 3)), 3) for m in MONDAYS if draw(st.booleans())}
            for pair in pairs
        }
        for _ in range(2)
    )
    names = {student: Name(f"S{student}", ("s", str(student))) for student in range(size)}
    due = {pair: draw(st.integers(1, 3)) for pair in pairs}
    known = Known(names, {1: ClassName("Chess", "Chess")}, now, before, due, weeks, lessons)
    return pairs, frozenset(pairs[: draw(st.integers(0, size))]), known


@settings(max_examples=300)
@given(classes())
def test_behind_every_figure_stand_five_strangers_and_sums_hide_nobody(case):
    pairs, own, known = case
    strangers = [pair for pair in pairs if pair not in own]
    figures = ClassFigures(1, pairs, own, known)

    def graded(low, high):
        return [
            pair
            for pair in strangers
            if (average := known.average(pair)) is not None
            and low <= average
            and (average < high or high == 100)
        ]

    for band, count in figures.spread:
        low, high = (int(end) for end in band.removesuffix(" %").split("–"))
        assert len(graded(low, high)) >= FEWEST_STUDENTS
        assert count >= len(graded(low, high))
    assert sum(count for _, count in figures.spread) == len(figures.averages)
    if figures.average is not None:
        assert len(graded(0, 100)) >= FEWEST_STUDENTS
    for monday, (attended, lessons) in figures.weeks.items():
        there = [pair for pair in pairs if monday in known.lessons[pair]]
        assert sum(pair in strangers for pair in there) >= FEWEST_STUDENTS
        assert attended == sum(known.lessons[pair][monday][0] for pair in there)
        assert lessons == 3 * len(there)
    assert figures.change is None
    assert {pair for pair, _ in figures.movers} <= own
    assert {pair for pair, *_ in figures.missing} <= own
    if len(strangers) < FEWEST_STUDENTS:
        assert (figures.members, figures.averages, figures.work, figures.weeks) == ([], [], [], {})


@settings(max_examples=200)
@given(classes())
def test_whoever_sees_the_whole_class_sees_every_figure_of_it(case):
    pairs, _, known = case
    figures = ClassFigures(1, pairs, None, known)
    assert len(figures.members) == len(pairs)
    assert set(figures.weeks) == {monday for pair in pairs for monday in known.weeks[pair]}
    graded = [pair for pair in pairs if known.average(pair) is not None]
    assert sum(count for _, count in figures.spread) == len(graded)
