"""smtplib's client of a mail server, which leaves the waiting to others."""

from __future__ import annotations

import selectors
import smtplib
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Waiting(Protocol):
    """How somebody waits for a server: what the thread does meanwhile."""

    def wait(self, sock: socket.socket, events: int, seconds: float) -> None:
        """Wait for one of the selectors' `events`. Raises TimeoutError after so many seconds."""

    def elsewhere(self, call: Callable[[], T]) -> T:
        """What a call returns or raises that waits for something itself."""


class Alone:
    """There is nothing else to do meanwhile."""

    def wait(self, sock: socket.socket, events: int, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, events)
            if not selector.select(seconds):
                raise TimeoutError("timed out")

    def elsewhere(self, call: Callable[[], T]) -> T:
        return call()


class Host(smtplib.SMTP):
    """A server that is talked to. Once its `sock` does not block, it is `waiting` that waits, up to
    `patience` seconds each time until there is something to read, or room to write."""

    waiting: Waiting
    patience: float

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:  # as in the beginning, and after STARTTLS
            self.file = _Lines(self._receive)
        return super().getreply()

    def send(self, s: Any) -> None:
        """All of it, bytes or ASCII."""
        left = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        while left:
            sent = self._when_ready(partial(self._open().send, left), selectors.EVENT_WRITE)
            left = left[sent:]

    def _receive(self) -> bytes:
        return self._when_ready(partial(self._open().recv, 8192), selectors.EVENT_READ)

    def _when_ready(self, act: Callable[[], T], events: int) -> T:
        while True:
            try:
                return act()
            except BlockingIOError:
                wanted = events
            except ssl.SSLWantReadError:
                wanted = selectors.EVENT_READ
            except ssl.SSLWantWriteError:
                wanted = selectors.EVENT_WRITE
            self.waiting.wait(self._open(), wanted, self.patience)

    def _open(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("The connection is closed.")
        return self.sock


class SecureHost(Host, smtplib.SMTP_SSL):
    """The same with TLS from the first byte on."""


class _Lines:
    """As much of a file as smtplib uses."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._unread = b""

    def readline(self, limit: int) -> bytes:
        """Up to the next line break; what there is when the file ends, or has `limit` bytes."""
        while (end := self._unread.find(b"\n") + 1) == 0 and len(self._unread) < limit:
            more = self._receive()
            if not more:
                end = len(self._unread)
                break
            self._unread += more
        end = min(end or limit, limit)
        line, self._unread = self._unread[:end], self._unread[end:]
        return line

    def close(self) -> None:
        """The socket is smtplib's to close."""
