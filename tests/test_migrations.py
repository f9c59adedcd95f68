"""The migrations make exactly the tables of the models, up and down, on both databases."""

import pytest
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from reportapp import create_app
from reportapp.extensions import db


def up_check_down_up(app) -> None:
    with app.app_context():
        upgrade()
        check()
        assert len(inspect(db.engine).get_table_names()) == len(db.metadata.tables) + 1
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        upgrade()
        check()
        db.session.remove()
        db.engine.dispose()


def test_on_sqlite(tmp_path):
    up_check_down_up(create_app({"INSTANCE_PATH": str(tmp_path)}))


@pytest.mark.xdist_group("postgresql")
def test_on_postgresql(tmp_path, postgresql):
    up_check_down_up(create_app({"INSTANCE_PATH": str(tmp_path), "DATABASE_URL": postgresql}))
