"""The pages for importing the school's data."""

import json
import threading
from io import BytesIO

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from reportapp import clock
from reportapp.constants import ImportKind
from reportapp.extensions import db, transaction
from reportapp.models import User
from reportapp.school import import_files
from reportapp.school.import_runs import receive
from tests.school.bundles import small, zipped
from tests.web.visitor import fields_of, path_of, words_of


@pytest.fixture
def ada(logged_in):
    return logged_in("ada")


def send(visitor, content, name="school.zip"):
    data = {"csrf_token": visitor.token(), "file": FileStorage(BytesIO(content), name)}
    boundary, body = encode_multipart(data)
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.open("POST", "/imports/", data=body, content_type=kind)


def wait():
    for thread in threading.enumerate():
        if thread.name.startswith("import-"):
            thread.join(30)


def looked_at(visitor, files):
    """The path and the page of a bundle's look."""
    answer = send(visitor, zipped(files))
    assert answer.status_code == 302, words_of(answer.text)
    wait()
    return path_of(answer), visitor.get(path_of(answer)).text


def save(visitor, path, page, **ticks):
    answer = visitor.post(f"{path}save", {"seen": fields_of(page)["seen"], **ticks})
    wait()
    return answer


def test_choose_look_save(ada):
    assert "OneRoster CSV" in words_of(ada.get("/imports/").text)
    path, page = looked_at(ada, small())
    assert "Nothing is saved yet" in words_of(page)
    assert "People: 4 added" in words_of(page)
    assert "Theo Teach (teacher)" in words_of(page)
    assert db.session.scalar(select(User).where(User.sourced_id == "u1")) is None
    assert save(ada, path, page).status_code == 302
    assert "This is what school.zip has changed" in words_of(ada.get(path).text)
    assert db.session.scalar(select(User).where(User.sourced_id == "u1")) is not None
    assert "16 added, 0 changed, 0 deactivated" in words_of(ada.get("/imports/").text)
    _, page = looked_at(ada, small())
    assert "there is nothing to save" in words_of(page)


def test_rows_with_errors_are_shown_and_left_out_only_when_ticked(ada):
    files = small()
    files["results"] = files["results"].replace("15.5", "=1+1")
    path, page = looked_at(ada, files)
    assert "results.csv, line 2, score" in words_of(page)
    assert "“=1+1”" in words_of(page)
    assert "A number such as 12.5." in words_of(page)
    table = ada.get(f"{path}errors.csv")
    assert table.mimetype == "text/csv"
    assert "'=1+1" in table.text
    answer = save(ada, path, page)
    assert answer.status_code == 422
    assert "without those that have errors" in words_of(answer.text)
    save(ada, path, page, allow_rejected="1")
    assert "Saved" in words_of(ada.get(path).text)


def test_a_great_loss_is_asked_for(ada):
    files = small()
    files["users"] += "".join(f"w{n},true,o1,student,x,W{n},Ww,,,\n" for n in range(20))
    path, page = looked_at(ada, files)
    save(ada, path, page)
    path, page = looked_at(ada, small())
    assert "W0 Ww (student)" in words_of(page)
    assert "Is this the whole school?" in words_of(page)
    assert save(ada, path, page).status_code == 422
    save(ada, path, page, allow_deactivation="1")
    assert "People: 20 deactivated" in words_of(ada.get(path).text)


def test_a_picture_is_refused_in_words_and_can_be_replaced(ada):
    answer = send(ada, b"\x89PNG\r\n\x1a\n\x00", "users.csv")
    wait()
    page = words_of(ada.get(path_of(answer)).text)
    assert "Nothing was written" in page
    assert "not a zip file" in page
    assert ada.post(f"{path_of(answer)}again").status_code == 302
    wait()
    assert send(ada, b"").status_code == 422


def test_an_upload_beyond_the_usual_limit_is_taken_and_a_larger_one_is_not(ada, monkeypatch):
    path = path_of(send(ada, b"x" * 1_500_000))
    wait()
    assert "not a zip file" in words_of(ada.get(path).text)
    monkeypatch.setattr(import_files, "MOST_UPLOAD", 1_000_000)
    answer = send(ada, b"x" * 1_500_000)
    assert answer.status_code == 422
    assert "larger than 1 MB" in words_of(answer.text)


def test_an_upload_that_nobody_began_to_read_can_be_looked_at(ada, cast):
    """The process was killed between the two."""
    run = receive(cast.ada, ImportKind.ONEROSTER, "a.zip", BytesIO(zipped(small())), clock.now())
    assert "Broken off; nothing was written" in words_of(ada.get("/imports/").text)
    assert "broken off by a restart" in words_of(ada.get(f"/imports/{run.id}/").text)
    ada.post(f"/imports/{run.id}/again")
    wait()
    assert "Nothing is saved yet" in words_of(ada.get(f"/imports/{run.id}/").text)


def test_cancelling_forgets_the_file(ada):
    path, _ = looked_at(ada, small())
    answer = ada.post(f"{path}cancel", follow_redirects=True)
    assert "Nothing was imported" in words_of(answer.text)
    assert ada.get(path).status_code == 404


def test_somebody_elses_import_is_not_there(ada, logged_in):
    path, _ = looked_at(ada, small())
    olga = logged_in("olga")
    for method, place in (
        ("get", path), ("get", f"{path}errors.csv"), ("post", f"{path}save"),
        ("post", f"{path}cancel"), ("post", f"{path}again"),
    ):  # fmt: skip
        assert getattr(olga, method)(place).status_code == 404
    for name in ("tom", "uma", "pia", "ana"):
        assert logged_in(name).get(path).status_code == 403
    assert logged_in("tom").post("/imports/").status_code == 403


def test_a_demo_school_warns(ada, cast):
    assert "demo school" not in words_of(ada.get("/imports/").text)
    with transaction():
        cast.school.is_demo = True
    assert "real people do not belong here" in words_of(ada.get("/imports/").text)


def test_the_command_says_what_it_did(app, cast, tmp_path):
    path = tmp_path / "school.zip"
    path.write_bytes(zipped(small()))

    def run(*options):
        return app.test_cli_runner().invoke(
            args=["import", "oneroster", str(path), "--json", *options]
        )

    answer = run()
    assert answer.exit_code == 1
    assert "several" in answer.output
    school = ("--school", "Lindenhof School")
    told = json.loads(run(*school, "--dry-run").stdout.splitlines()[-1])
    assert (told["added"], told["dry_run"]) == (16, True)
    assert json.loads(run(*school).stdout.splitlines()[-1])["added"] == 16
    assert json.loads(run(*school).stdout.splitlines()[-1])["added"] == 0
    path.write_bytes(b"no")
    answer = run(*school)
    assert answer.exit_code == 1
    assert "not a zip file" in answer.output
