"""The SMTP session against real servers, well and badly behaved ones."""

import smtplib
import socket
import ssl
from contextlib import contextmanager
from itertools import chain, repeat
from threading import Thread

import pytest

from reportapp.mail import Blame, SendFailure, Stage, mail
from tests.mail.test_message import content_of, create_message


@contextmanager
def scripted_server(*replies: bytes | None):
    """Says each reply in turn, the first as its greeting; None hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in chain(replies, repeat(b"250 OK")):
                if reply is None:
                    return
                connection.sendall(reply + b"\r\n")
                ends = (b".\r\n", b"") if reply.startswith(b"354") else None
                line = lines.readline()
                while ends and line not in ends:
                    line = lines.readline()
                if not line:
                    return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(5)


GREETING = (b"220 ready", b"250 hello")
UP_TO_DATA = (*GREETING, b"250 sender ok", b"250 recipient ok", b"354 go on")


@pytest.mark.parametrize(
    ("replies", "stage", "blame"),
    [
        ((b"554 go away",), Stage.CONNECT, Blame.SERVER),
        ((b"421 too busy",), Stage.CONNECT, Blame.SERVER),
        ((None,), Stage.CONNECT, Blame.SERVER),
        ((*GREETING, b"421 closing"), Stage.MAIL, Blame.SERVER),
        ((*GREETING, b"530 log in first"), Stage.MAIL, Blame.CONFIGURATION),
        ((b"450 too many connections",), Stage.CONNECT, Blame.SERVER),
        ((b"220 ready", b"451 no", b"451 no"), Stage.CONNECT, Blame.SERVER),
        ((*GREETING, b"451 try later"), Stage.MAIL, Blame.SERVER),
        ((*GREETING, b"452 disk full"), Stage.MAIL, Blame.SERVER),
        ((*GREETING, b"555 what?"), Stage.MAIL, Blame.CONFIGURATION),
        ((*GREETING, b"what?"), Stage.MAIL, Blame.SERVER),
        ((*GREETING, b"552 too large"), Stage.MAIL, Blame.TOO_LARGE),
        ((*GREETING, b"250 ok", b"530 log in first"), Stage.RCPT, Blame.CONFIGURATION),
        ((*GREETING, b"250 ok", b"552 mailbox full"), Stage.RCPT, Blame.PERMANENT),
        ((*UP_TO_DATA, b"552 too large"), Stage.CONTENT, Blame.TOO_LARGE),
        ((*UP_TO_DATA, b"550 5.2.3 message size exceeds"), Stage.CONTENT, Blame.TOO_LARGE),
        ((*GREETING, b"250 ok", b"450 later"), Stage.RCPT, Blame.TEMPORARY),
        ((*GREETING, b"250 ok", b"550 nobody"), Stage.RCPT, Blame.PERMANENT),
        ((*GREETING, b"250 ok", b"421 closing"), Stage.RCPT, Blame.SERVER),
        ((*GREETING, b"250 ok", None), Stage.RCPT, Blame.TEMPORARY),
        ((*GREETING, b"250 ok", b"250 ok", b"451 later"), Stage.DATA, Blame.TEMPORARY),
        ((*GREETING, b"250 ok", b"250 ok", b"554 no"), Stage.DATA, Blame.PERMANENT),
        ((*GREETING, b"250 ok", b"what?"), Stage.RCPT, Blame.TEMPORARY),
        ((*UP_TO_DATA, b"452 disk full"), Stage.CONTENT, Blame.TEMPORARY),
        ((*UP_TO_DATA, b"554 spam"), Stage.CONTENT, Blame.PERMANENT),
        ((*UP_TO_DATA, None), Stage.CONTENT, Blame.AMBIGUOUS),
        ((*UP_TO_DATA, b"what?"), Stage.CONTENT, Blame.AMBIGUOUS),
    ],
)
def test_each_failure_is_blamed_by_its_stage_and_reply(app, replies, stage, blame):
    with scripted_server(*replies) as port:
        app.extensions["mail"].port = port
        with pytest.raises(SendFailure) as caught, mail.connect() as session:
            session.deliver(create_message().sealed(), lambda: True)
    assert (caught.value.stage, caught.value.blame) == (stage, blame)
    assert caught.value.reply


def test_the_phase_is_asked_for_after_the_recipient_and_before_the_content(app, smtp):
    seen = []
    smtp.on_rcpt = lambda address: seen.append("RCPT")
    smtp.on_data = lambda address: seen.append("content")
    with mail.connect() as session:
        reply = session.deliver(create_message().sealed(), lambda: seen.append("asked") or True)
    assert seen == ["RCPT", "asked", "content"]
    assert reply == "250 2.0.0 kept as 1"


def test_a_no_before_the_content_sends_nothing_and_ends_the_session(app, smtp):
    with mail.connect() as session:
        assert session.deliver(create_message().sealed(), lambda: False) is None
        assert not session.is_open
    assert smtp.arrived == []


def test_what_arrives_is_byte_for_byte_what_was_composed(app, smtp):
    message = create_message(text=".\n..\nleading dots\n")
    with mail.connect() as session:
        session.deliver(message.sealed(), lambda: True)
    assert smtp.arrived[0].content == content_of(message)


def test_a_silent_server_is_given_up_after_the_timeout(app):
    app.config["MAIL_TIMEOUT_SECONDS"] = 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.extensions["mail"].port = listener.getsockname()[1]
        with pytest.raises(SendFailure) as caught, mail.connect():
            pass
    assert caught.value.blame is Blame.SERVER


def test_only_for_the_connection_itself_less_time_is_allowed(app, smtp, monkeypatch):
    app.config["MAIL_TIMEOUT_SECONDS"] = 30
    plain, allowed = smtplib.SMTP.ehlo, []

    def ehlo(self, *rest):
        allowed.append(self.sock.gettimeout())
        return plain(self, *rest)

    monkeypatch.setattr(smtplib.SMTP, "ehlo", ehlo)
    with mail.connect():
        pass
    assert allowed == [30]


def test_a_server_without_tls_is_not_talked_to_where_tls_is_wanted(app, smtp):
    app.extensions["mail"].use_tls = True
    with pytest.raises(SendFailure) as caught, mail.connect():
        pass
    assert (caught.value.stage, caught.value.blame) == (Stage.CONNECT, Blame.SERVER)
    assert "STARTTLS" in caught.value.reply


def test_certificates_are_checked(app, monkeypatch):
    contexts = []

    def starttls(self, *, context):
        contexts.append(context)
        return 220, b"go"

    monkeypatch.setattr(smtplib.SMTP, "starttls", starttls)
    app.extensions["mail"].use_tls = True
    with mail.connect():
        pass
    assert contexts[0].verify_mode is ssl.CERT_REQUIRED
    assert contexts[0].check_hostname


def test_an_error_while_saying_goodbye_hides_no_success(app):
    with scripted_server(*UP_TO_DATA, b"250 kept", None) as port:
        app.extensions["mail"].port = port
        with mail.connect() as session:
            reply = session.deliver(create_message().sealed(), lambda: True)
    assert reply == "250 kept"


@pytest.mark.parametrize(
    ("domain", "ascii_form"),
    [
        ("schüle.example", "xn--schle-mva.example"),
        # Not strasse.example, which is what IDNA 2003 makes of it: another domain.
        ("straße.example", "xn--strae-oqa.example"),
        ("אב1.example", "xn--1-zhcd.example"),
    ],
)
def test_a_non_ascii_domain_is_written_in_its_own_ascii_form_everywhere(
    app, smtp, domain, ascii_form
):
    message = create_message(
        to=("Jörg", f"jorg@{domain}"),
        reply_to=("Tom", f"tom@{domain}"),
        sender=f"Reports <reports@{domain}>",
    )
    with mail.connect() as session:
        session.deliver(message.sealed(), lambda: True)
    (arrived,) = smtp.arrived
    assert arrived.to == f"jorg@{ascii_form}"
    assert arrived.sender == f"reports@{ascii_form}"
    for header in ("To", "Reply-To", "From"):
        assert arrived.message[header].addresses[0].domain == ascii_form


def test_after_an_unforeseen_error_the_next_mail_gets_a_session_of_its_own(app, smtp):
    def explode():
        raise ZeroDivisionError

    with mail.connect() as session:
        with pytest.raises(ZeroDivisionError):
            session.deliver(create_message().sealed(), explode)
        assert not session.is_open
    assert smtp.arrived == []


@pytest.mark.parametrize(
    ("code", "blame"),
    [
        (501, Blame.PERMANENT),
        (504, Blame.PERMANENT),
        (553, Blame.PERMANENT),
        (554, Blame.PERMANENT),
        (555, Blame.PERMANENT),
        (450, Blame.SERVER),
        (452, Blame.SERVER),
        (530, Blame.CONFIGURATION),
        (550, Blame.CONFIGURATION),
    ],
)
def test_a_refused_sender_after_a_welcome_one_is_about_the_mail(app, smtp, code, blame):
    with mail.connect() as session:
        session.deliver(create_message().sealed(), lambda: True)
        smtp.on_mail = lambda options: f"{code} no"
        with pytest.raises(SendFailure) as caught:
            session.deliver(create_message().sealed(), lambda: True)
    assert (caught.value.stage, caught.value.blame) == (Stage.MAIL, blame)


@pytest.mark.parametrize("code", [501, 504, 553, 554, 555])
def test_a_refusal_of_what_only_this_mail_asked_for_is_about_the_mail(app, smtp, code):
    smtp.on_mail = lambda options: f"{code} no" if "SMTPUTF8" in options else None
    message = create_message(to=("Jörg", "jörg@family.example"))
    with mail.connect() as session:
        with pytest.raises(SendFailure) as caught:
            session.deliver(message.sealed(), lambda: True)
        assert session.deliver(create_message().sealed(), lambda: True)
    assert caught.value.blame is Blame.PERMANENT


def test_a_mail_over_the_servers_limit_is_not_even_offered(app, smtp):
    smtp.limit = 2000
    asked = []
    smtp.on_mail = asked.append
    with mail.connect() as session:
        with pytest.raises(SendFailure) as caught:
            session.deliver(create_message(text="long " * 1000).sealed(), lambda: True)
        assert session.deliver(create_message().sealed(), lambda: True)
    assert caught.value.blame is Blame.TOO_LARGE
    assert "the mail server takes 2000" in caught.value.reply
    assert len(asked) == 1


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.CONTENT])
def test_after_an_answer_without_sense_the_session_is_over(app, stage):
    """What the server says next would be taken for the answer to the next mail."""
    replies = (*GREETING, b"250 ok") if stage is Stage.RCPT else UP_TO_DATA
    with scripted_server(*replies, b"what?", b"250 kept") as port:
        app.extensions["mail"].port = port
        with mail.connect() as session:
            with pytest.raises(SendFailure):
                session.deliver(create_message().sealed(), lambda: True)
            assert not session.is_open
