"""The `flask` commands: what scripts rely on."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reportapp.accounts.users import authenticate, load_session_user
from reportapp.extensions import db
from reportapp.models import ApiToken, School, User
from reportapp.tokens import token_hash
from tests.cast import NOW, PASSWORD, create_order

DUE = (NOW + timedelta(minutes=30)).isoformat()


@pytest.fixture
def run(app):
    """Runs a command; its JSON object, or the whole result where it has failed."""
    runner = app.test_cli_runner()

    def invoke(*args, **kwargs):
        result = runner.invoke(args=args, **kwargs)
        if result.exit_code:
            return result
        return json.loads(result.stdout.splitlines()[-1])

    return invoke


def test_due_check_and_deliver_say_what_they_did(run, cast, smtp):
    create_order(cast.tom, cast.tom, cast.pia)
    planned = run("reports", "due-check", "--now", DUE, "--json")
    assert planned == {"schedules_due": 1, "executions": 1, "deliveries": 2}
    again = run("reports", "due-check", "--now", DUE, "--json")
    assert again == {"schedules_due": 0, "executions": 0, "deliveries": 0}
    sent = run("reports", "deliver", "--now", DUE, "--json")
    assert {"sent": 2, "failed": 0, "retrying": 0, "skipped": 0}.items() <= sent.items()
    assert len(smtp.arrived) == 2


@pytest.mark.parametrize("bad", ["yesterday", "9999-12-31", "0001-01-01T00:00Z", ""])
def test_an_impossible_instant_is_refused(run, bad):
    result = run("reports", "due-check", "--now", bad)
    assert result.exit_code == 2
    assert "--now" in result.stderr


def test_a_person_is_created_with_a_password_from_standard_input(run):
    made = run(
        *("users", "create", "Ada@School.example", "--role", "admin", "--name", "Ada King Byron"),
        *("--password-stdin", "--json"),
        input="long enough\n",
    )
    assert made["email"] == "ada@school.example"
    user = db.session.get(User, made["id"])
    assert (user.given_name, user.family_name) == ("Ada King", "Byron")
    assert user.school.name == "Our school"
    assert authenticate("ADA@school.example", "long enough") == user
    assert authenticate("ada@school.example", "wrong") is None

    again = run(
        *("users", "create", "ADA@school.example", "--role", "admin", "--name", "A B"),
        "--password-stdin",
        input="long enough\n",
    )
    assert again.exit_code == 1
    assert "already a person" in again.stderr


def test_a_password_is_set_by_command_and_ends_the_log_ins(run, cast):
    session = cast.pia.get_id()
    command = ("users", "password", "PIA@parent.example", "--password-stdin", "--json")
    made = run(*command, input="a new pass phrase\n")
    assert made == {"id": cast.pia.id, "email": "pia@parent.example"}
    assert authenticate("pia@parent.example", "a new pass phrase") == cast.pia
    assert load_session_user(session) is None


@pytest.mark.parametrize(
    ("email", "typed", "words"),
    [
        ("nobody@x.example", "long enough\n", "nobody"),
        # A byte that is no UTF-8, as the system hands it over.
        ("\udcff@x.example", "long enough\n", "nobody with this address"),
        ("pia@parent.example", "short\n", "8 to 200"),
        ("pia@parent.example", "", "8 to 200"),
        ("pia@parent.example", b"\xff\xfe long enough\n", "UTF-8"),
    ],
)
def test_a_password_that_cannot_be_set_is_refused(run, cast, email, typed, words):
    result = run("users", "password", email, "--password-stdin", input=typed)
    assert result.exit_code == 1
    assert words in result.output
    assert authenticate("pia@parent.example", PASSWORD) == cast.pia


@pytest.mark.parametrize(
    ("email", "name", "password", "words"),
    [
        ("nonsense", "A B", "long enough", "email"),
        ("a@b.example", "", "long enough", "name"),
        ("a@b.example", "A B", "short", "password: Use 8 to 200 characters."),
        ("a@b.example", "x" * 201, "long enough", "name"),
    ],
)
def test_bad_input_for_a_person_is_named_and_nothing_is_stored(run, email, name, password, words):
    result = run(
        *("users", "create", email, "--role", "teacher", "--name", name, "--password-stdin"),
        input=password + "\n",
    )
    assert result.exit_code == 1
    assert words in result.stderr
    assert db.session.query(User).count() == db.session.query(School).count() == 0


def test_a_token_is_printed_once_and_only_its_hash_is_stored(run, cast):
    token = run("tokens", "create", "TOM@teacher.example", "--name", "sync", "--json")["token"]
    stored = db.session.query(ApiToken).one()
    assert stored.token_hash == token_hash(token) != token
    assert (stored.user_id, stored.name) == (cast.tom.id, "sync")
    assert run("tokens", "create", "nobody@school.example").exit_code == 1
    refused = run("tokens", "create", "TOM@teacher.example", "--name", "\udcff")
    assert (refused.exit_code, refused.exception.code) == (1, 1)
    assert "visible characters" in refused.output


def test_tokens_are_listed_and_revoked(run, cast):
    run("tokens", "create", cast.tom.email, "--name", "old", "--json")
    run("tokens", "create", cast.tom.email, "--expires", "2099-12-31", "--json")
    newer, older = run("tokens", "list", cast.tom.email, "--json")["tokens"]
    assert (newer["name"], newer["expires_at"]) == ("script", "2099-12-31T23:00:00+00:00")
    assert (older["name"], older["expires_at"], older["last_used_at"]) == ("old", None, None)
    assert run("tokens", "list", cast.pia.email, "--json") == {"tokens": []}
    assert run("tokens", "revoke", cast.pia.email, str(older["id"])).exit_code == 1
    gone = run("tokens", "revoke", cast.tom.email, str(older["id"]), "--json")
    assert gone == {"revoked": older["id"], "name": "old"}
    assert run("tokens", "list", cast.tom.email, "--json") == {"tokens": [newer]}
    assert "Write a date" in run("tokens", "create", cast.tom.email, "--expires", "soon").output
    assert (
        "from today on" in run("tokens", "create", cast.tom.email, "--expires", "2020-1-1").output
    )


def test_render_writes_what_that_person_would_get(run, cast, tmp_path, monkeypatch):
    monkeypatch.setattr("reportapp.clock.now", lambda: NOW)
    schedule = create_order(cast.tom, cast.pia)
    file = tmp_path / "report.csv"
    made = run(
        *("reports", "render", str(schedule.id), "--as", "pia@parent.example"),
        *("--format", "csv", "-o", str(file), "--json"),
    )
    assert made["bytes"] == file.stat().st_size
    text = file.read_text("utf-8-sig")
    assert "Ana" in text
    assert "Ben" not in text


def test_render_says_why_somebody_would_get_nothing(run, cast, tmp_path):
    schedule = create_order(cast.tom, cast.tom)
    file = tmp_path / "report.csv"
    for who, words in (
        ("nil@parent.example", "nothing"),
        ("nobody@school.example", "nobody with the address"),
    ):
        result = run(
            *("reports", "render", str(schedule.id), "--as", who),
            *("--format", "csv", "-o", str(file)),
        )
        assert result.exit_code == 1
        assert words in result.stderr
        assert not file.exists()
    result = run(
        "reports", "render", "4711", "--as", "nil@parent.example", "--format", "csv", "-o", "x"
    )
    assert "no such schedule" in result.stderr


def test_the_demo_school_loads_once(run, monkeypatch):
    monkeypatch.setattr("reportapp.clock.now", lambda: datetime(2026, 11, 24, tzinfo=UTC))
    made = run("demo", "load", "--students", "16", "--json")
    assert made["loaded"] is True
    assert made["students"] == 16
    assert run("demo", "load").exit_code == 1
    assert run("demo", "load", "--if-missing", "--json") == {"loaded": False}


def test_the_demo_school_refuses_real_data(run, cast):
    result = run("demo", "load", "--if-missing")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
