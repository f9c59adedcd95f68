"""All that the document says, tried out by schemathesis with all its checks on a real server, as an
admin, a teacher, a parent and without a token. SOAK_EXAMPLES makes it long."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from reportapp import clock
from reportapp.accounts.tokens import create_token
from reportapp.extensions import db
from reportapp.models import ReportScheduleRecipient
from reportapp.schedules.recipients import add_recipient
from reportapp.schedules.runs import run_now, send_test
from tests.cast import create_order
from tests.e2e.postgres import postgres_cluster
from tests.e2e.server import Server, flask
from tests.e2e.world import create_recent_cast, inside, today

SOAK = int(os.environ.get("SOAK_EXAMPLES", "0"))
PROGRAM = str(Path(sys.executable).with_name("schemathesis"))
#: By author; what is deleted on the way leaves others.
_SCHEDULES = {"ada": 3, "tom": 8, "otto": 1}
_WRITTEN = [
    f"/api/reports/{kind}-reports/" for kind in ("student", "tutor-weekly", "teacher-weekly")
]
#: Where a body can fit its schema and be refused: no schema can say that a rhythm has no run, that
#: a cron rule is none, that a group lacks its class, or that a day is no Monday.
_ONE = ["/api/reports/schedules/{schedule_id}/", *(f"{path}{{report_id}}/" for path in _WRITTEN)]
_JUDGED = (
    "POST /api/reports/schedules/",
    "POST /api/reports/schedules/preview_runs/",
    "POST /api/reports/schedules/{schedule_id}/groups/",
    "GET /api/reports/schedules/{schedule_id}/who/",
    *(f"POST {path}{action}" for path in _WRITTEN for action in ("", "{report_id}/correct/")),
    *(f"{method} {path}" for method in ("PUT", "PATCH") for path in _ONE),
)
#: A stale If-Match goes before whatever is in the body.
_REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "429"]
#: Keys of idempotency are few words to a generator, and used again.
_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429"]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"] if SOAK else ["sqlite"])
def database(request, tmp_path_factory):
    """Where a server keeps its data; nothing for its own usual place."""
    if request.param == "sqlite":
        yield {}
    else:
        with postgres_cluster(tmp_path_factory.mktemp("postgresql")) as url:
            yield {"DATABASE_URL": url}


@pytest.fixture(scope="session")
def server(tmp_path_factory, database):
    """With the cast, schedules of several authors, and tokens by first name."""
    settings = {"SCHEDULER_ENABLED": "false", "API_REQUESTS_PER_MINUTE": "0", **database}
    served = Server(tmp_path_factory.mktemp("documented"), **settings)
    flask(served.env, "db", "upgrade")
    with inside(served.env):
        now, cast = clock.now(), create_recent_cast()
        for name, number in _SCHEDULES.items():
            orders = [create_order(cast.people[name], now=now) for _ in range(number)]
            if name == "tom":
                for order in orders[:3]:
                    add_recipient(cast.tom, order.id, cast.pia.id, now)
                    run_now(cast.tom, order.id, now, message_domain="lindenhof.example")
                send_test(cast.tom, orders[0].id, now, message_domain="lindenhof.example")
        served.tokens = {
            name: create_token(cast.people[name], "x", now) for name in ("ada", "tom", "pia")
        }
        monday = today() - timedelta(days=today().weekday())
        mondays = [monday - timedelta(weeks=weeks) for weeks in range(8)]
        rows = db.session.query(ReportScheduleRecipient.unsubscribe_token).limit(5)
        served.known = {
            "keys": list(range(1, sum(_SCHEDULES.values()) + 1)),
            "people": [person.id for person in cast.people.values()],
            "addresses": [person.email for person in cast.people.values()],
            "first": [1, 2, 3, 4],
            "tasks": ["1", "4"],
            "reports": list(range(1, 10)),
            "classes": [group.id for group in cast.classes.values()],
            "zones": ["Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"],
            "crons": ["0 8 * * 1-5", "*/30 7-9 1 * *", "0 0 31 2 *"],
            "mondays": [monday.isoformat() for monday in mondays],
            "secrets": [token for (token,) in rows],
        }
    with served:
        yield served


#: Which of the known values are tried at which places, beside all others.
_PLACES = {
    "path.schedule_id": "keys",
    "path.execution_id": "first",
    "path.task_id": "tasks",
    "path.delivery_id": "first",
    "body.delivery_id": "first",
    "path.group_id": "first",
    "path.report_id": "reports",
    "path.class_group_id": "classes",
    "body.class_group_id": "classes",
    "body.class_group": "classes",
    "body.student": "people",
    "body.recipient_id": "people",
    "query.recipient_id": "people",
    "query.student": "people",
    "body.week_start": "mondays",
    "body.recipient_email": "addresses",
    "body.time_zone": "zones",
    "body.cron": "crons",
    "body.unsubscribe_token": "secrets",
}


def config_of(known) -> str:
    """A schemathesis.toml."""
    lines = ["color = false", f'hooks = "{Path(__file__).with_name("schemathesis_hooks.py")}"']
    lines += ["[cache]", "enabled = false", "[generation]"]
    # What no database takes is refused everywhere, which no schema says; other tests see to it.
    lines += ["allow-x00 = false", 'codec = "utf-8"']
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    for place, name in _PLACES.items():
        lines.append(f'"{place}" = {{dictionary = "{name}", probability = 0.7}}')
    lines += ["[checks]", f"negative_data_rejection.expected-statuses = {json.dumps(_REFUSED)}"]
    lines += [f"positive_data_acceptance.expected-statuses = {json.dumps(_ACCEPTED)}"]
    for name in _JUDGED:
        accepted = json.dumps([*_ACCEPTED, "400"])
        lines += ["[[operations]]", f'include-name = "{name}"', "[operations.checks]"]
        lines.append(f"positive_data_acceptance.expected-statuses = {accepted}")
    return "\n".join(lines)


@pytest.mark.xdist_group("documented")
@pytest.mark.parametrize("name", ["ada", "tom", "pia", None])
def test_every_answer_is_one_that_the_document_tells_of(server, tmp_path, name):
    (tmp_path / "schemathesis.toml").write_text(config_of(server.known))
    examples = max(1, SOAK // 80)
    # In short, the examples of the document itself are only a teacher's: they take longest.
    short = "examples,fuzzing" if name == "tom" else "fuzzing"
    phases = "examples,coverage,fuzzing,stateful" if SOAK else short
    command = [
        *(PROGRAM, "run", f"{server.url}/api/openapi.json"),
        *("--checks", "all", "--continue-on-failure", "--phases", phases),
        *("-n", str(examples), "--warnings", "off"),
    ]
    if not SOAK:
        command += ["--seed", "1"]  # the same every time
    if name is not None:
        command += ["-H", f"Authorization: Token {server.tokens[name]}"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=None, check=False
    )
    summary = re.search(r"(\d+) generated", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert summary, done.stdout
    assert int(summary[1]) >= 40
    print(f"{name}: {summary[1]} requests")
