"""The tables of what the files want: made, and compared for what the files lack."""

from hashlib import sha256

from reportapp.school.oneroster_kinds import Kind
from reportapp.school.oneroster_stage import Stage


def make(stage: Stage, kind: Kind, query: str) -> None:
    """`w_NAME` (line, state, then the kind's fields) from a query."""
    table = f"w_{kind.name}"
    stage.sql.execute(f"CREATE TABLE {table} (line, state, {', '.join(kind.names)})")
    stage.sql.execute(f"INSERT INTO {table} {query}")
    keys = ", ".join(field.name for field in kind.key)
    stage.sql.execute(f"CREATE INDEX i_{table} ON {table} ({keys})")
    if kind.has_sid:
        stage.sql.execute(f"CREATE INDEX s_{table} ON {table} (sid)")


def finish(stage: Stage, kind: Kind, kept: str = "0") -> None:
    """Mark in `c_NAME` what is gone: said so, known by now for something else (such as a place in
    another class), or missing from a file that says all (but not what is `kept`); then fill
    `v_NAME`, by sourcedId what there will be."""
    name, file = kind.name, kind.file.lower()
    stage.sql.execute(
        f"UPDATE c_{name} AS c SET gone = 1 WHERE is_active AND NOT ({kept}) AND ("  # noqa: S608
        f"sid IN (SELECT sid FROM w_{name} WHERE state = 'gone') AND NOT EXISTS "
        f"(SELECT 1 FROM w_{name} AS w WHERE state = 'active' AND {kind.same('w', 'c')}) "
        f"OR sid IN (SELECT sid FROM w_{name} WHERE state IN ('active', 'folded')) AND NOT EXISTS "
        f"(SELECT 1 FROM w_{name} AS w WHERE state <> 'gone' AND {kind.same('w', 'c')}))"
    )
    if stage.modes.get(file) == "bulk" and file not in stage.unsure:
        stage.sql.execute(
            f"UPDATE c_{name} AS c SET gone = 1 WHERE is_active AND sid IS NOT NULL "  # noqa: S608
            f"AND NOT ({kept}) AND NOT EXISTS (SELECT 1 FROM w_{name} AS w WHERE w.sid = c.sid) "
            f"AND NOT EXISTS (SELECT 1 FROM w_{name} AS w WHERE {kind.same('w', 'c')})"
        )
    if kind.key[0].name == "sid":
        names = ", ".join(kind.names)
        stage.sql.execute(
            f"CREATE TABLE v_{name} AS SELECT {names} FROM w_{name} WHERE state = 'active' "  # noqa: S608
            f"UNION ALL SELECT {names} FROM c_{name} WHERE is_active AND NOT gone AND sid NOT IN "
            f"(SELECT sid FROM w_{name} WHERE state = 'active')"
        )
        stage.sql.execute(f"CREATE INDEX i_v_{name} ON v_{name} (sid)")


def subject(subjects: str | None, title: str | None) -> str:
    """The name that reports show: the first of the subjects, unless it is only a code."""
    first = (subjects or "").split(",")[0].strip()
    return (first if any(sign.isalpha() for sign in first) else title or "")[:100]


def own_course(class_sid: str | None) -> str:
    """What the course of a class that names none is known by."""
    return f"class:{_short(class_sid or '')}"


def row_sid(class_sid: str | None, user_sid: str | None, role: str | None) -> str:
    """What an enrollment without a sourcedId is known by."""
    return _short(f"{class_sid}/{user_sid}/{role}")


def _short(text: str) -> str:
    return text if len(text) <= 240 else sha256(text.encode()).hexdigest()
