"""Servers that know PIPELINING (RFC 2920) hear a mail's addresses while they look at the mail
before; what they answer is still about the right mail."""

from dataclasses import replace

import pytest

from reportapp.mail import BadHeader, Blame, SendFailure, Stage, mail
from reportapp.mail.sender import FINAL_REPLY_TIMEOUT
from tests.chaos.mail_server import Answer, mail_server
from tests.e2e.server import wait_for
from tests.mail.test_message import create_message


@pytest.fixture
def server(app):
    app.config["MAIL_TIMEOUT_SECONDS"] = 5
    with mail_server() as server:
        server.extensions = ("PIPELINING",)
        app.extensions["mail"].port = server.port
        yield server


def create_mails(*names):
    return [
        create_message(message_id=f"{name}@x.example", to=(name, f"{name}@x.example")).sealed()
        for name in names
    ]


def misbehave(server, **answers):
    """At each stage, and to whom, say something else once."""

    def script(turn):
        return answers.pop(f"{turn.stage}_{(turn.to or '').partition('@')[0]}", None)

    server.script = script


def send(session, mails, may=lambda: True):
    """What becomes of each mail; each is known while the one before is sent."""
    results = []
    for sealed, following in zip(mails, [*mails[1:], None], strict=True):
        try:
            results.append(session.deliver(sealed, may, lambda following=following: following))
        except SendFailure as failure:
            results.append((failure.stage, failure.blame))
    return results


def conversation(server):
    return [
        turn.stage if turn.to is None else f"{turn.stage} {turn.to[:1]}" for turn in server.turns
    ]


def only_the_first_was_heard(server):
    """Nothing else was kept; and where the server waited for a content, the session ended without a
    byte of one: a command would be taken for the first line of a mail."""
    wait_for(lambda: server.broken_off, "the end of the session", 10, 0.01)
    return [kept.to[0] for kept in server.kept] == ["a"] and server.broken_off == [b""]


KEPT = "250 2.0.0 kept"


def test_all_arrive_once_over_one_session(app, server):
    with mail.connect() as session:
        assert send(session, create_mails("a", "b", "c")) == [KEPT] * 3
    assert [kept.to[0] for kept in server.kept] == ["a", "b", "c"]
    assert server.sessions == 1


def test_all_about_the_next_mail_is_told_before_the_reply_to_this_one(app, server):
    told = []

    def kept(arrived):
        if arrived.to == a.to:
            wait_for(lambda: session._announced is b and session._owed == 3, "b", 10, 0.01)
            told.append(b.to)

    server.on_kept = kept
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
        session.deliver(b, lambda: True)
    assert told == [b.to]
    assert conversation(server).count("MAIL") == 2


def test_no_content_leaves_before_the_phase_is_asked_for(app, server):
    heard = []

    def may():
        heard.append(len(server.kept))
        return True

    with mail.connect() as session:
        send(session, create_mails("a", "b", "c"), may)
    assert heard == [0, 1, 2]


def test_the_next_mail_is_made_before_this_ones_phase_is_asked_for(app, server):
    """Whoever is killed while making it has sent neither, and that is known."""
    a, b = create_mails("a", "b")
    called = []
    with mail.connect() as session:
        session.deliver(
            a,
            lambda: called.append("phase") or True,
            lambda: called.append("next") or b,
        )
    assert called == ["next", "phase"]


def test_a_refused_address_is_its_own_mails_only(app, server):
    misbehave(server, RCPT_b=Answer(b"550 nobody"))
    with mail.connect() as session:
        results = send(session, create_mails("a", "b", "c"))
    assert results == [KEPT, (Stage.RCPT, Blame.PERMANENT), KEPT]
    assert [kept.to[0] for kept in server.kept] == ["a", "c"]


@pytest.mark.parametrize(
    ("reply", "blame"), [(b"451 later", Blame.TEMPORARY), (b"554 spam", Blame.PERMANENT)]
)
def test_after_refused_content_the_next_mail_goes_on_as_announced(app, server, reply, blame):
    misbehave(server, content_a=Answer(reply))
    with mail.connect() as session:
        results = send(session, create_mails("a", "b", "c"))
    assert results == [(Stage.CONTENT, blame), KEPT, KEPT]
    assert server.sessions == 1
    assert conversation(server).count("MAIL") == 3


def test_after_refused_content_the_answers_about_the_next_mail_get_no_more_time_than_usual(
    app, server
):
    misbehave(server, content_a=Answer(b"451 later"))
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        with pytest.raises(SendFailure):
            session.deliver(a, lambda: True, lambda: b)
        assert session.host.patience == app.config["MAIL_TIMEOUT_SECONDS"]
        assert session.deliver(b, lambda: True) == KEPT


def test_the_reply_to_a_content_is_waited_for_with_more_patience(app, server):
    """Giving up there leaves the mail's fate unknown."""
    server.on_kept = lambda kept: wait_for(
        lambda: session.host.patience == FINAL_REPLY_TIMEOUT, "patience", 10, 0.01
    )
    (a,) = create_mails("a")
    with mail.connect() as session:
        assert session.deliver(a, lambda: True) == KEPT


def test_a_refused_sender_says_nothing_about_the_recipient(app, server):
    """The reply to RCPT that came in the same go is read, and not taken for another one's."""
    misbehave(server, MAIL_=Answer(b"451 not now"), RCPT_a=Answer(b"503 no sender"))
    with mail.connect() as session:
        results = send(session, create_mails("a", "b"))
    assert results == [(Stage.MAIL, Blame.SERVER), KEPT]


def test_a_yes_counts_although_the_session_has_ended_with_it(app, server):
    misbehave(server, content_a=Answer(b"250 kept and gone\r\n", keep=True, hang_up=True))
    with mail.connect() as session:
        results = send(session, create_mails("a", "b"))
    assert results == ["250 kept and gone", (Stage.MAIL, Blame.SERVER)]


@pytest.mark.parametrize("end", [Answer(hang_up=True), Answer(b"what?")])
def test_without_an_answer_to_the_content_only_that_mail_is_in_doubt(app, server, end):
    misbehave(server, content_a=end)
    with mail.connect() as session:
        results = send(session, create_mails("a", "b"))
        assert not session.is_open
    assert results == [(Stage.CONTENT, Blame.AMBIGUOUS), (Stage.MAIL, Blame.SERVER)]


def test_where_a_mail_was_announced_and_is_not_sent_next_the_session_ends(app, server):
    """The server waits for its content, and would take anything for that."""
    a, b, c = create_mails("a", "b", "c")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
        with pytest.raises(SendFailure) as failure:
            session.deliver(c, lambda: True)
        assert not session.is_open
    assert (failure.value.stage, failure.value.blame) == (Stage.MAIL, Blame.SERVER)
    assert only_the_first_was_heard(server)


def test_a_mail_that_may_not_leave_after_all_is_not_taken_for_an_empty_one(app, server):
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
        assert session.deliver(b, lambda: False) is None
        assert not session.is_open
    assert conversation(server)[-1] == "DATA b"
    assert only_the_first_was_heard(server)


def test_a_server_that_wants_a_content_for_nobody_gets_none(app, server):
    """RFC 2920, section 3.1: it may say yes to DATA although it has refused the recipient."""
    misbehave(server, RCPT_b=Answer(b"550 nobody"), DATA_b=Answer(b"354 go on"))
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        assert send(session, [a, b]) == [KEPT, (Stage.RCPT, Blame.PERMANENT)]
        assert not session.is_open
    assert only_the_first_was_heard(server)


def test_a_session_that_ends_with_a_mail_announced_sends_it_not(app, server):
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
    assert only_the_first_was_heard(server)


@pytest.mark.parametrize("field", ["sender", "to"])
def test_a_line_break_in_an_address_is_told_to_no_server(app, server, field):
    """It would be a command of its own; whoever made the mail should have refused it."""
    a, b, c = create_mails("a", "b", "c")
    bad = replace(b, **{field: "b@x.example>\r\nRCPT TO:<eve@x.example"})
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: bad)
        with pytest.raises(BadHeader):
            session.deliver(bad, lambda: True)
    with mail.connect() as session:
        session.deliver(c, lambda: True)
    assert conversation(server).count("MAIL") == 2
    assert [turn.to for turn in server.turns if turn.stage == "RCPT"] == [a.to, c.to]


def test_a_server_that_waits_for_a_content_is_not_asked_whether_it_is_still_there(app, server):
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
        assert session.still_there() is False
        assert not session.is_open
    assert only_the_first_was_heard(server)


def test_a_server_without_the_extension_hears_one_command_at_a_time(app, server):
    server.extensions = ()
    a, b = create_mails("a", "b")
    with mail.connect() as session:
        session.deliver(a, lambda: True, lambda: b)
        assert conversation(server)[-1] == "content a"
        session.deliver(b, lambda: True)
    assert len(server.kept) == 2
