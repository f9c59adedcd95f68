"""The databases and the app that a bench runs on: files of their own, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from reportapp import create_app, extensions
from reportapp.extensions import db
from tests.e2e.postgres import postgres_cluster

NAMES = ("sqlite", "postgresql")


@contextmanager
def database(name: str, folder: Path) -> Iterator[str | None]:
    """The URL of an empty database. None, and a word about it, where PostgreSQL is not installed.
    A private PostgreSQL does not wait for the disk, as it does in use; SQLite does."""
    if name == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    try:
        with postgres_cluster(folder) as url:
            yield url
    except pytest.skip.Exception as reason:
        print(f"  {name}: {reason}")
        yield None


def bench_app(folder: Path, url: str, port: int = 25, **config: object) -> Flask:
    """The app on that database, sending to a mail server on loopback."""
    return create_app(
        {
            "INSTANCE_PATH": str(folder),
            "DATABASE_URL": url,
            "SECRET_KEY": "b" * 20,
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": port,
            "MAIL_USE_TLS": "false",
            "MAIL_DEFAULT_SENDER": "Reports <reports@bench.example>",
            **config,
        }
    )


def learn_sizes() -> None:
    """What the application and PostgreSQL do by themselves some time after many rows have come."""
    extensions.learn_sizes()
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
