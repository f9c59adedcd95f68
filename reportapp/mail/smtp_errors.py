"""What went wrong while sending, sorted by what can be done about it."""

from enum import StrEnum

#: Refusals of MAIL FROM that can be about one mail: its size, its addresses, what it asked for.
_ABOUT_ONE_MAIL = frozenset({501, 504, 552, 553, 554, 555})


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
    return _one_line(f"{code} {words}")


def refusal(stage: Stage, code: int, text: bytes | str, *, own: bool = False) -> SendFailure:
    """The failure of a definite reply that was not the hoped-for one (RFC 5321 section 4.2.1:
    4yz may heal, 5yz will not). 421 closes the session.

    A server that refuses the connection or MAIL FROM refuses us and not the mail, but for its size
    (RFC 1870: 552). `own`: there is reason to think otherwise, since the mail asked for something
    special, or the server has taken others from us.
    """
    if stage is Stage.MAIL:
        servers = code != 552 and not (own and code in _ABOUT_ONE_MAIL)
    else:
        servers = stage is Stage.CONNECT or (code == 421 and stage is not Stage.CONTENT)
    blame = Blame.SERVER if servers else Blame.TEMPORARY if code < 500 else Blame.PERMANENT
    return SendFailure(blame, stage, reply_text(code, text))


def breakdown(stage: Stage, error: Exception) -> SendFailure:
    """The failure of a conversation that broke off without a reply. Up to DATA nothing was handed
    over; afterwards only the server knows."""
    blame = {
        Stage.CONNECT: Blame.SERVER,
        Stage.MAIL: Blame.SERVER,
        Stage.CONTENT: Blame.AMBIGUOUS,
    }.get(stage, Blame.TEMPORARY)
    return SendFailure(blame, stage, _one_line(str(error)) or type(error).__name__)


def _one_line(text: str) -> str:
    # PostgreSQL keeps no zero bytes.
    return " ".join(text.replace("\x00", "").split())[:500]
