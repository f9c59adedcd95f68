"""A mail server that takes everything and keeps nothing, in a process of its own."""

import multiprocessing
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportapp.mail.mailbox import LoopbackServer
from tests.e2e.server import free_port, wait_for


@contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """What it is called, and its port on 127.0.0.1: Debian's smtp-sink (from postfix) where there
    is one, else an aiosmtpd, which takes about a fifth of the mails in the same time."""
    program = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    with _smtp_sink(program) if program else _aiosmtpd() as port:
        yield ("smtp-sink" if program else "aiosmtpd"), port


@contextmanager
def _smtp_sink(program: str) -> Iterator[int]:
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "100"])
    try:
        wait_for(lambda: _answers(port), "smtp-sink to answer")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class _Nothing:
    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return "250 OK"


def _serve(pipe: Any) -> None:
    server = LoopbackServer(_Nothing())
    server.start()
    pipe.send(server.port)
    pipe.recv()
    server.stop()


@contextmanager
def _aiosmtpd() -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_serve, args=(other,), daemon=True)
    process.start()
    try:
        yield pipe.recv()
    finally:
        pipe.send("end")
        process.join()
