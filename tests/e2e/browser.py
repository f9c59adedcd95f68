"""A real browser, whose every complaint is kept."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from tests.cast import PASSWORD

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Chromium's own sandbox refuses root, and /dev/shm is small in containers.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
#: Milliseconds for one step on a busy machine.
_PATIENCE = 30_000


def _program() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Skips the test where there is no browser."""
    program = _program()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        except Error as error:
            if program is not None:
                raise
            pytest.skip(
                "NOT TESTED IN A BROWSER: there is no chromium (Debian: apt-get install chromium; "
                f"elsewhere: playwright install chromium). {str(error).splitlines()[0]}"
            )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, base_url: str, shots: Path) -> Iterator[Page]:
    """A page of a person who has never been here. Afterwards nothing may have been complained of:
    no console error, no script error, no request refused. A failure leaves a picture in `shots`."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} ({message.page.url})")

    context = browser.new_context(base_url=base_url, accept_downloads=True)
    try:
        context.set_default_timeout(_PATIENCE)
        context.on("console", heard)
        context.on("weberror", lambda error: complaints.append(f"script: {error.error}"))
        page = context.new_page()
        try:
            yield page
        except BaseException:
            with suppress(Error):
                page.screenshot(path=shots / "failure.png", full_page=True)
                print(f"{page.url} looked like {shots / 'failure.png'}; it complained {complaints}")
                print(page.locator("body").inner_text()[:3000])
            raise
    finally:
        context.close()
    assert complaints == [], complaints


def log_in(page: Page, email: str, home: str = "**/schedules/") -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(home)
