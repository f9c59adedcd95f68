"""The Flask extensions, unbound, and the one way to write to the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection, Dialect, Engine, MetaData, Select, event, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

#: Names for every constraint, so that migrations can drop them on both databases.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


#: Milliseconds that SQLite waits for a lock.
_PATIENCE = 30_000

db = SQLAlchemy(model_class=Base)
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
#: Counts in the memory of each process: with N processes, limits are up to N times as high.
limiter = Limiter(get_remote_address)

#: On everything that sends mail by hand, per person.
SENDING = "20 per 10 minutes"


#: In a session's `info`: a function of the session that takes part in its next transaction,
#: whichever that is, and can refuse it.
COMPANION = "companion"


@contextmanager
def transaction() -> Iterator[Session]:
    """One write: committed as a whole at the end, rolled back as a whole on any error.

    What was only read before is released first, so that the write decides on a fresh view. On
    SQLite the write lock is taken at the beginning: a read that turns into a write later would be
    refused at once (SQLITE_BUSY_SNAPSHOT), however long the busy timeout is.
    """
    session: Any = db.session
    session.commit()
    session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    try:
        yield session
        companion = session.info.get(COMPANION)
        if companion is not None:
            companion(session)
        session.commit()
        session.info.pop(COMPANION, None)
    except BaseException:
        session.rollback()
        raise


@contextmanager
def own_session() -> Iterator[Session]:
    """For many writes, one after the other and each a `with session.begin()`: a session on a
    connection of its own, which is taken once. Otherwise as in `transaction`."""
    db.session.commit()
    with db.engine.connect() as connection:
        connection.execution_options(sqlite_begin="IMMEDIATE")
        with Session(connection) as session:
            yield session


def init_limiter(app: Flask) -> None:
    """The limiter tells its window's end as Retry-After in every answer; it stays only where there
    is something to be sent again."""
    # Registered before it, so called after it.
    app.after_request(_only_who_shall_wait)
    limiter.init_app(app)


def _only_who_shall_wait(response: Response) -> Response:
    if response.status_code not in (429, 503):
        response.headers.pop("Retry-After", None)
    return response


@contextmanager
def hurried() -> Iterator[Connection]:
    """One small write, beside the session, that is not worth waiting for: where another write is in
    its way it fails at once. Raises SQLAlchemyError."""
    with db.engine.connect() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql(
            "PRAGMA busy_timeout = 0" if on_sqlite else "SET LOCAL lock_timeout = '20ms'"
        )
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            if on_sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE}")


def learn_sizes() -> None:
    """Have SQLite look at how many rows there are of what, without which it plans some queries on a
    big school as badly as can be. PostgreSQL does so by itself."""
    if db.engine.dialect.name == "sqlite":
        with db.engine.begin() as connection:
            # Rows of each index that are looked at: enough to tell much from little.
            connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
            connection.exec_driver_sql("ANALYZE")
            # Other connections, of any process, hold to what they know until the schema changes.
            connection.exec_driver_sql("CREATE VIEW sizes_learned AS SELECT 1")
            connection.exec_driver_sql("DROP VIEW sizes_learned")


def count_found(query: Select[Any]) -> int:
    """How many rows a query finds."""
    count = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return int(db.session.scalar(count) or 0)


def insert_into(table: Any, dialect: Dialect) -> Any:
    """An INSERT that knows ON CONFLICT, which each database has in a dialect of its own."""
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(table)


def rows_changed(result: Any) -> int:
    """How many rows an UPDATE or DELETE found: what a compare-and-set asks."""
    return int(result.rowcount)


def tune_sqlite(engine: Engine) -> None:
    """Make SQLite keep our promises: foreign keys, readers beside a writer, waiting for a lock,
    and transactions that begin where SQLAlchemy begins them."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late and not for every statement; ours is below.
        connection.isolation_level = None
        # SQLite's own lower() knows ASCII only; searching must find Ольга by ольга.
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        begin: Any = connection.connection.driver_connection
        try:
            # Not as a statement of SQLAlchemy's, whose making costs as much as writing a row.
            begin.execute(f"BEGIN {mode}")
        except sqlite3.Error as error:
            raise OperationalError(f"BEGIN {mode}", None, error) from error


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
