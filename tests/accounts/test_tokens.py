"""API tokens: whose one is, for how long, and that reading with it hardly writes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from reportapp.accounts.people import switch_person
from reportapp.accounts.tokens import (
    MOST_TOKENS,
    authenticate,
    create_token,
    end_of_day,
    list_tokens,
    revoke_token,
)
from reportapp.errors import Conflict, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ApiToken
from reportapp.tokens import new_api_token, token_hash
from tests.cast import NOW

MINUTE = timedelta(minutes=1)


def owner(token, now=NOW):
    person = authenticate(token, now)
    db.session.rollback()
    return person


def last_use(person):
    db.session.rollback()
    moments = [row.last_used_at for row in list_tokens(person)]
    db.session.rollback()
    return moments


def test_a_token_is_its_makers_and_only_its_hash_is_kept(cast):
    token = create_token(cast.tom, " sync ", NOW)
    other = create_token(cast.pia, "sync", NOW)
    (row,) = list_tokens(cast.tom)
    assert (row.name, row.token_hash, row.expires_at) == ("sync", token_hash(token), None)
    assert (owner(token), owner(other)) == (cast.tom, cast.pia)


@pytest.mark.parametrize(
    "text", ["", " ", "x", "x" * 43, "x" * 100_000, "\udcff" * 43, "ü" * 43, "a b", "\x00" * 43]
)
def test_text_of_another_form_is_nobodys_token(cast, text):
    create_token(cast.tom, "sync", NOW)
    assert owner(text) is None


def test_neither_a_tokens_hash_nor_a_part_of_it_is_a_token(cast):
    token = create_token(cast.tom, "sync", NOW)
    for text in (token_hash(token), token_hash(token)[:43], token[:-1], token + " ", token.lower()):
        assert owner(text) is None
    assert owner(new_api_token()) is None


def test_a_token_works_on_its_last_day_and_not_a_moment_longer(cast):
    end = end_of_day(cast.tom, "24.11.2026")
    assert end == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # midnight in Berlin
    token = create_token(cast.tom, "sync", NOW, end)
    assert owner(token, end - timedelta(seconds=1)) == cast.tom
    assert owner(token, end) is None


@pytest.mark.parametrize("typed", ["23.11.2026", "2026-11-23"])
def test_today_is_a_possible_last_day(cast, typed):
    assert owner(create_token(cast.tom, "sync", NOW, end_of_day(cast.tom, typed))) == cast.tom


def test_no_day_means_no_end(cast):
    assert end_of_day(cast.tom, " ") is None


@pytest.mark.parametrize(
    "typed", ["yesterday", "2026-02-30", "9999-12-31", "1999-01-01", "x" * 999]
)
def test_what_is_no_day_is_an_error_at_its_field(cast, typed):
    with pytest.raises(InvalidInput) as caught:
        end_of_day(cast.tom, typed)
    assert list(caught.value.fields) == ["expires_at"]


def test_all_wrong_fields_are_named_at_once(cast):
    with pytest.raises(InvalidInput) as caught:
        create_token(cast.tom, " ", NOW, NOW)
    assert list(caught.value.fields) == ["name", "expires_at"]
    assert list_tokens(cast.tom) == []


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00b", "\udcff"])
def test_an_impossible_name_is_refused(cast, name):
    with pytest.raises(InvalidInput):
        create_token(cast.tom, name, NOW)


def test_a_revoked_token_stops_at_once_and_others_go_on(cast):
    first, second = (create_token(cast.tom, name, NOW) for name in ("first", "second"))
    newest, oldest = list_tokens(cast.tom)
    assert revoke_token(cast.tom, oldest.id) == "first"
    assert (owner(first), owner(second)) == (None, cast.tom)
    assert list_tokens(cast.tom) == [newest]


def test_somebody_elses_token_cannot_be_revoked_not_even_by_an_admin(cast):
    token = create_token(cast.tom, "sync", NOW)
    (row,) = list_tokens(cast.tom)
    for person in (cast.ada, cast.tea, cast.pia, cast.olga):
        with pytest.raises(NotFound):
            revoke_token(person, row.id)
    with pytest.raises(NotFound):
        revoke_token(cast.tom, row.id + 1)
    assert owner(token) == cast.tom


def test_the_tokens_of_somebody_who_is_switched_off_stop_at_once(cast):
    token = create_token(cast.tom, "sync", NOW)
    switch_person(cast.ada, cast.tom.id, False)
    assert owner(token) is None
    switch_person(cast.ada, cast.tom.id, True)
    assert owner(token) == cast.tom


def test_nobody_piles_up_tokens_without_end(cast):
    with transaction() as session:
        for number in range(MOST_TOKENS):
            session.add(
                ApiToken(user_id=cast.tom.id, name="x", token_hash=f"{number:064}", created_at=NOW)
            )
    with pytest.raises(Conflict, match="Revoke one"):
        create_token(cast.tom, "one more", NOW)
    create_token(cast.tea, "of somebody else", NOW)


def test_the_last_use_is_noted_once_a_minute(cast):
    token = create_token(cast.tom, "sync", NOW)
    statements = []
    assert last_use(cast.tom) == [None]

    @event.listens_for(db.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement.split()[0])

    for seconds in (0, 1, 30, 59.9):
        assert owner(token, NOW + timedelta(seconds=seconds)) == cast.tom
    assert statements.count("UPDATE") == 1
    event.remove(db.engine, "before_cursor_execute", note)
    assert last_use(cast.tom) == [NOW]
    owner(token, NOW + MINUTE)
    assert last_use(cast.tom) == [NOW + MINUTE]


def test_a_database_that_somebody_else_is_writing_to_does_not_hold_up_reading(cast):
    token = create_token(cast.tom, "sync", NOW)
    (row,) = list_tokens(cast.tom)
    db.session.rollback()
    with db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as other:
        other.execute(db.update(ApiToken).where(ApiToken.id == row.id).values(name="held"))
        assert owner(token) == cast.tom
        other.rollback()
    assert last_use(cast.tom) == [None]
    owner(token)
    assert last_use(cast.tom) == [NOW]


def test_after_a_hurried_note_writes_wait_for_others_again(cast):
    owner(create_token(cast.tom, "sync", NOW))
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    else:
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"


def test_a_database_for_reading_only_lets_tokens_in(cast):
    token = create_token(cast.tom, "sync", NOW)
    db.session.rollback()
    db.engine.dispose()
    sqlite = db.engine.dialect.name == "sqlite"
    setting = "PRAGMA query_only = ON" if sqlite else "SET default_transaction_read_only = on"

    def on_connect(connection, _record):
        connection.execute(setting)
        if not sqlite:
            connection.commit()

    event.listen(db.engine, "connect", on_connect)
    try:
        assert owner(token) == cast.tom
        assert last_use(cast.tom) == [None]
    finally:
        event.remove(db.engine, "connect", on_connect)
        db.engine.dispose()
