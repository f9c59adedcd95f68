"""Fixtures that everybody needs: an application on an own database, the cast, a mail server."""

from uuid import uuid4

import psycopg
import pytest

from reportapp import create_app
from reportapp.extensions import db
from tests.cast import create_cast
from tests.e2e.postgres import postgres_cluster
from tests.smtp import smtp_sink


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
def database_url(tmp_path):
    """Where the application keeps its data; SQLite unless a module says otherwise."""
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def app(tmp_path, smtp, settings, database_url):
    """The application on an empty database, sending to `smtp`, inside its context."""
    app = create_app(
        {
            "INSTANCE_PATH": str(tmp_path / "instance"),
            "DATABASE_URL": database_url,
            "SECRET_KEY": "only for tests",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": smtp.port,
            "MAIL_USE_TLS": "false",
            "MAIL_DEFAULT_SENDER": "Reports <reports@lindenhof.example>",
            "BASE_URL": "https://reports.lindenhof.example",
            "RATELIMIT_ENABLED": False,
            "TESTING": True,
            **settings,
        }
    )
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    """A private PostgreSQL. Tests that use it belong to the xdist group "postgresql", so that one
    worker starts it once."""
    with postgres_cluster(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_server):
    """The URL of an empty database of its own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgresql_server.rpartition("/")[0] + "/" + name


@pytest.fixture
def cast(app):
    return create_cast()
