"""From the form in a browser to the bytes at a mail server, and back by the unsubscribe link."""

import re
import sqlite3
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.cast import create_order
from tests.e2e.attachments import PROSE_FROM, csv_rows, pdf_cells, pdf_text, xlsx_rows
from tests.e2e.browser import log_in, open_browser, visit
from tests.e2e.expected import Expected, days_before, expected_report
from tests.e2e.server import Server, flask, wait_for
from tests.e2e.world import create_recent_cast, inside

TEA, POL, ADA = "tea@teacher.example", "pol@parent.example", "ada@admin.example"
#: Seconds between a mail's minute and its arrival.
ON_TIME = 60
#: Milliseconds for a run to be sent, on a busy machine.
SENT_SOON = 60_000


@dataclass(frozen=True)
class Plan:
    """A schedule as the teacher types it. No zone here ever changes its clocks, so that the test
    does not fail for an hour a year."""

    name: str
    frequency: str
    zone: str
    export_format: str

    def day_and_time(self, due: datetime) -> datetime:
        return due.astimezone(ZoneInfo(self.zone))


PLANS = (
    Plan("Weekly, to calculate with", "weekly", "Africa/Nairobi", "csv"),
    Plan("Täglich für Eltern", "daily", "Asia/Kolkata", "xlsx"),
    Plan("Monthly to print", "monthly", "America/Phoenix", "pdf"),
)


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def database(tmp_path):
    return tmp_path / "e2e.db"


def subscriptions(database) -> list[tuple]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT * FROM report_schedule_recipient ORDER BY id").fetchall()


@pytest.mark.xdist_group("e2e-browser")
def test_a_schedule_made_in_the_browser_sends_the_right_report_on_time_until_they_unsubscribe(
    browser, tmp_path, database, smtp
):
    arrivals: list[datetime] = []
    smtp.on_data = lambda address: arrivals.append(datetime.now(UTC))
    server = Server(tmp_path, MAIL_SERVER="127.0.0.1", MAIL_PORT=smtp.port)
    flask(server.env, "db", "upgrade")
    with inside(server.env):
        create_recent_cast()

    with server, visit(browser, server.url, tmp_path) as page:
        server.wait_until_ready()
        log_in(page, TEA)
        due = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        if due - datetime.now(UTC) < timedelta(seconds=35):
            due += timedelta(minutes=1)
        for plan in PLANS:
            make_schedule(page, plan, due)
            add_recipient(page, "pol", "Pol Example")
        assert datetime.now(UTC) < due, "the forms took too long; this machine is too busy"
        assert not smtp.arrived

        wait_for(lambda: len(smtp.arrived) >= 2 * len(PLANS), "six mails", 150, pause=0.2)
        late = [(arrived - due).total_seconds() for arrived in arrivals]
        print(f"the mails arrived {min(late):.1f} to {max(late):.1f} s after their minute")
        assert min(late) >= 0
        assert max(late) <= ON_TIME
        assert smtp.addresses == sorted([POL, TEA] * len(PLANS))

        links = {}
        for plan in PLANS:
            period = days_before(plan.frequency, plan.day_and_time(due).date())
            for recipient in (POL, TEA):
                (mail,) = [
                    each
                    for each in smtp.arrived
                    if each.to == recipient and each.message["Subject"].startswith(plan.name)
                ]
                want = expected_report(database, TEA, recipient, *period)
                assert len(want.rows) == {TEA: 3, POL: 2}[recipient]
                check_file(plan, mail, want)
                links[plan, recipient] = check_mail(mail, plan, period, want, server)
        assert len(set(links.values())) == len(links)

        unsubscribe_and_come_back(page, browser, server, database, smtp, links[PLANS[0], POL])
    assert server.complaints == []


def make_schedule(page: Page, plan: Plan, due: datetime) -> None:
    local = plan.day_and_time(due)
    page.get_by_role("link", name="Schedules", exact=True).click()
    page.get_by_role("link", name="New schedule").first.click()
    page.get_by_label("Name").fill(plan.name)
    page.get_by_label("Student report").check()
    page.get_by_label("How often").select_option(plan.frequency)
    if plan.frequency == "weekly":
        weekday = f"{local:%A}"
        if weekday != "Monday":  # which is chosen at first
            page.locator("label", has_text="Monday").click()
            page.locator("label", has_text=weekday).click()
    if plan.frequency == "monthly":
        page.get_by_label("Day of the month").select_option(str(local.day))
    page.get_by_label("Time", exact=True).fill(f"{local:%H:%M}")
    page.get_by_label("Time zone").fill(plan.zone)
    page.get_by_label("Time zone").press("Tab")  # leaving the field shows its runs
    page.get_by_label("File", exact=True).select_option(plan.export_format)
    page.get_by_label("Send it to me, too").check()
    # The ten next runs are shown before anything is saved; the first is the one we mean.
    first = page.locator("#next-runs time").first
    expect(first).to_have_attribute("datetime", due.isoformat())
    expect(page.locator("#next-runs time")).to_have_count(10)
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(plan.name)
    expect(page.locator(".facts time").first).to_have_attribute("datetime", due.isoformat())


def add_recipient(page: Page, text: str, name: str) -> None:
    page.get_by_label("Name, e-mail address or child’s name").fill(text)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name=f"Add {name}").click()
    expect(page.get_by_text(f"{name} will receive this report.")).to_be_visible()
    expect(page.locator("#recipients tbody tr")).to_have_count(2)


def check_file(plan: Plan, mail, want: Expected) -> None:
    name, data = mail.attachment
    assert re.fullmatch(rf"Lindenhof-School_Student-report_[0-9_-]+\.{plan.export_format}", name), (
        name
    )
    if plan.export_format == "csv":
        assert csv_rows(data) == want.rows
    elif plan.export_format == "xlsx":
        assert xlsx_rows(data) == want.rows
    else:
        text = pdf_text(data).replace("-", "−")
        places = [text.find(pdf_cells(row)) for row in want.rows]
        assert -1 not in places, (text, [pdf_cells(row) for row in want.rows])
        assert places == sorted(places)
        for row in want.rows:
            for words in filter(None, row[PROSE_FROM:]):
                assert text.find(f"{row[0]} · {row[1]}", max(places)) < text.rfind(words), words
        people = {row[0] for row in want.rows}
        for other in {"Ana Example", "Ben Example", "Cem Example", "Oskar Example"} - people:
            assert other not in text


def in_words(start, end) -> str:
    """`16–22 November 2026`, as the mail says it."""
    last = end - timedelta(days=1)
    if start == last:
        return f"{last.day} {last:%B %Y}"
    if start.day == 1 and end.day == 1:
        return f"{start:%B %Y}"
    if start.year != last.year:
        return f"{start.day} {start:%B %Y} – {last.day} {last:%B %Y}"
    if start.month != last.month:
        return f"{start.day} {start:%B} – {last.day} {last:%B %Y}"
    return f"{start.day}–{last.day} {last:%B %Y}"


def check_mail(mail, plan: Plan, period, want: Expected, server: Server) -> str:
    """Everything but the attachment; the unsubscribe link."""
    message = mail.message
    assert mail.sender == "reports@lindenhof.example"
    assert message["From"] == "Reports <reports@lindenhof.example>"
    assert message["To"].addresses[0].addr_spec == mail.to
    assert message["To"].addresses[0].display_name == f"{mail.to[:3].title()} Example"
    assert message["Reply-To"].addresses[0].addr_spec == TEA
    words = in_words(*period[:2])
    assert message["Subject"] == f"{plan.name}: Student report, {words}"
    assert re.fullmatch(r"<[0-9a-f]{24}@lindenhof\.example>", message["Message-ID"])
    age = datetime.now(UTC) - parsedate_to_datetime(message["Date"])
    assert timedelta(0) <= age < timedelta(minutes=5)
    assert message["Auto-Submitted"] == "auto-generated"
    assert not message.defects

    # The raw bytes: mail programs read these two only when each is one whole line.
    head, _, body = mail.content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    (line,) = [each for each in lines if each.startswith(b"List-Unsubscribe:")]
    found = re.fullmatch(rb"List-Unsubscribe: <(\S+)>", line)
    assert found, line
    link = found[1].decode()
    assert re.fullmatch(rf"{re.escape(server.url)}/u/[\w-]{{22}}", link)
    place = lines.index(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    for number in (lines.index(line), place):
        assert not lines[number + 1].startswith((b" ", b"\t")), "a folded header"
    assert all(len(each) <= 998 for each in mail.content.split(b"\r\n"))
    assert b"\n" not in (head + body).replace(b"\r\n", b""), "a bare line feed"

    html = mail.html
    for label, value in want.summary:
        assert f"{label}: {value}" in mail.text
        assert re.search(rf"{re.escape(label)}</td>\s*<td[^>]*>{re.escape(value)}", html), (
            label,
            value,
            html,
        )
    *others, last = dict.fromkeys(row[0] for row in want.rows)
    assert f" about {', '.join(others)} and {last}" in " ".join(mail.text.split())
    assert link in mail.text
    assert f'href="{link}"' in html
    for text in (mail.text, html):
        assert words in text
        assert mail.attachment[0] in text
    return link


def fetch(url: str, data: bytes | None = None) -> tuple[int, str]:
    """As a mail program does it: no cookies, no log-in."""
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
        assert answer.headers["Set-Cookie"] is None
        return answer.status, answer.read().decode()


def send_now(page: Page) -> None:
    """The button on the schedule's page; afterwards the page of the run shows its end by itself."""
    page.get_by_text("Send now…").click()
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url("**/executions/*")
    expect(page.locator("#live .tag").first).to_have_text("Done", timeout=SENT_SOON)


def unsubscribe_and_come_back(page: Page, browser, server, database, smtp, link: str) -> None:
    before = subscriptions(database)
    status, text = fetch(link)
    assert (status, "Stop receiving" in text) == (200, True)
    assert subscriptions(database) == before, "GET changed something"

    for _ in range(2):  # a mail program may well ask twice
        status, text = fetch(link, b"List-Unsubscribe=One-Click")
        assert (status, "You are unsubscribed" in text) == (200, True)
        after = subscriptions(database)
        assert len(set(after) - set(before)) == 1
        before = before if _ == 0 else after
    assert fetch(link)[1].count("You have already unsubscribed") == 1

    smtp.arrived.clear()
    page.get_by_role("link", name="Schedules", exact=True).click()
    page.get_by_role("link", name=PLANS[0].name).click()
    expect(page.get_by_text("Nothing: unsubscribed since")).to_be_visible()
    send_now(page)
    row = page.locator("tr", has_text=POL)
    expect(row).to_contain_text("Skipped")
    expect(row).to_contain_text("They have unsubscribed from this report.")
    expect(page.locator("tr", has_text=TEA)).to_contain_text("Sent")
    assert smtp.addresses == [TEA]

    with visit(browser, server.url, server.log.parent) as stranger:
        stranger.goto(link)
        stranger.get_by_role("button", name="Undo: subscribe again").click()
        expect(stranger.get_by_role("heading", level=1)).to_contain_text("You receive")
        assert not stranger.context.cookies()
    smtp.arrived.clear()
    page.get_by_role("link", name=PLANS[0].name).click()
    send_now(page)
    expect(page.locator("tr", has_text=POL)).to_contain_text("Sent")
    assert smtp.addresses == [POL, TEA]


@pytest.mark.xdist_group("e2e-browser")
def test_without_a_mail_server_an_admin_reads_the_mails_in_the_built_in_mailbox(
    browser, tmp_path, database
):
    server = Server(tmp_path)
    flask(server.env, "db", "upgrade")
    with inside(server.env):
        cast = create_recent_cast()
        create_order(
            cast.ada, cast.pol, name="Whole school", now=datetime.now(UTC), time_zone="UTC"
        )

    with server, visit(browser, server.url, tmp_path) as page:
        server.wait_until_ready()
        log_in(page, ADA)
        page.get_by_role("link", name="Whole school").click()
        page.get_by_role("button", name="Test mail to me").click()
        page.wait_for_url("**/executions/*")
        expect(page.locator("#live .tag").first).to_have_text("Done", timeout=SENT_SOON)
        page.get_by_role("link", name="Whole school").click()
        send_now(page)

        page.get_by_text("School ▾").click()
        page.get_by_role("link", name="Mailbox", exact=True).click()
        mails = page.locator(".mail-row")
        expect(mails).to_have_count(2)
        today = datetime.now(UTC).date()
        # By hand it is what the schedule itself sends: this Monday's.
        period = days_before("weekly", today - timedelta(days=today.weekday()))
        for recipient, name, subject in (
            (ADA, "Ada Example", "[Test] Whole school: Student report"),
            (POL, "Pol Example", "Whole school: Student report"),
        ):
            page.get_by_text("School ▾").click()
            page.get_by_role("link", name="Mailbox", exact=True).click()
            mail = mails.filter(has_text=recipient)
            expect(mail.get_by_role("link")).to_have_text(re.compile(rf"^{re.escape(subject)}"))
            mail.get_by_role("link").click()
            expect(page.locator(".mail-text")).to_contain_text(f"Dear {name}")
            shown = page.frame_locator("iframe.mail-html")
            expect(shown.get_by_text(f"Dear {name}")).to_be_visible()
            with page.expect_download() as waiting:
                page.get_by_role("link", name="Lindenhof-School_Student-report").click()
            assert waiting.value.suggested_filename.endswith(".csv")
            want = expected_report(database, ADA, recipient, *period)
            assert len(want.rows) == {ADA: 5, POL: 3}[recipient]
            assert csv_rows(waiting.value.path().read_bytes()) == want.rows
            for label, value in want.summary:
                expect(page.locator(".mail-text")).to_contain_text(f"{label}: {value}")
    assert server.complaints == []
