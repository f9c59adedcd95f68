"""What an import would do: counts, examples, and a fingerprint of every single change."""

from dataclasses import dataclass
from hashlib import sha256

from reportapp.school.oneroster_kinds import KINDS, Kind
from reportapp.school.oneroster_stage import Stage

EXAMPLES = 5
#: More than this part of what is active is not deactivated unasked.
PART = 0.25


@dataclass(frozen=True)
class Counts:
    """Of one kind: how many rows would be added, changed (or active again), deactivated, and stay;
    with a few of each, in words. `active` is how many there were from imports."""

    kind: Kind
    added: int
    changed: int
    gone: int
    active: int
    examples: dict[str, list[str]]

    @property
    def is_much(self) -> bool:
        return self.gone > PART * self.active


@dataclass(frozen=True)
class Plan:
    kinds: tuple[Counts, ...]
    fingerprint: str

    @property
    def is_empty(self) -> bool:
        return not any(one.added or one.changed or one.gone for one in self.kinds)


def added(kind: Kind, what: str) -> str:
    """SQL for the rows `w` that are not there yet."""
    return (
        f"SELECT {what} FROM w_{kind.name} AS w LEFT JOIN c_{kind.name} AS c "  # noqa: S608
        f"ON {kind.same('w', 'c')} WHERE w.state = 'active' AND c.id IS NULL ORDER BY w.line"
    )


def changed(kind: Kind, what: str) -> str:
    """SQL for the rows `w` that differ from those that are there, `c`."""
    differs = kind.differs("w", "c")
    if kind.name == "user":
        differs += " OR c.id IN (SELECT id FROM adopted)"
    return (
        f"SELECT {what} FROM w_{kind.name} AS w JOIN c_{kind.name} AS c "  # noqa: S608
        f"ON {kind.same('w', 'c')} WHERE w.state = 'active' AND (NOT c.is_active OR {differs}) "
        "ORDER BY c.id"
    )


def gone(kind: Kind, what: str) -> str:
    """SQL for the rows `c` that are to be deactivated."""
    return f"SELECT {what} FROM c_{kind.name} AS c WHERE c.gone ORDER BY c.id"  # noqa: S608


def make_plan(stage: Stage) -> Plan:
    """The plan for what `resolve` has found."""
    digest = sha256()
    kinds = []
    for kind in KINDS:
        wanted = ", ".join(f"w.{name}" for name in kind.names)
        found = {}
        for name, query in (
            ("added", added(kind, wanted)),
            ("changed", changed(kind, f"c.id, {wanted}")),
            ("gone", gone(kind, "c.id")),
        ):
            count = 0
            for rows in stage.batches(query):
                digest.update(repr((kind.name, name, rows)).encode())
                count += len(rows)
            found[name] = count
        # What somebody entered by hand is never gone, so it is no part of the whole.
        imported = "sid" if kind.has_sid else "relation"
        active = stage.sql.execute(
            f"SELECT count({imported}) FROM c_{kind.name} WHERE is_active"  # noqa: S608
        ).fetchone()[0]
        kinds.append(Counts(kind, **found, active=active, examples=_examples(stage, kind, found)))
    return Plan(tuple(kinds), digest.hexdigest()[:32])


def _examples(stage: Stage, kind: Kind, found: dict[str, int]) -> dict[str, list[str]]:
    examples = {}
    for name, query in (
        ("added", added(kind, "w.*")),
        ("changed", changed(kind, "w.*")),
        ("gone", gone(kind, "c.*")),
    ):
        if found[name]:
            shown = f"SELECT {kind.label} FROM ({query} LIMIT {EXAMPLES})"  # noqa: S608
            examples[name] = [str(row[0])[:200] for row in stage.sql.execute(shown)]
    return examples
