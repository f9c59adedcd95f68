"""A database without an application, for what only reads."""

from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

import reportapp.models  # noqa: F401 - all tables
from reportapp.extensions import Base


@contextmanager
def memory_session():
    """A session on an empty database in memory."""
    engine = create_engine("sqlite://")
    try:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


@pytest.fixture
def session():
    with memory_session() as session:
        yield session
