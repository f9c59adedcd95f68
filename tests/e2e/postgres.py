"""A private PostgreSQL: a cluster of its own on a free loopback port, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.server import free_port, wait_for

#: Where Debian, Ubuntu and Homebrew put the servers' programs.
_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
#: Nobody misses this data after a power cut.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def postgres_cluster(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database on a new cluster, whose log is in `tmp_path`. Skips the test
    where PostgreSQL is not installed."""
    programs = _programs()
    # Not in `tmp_path`: pytest's folders are closed to other users, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="reportapp-pg-"))
    log = tmp_path / "postgres.log"
    try:
        who = _unprivileged(folder)
        with log.open("ab") as output:
            options: dict[str, Any] = {"cwd": folder, "stdout": output, "stderr": output, **who}
            data = folder / "data"
            subprocess.run(
                [
                    programs / "initdb", "-D", data, "-U", "reportapp", "-A", "trust",
                    "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions",
                ],
                check=True, timeout=120, **options,
            )  # fmt: skip
            port = free_port()
            settings = (f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", *_FAST)
            server = subprocess.Popen(
                [
                    programs / "postgres", "-D", data, "-p", str(port),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                start_new_session=True, **options,
            )  # fmt: skip
        try:
            url = f"postgresql://reportapp@127.0.0.1:{port}/postgres"
            wait_for(lambda: _answers(url, server), "PostgreSQL to answer")
            yield url
        finally:
            _stop(server)
    except BaseException:
        if log.exists():
            print(log.read_text(errors="replace")[-4000:])
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = [
        place
        for pattern in _PLACES
        for place in Path("/").glob(pattern.removeprefix("/"))
        if (place / "initdb").exists() and (place / "postgres").exists()
    ]
    on_path = shutil.which("initdb")
    if not found and on_path and (Path(on_path).resolve().parent / "postgres").exists():
        found = [Path(on_path).resolve().parent]
    if not found:
        pytest.skip(
            "NOT TESTED ON POSTGRESQL: there is no initdb in "
            f"{' or '.join(_PLACES)} (Debian: apt-get install postgresql)."
        )
    return max(found, key=_version)


def _version(programs: Path) -> tuple[int, ...]:
    digits = "".join(char if char.isdigit() else " " for char in str(programs))
    return tuple(int(number) for number in digits.split())


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a process that PostgreSQL accepts, which refuses to run as root; `folder` is
    made that user's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            person = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, person.pw_uid, person.pw_gid)
        return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
    pytest.skip("NOT TESTED ON POSTGRESQL: it refuses root, and there is no user to run it as.")


def _answers(url: str, server: "subprocess.Popen[bytes]") -> bool:
    status = server.poll()
    assert status is None, f"PostgreSQL ended with {status}"
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _stop(server: "subprocess.Popen[bytes]") -> None:
    # SIGINT is its quick way to end: sessions are cut off.
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
