"""The built-in mailbox."""

import mailbox
from email.message import EmailMessage

import pytest

from reportapp.mail.mailbox import mailbox_folder


@pytest.fixture
def settings():
    return {"BASE_URL": "http://localhost", "MAIL_SERVER": ""}


@pytest.fixture
def key(app):
    """A mail in the box: text, HTML and an attachment with a name in another script."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Reports <reports@x.example>", "pia@parent.example"
    mail["Subject"], mail["Date"] = "Grüße <b>", "Mon, 23 Nov 2026 07:00:00 +0000"
    mail["Message-ID"] = "<number@x.example>"
    mail.set_content("Hello <script>alert(1)</script> https://x.example/u/token")
    mail.add_alternative(
        "<html><head></head><body>Hi<script>alert(1)</script></body></html>", subtype="html"
    )
    mail.add_attachment(b"a;b", maintype="text", subtype="csv", filename="Отчёт.csv")
    return mailbox.Maildir(mailbox_folder(app.instance_path), create=True).add(mail.as_bytes())


def test_admins_read_it(key, logged_in):
    visitor = logged_in("ada")
    assert "Grüße &lt;b&gt;" in visitor.get("/mailbox/").text
    page = visitor.get(f"/mailbox/{key}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert 'href="https://x.example/u/token"' in page
    assert "Отчёт.csv" in page


def test_the_date_is_the_readers_and_what_is_technical_is_folded_away(key, cast, logged_in):
    page = logged_in("ada").get(f"/mailbox/{key}").text
    assert "Mon 23 Nov 2026, 08:00" in page
    plain, _, technical = page.partition('<details class="more">')
    assert "pia@parent.example" in plain
    assert "Message-ID" not in plain
    assert "&lt;number@x.example&gt;" in technical.partition("</details>")[0]


@pytest.mark.parametrize("date", ["", "soon", "99 Foo 2026"])
def test_a_mail_without_a_true_date_is_shown_all_the_same(app, logged_in, date):
    raw = f"From: a@x.example\r\nDate: {date}\r\n\r\nHello".encode()
    key = mailbox.Maildir(mailbox_folder(app.instance_path), create=True).add(raw)
    for path in ("/mailbox/", f"/mailbox/{key}"):
        assert logged_in("ada").get(path).status_code == 200


def test_a_mails_html_can_do_nothing(key, logged_in):
    answer = logged_in("ada").get(f"/mailbox/{key}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "script" not in policy


def test_an_attachment_is_only_ever_downloaded(key, logged_in):
    answer = logged_in("ada").get(f"/mailbox/{key}/attachment/1")
    assert answer.data == b"a;b"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for number in ("0", "2", "99999999999", "x"):
        assert logged_in("ada").get(f"/mailbox/{key}/attachment/{number}").status_code == 404


@pytest.mark.parametrize("path", ["/mailbox/x", "/mailbox/..", "/mailbox/x/html", "/mailbox/%2e"])
def test_an_unknown_mail_is_not_found(app, logged_in, path):
    assert logged_in("ada").get(path, follow_redirects=True).status_code == 404


def test_an_empty_mailbox_says_so(logged_in):
    assert "No mail yet" in logged_in("ada").get("/mailbox/").text
    assert logged_in("ada").get("/mailbox/?page=9").status_code == 200


@pytest.mark.parametrize("name", ["tom", "pia"])
def test_nobody_else_reads_it(key, logged_in, name):
    for path in ("/mailbox/", f"/mailbox/{key}", f"/mailbox/{key}/html"):
        assert logged_in(name).get(path).status_code == 403


class TestWithAMailServer:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "http://localhost"}

    def test_there_is_no_mailbox(self, key, logged_in, visitor):
        for path in ("/mailbox/", f"/mailbox/{key}", f"/mailbox/{key}/attachment/1"):
            assert logged_in("ada").get(path).status_code == 404
            assert visitor.get(path).status_code == 404
        assert "/mailbox/" not in logged_in("ada").get("/schedules/").text
