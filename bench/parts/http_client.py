"""A client that costs little beside the server: ready-made requests over open connections."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

_SECONDS = 60


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)

    def ask(self, request: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError for any status but 200."""
        self.socket.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(got.decode(errors="replace"))
        (length,) = (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        parts, missing = [body], length - len(body)
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _more(self) -> bytes:
        got = self.socket.recv(65536)
        if not got:
            raise RuntimeError("the server closed the connection")
        return got

    def close(self) -> None:
        self.socket.close()


def request_for(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n\r\n"
    ).encode()


def requests_per_second(port: int, request: bytes, seconds: float, connections: int) -> float:
    """How many are answered, with that many open connections."""
    end = time.perf_counter() + seconds

    def work(_number: int) -> int:
        connection, done = Connection(port), 0
        while time.perf_counter() < end:
            connection.ask(request)
            done += 1
        connection.close()
        return done

    with ThreadPoolExecutor(connections) as pool:
        begin = time.perf_counter()
        return sum(pool.map(work, range(connections))) / (time.perf_counter() - begin)
