"""What went wrong while sending, sorted by what can be done about it."""

from enum import StrEnum


class Stage(StrEnum):
    """How far the conversation with the server had come."""

    CONNECT = "connect"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    #: The mail's bytes are on their way and the server has not answered yet.
    CONTENT = "content"


class Blame(StrEnum):
    #: The server as a whole: not this mail's fault, none of its tries is charged.
    SERVER = "server"
    #: May heal by itself: try again later.
    TEMPORARY = "temporary"
    #: Will not heal by being sent again.
    PERMANENT = "permanent"
    #: The server may have accepted it.
    AMBIGUOUS = "ambiguous"


class SendFailure(Exception):
    """A mail that was not sent, or not known to be: who is to blame, at which stage, and the
    server's words (or ours where it had none)."""

    def __init__(self, blame: Blame, stage: Stage, reply: str) -> None:
        self.blame, self.stage, self.reply = blame, stage, reply
        super().__init__(f"{stage}: {reply}")


def reply_text(code: int, text: bytes | str) -> str:
    """`550 5.1.1 No such mailbox`: a server's reply on one line, at most 500 characters."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {words}".split())[:500].replace("\x00", "")


def refusal(stage: Stage, code: int, text: bytes | str) -> SendFailure:
    """The failure of a definite reply that was not the hoped-for one (RFC 5321 section 4.2.1:
    4yz may heal, 5yz will not). 421 closes the session. A server that refuses MAIL FROM refuses us
    and not the mail, but for its size (RFC 1870: 552)."""
    if code == 421 and stage is not Stage.CONTENT:
        blame = Blame.SERVER
    elif 400 <= code < 500:
        blame = Blame.TEMPORARY
    elif stage is Stage.CONNECT or (stage is Stage.MAIL and code != 552):
        blame = Blame.SERVER
    else:
        blame = Blame.PERMANENT
    return SendFailure(blame, stage, reply_text(code, text))


def breakdown(stage: Stage, error: Exception) -> SendFailure:
    """The failure of a conversation that broke off without a reply. Up to DATA nothing was handed
    over; afterwards only the server knows."""
    blame = {
        Stage.CONNECT: Blame.SERVER,
        Stage.MAIL: Blame.SERVER,
        Stage.CONTENT: Blame.AMBIGUOUS,
    }.get(stage, Blame.TEMPORARY)
    words = " ".join(str(error).split())[:400] or type(error).__name__
    return SendFailure(blame, stage, words)
