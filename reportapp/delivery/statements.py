"""Statements that are asked for every single mail: compiled once, since that costs more than
running them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.engine import CursorResult


class Prepared:
    """A Core statement with named bound parameters, for one dialect. Parameters may also be values
    that the statement names itself."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._sql = str(compiled)
        self._fixed = dict(compiled.construct_params(_check=False))
        self._order: list[str] | None = compiled.positiontup
        self._convert: dict[str, Callable[[Any], Any]] = {}
        for name, bound in compiled.binds.items():
            convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._convert[name] = convert
                if self._fixed.get(name) is not None:
                    self._fixed[name] = convert(self._fixed[name])

    def run(self, connection: Connection, values: dict[str, Any]) -> CursorResult[Any]:
        """Run it with `values` by parameter name."""
        convert = self._convert
        given = {
            name: convert[name](value) if name in convert else value
            for name, value in values.items()
        }
        parameters = {**self._fixed, **given}
        if self._order is None:
            return connection.exec_driver_sql(self._sql, parameters)
        return connection.exec_driver_sql(self._sql, tuple(parameters[n] for n in self._order))
