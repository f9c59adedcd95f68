"""What the tests of violence share: the mail server, databases with a large school, the table."""

import os

import pytest

from tests.chaos.mail_server import mail_server

#: `make chaos` runs the long form, `make test` a short one.
LONG = os.environ.get("CHAOS") == "long"


@pytest.fixture
def server():
    with mail_server() as server:
        yield server


def pytest_terminal_summary(terminalreporter):
    """The figures of all tests, from whatever process they ran in."""
    lines = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "figures"
    ]
    if lines:
        terminalreporter.section("what it shows")
        for line in lines:
            terminalreporter.write_line(line)
