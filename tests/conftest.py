"""Fixtures that everybody needs: an application on an own database, the cast, a mail server."""

import os
import shutil
from functools import cache
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

from reportapp import create_app
from reportapp.extensions import db
from tests.cast import find_cast
from tests.e2e.postgres import postgres_cluster
from tests.quick import (
    SETTINGS,
    be_quick,
    keep_rows,
    make_database,
    pdf_workers_kept,
    restore_rows,
    routes_compiled_once,
)
from tests.smtp import compare_with_ledger, smtp_sink

# A busy machine is no failure; speed is measured in bench/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are processors: the tests of whole processes mostly wait."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _quick_applications():
    with routes_compiled_once(), pdf_workers_kept():
        yield


@pytest.fixture
def smtp():
    """A mail server's sink; `port` is where it listens."""
    with smtp_sink() as (sink, port):
        sink.port = port
        yield sink


@pytest.fixture
def settings():
    """Settings beyond the usual ones; a test or a module overrides this."""
    return {}


@pytest.fixture
def with_cast(request):
    """Does the test want the cast? Then its database is a copy of one that has it."""
    return "cast" in request.fixturenames


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """Tells the SQLite file with all tables, and the cast if wanted, for copying."""

    @cache
    def template(with_cast):
        folder = tmp_path_factory.mktemp("template")
        make_database(f"sqlite:///{folder}/template.db", folder, with_cast)
        return folder / "template.db"

    return template


@pytest.fixture
def database_url(tmp_path, sqlite_template, with_cast):
    """Where the application keeps its data, with all tables; SQLite unless a module says
    otherwise."""
    shutil.copyfile(sqlite_template(with_cast), tmp_path / "test.db")
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def app(tmp_path, smtp, settings, database_url):
    """The application on a database without rows (or with the cast), sending to `smtp`, inside
    its context. If anything was sent there, at the test's end the ledger tells of just that."""
    app = create_app(
        {
            **SETTINGS,
            "INSTANCE_PATH": str(tmp_path / "instance"),
            "DATABASE_URL": database_url,
            "MAIL_PORT": smtp.port,
            **settings,
        }
    )
    with app.app_context():
        be_quick(app)
        yield app
        db.session.remove()
        if smtp.sessions:
            resends = app.config["AMBIGUOUS_DELIVERY"] == "resend"
            compare_with_ledger(db.session(), smtp.copies, resends=resends)
            db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    """A private PostgreSQL of this worker's."""
    with postgres_cluster(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(scope="session")
def new_postgresql(postgresql_server):
    """Makes a database without tables and tells its URL."""

    def create():
        name = f"test_{uuid4().hex}"
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgresql_server.rpartition("/")[0] + "/" + name

    return create


@pytest.fixture(scope="session")
def kept_postgresql(tmp_path_factory, new_postgresql):
    """Tells the URL of the database with all tables, and the cast if wanted. Every test takes the
    same one: making a database takes longer than most tests."""

    @cache
    def kept(with_cast):
        url = new_postgresql()
        make_database(url, tmp_path_factory.mktemp("postgresql"), with_cast)
        keep_rows(url)
        return url

    return kept


@pytest.fixture
def postgresql(kept_postgresql, with_cast):
    """The URL of a PostgreSQL database with all tables, whatever the tests before have done."""
    url = kept_postgresql(with_cast)
    restore_rows(url)
    return url


@pytest.fixture
def empty_postgresql(new_postgresql):
    """The URL of a PostgreSQL database of its own, without tables."""
    return new_postgresql()


@pytest.fixture
def cast(app):
    return find_cast()
