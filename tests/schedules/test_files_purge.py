"""How long the files that were sent are kept."""

import os
from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp import artefacts, clock
from reportapp.artefacts import artefact_path, keep_artefact, remove_artefacts
from reportapp.delivery import deliver
from reportapp.extensions import db
from reportapp.models import ReportDelivery, ReportFile
from reportapp.schedules import files_purge
from reportapp.schedules.files import artefacts_root
from reportapp.schedules.files_purge import purge
from reportapp.schedules.runs import run_now
from tests.cast import NOW, create_order

DAY = timedelta(days=1)


def send(order, when):
    run_now(order.created_by, order.id, when, message_domain="x.example")
    deliver(clock.fixed(when), wall=clock.fixed(when))
    for path in on_disk():
        os.utime(path, (when.timestamp(), when.timestamp()))


def on_disk():
    return [path for path in artefacts_root().rglob("*") if path.is_file()]


def known():
    return db.session.scalars(select(ReportFile)).all()


def test_a_file_goes_after_its_days_and_the_ledger_keeps_its_digest(cast, smtp):
    send(create_order(cast.tom, cast.pia, cast.pol), NOW)
    digests = {path.name for path in on_disk()}
    assert purge(NOW + timedelta(days=90)) == 0
    assert {path.name for path in on_disk()} == digests
    assert purge(NOW + timedelta(days=90, seconds=1)) == len(digests)
    assert (on_disk(), known()) == ([], [])
    rows = db.session.scalars(select(ReportDelivery)).all()
    assert {row.artefact for row in rows} == digests
    assert {row.report_file_id for row in rows} == {None}
    assert purge(NOW + timedelta(days=91)) == 0


def test_a_file_that_another_row_needs_stays(cast, smtp):
    send(create_order(cast.tom, cast.pia), NOW)
    (first,) = known()
    values = {
        column.name: getattr(first, column.name)
        for column in ReportFile.__table__.columns
        if column.name not in ("id", "scope_digest", "last_used_at")
    }
    db.session.add(ReportFile(**values, scope_digest="0" * 64, last_used_at=NOW + 5 * DAY))
    db.session.commit()
    assert purge(NOW + 91 * DAY) == 0
    assert [row.scope_digest for row in known()] == ["0" * 64]
    assert len(on_disk()) == 1
    assert purge(NOW + 96 * DAY) == 1


def test_being_sent_again_begins_its_days_anew(cast, smtp):
    order = create_order(cast.tom, cast.pia)
    send(order, NOW)
    send(order, NOW + timedelta(hours=3))
    purge(NOW + timedelta(days=90, hours=2))
    assert len(on_disk()) == len(known()) == 1
    purge(NOW + timedelta(days=90, hours=4))
    assert (on_disk(), known()) == ([], [])


def test_many_go_in_several_transactions(cast, smtp, monkeypatch):
    monkeypatch.setattr(files_purge, "_ROWS", 2)
    send(create_order(cast.ada, cast.pia, cast.pol, cast.tom, cast.tea, cast.ada), NOW)
    number = len(known())
    assert number > 2
    purge(NOW + 91 * DAY)
    assert (on_disk(), known()) == ([], [])


@pytest.fixture
def folder(app):
    return artefacts_root()


def age(path, days=2.0):
    when = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (when, when))


def test_what_no_mail_knows_goes_after_a_day_and_so_does_what_is_half_written(folder):
    old, young = (artefact_path(folder, keep_artefact(folder, data)) for data in (b"old", b"new"))
    half = old.with_name(f"{old.name}.1234")
    fresh = young.with_name(f"{young.name}.5678")
    half.write_bytes(b"o")
    fresh.write_bytes(b"n")
    for path, days in ((old, 1.1), (half, 1.1), (young, 0.9), (fresh, 0.9)):
        age(path, days)
    assert purge(NOW) == 2
    assert sorted(on_disk()) == sorted([young, fresh])


def test_a_file_that_is_made_again_while_it_is_looked_at_stays(folder):
    path = artefact_path(folder, keep_artefact(folder, b"data"))
    age(path)

    def needed(digests):
        keep_artefact(folder, b"data")  # another process makes the same file
        return set()

    assert remove_artefacts(folder, NOW - DAY, needed) == 0
    assert on_disk() == [path]
    assert path.read_bytes() == b"data"


def test_a_file_that_is_made_again_just_as_it_goes_is_there_afterwards(folder, monkeypatch):
    path = artefact_path(folder, keep_artefact(folder, b"data"))
    age(path)
    real = artefacts._is_older

    def is_older(asked, old):
        if asked != path:  # it is put aside already
            keep_artefact(folder, b"data")
        return real(asked, old)

    monkeypatch.setattr(artefacts, "_is_older", is_older)
    assert remove_artefacts(folder, NOW - DAY, lambda digests: set()) == 1
    assert on_disk() == [path]


def test_a_file_that_a_power_cut_left_short_is_written_anew(folder):
    path = artefact_path(folder, keep_artefact(folder, b"data"))
    path.write_bytes(b"da")
    keep_artefact(folder, b"data")
    assert path.read_bytes() == b"data"


def test_without_any_file_there_is_nothing_to_do(app):
    assert purge(NOW) == 0
