"""The API of a real server: README's lines as they stand there, and the page for trying it out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import open_browser, visit
from tests.e2e.server import ROOT, Server, flask
from tests.e2e.world import select

pytestmark = pytest.mark.xdist_group("e2e-api")


def readme_lines() -> list[str]:
    """The blocks of the section about the API."""
    section = (ROOT / "README.md").read_text().partition("\n## The API\n")[2]
    return re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)


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
    begin, end = (
        block.replace("http://127.0.0.1:8000", server.url).replace(
            ".venv/bin/", f"{Path(sys.executable).parent}/"
        )
        for block in readme_lines()
    )
    assert (begin + end).count("curl -sS") == 9
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{begin}\necho; echo ids $SCHEDULE $PERSON\n{end}"],
        cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said, _, ids = done.stdout.rpartition("ids ")
    schedule, person = ids.split()
    steps = (
        f'"recipient":{person}',
        '\ufeff"Student","Class"',
        '"status":"started"',
        '"status":"completed","total_recipients":1,"successful_sends":1',
        '"time":"07:30"',
    )
    places = [said.find(step) for step in steps]
    assert -1 not in places, said
    assert places == sorted(places)
    deleted = "SELECT deleted_at FROM report_schedule WHERE id = :id"
    assert select(server.env, deleted, id=int(schedule)) != [(None,)]


@pytest.mark.timeout(300)
def test_the_page_about_it_can_be_read_and_tried_out_with_the_token_alone(server, tmp_path):
    token = flask(server.env, "tokens", "create", "admin@lindenhof.example", "--json")["token"]
    with open_browser() as browser, visit(browser, server.url, tmp_path) as page:
        page.emulate_media(color_scheme="dark")
        page.goto("/api/docs")
        operation = page.locator(".opblock", has_text="List schedules.").first
        operation.get_by_role("button").first.click()
        operation.get_by_role("button", name="Try it out").click()
        for given in (token, f"Token {token}"):
            page.get_by_role("button", name="Authorize").first.click()
            page.get_by_label("Value:").fill(given)
            page.locator(".auth-btn-wrapper .authorize").click()
            page.locator(".btn-done").click()
            operation.get_by_role("button", name="Execute").click()
            answer = operation.locator(".responses-inner")
            expect(answer).to_contain_text('"results"')
            expect(answer).to_contain_text(f"Authorization: Token {token}")
            operation.get_by_role("button", name="Clear").click()
            page.get_by_role("button", name="Authorize").first.click()
            page.get_by_role("button", name="Remove authorization").click()
            page.locator(".btn-done").click()
        shade = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert shade == "rgb(28, 32, 34)"
        page.get_by_role("link", name="API tokens").click()
        expect(page).to_have_title(re.compile("Log in"))
