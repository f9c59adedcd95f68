"""The first log-in and the forgotten password, from the log-in page to the chosen password."""

import re
from threading import Event
from threading import enumerate as enumerate_threads
from urllib.parse import urlsplit

import pytest

from reportapp.accounts import log_in_links
from reportapp.accounts.users import authenticate
from reportapp.extensions import db, limiter, transaction
from reportapp.web.log_in_link import MAIL_THREAD
from tests.cast import PASSWORD, create_order
from tests.web.visitor import Visitor, path_of, words_of

NEW = "a new pass phrase"


def path_in(mail) -> str:
    (link,) = re.findall(r"http://localhost/log-in-link/\S+", mail.text)
    return urlsplit(link).path


def ask(visitor, email):
    answer = visitor.post("/forgot-password", {"email": email})
    wait_for_mail()
    return answer


def wait_for_mail():
    for thread in enumerate_threads():
        if thread.name == MAIL_THREAD:
            thread.join(20)
            assert not thread.is_alive()


def test_somebody_who_never_had_a_password_comes_in(app, cast, smtp):
    with transaction():
        cast.pia.password_hash = None
    visitor = Visitor(app)
    assert 'href="/forgot-password"' in visitor.get("/login").text
    assert "Look into your mail" in ask(visitor, "pia@parent.example").text
    path = path_in(smtp.to("pia@parent.example"))
    assert "For Pia Example at Lindenhof School" in words_of(visitor.get(path).text)
    answer = visitor.post(path, {"password": NEW})
    assert path_of(answer) == "/"
    assert "you are logged in" in visitor.get("/", follow_redirects=True).text
    assert visitor.get("/subscriptions/").status_code == 200
    visitor.post("/logout")
    assert (
        Visitor(app).post("/login", {"email": cast.pia.email, "password": NEW}).status_code == 302
    )
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert 'href="/forgot-password"' in answer.text


def test_a_mail_scanner_that_follows_the_link_changes_nothing(app, cast, smtp):
    ask(Visitor(app), "pia@parent.example")
    path = path_in(smtp.to("pia@parent.example"))
    scanner = Visitor(app)
    for method in ("GET", "HEAD", "GET"):
        assert scanner.open(method, path).status_code == 200
    assert scanner.post_bare(path, {"password": NEW}).status_code == 400
    assert authenticate(cast.pia.email, PASSWORD) == cast.pia
    assert Visitor(app).post(path, {"password": NEW}).status_code == 302


def test_other_devices_are_logged_out(app, cast, smtp, logged_in):
    device = logged_in("pia")
    ask(Visitor(app), "pia@parent.example")
    Visitor(app).post(path_in(smtp.to("pia@parent.example")), {"password": NEW})
    assert device.get("/subscriptions/").status_code == 302


def test_whoever_was_logged_in_on_this_device_is_no_longer(cast, smtp, logged_in):
    visitor = logged_in("tom")
    ask(visitor, "pia@parent.example")
    visitor.post(path_in(smtp.to("pia@parent.example")), {"password": NEW})
    assert visitor.get("/schedules/").status_code == 403


ADDRESSES = [
    "pia@parent.example",
    "nobody@nowhere.example",
    "off@parent.example",
    "",
    "no address",
    "x" * 10_000,
    "é\u202e@x.example",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("email", ADDRESSES)
def test_the_answer_is_the_same_for_every_address(app, cast, smtp, email):
    with transaction():
        cast.pol.email, cast.pol.is_active = "off@parent.example", False
    usual, other = ask(Visitor(app), "pia@parent.example"), ask(Visitor(app), email)
    smtp.on_rcpt = lambda address: "550 no"
    refused = ask(Visitor(app), "pia@parent.example")
    for answer in (other, refused):
        assert answer.status_code == usual.status_code == 200
        assert words_of(answer.text) == words_of(usual.text)
        assert dict(answer.headers).keys() == dict(usual.headers).keys()
    assert set(smtp.addresses) == {"pia@parent.example"}


def test_the_mail_is_sent_when_the_answer_has_left(app, cast, monkeypatch):
    asked = []
    # The view's own name of it.
    monkeypatch.setattr("reportapp.web.log_in_link.ask_for_link", lambda *args: asked.append(args))
    visitor = Visitor(app)
    data = {"csrf_token": visitor.token(), "email": "pia@parent.example"}
    answer = visitor.client.post("/forgot-password", data=data)
    assert "Look into your mail" in answer.text
    assert asked == []
    answer.close()
    wait_for_mail()
    assert [args[0] for args in asked] == ["pia@parent.example"]


def test_the_next_request_on_the_connection_does_not_wait_for_the_mail(app, cast, smtp):
    # Whoever measures it would know who has an account: a server's thread goes on with the next
    # request when the answer is closed.
    may_arrive = Event()
    smtp.on_data = lambda address: may_arrive.wait(20) and None
    answer = Visitor(app).post("/forgot-password", {"email": "pia@parent.example"})
    assert answer.status_code == 200
    assert smtp.arrived == []
    may_arrive.set()
    wait_for_mail()
    assert smtp.addresses == ["pia@parent.example"]


def test_a_dead_mail_server_is_given_up_soon():
    assert log_in_links.PATIENCE <= 5


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "x" * 10_000])
def test_an_unfit_password_is_told_at_its_field(app, cast, smtp, password):
    ask(Visitor(app), "pia@parent.example")
    path = path_in(smtp.to("pia@parent.example"))
    answer = Visitor(app).post(path, {"password": password})
    assert answer.status_code == 422
    assert "Use 8 to 200 characters." in answer.text
    assert authenticate(cast.pia.email, PASSWORD) == cast.pia


@pytest.mark.parametrize("token", ["x", "..", "x" * 5_000, "%ED%A0%80", "a.b.c", "é"])
def test_no_text_in_place_of_the_token_breaks_the_page(app, cast, token):
    visitor = Visitor(app)
    path = f"/log-in-link/{token}"
    assert visitor.get(path).status_code == 404
    assert visitor.post(path, {"password": NEW}).status_code == 404


def test_nul_in_the_token_is_refused(app, cast):
    assert Visitor(app).get("/log-in-link/%00").status_code == 400


def test_the_token_is_not_told_to_other_sites(app, cast, smtp):
    ask(Visitor(app), "pia@parent.example")
    answer = Visitor(app).get(path_in(smtp.to("pia@parent.example")))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-store"


class TestWithALimit:
    @pytest.fixture
    def settings(self):
        return {"BASE_URL": "http://localhost", "RATELIMIT_ENABLED": True, "TRUSTED_PROXIES": "1"}

    @pytest.fixture(autouse=True)
    def _reset(self, app):
        limiter.reset()
        yield
        limiter.reset()

    @staticmethod
    def from_address(app, number):
        visitor = Visitor(app)
        visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"10.0.{number // 250}.{number % 250}"
        return visitor

    @pytest.mark.parametrize("email", ["pia@parent.example", "nobody@nowhere.example"])
    def test_one_address_gets_five_mails_an_hour_from_wherever_they_are_asked_for(
        self, app, cast, smtp, email
    ):
        typed = [email, email.upper(), f" {email} "]
        statuses = [
            ask(self.from_address(app, number), typed[number % 3]).status_code
            for number in range(6)
        ]
        assert statuses == [200] * 5 + [429]
        assert len(smtp.arrived) == (5 if email.startswith("pia") else 0)
        # Others are not held up by that.
        assert ask(self.from_address(app, 7), "pol@parent.example").status_code == 200

    def test_one_network_asks_sixty_times_an_hour(self, app, cast):
        visitor = self.from_address(app, 1)
        statuses = [ask(visitor, f"x{n}@x.example").status_code for n in range(61)]
        assert statuses == [200] * 60 + [429]
        assert "wait 1 hour" in ask(visitor, "y@x.example").text

    def test_an_account_is_not_guessed_from_many_networks(self, app, cast, smtp):
        wrong = {"email": cast.pia.email, "password": "wrong"}
        statuses = [
            self.from_address(app, number).post("/login", wrong).status_code for number in range(21)
        ]
        assert statuses == [422] * 20 + [429]
        right = {"email": cast.pia.email.upper(), "password": PASSWORD}
        answer = self.from_address(app, 30).post("/login", right)
        assert answer.status_code == 429
        assert "wait 10 minutes" in answer.text
        # Others log in as ever, and Pia herself by a link.
        self.from_address(app, 31).log_in(cast.pol)
        visitor = self.from_address(app, 32)
        ask(visitor, cast.pia.email)
        visitor.post(path_in(smtp.to(cast.pia.email)), {"password": NEW})
        assert visitor.get("/subscriptions/").status_code == 200

    def test_an_address_of_nobody_is_blocked_alike(self, app, cast):
        wrong = {"email": "nobody@nowhere.example", "password": "wrong"}
        statuses = [
            self.from_address(app, number).post("/login", wrong).status_code for number in range(21)
        ]
        assert statuses == [422] * 20 + [429]

    @pytest.mark.parametrize("button", ["run", "test"])
    def test_buttons_that_send_mail_are_limited_per_person(self, app, cast, button):
        order = create_order(cast.tom, cast.tom)
        visitor = self.from_address(app, 1).log_in(cast.tom)
        path = f"/schedules/{order.id}/{button}"
        statuses = [visitor.post(path).status_code for _ in range(21)]
        assert statuses[20] == 429
        assert 429 not in statuses[:20]
        assert self.from_address(app, 1).log_in(cast.ada).post(path).status_code != 429
        db.session.rollback()
