"""Runs the migrations on the application's database."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

config = context.config
database = current_app.extensions["migrate"].db


def run() -> None:
    arguments = current_app.extensions["migrate"].configure_args
    with database.engine.connect() as connection, _rows_may_wait(connection):
        context.configure(connection=connection, target_metadata=database.metadata, **arguments)
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def _rows_may_wait(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making a new one and dropping the old one, which it refuses while
    rows of other tables refer to it; and it heeds this pragma outside of transactions only."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
        lost = driver.execute("PRAGMA foreign_key_check").fetchall()
        if lost:
            raise RuntimeError(f"rows refer to what is not there: {lost[:5]}")
    finally:
        if connection.in_transaction():
            connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database, not as a script.")
run()
