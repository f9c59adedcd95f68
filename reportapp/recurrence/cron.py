"""Cron's five fields, read into days and times."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from cronsim import CronSim, CronSimError
from cronsim.cronsim import SYMBOLIC_DAYS, SYMBOLIC_MONTHS

#: More characters than any sensible rule has.
MOST_CHARACTERS = 100
_FORM = (
    "five fields (minute, hour, day of the month, month, weekday), such as 0 8 * * 1-5 for Mondays "
    "to Fridays at 08:00"
)


@dataclass(frozen=True)
class Cron:
    """A parsed rule. `weekdays`: 1 = Monday .. 7 = Sunday."""

    text: str
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    #: Whether a day must fit both the day of the month and the weekday, or either of them: as in
    #: Vixie cron, both where one of the two fields begins with a star.
    both: bool

    def is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        fits = (day.day in self.days, day.isoweekday() in self.weekdays)
        return all(fits) if self.both else any(fits)


def parse_cron(text: str) -> Cron:
    """Raises ValueError with what is wrong: five fields with the meaning of crontab(5), 0 and 7
    both being Sunday, names in English, one minute only (so at most one run an hour), and a day
    that comes."""
    fields = text.split()
    if len(text) > MOST_CHARACTERS or len(fields) != 5:
        raise ValueError(f"Write {_FORM}.")
    try:
        read = _parsed(fields)
    except CronSimError as error:
        raise ValueError(f"{error}: write {_FORM}.") from None
    weekdays = {day % 7 or 7 for day in read.weekdays if isinstance(day, int)}
    if min(read.days) < 1 or not all(isinstance(day, int) for day in read.weekdays):
        raise ValueError("L and # are not understood here. Choose “monthly” for such days.")
    if len(read.minutes) != 1:
        raise ValueError(
            "This would run more often than once an hour. Give one minute only, such as 0."
        )
    (minute,) = read.minutes
    return Cron(
        " ".join(fields),
        tuple(time(hour, minute) for hour in sorted(read.hours)),
        frozenset(read.days),
        frozenset(read.months),
        frozenset(weekdays),
        read.day_and,
    )


def _parsed(fields: list[str]) -> CronSim:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    fields = [_RANGE_WITH_STEP.sub(_one_or_range, field.upper()) for field in fields]
    try:
        return CronSim(" ".join(fields), start)
    except CronSimError:
        # It refuses days that none of the months has, and calls them bad days.
        minute, hour, day, _, weekday = fields
        CronSim(f"{minute} {hour} {day} * {weekday}", start)
        CronSim(" ".join((minute, hour, "*", *fields[3:])), start)
    raise ValueError("This would never run: none of these months has such a day.")


_RANGE_WITH_STEP = re.compile(r"([A-Z0-9]+)-([A-Z0-9]+)/0*[1-9]\d*")
_NAMES = {name: number for number, name in enumerate(SYMBOLIC_DAYS)} | {
    name: number for number, name in enumerate(SYMBOLIC_MONTHS, start=1)
}


def _one_or_range(found: re.Match[str]) -> str:
    """CronSim 2.8 reads 3-3/5 as 3-31/5; it is 3."""
    first, last = (_NAMES.get(text, text.lstrip("0")) for text in found.groups())
    return found[1] if str(first or 0) == str(last or 0) else found[0]
