"""How figures are put together from numbers that may be missing."""

from collections.abc import Iterable

#: Lower and upper end of the bands of averages, in percent.
BANDS = ((0, 50), (50, 60), (60, 70), (70, 80), (80, 90), (90, 100))


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there; None when none is."""
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def share(part: int, whole: int) -> float | None:
    """`part` of `whole` in percent (0-100), one decimal; None of nothing."""
    return round(100.0 * part / whole, 1) if whole else None


def tenth(value: float | None) -> float | None:
    """Rounded to one decimal, as every format shows it."""
    return None if value is None else round(value, 1)


def total(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The sums of (part, whole)."""
    found = list(counts)
    return sum(part for part, _ in found), sum(whole for _, whole in found)


def difference(now: float | None, before: float | None) -> float | None:
    """In percentage points, one decimal; None where one of the two is missing."""
    return None if now is None or before is None else round(now - before, 1)


def band_of(average: float | None) -> int | None:
    """The lower end of its band. Extra points can take an average beyond 100: it belongs to the
    highest band; one below 0 to the lowest."""
    if average is None:
        return None
    return max((low for low, _ in BANDS if low <= average), default=0)
