"""`flask import attendance` and `flask import marks`."""

import json

import pytest

from reportapp.constants import ImportKind
from reportapp.extensions import db, transaction
from reportapp.models import AttendanceRecord, ImportRun
from reportapp.school.calendar import add_term
from reportapp.school.records_mapping import check_mapping
from reportapp.school.records_mappings import save_mapping
from tests.cast import NOW
from tests.school.records import file_of, name_cast, stored, stored_marks

HEADER = "student_id,date,class,period,code"


@pytest.fixture
def ada(cast):
    name_cast(cast)
    with transaction() as session:
        session.query(AttendanceRecord).delete()
    return cast.ada


@pytest.fixture
def run(app, ada):
    """Runs a command in the first school."""
    runner = app.test_cli_runner()

    def invoke(kind, path, *args):
        return runner.invoke(args=["import", kind, str(path), "--school", "1", *args])

    return invoke


def figures(answer):
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture
def write(tmp_path):
    return lambda *lines: file_of(tmp_path, *lines)


def test_a_file_without_doubts_is_imported_and_listed(run, write):
    path = write(HEADER, "ana-1,2026-11-16,maths,1,P", "ben-1,2026-11-16,maths,1,A")
    looked = figures(run("attendance", path, "--dry-run", "--json"))
    assert (looked["saved"], looked["added"], stored()) == (False, 2, [])
    saved = figures(run("attendance", path, "--json"))
    assert (saved["saved"], saved["added"], saved["errors"]) == (True, 2, 0)
    assert len(stored()) == 2
    assert figures(run("attendance", path, "--json"))["unchanged"] == 2
    assert [one.status for one in db.session.query(ImportRun)] == ["done", "done"]


def test_doubts_are_listed_and_can_be_answered_by_hand(run, write):
    path = write(HEADER, "ana-1,1/9/2026,maths,1,A")
    answer = run("attendance", path)
    assert answer.exit_code == 1
    assert "How the days are written: Choose" in answer.stderr
    assert "Students without a row: Choose" in answer.stderr
    options = ("--dates", "day_first", "--others", "present", "--to", "2026-09-02", "--json")
    assert figures(run("attendance", path, *options))["presumed_present"] == 3
    assert ("ana-1", "maths", "2026-09-01", 1, "absent") in stored()


def test_a_mapping_is_used_by_its_name(run, write, ada):
    data = {
        "student": "Who",
        "day": "When",
        "code": "What",
        "others": "unknown",
        "codes": {"Z": "late"},
        "date_order": "month_first",
    }
    columns = ["Who", "When", "What"]
    mapping = check_mapping(ImportKind.ATTENDANCE, data, columns)
    save_mapping(ada, "Weekly", mapping, columns, NOW)
    path = write("What;Who;When", "Z;ana-1;11/10/2026")
    figures(run("attendance", path, "--mapping", "Weekly", "--json"))
    assert stored() == [("ana-1", None, "2026-11-10", 0, "late")]
    answer = run("attendance", path, "--mapping", "Daily")
    assert answer.exit_code == 1
    assert "there are: “Weekly”" in answer.stderr
    other = write("What;Who;Day", "Z;ana-1;11/10/2026")
    assert "has no column “When”" in run("attendance", other, "--mapping", "Weekly").stderr


def test_errors_tell_their_place_and_stop_everything_unless_told_otherwise(run, write):
    path = write(HEADER, "ana-1,2026-11-16,maths,1,P", "nobody,2026-11-16,maths,1,P")
    answer = run("attendance", path)
    assert answer.exit_code == 1
    assert "records.csv, line 3, student_id: “nobody”: No student of this school" in answer.stderr
    assert "--skip-errors" in answer.stderr
    assert stored() == []
    saved = figures(run("attendance", path, "--skip-errors", "--json"))
    assert (saved["saved"], saved["added"], saved["rejected"]) == (True, 1, 1)


def test_marks(run, write, ada):
    term = {"title": "Autumn", "first_day": "2026-08-01", "last_day": "2026-12-18"}
    add_term(ada, term, NOW)
    path = write("student_id,class,term,mark", "ana-1,maths,Autumn,92")
    assert figures(run("marks", path, "--highest", "120", "--json"))["added"] == 1
    assert stored_marks()[0][4:6] == (120, 92)
    path = write("student_id,class,points", "ana-1,maths,9")
    assert run("marks", path).exit_code == 1
    assert figures(run("marks", path, "--due", "2026-11-20", "--json"))["added"] == 1
    assert "Which column" not in run("marks", write("a,b", "1,2")).stderr
    assert "Student: Choose the column." in run("marks", write("a,b", "1,2")).stderr


def test_what_is_no_table_is_refused_in_words(run, write, tmp_path):
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\0")
    for kind in ("attendance", "marks"):
        answer = run(kind, picture)
        assert answer.exit_code == 1
        assert "no text in UTF-8" in answer.stderr
    assert run("attendance", tmp_path / "none.csv").exit_code == 2
