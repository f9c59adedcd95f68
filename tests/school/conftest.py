"""One demo school for all tests that only read it."""

import pytest

from reportapp import create_app
from reportapp.extensions import db
from reportapp.school.demo import load_demo
from tests.school.reading import NOW


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """An application with the demo school of 120 students, loaded once for all tests."""
    folder = tmp_path_factory.mktemp("demo")
    app = create_app(
        {
            "INSTANCE_PATH": str(folder / "instance"),
            "DATABASE_URL": f"sqlite:///{folder}/demo.db",
            "SECRET_KEY": "only for tests",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_USE_TLS": "false",
            "MAIL_DEFAULT_SENDER": "Reports <reports@lindenhof.example>",
            "BASE_URL": "https://reports.lindenhof.example",
            "TESTING": True,
        }
    )
    with app.app_context():
        db.create_all()
        app.summary = load_demo(NOW)
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def demo(loaded):
    """Inside the context of `loaded`; for tests that only read."""
    with loaded.app_context():
        yield loaded.summary
        db.session.remove()
