"""The product as a process of its own: `python app.py`, and the `flask` commands beside it."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from reportapp.config import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
_T = TypeVar("_T")


def wait_for(condition: Callable[[], _T], what: str, timeout: float = 60, pause: float = 0.1) -> _T:
    """The first true answer of `condition`. Fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {timeout:.0f} s for {what}"
        time.sleep(pause)


def free_port() -> int:
    """A loopback port that nobody uses, below those that the system gives to outgoing
    connections: nothing else takes it by chance before the server does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def environment(folder: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The whole environment of a process: `settings`, everything else at its default whatever the
    developer's own environment and .env say."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{setting.name: "" for setting in SETTINGS},
        "INSTANCE_PATH": str(folder / "instance"),
        "DATABASE_URL": f"sqlite:///{folder / 'e2e.db'}",
        "SECRET_KEY": "only for tests",
        "MAIL_USE_TLS": "false",
        "MAIL_DEFAULT_SENDER": "Reports <reports@lindenhof.example>",
        "DELIVERY_LEASE_SECONDS": "5",
        **{name: str(value) for name, value in settings.items()},
    }


def flask(env: Mapping[str, str], *arguments: str, check: bool = True) -> dict[str, Any]:
    """Run `flask arguments`; the JSON object in its last line, if there is one."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=ROOT, env=dict(env), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    words = " ".join(arguments)
    if check:
        assert done.returncode == 0, f"flask {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"flask {words}:\n{done.stderr}"
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


class Server:
    """One `python app.py`, in a process group of its own, with what it says in a file.

    A context manager: entering starts it and waits until it answers, leaving stops it, and shows
    the file's end when the test failed.
    """

    def __init__(self, folder: Path, name: str = "server", **settings: Any) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(folder, {"PORT": self.port, "BASE_URL": self.url, **settings})
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        """Start it (again, after `stop` or `kill`) and wait until it answers."""
        assert self.process is None, f"{self.name} is running"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(lambda: self._answers("/healthz"), f"{self.name} to answer")
        return self

    def wait_until_ready(self) -> "Server":
        """Until the database answers and some process runs the schedules."""
        wait_for(lambda: self._answers("/readyz"), f"{self.name} to be ready")
        return self

    def _answers(self, path: str) -> bool:
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self.name} ended with {status}:\n{self.tail()}"
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def owns(self, pid: int) -> bool:
        """Whether `pid` is one of this server's living processes."""
        try:
            return self.process is not None and os.getpgid(pid) == self.process.pid
        except ProcessLookupError:
            return False

    def stop(self) -> int:
        """Ask it to end, as a service manager does (SIGTERM to the first process), and wait; its
        exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end on SIGTERM:\n{self.tail()}") from None
        # Nothing may be left of it.
        self._kill_group()
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL all its processes at once."""
        assert self.process is not None
        self._kill_group()
        self.process.wait()
        self.process = None

    def _kill_group(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def complaints(self) -> list[str]:
        """Lines of errors that it met."""
        marks = ("Traceback", " ERROR ", " CRITICAL ", "[ERROR]", "Warning:")
        return [line for line in self.said.splitlines() if any(mark in line for mark in marks)]

    def tail(self, lines: int = 60) -> str:
        end = self.said.splitlines()[-lines:]
        return "\n".join((f"---- the end of {self.log} ----", *end))

    def __enter__(self) -> "Server":
        try:
            return self.start()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self.process is not None:
            if kind is None:
                self.stop()
            else:
                self.kill()
        if kind is not None:
            print(self.tail())
