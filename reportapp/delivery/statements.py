"""Small transactions of statements that are asked for every single mail: compiled once, and told to
the driver itself, since SQLAlchemy's part of one costs more than the database's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType


class Prepared:
    """A Core statement with named bound parameters, for one dialect. Parameters may also be values
    that the statement names itself. Each has a type, else it could be written as no other is:
    raises TypeError."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._is_positional: bool = compiled.positional
        fixed = compiled.construct_params(_check=False)
        bound = {name: parameter for parameter, name in compiled.bind_names.items()}
        untyped = [n for p, n in compiled.bind_names.items() if isinstance(p.type, NullType)]
        if untyped:
            raise TypeError(f"parameters without a type: {', '.join(untyped)}")
        self._parameters: list[tuple[str, Callable[[Any], Any], Any]] = []
        for name in compiled.positiontup if self._is_positional else bound:
            kind = bound[name].type.dialect_impl(dialect)
            convert = kind.bind_processor(dialect) or _as_it_is
            self._parameters.append((name, convert, convert(fixed[name])))

    def parameters(self, values: dict[str, Any]) -> Any:
        """The driver's parameters from `values` by name."""
        given = [
            convert(values[name]) if name in values else fixed
            for name, convert, fixed in self._parameters
        ]
        if self._is_positional:
            return given
        return dict(zip((name for name, *_ in self._parameters), given, strict=True))


#: A statement and its values by name.
Step = tuple[Prepared, dict[str, Any]]


class Writer:
    """Writes small transactions on a connection of its own, which is kept: reading goes on beside
    it. For one thread at a time; close it at the end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._errors: Any = engine.dialect.loaded_dbapi.Error
        self._connection: Connection | None = None
        self._pipeline = ExitStack()
        self._sync: Callable[[], None] = _nothing

    def write(self, steps: Sequence[Step]) -> list[int]:
        """One transaction: how many rows each step has changed. Raises SQLAlchemyError."""
        try:
            connection = self._connected()
            with connection.begin(), self._errors_of(connection):
                cursors = self._told(connection, steps)
                self._sync()
            return [cursor.rowcount for cursor in cursors]
        except BaseException:
            self.close()  # a new one knows nothing of what was wrong with it
            raise

    def _told(self, connection: Connection, steps: Sequence[Step]) -> list[Any]:
        """The driver's cursors, which know of changes when the transaction has ended."""
        driver: Any = connection.connection.driver_connection
        cursors = []
        for statement, values in steps:
            cursor = driver.cursor()
            cursor.execute(statement.sql, statement.parameters(values))
            cursors.append(cursor)
        return cursors

    @contextmanager
    def _errors_of(self, connection: Connection) -> Iterator[None]:
        """Errors of the driver become SQLAlchemy's. In a pipeline, any error is the end of the
        connection, with all that it was told. Rolling back would begin with a sync, which commits
        what the driver has not failed at; and what it was to prepare behind the error it would take
        for prepared, whoever gets the connection next."""
        dialect = connection.dialect
        try:
            yield
        except BaseException as error:
            if dialect.name == "postgresql":
                connection.invalidate(error)
            if not isinstance(error, self._errors):
                raise
            raise DBAPIError.instance(None, None, error, self._errors, dialect=dialect) from error

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect().execution_options(sqlite_begin="IMMEDIATE")
            if connection.dialect.name == "postgresql":
                # All is told in one go, and what is told until a sync is one transaction (section
                # "Pipelining" of its protocol): one round trip, and no BEGIN and COMMIT.
                connection.execution_options(isolation_level="AUTOCOMMIT")
                driver: Any = connection.connection.driver_connection
                self._sync = self._pipeline.enter_context(driver.pipeline()).sync
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Let go of the database; another `write` comes back to it."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        self._sync = _nothing
        try:
            self._pipeline.close()
        except self._errors:
            connection.invalidate()
        connection.close()


def _nothing() -> None:
    """SQLite writes what it is told, and SQLAlchemy commits."""


def _as_it_is(value: Any) -> Any:
    return value
