"""What is told to the driver itself is one transaction, on both databases, and an error is over
with the transaction that it was in."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from reportapp.constants import DeliveryStatus, Reason
from reportapp.delivery.claims import Claim
from reportapp.delivery.policy import ADDRESS_TRIES, Outcome
from reportapp.delivery.record import Recorder
from reportapp.delivery.statements import Prepared, Writer
from reportapp.extensions import db
from reportapp.models import AddressTrouble

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
def database_url(request):
    return request.getfixturevalue("database_url" if request.param == "sqlite" else request.param)


@pytest.fixture
def writer(app):
    writer = Writer(db.engine)
    yield writer
    writer.close()


@pytest.fixture
def begin(app, writer):
    """Makes a step that writes down an address."""
    values = {name: bindparam(name) for name in ("address", "failures", "reply", "failed_at")}
    statement = Prepared(insert(AddressTrouble).values(values), db.engine.dialect)

    def step(address, reply="no"):
        return statement, {"address": address, "failures": 0, "reply": reply, "failed_at": AT}

    return step


@pytest.fixture
def count(app):
    """Makes a step that counts one more failure of an address."""
    statement = update(AddressTrouble).where(AddressTrouble.address == bindparam("whose"))
    prepared = Prepared(statement.values(failures=AddressTrouble.failures + 1), db.engine.dialect)
    return lambda address: (prepared, {"whose": address})


def failures():
    db.session.rollback()
    query = select(AddressTrouble.address, AddressTrouble.failures)
    return dict(db.session.execute(query.order_by(AddressTrouble.address)).all())


def test_each_step_tells_how_many_rows_it_has_changed(writer, begin, count):
    assert writer.write([begin("a@x.example"), count("a@x.example"), count("b@x.example")]) == [
        1,
        1,
        0,
    ]
    assert failures() == {"a@x.example": 1}


@pytest.mark.parametrize("when", range(8))
def test_after_a_statement_that_failed_the_same_ones_work_again(writer, begin, count, when):
    """However often they came before: some time, drivers begin to prepare them. And nothing of what
    failed is there."""
    a = "a@x.example"
    writer.write([begin(a)])
    for _ in range(when):
        writer.write([count(a)])
    with pytest.raises(SQLAlchemyError, match=r"(?i)unique"):
        writer.write([begin(a), count(a)])
    assert [writer.write([count(a)]) for _ in range(3)] == [[1]] * 3
    assert failures() == {a: when + 3}


def test_what_is_told_in_one_go_is_written_as_a_whole_or_not_at_all(writer, begin):
    a, b, c = (begin(f"{name}@x.example") for name in "abc")
    assert writer.write([a]) == [1]
    with pytest.raises(IntegrityError):
        writer.write([b, a, c])
    assert list(failures()) == ["a@x.example"]
    # What was wrong with it is not told of what comes next.
    assert writer.write([c, b]) == [1, 1]
    assert len(failures()) == 3


def test_after_the_database_has_hung_up_the_next_words_go_over_a_new_connection(writer, begin):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite is no server.")
    server = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    assert writer.write([begin("a@x.example")]) == [1]
    db.session.remove()
    db.engine.dispose()
    with psycopg.connect(server) as other:
        other.execute(  # waits until it is gone
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(OperationalError):
        writer.write([begin("b@x.example")])
    assert writer.write([begin("b@x.example")]) == [1]
    assert len(failures()) == 2


def test_what_the_driver_does_not_take_is_not_written_in_part(writer, begin, count):
    a, unknown = "a@x.example", object()
    writer.write([begin(a)])
    with pytest.raises(SQLAlchemyError):
        writer.write([count(a), begin("b@x.example", reply=unknown), count(a)])
    assert failures() == {a: 0}
    assert writer.write([count(a)]) == [1]


def test_a_refusal_is_written_with_an_instant_like_any_other(app):
    recorder = Recorder(db.engine, "owner", lambda: AT)
    claim = Claim(1, 1, 1, "key@x.example", 0, False, None)
    outcome = Outcome(DeliveryStatus.FAILED, Reason.PERMANENT, "550 no", refused="a@x.example")
    for _ in range(ADDRESS_TRIES):
        recorder.note(claim, outcome)
        recorder.write()
    recorder.close()
    found = select(AddressTrouble.address).where(
        AddressTrouble.failed_at == AT, AddressTrouble.suspended_at == AT
    )
    assert db.session.scalars(found).all() == ["a@x.example"]


def test_a_parameter_without_a_type_is_not_taken(app):
    either = update(AddressTrouble).where(bindparam("what").is_(None))
    with pytest.raises(TypeError, match="what"):
        Prepared(either.values(failures=0), db.engine.dialect)
