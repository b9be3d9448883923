"""A client on a bare socket: sends whatever bytes it is told to, and takes apart what comes back."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

ANSWER_SECONDS = 20.0
KEPT_SECONDS = 2.0
"""An idle connection is used again for so long: far less than the server keeps it, so that it never closes it then."""


class Broken(Exception):
    """No whole answer came: the connection was reset, closed or silent."""


class Answer(NamedTuple):
    """One HTTP answer and the seconds until it was whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body's value; for lines, a list of them."""
        if self.headers.get("content-type", "").startswith("application/x-ndjson"):
            return [json.loads(line) for line in self.body.splitlines()]
        return json.loads(self.body)


def message(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """A request with its length."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Client:
    """One connection at a time, kept while the server keeps it."""

    def __init__(self, port: int, *, seconds: float = ANSWER_SECONDS) -> None:
        self.port = port
        self.seconds = seconds
        self._connection: socket.socket | None = None
        self._idle_since = 0.0

    def ask(self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        """Send a request and read its answer. Raises Broken, and OSError when there is no server."""
        content = message(method, target, headers, body)
        start = time.monotonic()
        connection = self._connection
        if connection is None or start - self._idle_since > KEPT_SECONDS:
            connection = self.connect()
        try:
            answer = self._exchange(connection, content, method == "HEAD", start)
        except (OSError, ValueError, IndexError) as error:
            self.close()
            raise Broken(type(error).__name__) from error
        self._idle_since = time.monotonic()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def connect(self) -> socket.socket:
        """A new connection in place of the old one."""
        self.close()
        self._connection = socket.create_connection(("127.0.0.1", self.port), timeout=self.seconds)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def leave(self) -> None:
        """Go without a word: the server gets a reset."""
        if self._connection is not None:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _exchange(self, connection: socket.socket, content: bytes, is_head: bool, start: float) -> Answer:
        whole = False
        with suppress(OSError):  # answered early and closed: the answer is what counts
            connection.sendall(content)
            whole = True
        with connection.makefile("rb") as stream:
            answer = read_answer(stream, is_head=is_head, start=start)
        if not whole:
            self.close()
        return answer


def read_answer(stream: Any, *, is_head: bool, start: float) -> Answer:
    """One answer from a stream. Raises OSError, ValueError or IndexError on anything else."""
    status = 100
    while status < 200:  # "100 Continue" comes before the answer
        status = int(stream.readline(65_536).split()[1])
        headers = _headers(stream)
    if is_head or status in (204, 304):
        body = b""
    elif headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(stream))
    else:
        size = int(headers.get("content-length", "0"))
        body = stream.read(size)
        if len(body) < size:
            raise ConnectionError("the body ends early")
    return Answer(status, headers, body, time.monotonic() - start)


def _headers(stream: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := stream.readline(65_536)) != b"\r\n":
        if not line:
            raise ConnectionError("the head ends early")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _chunks(stream: Any) -> Iterable[bytes]:
    while size := int(stream.readline(100), 16):
        content = stream.read(size)
        if len(content) < size:
            raise ConnectionError("a chunk ends early")
        yield content
        stream.readline(10)
    stream.readline(10)
