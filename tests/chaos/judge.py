"""Answers of a mail server that misbehaves, and an account of its own of what must come of them."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from reportapp.mail import sender
from tests.chaos.mail_server import Answer

HANG_UP = Answer(hang_up=True)
SILENCE = Answer(silent=True)
GARBAGE = Answer(b"what?")
BINARY = Answer(b"\xff\xfe\x00\x07")
HALF_A_LINE = Answer(b"25", hang_up=True)
TOO_LONG = Answer(b"250 " + b"x" * 20_000)
#: Its last line never comes.
UNENDED = Answer(b"250-first\r\n", hang_up=True)
BROKEN = (HANG_UP, SILENCE, GARBAGE, BINARY, HALF_A_LINE, TOO_LONG, UNENDED)


def says(reply: str, **more) -> Answer:
    return Answer(reply.encode(), **more)


@dataclass
class Judge:
    """What the deliveries to one address must have come to, by what the server said about it."""

    status: str = "pending"
    tries: int = 0
    as_link: bool = False

    def hear(self, turn) -> None:
        assert self.status == "pending", f"{turn} after {self.status}"
        reply, answer = turn.answer.reply, turn.answer
        whole = answer.reply and not answer.silent and answer.reply not in MUTILATED
        code = int(reply[:3]) if whole else None
        if turn.stage == "content" and code == 250:
            self.status, self.tries = "sent", self.tries + 1
        elif turn.stage == "content" and (code is None or code < 400):
            self.status = "unknown"
        elif (turn.stage, code) in (("RCPT", 250), ("DATA", 354)):
            pass  # so far, so good
        elif code == 421 and turn.stage != "content":
            pass  # the server's, not this mail's
        elif code == 552 and turn.stage != "RCPT":
            self.status = "failed" if self.as_link else "pending"
            self.as_link = True
        elif code is not None and code >= 500:
            self.status = "failed"
        else:
            self.tries += 1
            if self.tries > 3:
                self.status = "failed"


@dataclass
class Ears:
    """What the sender has listened to: to a server that knows PIPELINING it says all about the next
    mail while that one looks at a mail, and does not care for the replies after a no, or when the
    next one is sent by another session or not now."""

    monkeypatch: pytest.MonkeyPatch
    #: How often a recipient was named in a session; of these, those that were taken back.
    said: Counter = field(default_factory=Counter)
    withdrawn: set = field(default_factory=set)

    def __post_init__(self) -> None:
        announcement, withdraw = sender.MailSession._announcement, sender.MailSession._withdraw

        def announcing(session, mail):
            lines = announcement(session, mail)
            session.port = session.host.sock.getsockname()[1]
            self.said[session.port, mail.to] += 1
            return lines

        def withdrawing(session):
            if session._announced is not None:
                to = session._announced.to
                self.withdrawn.add((session.port, to, self.said[session.port, to]))
            withdraw(session)

        self.monkeypatch.setattr(sender.MailSession, "_announcement", announcing)
        self.monkeypatch.setattr(sender.MailSession, "_withdraw", withdrawing)

    def heard(self, server):
        """The turns that count."""
        #: By session, the stage whose reply was no yes: until the session begins anew.
        deaf: dict[int, str] = {}
        named: Counter = Counter()
        for turn in server.turns:
            session = turn.session
            key = server.ports[session], turn.to
            named[key] += turn.stage == "RCPT"
            if turn.stage == "RSET" or (turn.stage == "MAIL" and deaf.get(session) != "content"):
                deaf.pop(session, None)
            if session in deaf:
                continue
            if turn.stage in ("RCPT", "DATA") and (*key, named[key]) in self.withdrawn:
                continue
            reply = turn.answer.reply
            good = reply.startswith(b"250") and reply not in MUTILATED
            # A no to the content leaves what was said about the next mail as it is.
            if turn.stage == "content" and reply[:1] in (b"4", b"5"):
                good = True
            if turn.stage in ("MAIL", "RCPT", "content") and not good:
                deaf[session] = turn.stage
            yield turn


MUTILATED = {each.reply for each in BROKEN}
PER_ADDRESS = {
    "RCPT": [*BROKEN, *map(says, ("450 grey", "451-a\r\n451 b", "421 busy", "550 no", "552 full"))],
    "DATA": [*BROKEN, *map(says, ("451 later", "421 busy", "554 no", "250 what"))],
    "content": [
        *BROKEN,
        Answer(keep=True, hang_up=True),
        Answer(b"250-first\r\n", keep=True, hang_up=True),
        Answer(b"what?", keep=True),
        says("250-2.0.0 kept\r\n250 it is", keep=True),
        says("250 kept\r\n", keep=True, hang_up=True),
        *map(says, ("451 later", "421 bye", "552 too large", "550 spam", "554-a\r\n554 b")),
    ],
}
PER_SESSION = {
    "banner": [*BROKEN, *map(says, ("421 busy", "554 go away"))],
    "EHLO": [HANG_UP, GARBAGE, says("421 busy")],
    "MAIL": [*BROKEN, *map(says, ("421 busy", "450 no", "451 no", "452 full"))],
}
UNKIND = {each for answers in (PER_ADDRESS | PER_SESSION).values() for each in answers}
