"""A number that changes whenever somebody may come to see less: kept by the database itself, so
that nothing that writes can forget it."""

from sqlalchemy import DDL, event
from sqlalchemy.orm import Mapped, mapped_column

from reportapp.extensions import Base


class AccessChange(Base):
    """The sum over all rows counts the changes. SQLite, which has one writer at a time, keeps one
    row; PostgreSQL adds rows, so that writers do not wait for each other, and they are added up now
    and then."""

    __tablename__ = "access_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


#: Whose changes count, and of which columns (none named: of all). What decides on a subscription or
#: an address is asked for each mail by itself.
WATCHED: dict[str, tuple[str, ...]] = {
    "class_group": ("is_active", "school_id"),
    "enrollment": (),
    "guardian_link": (),
    "report_schedule": ("report_type", "class_group_id", "created_by_id"),
    "report_schedule_audience": (),
    "report_schedule_recipient": ("is_direct",),
    "school": ("time_zone",),
    "tutor_link": (),
    "user": ("is_active", "role", "school_id"),
}

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS access_change_{table}_{what} AFTER {when} ON "{table}" BEGIN
  INSERT INTO access_change (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1;
END"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION access_change() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO access_change (n) VALUES (1); RETURN NULL; END'"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER access_change_{table}_{what} AFTER {when} ON "{table}"
FOR EACH STATEMENT EXECUTE FUNCTION access_change()"""


def trigger_statements(dialect: str) -> list[str]:
    """The SQL that makes the triggers on existing tables, where they are not there yet: "sqlite" or
    "postgresql"."""
    trigger = _SQLITE if dialect == "sqlite" else _POSTGRESQL
    statements = [] if dialect == "sqlite" else [_FUNCTION]
    for table, columns in WATCHED.items():
        changed = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        statements.append(trigger.format(table=table, what="changed", when=changed))
        statements.append(trigger.format(table=table, what="gone", when="DELETE"))
    return statements


for _dialect in ("sqlite", "postgresql"):
    for _statement in trigger_statements(_dialect):
        event.listen(Base.metadata, "after_create", DDL(_statement).execute_if(dialect=_dialect))
