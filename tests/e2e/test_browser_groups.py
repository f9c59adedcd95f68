"""A schedule for a group in a browser: who is named there gets a mail, until they leave."""

import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from reportapp.extensions import transaction
from tests.cast import create_guardian_link, create_person
from tests.e2e.browser import log_in, open_browser, visit
from tests.e2e.server import Server, flask
from tests.e2e.world import create_recent_cast, inside

#: Milliseconds for a run to be sent, on a busy machine.
SENT_SOON = 60_000


@pytest.mark.xdist_group("e2e-browser")
def test_guardians_of_a_class_get_exactly_what_the_page_says_until_one_leaves(tmp_path, smtp):
    server = Server(tmp_path, MAIL_SERVER="127.0.0.1", MAIL_PORT=smtp.port)
    flask(server.env, "db", "upgrade")
    with inside(server.env):
        cast = create_recent_cast()
        with transaction():  # a guardian of Ben's, one without an address, and one of nobody here
            for name, email in (("Bea", ""), ("Ned", None)):
                guardian = create_person(cast.school, "parent", name, email=email)
                create_guardian_link(guardian, cast.ben)

    with (
        open_browser() as browser,
        server,
        visit(browser, server.url, tmp_path) as page,
    ):
        server.wait_until_ready()
        log_in(page, "tom@teacher.example")
        make_schedule(page, "For my class")
        add_group(page, "Guardians of a class", "7a Mathematics")
        named = switch_on_after_a_look(page)
        assert named == {
            "bea@parent.example": "Ben Example",
            "pia@parent.example": "Ana Example",
            "pol@parent.example": "Ana Example",  # Cem is not in this class
        }

        send_now(page)
        assert smtp.addresses == sorted(named)
        for address, child in named.items():
            rows = smtp.to(address).attachment[1].decode("utf-8-sig")
            told = {name for name in ("Ana", "Ben", "Cem") if f"{name} Example" in rows}
            assert told == {child.partition(" ")[0]}

        header = smtp.to("pol@parent.example").message["List-Unsubscribe"].strip("<>")
        with urllib.request.urlopen(header, b"List-Unsubscribe=One-Click", timeout=30) as answer:
            assert answer.status == 200
        smtp.arrived.clear()
        page.get_by_role("link", name="For my class").click()
        page.get_by_role("link", name="Who gets what", exact=True).click()
        expect(page.locator("tr", has_text="pol@parent.example")).to_contain_text(
            "They have unsubscribed"
        )
        assert set(would_get(page)) == named.keys() - {"pol@parent.example"}
        page.get_by_role("link", name="For my class").click()
        send_now(page)
        assert smtp.addresses == ["bea@parent.example", "pia@parent.example"]
    assert server.complaints == []


def make_schedule(page: Page, name: str) -> None:
    """A weekly CSV that is switched off."""
    page.get_by_role("link", name="New schedule").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Student report").check()
    page.get_by_label("File", exact=True).select_option("csv")
    page.get_by_label("Active").uncheck()
    page.get_by_label("Send it to me, too").uncheck()
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def add_group(page: Page, kind: str, of_class: str) -> None:
    page.get_by_label("Group", exact=True).select_option(label=kind)
    page.get_by_label("Class", exact=True).select_option(label=of_class)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Guardians of {of_class}")
    page.get_by_role("button", name="Add this group").click()
    expect(page.get_by_text(re.compile("will receive this report"))).to_be_visible()


def switch_on_after_a_look(page: Page) -> dict[str, str]:
    """Who is named there, and with which child."""
    page.get_by_role("link", name="Switch on…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who gets what")
    named = would_get(page)
    nothing = page.locator("section", has=page.get_by_role("heading", name="Would get nothing"))
    expect(nothing.locator("tbody tr")).to_have_count(1)
    expect(nothing).to_contain_text("There is no e-mail address for them.")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("is active again")).to_be_visible()
    return named


def would_get(page: Page) -> dict[str, str]:
    """{address: about whom} of the table of those who get something."""
    rows = page.locator("section", has=page.get_by_role("heading", name="Would get it")).locator(
        "tbody tr"
    )
    found = {}
    for text in rows.all_inner_texts():
        address, subject = re.findall(r"\S+@\S+|(?<=Report on )[^\t\n]+", text)
        found[address] = subject.strip()
    return found


def send_now(page: Page) -> None:
    page.get_by_text("Send now…").click()
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url("**/executions/*")
    expect(page.locator("#live .tag").first).to_have_text("Done", timeout=SENT_SOON)
