"""What an application needs anew for every test though it is always the same: made once, copied."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from reportapp import create_app
from reportapp.delivery import produce
from reportapp.extensions import db
from reportapp.rendering.workers import PdfWorkers
from tests.cast import create_cast

#: Of an application in a test, unless the test says otherwise.
SETTINGS = {
    "SECRET_KEY": "only for tests",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_USE_TLS": "false",
    "MAIL_DEFAULT_SENDER": "Reports <reports@lindenhof.example>",
    "BASE_URL": "https://reports.lindenhof.example",
    "RATELIMIT_ENABLED": False,
    "TESTING": True,
}


def make_database(url: str, folder: Path, with_cast: bool) -> None:
    """All tables in the empty database at `url`, and the cast if wanted. Nobody is connected to
    it afterwards, so that it can be copied."""
    app = create_app({**SETTINGS, "INSTANCE_PATH": str(folder), "DATABASE_URL": url})
    with app.app_context():
        db.create_all()
        if with_cast:
            create_cast()
        _dialects[db.engine.dialect.name] = db.engine.dialect
        db.session.remove()
        db.engine.dispose()


def _each_table(sql: str) -> str:
    return ";".join(sql.format(f'"{table.name}"') for table in db.metadata.sorted_tables)


def keep_rows(url: str) -> None:
    """Remember, in a PostgreSQL database itself, what is in all its tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA kept;"
            + _each_table("CREATE TABLE kept.{0} AS TABLE public.{0}")
            + ";CREATE TABLE kept.sequences AS TABLE pg_sequences"
        )


def restore_rows(url: str) -> None:
    """Bring back what `keep_rows` has seen; whoever is still connected is cut off."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid();"
            # No foreign key is looked at on the way.
            "SET session_replication_role = replica;"
            + _each_table("DELETE FROM public.{0}; INSERT INTO public.{0} SELECT * FROM kept.{0}")
            + ";SELECT setval(format('public.%I', sequencename)::regclass,"
            " coalesce(last_value, 1), last_value IS NOT NULL) FROM kept.sequences"
        )


class _Templates(BytecodeCache):
    """The pages' templates, compiled by the first application that shows them."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key, bucket.checksum] = bucket.code


_templates = _Templates()
#: By the kind of database: of one that was made, and so knows what it is connected to.
_dialects: dict[str, Dialect] = {}
_statements: LRUCache[Any, Any] = LRUCache(3000)


def be_quick(app: Flask) -> None:
    """Share with the other applications what is compiled, templates and SQL, as within one
    process of production; and let SQLite not wait for the disk, as nobody misses a test's data
    after a power cut."""
    app.jinja_env.bytecode_cache = _templates
    engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(
            engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF")
        )
    # A statement is compiled once for each of these objects.
    engine.dialect = _dialects[engine.dialect.name]
    engine._compiled_cache = _statements


@contextmanager
def routes_compiled_once() -> Iterator[None]:
    """Compiling its routes, always the same, is most of the work of making an application."""
    compile_rule = Rule.compile
    compiled: dict[Any, dict[str, Any]] = {}

    def remembering(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults))
        if key not in compiled:
            compile_rule(rule)
            names = ("arguments", "_parts", "_trace", "_converters", "_build", "_build_unknown")
            compiled[key] = {name: getattr(rule, name) for name in names}
        vars(rule).update(compiled[key])

    with patch.object(Rule, "compile", remembering):
        yield


class _KeptWorkers(PdfWorkers):
    """Workers that go on when one sending is over, for the next one."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


@contextmanager
def pdf_workers_kept() -> Iterator[None]:
    """Starting a process for PDFs takes longer than making one."""
    kept: dict[tuple[int, float], _KeptWorkers] = {}

    def workers(number: int, seconds: float) -> _KeptWorkers:
        return kept.setdefault((number, seconds), _KeptWorkers(number, seconds))

    with patch.object(produce, "PdfWorkers", workers):
        yield
    for each in kept.values():
        each.end()
