"""Small transactions past SQLAlchemy, on both databases: whole or not at all, whatever fails."""

from contextlib import closing

import psycopg
import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from reportapp.delivery.statements import Prepared, Step, Writer
from reportapp.extensions import db
from reportapp.models import AddressTrouble
from tests.cast import NOW

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def database():
    return "sqlite"


@pytest.fixture
def database_url(request, database, database_url):
    return database_url if database == "sqlite" else request.getfixturevalue(database)


def trouble_with(address) -> Step:
    """The same address cannot be written twice."""
    statement = insert(AddressTrouble).values(
        address=bindparam("refused"), failures=1, reply="550 no", failed_at=NOW
    )
    return Prepared(statement, db.engine.dialect), {"refused": address}


def written():
    with db.engine.connect() as fresh:
        return sorted(fresh.scalars(select(AddressTrouble.address)))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_is_told_in_one_go_is_written_as_a_whole_or_not_at_all(app):
    a, b, c = map(trouble_with, "abc")
    with closing(Writer(db.engine)) as writer:
        assert writer.write([a]) == [1]
        with pytest.raises(IntegrityError):
            writer.write([b, a, c])
        assert written() == ["a"]
        # What was wrong with it is not told of what comes next.
        assert writer.write([c, b]) == [1, 1]
        assert written() == ["a", "b", "c"]


@pytest.mark.parametrize("database", ["postgresql"])
def test_after_the_database_has_hung_up_the_next_words_go_over_a_new_connection(app):
    a, b = map(trouble_with, "ab")
    server = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(Writer(db.engine)) as writer:
        assert writer.write([a]) == [1]
        with psycopg.connect(server) as other:
            # Waits until it is gone.
            other.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(OperationalError):
            writer.write([b])
        assert writer.write([b]) == [1]
    db.engine.dispose()
    assert written() == ["a", "b"]
