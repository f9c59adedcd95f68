"""What went wrong while sending, sorted by what can be done about it."""

import re
import ssl
from enum import StrEnum

#: Refusals of MAIL FROM that can be about one mail: its addresses, what it asked for.
_ABOUT_ONE_MAIL = frozenset({501, 504, 553, 554, 555})
#: Refusals of us, whoever the mail is for: log in first, wrong password.
_ABOUT_US = frozenset({530, 534, 535, 538})
#: RFC 3463: "message too big" for the system or for the mailbox. Some servers say so under another
#: code than RFC 1870's 552.
_TOO_BIG = re.compile(r"\b5\.(3\.4|2\.3)\b")


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
    #: What we are set to do: it goes on failing until somebody changes the settings.
    CONFIGURATION = "configuration"
    #: May heal by itself: try again later.
    TEMPORARY = "temporary"
    #: Will not heal by being sent again.
    PERMANENT = "permanent"
    #: This mail is larger than the server takes; a smaller one may do.
    TOO_LARGE = "too_large"
    #: The server may have accepted it.
    AMBIGUOUS = "ambiguous"


class SendFailure(Exception):
    """A mail that was not sent, or not known to be: who is to blame, at which stage, and the
    server's words (or ours where it had none)."""

    def __init__(self, blame: Blame, stage: Stage, reply: str) -> None:
        self.blame, self.stage, self.reply = blame, stage, reply
        super().__init__(f"{stage}: {reply}")

    @property
    def refused_address(self) -> bool:
        """The server will take nothing for this address. A full mailbox (RFC 5321: 552) is still
        somebody's."""
        permanent = self.stage is Stage.RCPT and self.blame is Blame.PERMANENT
        return permanent and not self.reply.startswith("552")


def reply_text(code: int, text: bytes | str) -> str:
    """`550 5.1.1 No such mailbox`: a server's reply on one line, at most 500 characters."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _one_line(f"{code} {words}")


def refusal(
    stage: Stage,
    code: int,
    text: bytes | str,
    *,
    special: bool = False,
    welcome: bool = False,
) -> SendFailure:
    """The failure of a definite reply that was not the hoped-for one (RFC 5321 section 4.2.1:
    4yz may heal, 5yz will not). 421 closes the session.

    A server that refuses the connection or MAIL FROM refuses us and not the mail: for good (5yz)
    until our settings change, else for now. There is reason to think otherwise if the mail asked
    for something `special`, or if we are `welcome`, since the server has taken others from us.
    """
    reply = reply_text(code, text)
    own = special or (welcome and code in _ABOUT_ONE_MAIL)
    return SendFailure(_blame(stage, code, reply, own=own), stage, reply)


def _blame(stage: Stage, code: int, reply: str, *, own: bool) -> Blame:
    if code in _ABOUT_US:
        return Blame.CONFIGURATION
    if stage is Stage.CONNECT:
        return Blame.SERVER
    if (code == 552 and stage is not Stage.RCPT) or _TOO_BIG.search(reply):
        return Blame.TOO_LARGE
    if stage is Stage.MAIL and code < 500:
        return Blame.SERVER
    if stage is Stage.MAIL and not own:
        return Blame.CONFIGURATION
    if code == 421 and stage is not Stage.CONTENT:
        return Blame.SERVER
    return Blame.TEMPORARY if code < 500 else Blame.PERMANENT


def breakdown(stage: Stage, error: Exception) -> SendFailure:
    """The failure of a conversation that broke off without a reply. Up to DATA nothing was handed
    over; afterwards only the server knows."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"The mail server's certificate is not to be trusted: {error.verify_message}"
        return SendFailure(Blame.CONFIGURATION, stage, _one_line(words))
    blame = {
        Stage.CONNECT: Blame.SERVER,
        Stage.MAIL: Blame.SERVER,
        Stage.CONTENT: Blame.AMBIGUOUS,
    }.get(stage, Blame.TEMPORARY)
    return SendFailure(blame, stage, _one_line(str(error)) or type(error).__name__)


def _one_line(text: str) -> str:
    # PostgreSQL keeps no zero bytes.
    return " ".join(text.replace("\x00", "").split())[:500]
