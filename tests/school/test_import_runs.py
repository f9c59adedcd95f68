"""The life of an uploaded file: received, looked at in the background, saved once, forgotten."""

import csv
import json
import threading
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from reportapp import clock
from reportapp.constants import ImportKind, ImportStatus
from reportapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ImportRun, School
from reportapp.school import import_files, import_runs
from reportapp.school.import_files import Folder
from reportapp.school.import_runs import (
    cancel,
    first_problems,
    get_run,
    list_runs,
    problems_path,
    purge,
    receive,
    upload_path,
)
from reportapp.school.import_work import Outcome, start_check, start_save
from tests.cast import NOW

at = clock.fixed(NOW)


def bring(actor, content=b"a,b\n1,2\n", name="school.csv", now=NOW):
    return receive(actor, ImportKind.ATTENDANCE, name, BytesIO(content), now)


def wait(actor, run_id):
    """The run once nobody works on it any more."""
    for thread in threading.enumerate():
        if thread.name == f"import-{run_id}":
            thread.join(20)
    db.session.rollback()
    return get_run(actor, run_id, NOW)


def look(task):
    task.progress.total = 3
    task.progress.advance(3)
    task.problems.add("a.csv", 2, "score", "=1+1", "A number.")
    return Outcome({"added": task.path.read_bytes().decode()}, "plan-1")


def rename_school(task):
    if task.seen != "plan-1":
        raise Conflict("Something else.")
    with transaction() as session:
        session.get_one(School, task.actor.school_id).name = "Renamed"
    return Outcome({"added": 1}, "plan-1")


def checked(actor):
    run = bring(actor)
    start_check(actor, run.id, look, at)
    return wait(actor, run.id)


def test_a_file_is_looked_at_then_saved_and_then_forgotten(cast):
    found = checked(cast.ada)
    run_id = found.run.id
    assert found.run.status is ImportStatus.CHECKED
    assert found.summary["added"] == "a,b\n1,2\n"
    assert (found.run.error_count, found.percent) == (1, 100)
    start_save(cast.ada, run_id, rename_school, at, seen=found.fingerprint)
    found = wait(cast.ada, run_id)
    assert found.run.status is ImportStatus.DONE
    assert cast.ada.school.name == "Renamed"
    assert not upload_path(cast.ada, run_id, NOW).exists()


def test_what_was_shown_is_what_is_saved(cast):
    found = checked(cast.ada)
    for wrong in ("", "plan-2"):
        with pytest.raises(Conflict, match="last looked at"):
            start_save(cast.ada, found.run.id, rename_school, at, seen=wrong)
    assert wait(cast.ada, found.run.id).run.status is ImportStatus.CHECKED


def test_what_is_saved_cannot_be_saved_or_cancelled_again(cast):
    found = checked(cast.ada)
    start_save(cast.ada, found.run.id, rename_school, at, seen="plan-1")
    wait(cast.ada, found.run.id)
    with pytest.raises(Conflict):
        start_save(cast.ada, found.run.id, rename_school, at, seen="plan-1")
    with pytest.raises(Conflict):
        start_check(cast.ada, found.run.id, look, at)
    with pytest.raises(Conflict):
        cancel(cast.ada, found.run.id, NOW)


def test_while_somebody_works_on_it_nobody_else_does_and_progress_shows(cast, monkeypatch):
    """Even though the work holds SQLite's write lock all the time."""
    monkeypatch.setattr(import_files, "BEAT", 0.02)
    begun, end = threading.Event(), threading.Event()

    def slow(task):
        with transaction():
            task.progress.total = 200
            task.progress.advance(50)
            begun.set()
            assert end.wait(20)
        return Outcome({}, "plan-1")

    run = bring(cast.ada)
    start_check(cast.ada, run.id, slow, at)
    assert begun.wait(20)
    deadline = time.monotonic() + 10
    while get_run(cast.ada, run.id, NOW).percent != 25 and time.monotonic() < deadline:
        time.sleep(0.02)
    db.session.rollback()
    found = get_run(cast.ada, run.id, NOW)
    assert (found.percent, found.is_running) == (25, True)
    with pytest.raises(Conflict):
        start_check(cast.ada, run.id, look, at)
    with pytest.raises(Conflict):
        cancel(cast.ada, run.id, NOW)
    end.set()
    assert wait(cast.ada, run.id).run.status is ImportStatus.CHECKED


@pytest.mark.parametrize("phase", [ImportStatus.CHECKING, ImportStatus.SAVING])
def test_whose_worker_has_died_looks_broken_off_and_can_be_tried_again(cast, phase):
    run = bring(cast.ada)
    with transaction():
        run.status = phase
    later = NOW + import_runs.DEAD_AFTER + timedelta(seconds=1)
    assert get_run(cast.ada, run.id, NOW).is_running
    found = get_run(cast.ada, run.id, later)
    assert (found.is_broken, found.is_running, found.can_be_tried) == (True, False, True)
    start_check(cast.ada, run.id, look, clock.fixed(later))
    assert wait(cast.ada, run.id).run.status is ImportStatus.CHECKED


def test_a_sign_of_life_keeps_a_long_run_from_looking_dead(cast):
    run = bring(cast.ada)
    with transaction():
        run.status = ImportStatus.SAVING
    later = NOW + timedelta(minutes=9)
    folder = Folder(import_runs.imports_root(), run.stored_as)
    folder.note(import_files.Progress(7, 10), later)
    found = get_run(cast.ada, run.id, later)
    assert (found.is_broken, found.percent) == (False, 70)


def test_who_cannot_say_how_far_it_is_for_a_moment_says_so_again_later(tmp_path, monkeypatch):
    monkeypatch.setattr(import_files, "BEAT", 0.02)
    folder = Folder(tmp_path)
    with folder.beating(import_files.Progress(7, 10), at):
        time.sleep(0.05)
        folder.path.mkdir()
        deadline = time.monotonic() + 10
        while folder.beat() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert folder.beat() is not None


def test_a_refusal_is_told_in_its_words_and_a_mistake_of_ours_as_such(cast, caplog):
    def refuse(task):
        raise InvalidInput({"file": ["This is a picture."]})

    def fail(task):
        raise RuntimeError("secret detail")

    run = bring(cast.ada)
    start_check(cast.ada, run.id, refuse, at)
    found = wait(cast.ada, run.id)
    assert found.run.status is ImportStatus.FAILED
    assert found.run.message == "This is a picture."
    start_check(cast.ada, run.id, fail, at)
    found = wait(cast.ada, run.id)
    assert "our mistake" in found.run.message
    assert "secret" not in found.run.message
    assert "secret detail" in caplog.text


def test_rejected_rows_are_listed_and_no_spreadsheet_runs_them(cast):
    found = checked(cast.ada)
    (problem,) = first_problems(cast.ada, found.run.id, NOW)
    assert (problem.file, problem.line, problem.column) == ("a.csv", 2, "score")
    with problems_path(cast.ada, found.run.id, NOW).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["a.csv", "2", "score", "'=1+1", "A number."]


def test_a_half_written_list_of_rejected_rows_is_not_read(cast):
    """It grows by blocks, so while somebody is at work its last row may be half a row."""
    run = bring(cast.ada)
    Folder(import_runs.imports_root(), run.stored_as).problems.write_text(
        "file,line,column,value,what would be right\r\na.csv,2,sco", encoding="utf-8-sig"
    )
    with transaction():
        run.status = ImportStatus.CHECKING
    for now in (NOW, NOW + timedelta(hours=1)):
        assert first_problems(cast.ada, run.id, now) == []
        assert problems_path(cast.ada, run.id, now) is None


def test_who_was_taken_for_dead_saves_nothing_once_somebody_has_begun_anew(cast):
    begun, go_on = threading.Event(), threading.Event()
    name = cast.ada.school.name

    def slow(task):
        with transaction() as session:
            # Before the lock is taken on the other databases, too.
            session.commit()
            begun.set()
            assert go_on.wait(20)
            session.get_one(School, task.actor.school_id).name = "Renamed"
            task.record(session, Outcome({}, "plan-1"))
        return Outcome({}, "plan-1")

    run_id = checked(cast.ada).run.id
    start_save(cast.ada, run_id, slow, at, seen="plan-1")
    assert begun.wait(20)
    (first,) = [one for one in threading.enumerate() if one.name == f"import-{run_id}"]
    later = clock.fixed(NOW + timedelta(minutes=9))
    note = Folder(import_runs.imports_root(), get_run(cast.ada, run_id, NOW).run.stored_as)
    (note.path / "progress.json").unlink()
    start_check(cast.ada, run_id, look, later)
    wait_until = time.monotonic() + 20
    while get_run(cast.ada, run_id, NOW).run.status is not ImportStatus.CHECKED:
        assert time.monotonic() < wait_until
        db.session.rollback()
        time.sleep(0.02)
    go_on.set()
    first.join(20)
    db.session.rollback()
    assert cast.ada.school.name == name
    assert get_run(cast.ada, run_id, NOW).run.status is ImportStatus.CHECKED


def test_only_admins_of_the_school_come_near_it(cast):
    run = bring(cast.ada)
    for other in (cast.tom, cast.uma, cast.pia, cast.ana):
        with pytest.raises(Forbidden):
            bring(other)
        with pytest.raises(Forbidden):
            get_run(other, run.id, NOW)
    for use in (get_run, cancel, upload_path, first_problems, problems_path):
        with pytest.raises(NotFound):
            use(cast.olga, run.id, NOW)
    with pytest.raises(NotFound):
        start_check(cast.olga, run.id, look, at)
    assert list_runs(cast.olga, NOW) == []
    assert [found.run.id for found in list_runs(cast.ada, NOW)] == [run.id]


def test_an_empty_and_a_too_large_file_leave_nothing_behind(cast, monkeypatch):
    monkeypatch.setattr(import_files, "MOST_UPLOAD", 1_000_000)
    with pytest.raises(InvalidInput, match="empty"):
        bring(cast.ada, b"")
    with pytest.raises(InvalidInput, match="larger than 1 MB"):
        bring(cast.ada, b"x" * 1_000_001)
    assert list(import_runs.imports_root().iterdir()) == []
    assert list_runs(cast.ada, NOW) == []
    bring(cast.ada, b"x" * 1_000_000)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ada\\school.zip", "school.zip"),
        ("a\r\nb\x00.csv", "a b.csv"),
        ("x" * 400 + ".csv", "x" * 251 + ".csv"),
        (None, "file"),
    ],
)
def test_the_name_of_a_file_is_only_shown(cast, given, shown):
    run = bring(cast.ada, name=given)
    assert run.filename == shown
    folder = import_runs.imports_root()
    assert [path.name for path in folder.iterdir()] == [run.stored_as]
    assert json.loads(f'"{run.stored_as}"').isalnum()


def test_a_cancelled_and_an_old_upload_are_removed(cast):
    run = bring(cast.ada)
    kept = Path(upload_path(cast.ada, run.id, NOW))
    cancel(cast.ada, run.id, NOW)
    assert not kept.parent.exists()
    run_id = checked(cast.ada).run.id
    tomorrow = clock.now() + timedelta(days=2)
    purge(tomorrow)
    found = get_run(cast.ada, run_id, tomorrow)
    assert (found.run.status, found.run.summary) == (ImportStatus.FAILED, None)
    assert "within a day" in found.run.message
    assert list(import_runs.imports_root().iterdir()) == []
    with pytest.raises(Conflict):
        start_check(cast.ada, run_id, look, at)
    assert db.session.query(ImportRun).count() == 1
