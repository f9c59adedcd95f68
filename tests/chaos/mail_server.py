"""A mail server that keeps account of all that it says, and says what a script tells it to."""

import re
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

_MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What the server does at one turn of the conversation, in this order: waits, keeps the mail
    (after its content only), says the reply's bytes, ends the connection. `silent`: it waits for
    the other side to give up."""

    reply: bytes = b""
    keep: bool = False
    wait: float = 0.0
    hang_up: bool = False
    silent: bool = False


@dataclass
class Turn:
    """One thing that the server was asked: in which session, at which stage (`banner EHLO STARTTLS
    AUTH MAIL RCPT DATA content RSET`), about which recipient (None before RCPT), and its answer."""

    session: int
    stage: str
    to: str | None = None
    message_id: str | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class Kept:
    """A mail that has arrived, whether the sender was told so or not. `at`: monotonic seconds."""

    to: str
    message_id: str
    size: int
    at: float


#: Decides about a turn; None leaves it to the usual polite answer.
Script = Callable[[Turn], Answer | None]


@dataclass
class MailServer:
    port: int = 0
    script: Script = lambda turn: None
    #: Called for every mail that was kept, before the sender is told.
    on_kept: Callable[[Kept], None] = lambda kept: None
    kept: list[Kept] = field(default_factory=list)
    #: Contents in whose middle the other side was gone, as far as they had come.
    broken_off: list[bytes] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    extensions: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    #: TLS comes before the first word, and not when it is asked for.
    tls_at_once: bool = False
    #: Called with the recipient before a content is read.
    before_content: Callable[[str | None], object] = lambda to: None
    sessions: int = 0
    #: The other side's port, by session.
    ports: dict[int, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def copies(self) -> Counter[str]:
        """How often each Message-ID has arrived."""
        return Counter(mail.message_id for mail in self.kept)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed: the end
            while True:
                connection, (_, port) = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sessions += 1
                self.ports[self.sessions] = port
                session = _Session(self, connection, self.sessions)
                Thread(target=session.run, daemon=True).start()

    def keep(self, mail: Kept) -> None:
        with self._lock:
            self.kept.append(mail)
        self.on_kept(mail)


class _Over(Exception):
    """The conversation has ended."""


class _Session:
    def __init__(self, server: MailServer, connection: socket.socket, number: int) -> None:
        self.server, self.connection, self.number = server, connection, number
        self.lines = connection.makefile("rb")
        self.to: str | None = None
        #: It has taken a sender, and a recipient.
        self.has_sender = self.has_recipient = False

    def run(self) -> None:
        try:
            if self.server.tls_at_once:
                self._start_tls()
            self._turn("banner", b"220 ready")
            while line := self.lines.readline():
                self._command(line)
        except (_Over, OSError, ValueError):
            pass
        finally:
            self.lines.close()
            self.connection.close()

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb in (b"EHLO", b"HELO"):
            lines = (b"250 hello", *(f"250 {each}".encode() for each in self.server.extensions))
            *others, last = lines
            text = b"\r\n".join([*(each.replace(b" ", b"-", 1) for each in others), last])
            self._turn("EHLO", text)
        elif verb == b"STAR":
            self._turn("STARTTLS", b"220 go ahead")
            self._start_tls()
        elif verb == b"AUTH":
            self._turn("AUTH", b"235 welcome")
        elif verb == b"MAIL":
            self.to, self.has_recipient = None, False
            self.has_sender = self._turn("MAIL", b"250 sender ok").startswith(b"250")
        elif verb == b"RCPT":
            self.to = line.partition(b"<")[2].partition(b">")[0].decode()
            usual = b"250 recipient ok" if self.has_sender else b"503 who sends it?"
            taken = self._turn("RCPT", usual).startswith(b"250")
            self.has_recipient = taken and self.has_sender
        elif verb == b"DATA":
            usual = b"354 go on" if self.has_recipient else b"503 to whom?"
            if self._turn("DATA", usual).startswith(b"354"):
                self._content()
        elif verb == b"RSET":
            self.to, self.has_sender, self.has_recipient = None, False, False
            self._turn("RSET", b"250 forgotten")
        elif verb == b"QUIT":
            self.connection.sendall(b"221 bye\r\n")
            raise _Over
        else:
            self.connection.sendall(b"250 ok\r\n")

    def _content(self) -> None:
        self.server.before_content(self.to)
        lines = []
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                self.server.broken_off.append(b"".join(lines))
                raise _Over
            lines.append(line)
        content = b"".join(lines)
        found = _MESSAGE_ID.search(content)
        assert found is not None
        assert self.to is not None
        kept = Kept(self.to, found[1].decode(), len(content), time.monotonic())
        self._turn("content", b"250 2.0.0 kept", kept)

    def _turn(self, stage: str, usual: bytes, mail: Kept | None = None) -> bytes:
        """Answer; what was said."""
        turn = Turn(self.number, stage, self.to, mail.message_id if mail else None)
        answer = self.server.script(turn) or Answer(usual, keep=True)
        turn.answer = answer
        self.server.turns.append(turn)
        if answer.wait:
            time.sleep(answer.wait)
        if mail is not None and answer.keep:
            self.server.keep(mail)
        if answer.silent:
            while self.lines.readline():
                pass
            raise _Over
        if answer.reply:
            ended = b"" if answer.reply.endswith(b"\r\n") or answer.hang_up else b"\r\n"
            self.connection.sendall(answer.reply + ended)
        if answer.hang_up:
            raise _Over
        return answer.reply

    def _start_tls(self) -> None:
        assert self.server.tls is not None
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.lines = self.connection.makefile("rb")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server on a loopback port of the system's choice."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = MailServer(listener.getsockname()[1])
        thread = Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
