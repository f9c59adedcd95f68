"""The client of a mail server: it waits as it is told to, for replies in any pieces, for room to
write, and under TLS."""

import ssl
from functools import partial
from io import BytesIO
from selectors import EVENT_READ as READ
from selectors import EVENT_WRITE as WRITE
from threading import Event
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportapp.delivery.turns import Turns
from reportapp.mail import Blame, SendFailure, Stage, encode_attachment, mail
from reportapp.mail.host import Host, _Lines
from tests.chaos.mail_server import mail_server
from tests.chaos.test_misbehaving_server import self_signed
from tests.mail.test_message import create_message

#: More than all buffers between two processes hold.
LARGE = 20_000_000


@pytest.fixture
def server(app):
    app.config["MAIL_TIMEOUT_SECONDS"] = 5
    with mail_server() as server:
        app.extensions["mail"].port = server.port
        yield server


@pytest.fixture
def trusted(server, tmp_path, monkeypatch):
    """The server has a certificate, and this side trusts it."""
    server.tls = self_signed(tmp_path)
    monkeypatch.setattr(
        ssl,
        "create_default_context",
        partial(ssl.create_default_context, cafile=tmp_path / "certificate.pem"),
    )


def send(name, number, *, waiting=None, size=10):
    """So many mails to one person over one session."""
    attachment = encode_attachment("data.bin", "application/octet-stream", bytes(size))
    with mail.connect(waiting=waiting) as session:
        for _ in range(number):
            message = create_message(to=(name, f"{name}@x.example"), attachment=attachment)
            assert session.deliver(message.sealed(), lambda: True).startswith("250")


@given(
    st.lists(st.sampled_from([b"250 ok", b"\n", b"\r\n", b"250-", b"x" * 50, b"\xff"])),
    st.lists(st.integers(1, 40), min_size=1),
    st.integers(1, 60),
)
def test_lines_are_the_same_in_whatever_pieces_they_come(words, sizes, limit):
    """As Python's own files have them."""
    said = b"".join(words)
    plain, pieces = BytesIO(said), BytesIO(said)
    again = iter(sizes * (len(said) + 1))
    lines = _Lines(lambda: pieces.read(next(again)))
    expected = list(iter(lambda: plain.readline(limit), b""))
    assert list(iter(lambda: lines.readline(limit), b"")) == expected


def test_under_tls_it_waits_for_what_the_connection_wants_whatever_it_is_doing():
    """Keys that are changed have to be read in the middle of writing, and written when reading."""
    wants = [ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError]
    host = Host(local_hostname="x.example")
    host.sock, host.waiting, host.patience = Mock(), Mock(), 5
    host.sock.send.side_effect = [*wants, 5]
    host.send(b"hello")
    host.sock.recv.side_effect = [*wants, b"250 ok\r\n"]
    assert host.getreply() == (250, b"ok")
    waited_for = [call.args for call in host.waiting.wait.call_args_list]
    events = [READ, WRITE, WRITE, READ, WRITE, READ]
    assert waited_for == [(host.sock, each, 5) for each in events]


@pytest.mark.parametrize("in_turns", [False, True])
@pytest.mark.parametrize("way", ["STARTTLS", "from the first byte on"])
def test_mails_arrive_under_tls(app, server, trusted, way, in_turns):
    state = app.extensions["mail"]
    state.server = "localhost"  # as the certificate has it
    if way == "STARTTLS":
        server.extensions, state.use_tls = ("STARTTLS",), True
    else:
        server.tls_at_once, state.use_ssl = True, True
    if in_turns:
        turns = Turns()
        turns.run([lambda: send("pia", 5, waiting=turns, size=100_000)] * 3)
    else:
        send("pia", 15, size=100_000)
    assert len(server.kept) == 15
    assert min(kept.size for kept in server.kept) > 100_000


@pytest.mark.parametrize("under_tls", [False, True])
def test_a_server_that_does_not_read_on_gets_all_of_a_mail_and_holds_up_nobody(
    app, server, trusted, under_tls
):
    if under_tls:
        state = app.extensions["mail"]
        server.extensions, state.use_tls, state.server = ("STARTTLS",), True, "localhost"
    others, in_time = Event(), []
    server.before_content = lambda to: to.startswith("slow") and in_time.append(others.wait(10))
    server.on_kept = lambda kept: len(server.kept) == 5 and others.set()
    turns = Turns()
    turns.run(
        [
            lambda: send("slow", 1, waiting=turns, size=LARGE),
            lambda: send("pia", 5, waiting=turns),
        ]
    )
    assert in_time == [True]
    assert [kept.to[:4] for kept in server.kept] == ["pia@"] * 5 + ["slow"]
    assert server.kept[-1].size > LARGE


@pytest.mark.parametrize("alone", [True, False])
def test_a_server_that_never_reads_on_is_given_up(app, server, alone):
    """As long as it goes on reading, it has all the time in the world."""
    app.config["MAIL_TIMEOUT_SECONDS"] = 0.3
    over, failures = Event(), []
    server.before_content = lambda to: over.wait(10)

    def gives_up(waiting):
        with pytest.raises(SendFailure) as caught:
            send("slow", 1, waiting=waiting, size=LARGE)
        failures.append((caught.value.stage, caught.value.blame, caught.value.reply))

    try:
        if alone:
            gives_up(None)
        else:
            turns = Turns()
            turns.run([lambda: gives_up(turns)])
    finally:
        over.set()
    assert failures == [(Stage.CONTENT, Blame.AMBIGUOUS, "timed out")]
    assert server.kept == []
