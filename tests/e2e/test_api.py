"""The API of a real server: README's lines as they stand there, and the page for trying it out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import open_browser, visit
from tests.e2e.server import ROOT, Server, flask, wait_for
from tests.e2e.world import select

pytestmark = pytest.mark.xdist_group("e2e-api")


def readme_lines() -> str:
    section = (ROOT / "README.md").read_text().partition("\n## The API\n")[2]
    (block,) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return block


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With a small demo school, sending to its own mailbox."""
    served = Server(tmp_path_factory.mktemp("api"))
    flask(served.env, "db", "upgrade")
    flask(served.env, "demo", "load", "--students", "20")
    with served:
        yield served.wait_until_ready()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_lines_of_the_readme_do_what_they_say(server):
    """Only where the server and the programs are is another matter here."""
    lines = readme_lines().replace("http://127.0.0.1:8000", server.url)
    lines = lines.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    assert lines.count("curl -sS") == 8
    # In place of the last one, which takes everything away again: what became of the run.
    *most, last = lines.strip().splitlines()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(most) + "\necho; echo ids $SCHEDULE $PERSON"],
        cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    added, preview, run, runs, changed, ids = split_answers(done.stdout)
    schedule, person = ids
    assert f'"recipient":{person}' in added
    assert preview.startswith('\ufeff"Student","Class"')
    assert preview.count("\n") > 5
    assert f'"schedule":{schedule}' in run
    assert '"status":"started"' in run
    assert '"count":1' in runs
    assert '"time":"07:30"' in changed
    assert '"export_format":"pdf"' in changed
    sent = "SELECT status FROM report_schedule_execution WHERE schedule_id = :id"
    wait_for(
        lambda: select(server.env, sent, id=int(schedule)) == [("completed",)], "the mail to leave"
    )
    assert "DELETE $API/reports/schedules/$SCHEDULE/" in last


def split_answers(text: str) -> list:
    """The answers one by one, and the ids printed at the end."""
    *answers, ids = text.strip().rpartition("ids ")[::2]
    body = answers[0].strip()
    added, _, rest = body.partition("\n")
    preview, _, rest = rest.partition("\n{")
    parts = [f"{{{part}" if not part.startswith("{") else part for part in rest.split("\n") if part]
    return [added, preview, *parts, ids.split()]


@pytest.mark.timeout(300)
def test_the_page_about_it_can_be_read_and_tried_out(server, tmp_path):
    token = flask(server.env, "tokens", "create", "admin@lindenhof.example", "--json")["token"]
    with open_browser() as browser, visit(browser, server.url, tmp_path) as page:
        page.goto("/api/docs")
        page.get_by_role("button", name="Authorize").first.click()
        page.get_by_label("Value:").fill(f"Token {token}")
        page.locator(".auth-btn-wrapper .authorize").click()
        page.locator(".btn-done").click()
        operation = page.locator(".opblock", has_text="List schedules.").first
        operation.get_by_role("button").first.click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".responses-inner")
        expect(answer).to_contain_text("200")
        expect(answer).to_contain_text('"results"')
