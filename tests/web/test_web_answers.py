"""Headers, error pages, health."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from reportapp.extensions import db
from reportapp.models import SchedulerLease
from reportapp.web import health
from tests.cast import NOW

ROOT = Path(__file__).parents[2]


def test_every_answer_carries_the_strict_headers(app, cast, visitor, logged_in):
    for answer in (
        visitor.get("/login"),
        visitor.get("/nowhere"),
        logged_in("tom").get("/schedules/"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [path for path in (ROOT / "templates").rglob("*.html") if path.parts[-2] not in ("mail",)],
    ids=lambda path: path.name,
)
def test_no_template_needs_inline_scripts_or_styles(path):
    text = path.read_text()
    if "templates/mail" in str(path) or "templates/report" in str(path):
        return
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)|javascript:", text)


def test_files_are_served_and_kept(visitor):
    for path in (
        "/static/css/app.css",
        "/static/js/theme.js",
        "/static/vendor/bootstrap/bootstrap.min.css",
    ):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_vendored_files_are_what_they_were():
    import hashlib

    folder = ROOT / "static/vendor"
    lines = (folder / "CHECKSUMS").read_text().splitlines()
    listed = dict(reversed(line.split()) for line in lines if not line.startswith("#"))
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "CHECKSUMS"
    }
    assert files == listed


def test_the_character_nul_is_refused_everywhere(cast, visitor, logged_in):
    tom = logged_in("tom")
    assert visitor.get("/u/a%00b").status_code == 400
    assert visitor.get("/login?next=%00").status_code == 400
    assert visitor.post("/login", {"email": "a\0b", "password": "x"}).status_code == 400
    assert tom.get("/schedules/?page=%00").status_code == 400
    assert tom.get("/schedules/next-runs?time=%00").status_code == 400
    assert tom.post("/schedules/new", {"name": "a\0"}).status_code == 400
    assert tom.post("/schedules/new", {"na\0me": "a"}).status_code == 400


def test_too_much_is_refused_in_plain_words(logged_in):
    answer = logged_in("tom").post("/schedules/new", {"name": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "more than this page accepts" in answer.text


def test_a_wrong_method_is_told_in_plain_words(logged_in):
    answer = logged_in("tom").get("/logout")
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert "Not this way" in answer.text


class TestWhenSomethingBreaks:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "http://localhost", "TESTING": False}

    def test_the_page_says_sorry_and_nothing_else(self, app, logged_in, monkeypatch):
        visitor = logged_in("tom")

        def broken(*args, **kwargs):
            raise OperationalError("SELECT secret", {}, Exception("password=hunter2"))

        monkeypatch.setattr("reportapp.web.schedules.list_schedules", broken)
        answer = visitor.get("/schedules/")
        assert answer.status_code == 500
        assert "This is our mistake, not yours." in answer.text
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
        # Not even who is logged in is asked for: that may be what is broken.
        assert "Tom" not in answer.text


class TestHealth:
    def test_the_process_lives(self, visitor):
        assert visitor.get("/healthz").json == {"status": "ok"}

    def test_it_is_ready_only_with_a_scheduler(self, app, visitor):
        answer = visitor.get("/readyz")
        assert (answer.status_code, answer.json) == (503, {"database": True, "scheduler": False})
        lease = SchedulerLease(
            name="scheduler", holder="x", heartbeat_at=NOW, expires_at=NOW + timedelta(minutes=1)
        )
        db.session.add(lease)
        db.session.commit()
        answer = visitor.get("/readyz")
        assert (answer.status_code, answer.json) == (200, {"database": True, "scheduler": True})

    def test_it_is_not_ready_without_its_database(self, visitor, monkeypatch):
        def broken(now):
            raise OperationalError("SELECT 1", {}, Exception("gone"))

        monkeypatch.setattr(health, "scheduler_runs", broken)
        answer = visitor.get("/readyz")
        assert (answer.status_code, answer.json) == (503, {"database": False, "scheduler": False})
