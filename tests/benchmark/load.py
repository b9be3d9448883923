"""The load: whole HTTP/1.1 requests, sent again and again over connections that stay open.

An own generator rather than a library's client, because it shares the cores with the server it measures: a request
costs it some 50 microseconds, a tenth of what general clients take. `closed` sends the next request of a connection
when the last one is answered, `steady` sends at a rate whatever the answers do.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httptools
import uvloop

LOST = 0
"""The status of a request whose connection ended, or that was not answered in time."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: when it was asked for (`time.perf_counter`), how long it took to its end, whether it named a time to
    come back.
    """

    status: int
    asked_at: float
    seconds: float
    retry_after: bool = False
    first_seconds: float = 0.0
    """To the first byte of its body."""


def message(path: str, content_type: str, body: bytes, *, method: str = "POST") -> bytes:
    """A whole request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: benchmark\r\n"
    if body or method == "POST":
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


class _Connection(asyncio.Protocol):
    """One connection; `done` is told each answer, and gets the connection back for the next request."""

    def __init__(self, done: Callable[[_Connection, Reply], None]) -> None:
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._asked_at = 0.0
        self._waiting = False
        self._reset()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def waited(self) -> float:
        """Seconds since its request was sent; 0 when it has none."""
        return time.perf_counter() - self._asked_at if self._waiting else 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._finish(LOST)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._retry_after |= name.lower() == b"retry-after"
        self._close |= name.lower() == b"connection" and value.lower() == b"close"

    def on_body(self, body: bytes) -> None:
        if not self._first_at:
            self._first_at = time.perf_counter()

    def on_message_complete(self) -> None:
        if self._close:
            self.close()
        self._finish(self._parser.get_status_code())

    def ask(self, request: bytes) -> None:
        """Send a request; the last one's answer is there."""
        assert self._transport is not None
        self._reset()
        self._waiting = True
        self._asked_at = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._retry_after = self._close = False
        self._first_at = 0.0

    def _finish(self, status: int) -> None:
        if not self._waiting:
            return
        self._waiting = False
        now = time.perf_counter()
        first = (self._first_at or now) - self._asked_at
        self._done(self, Reply(status, self._asked_at, now - self._asked_at, self._retry_after, first))


async def _connect(target: Target, done: Callable[[_Connection, Reply], None]) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(done), target.host, target.port
    )
    return connection


@dataclass(slots=True)
class _Closed:
    """`clients` connections, each with one request under way, until `end` or until `most` requests were sent."""

    requests: Sequence[bytes]
    end: float
    most: int | None
    replies: list[Reply] = field(default_factory=list)
    sent: int = 0
    under_way: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, connection: _Connection) -> None:
        if time.perf_counter() < self.end and (self.most is None or self.sent < self.most) and connection.is_open:
            connection.ask(self.requests[self.sent % len(self.requests)])
            self.sent += 1
            self.under_way += 1
        elif not self.under_way:
            self.over.set()

    def done(self, connection: _Connection, reply: Reply) -> None:
        self.under_way -= 1
        self.replies.append(reply)
        # The next one goes out in a turn of its own: the connection is still in the parser's callback.
        asyncio.get_running_loop().call_soon(self.send, connection)


def closed(
    target: Target,
    requests: Sequence[bytes],
    *,
    clients: int,
    seconds: float = float("inf"),
    most: int | None = None,
    patience: float = 60.0,
) -> list[Reply]:
    """Replies to requests sent by so many clients for so many seconds, or until `most` were sent; in order of arrival.

    Answers under way at the end are waited for, `patience` seconds at most; those that do not come are `LOST`.
    """

    async def run() -> list[Reply]:
        load = _Closed(requests, time.perf_counter() + seconds, most)
        connections = [await _connect(target, load.done) for _ in range(clients)]
        for connection in connections:
            load.send(connection)
        while not load.over.is_set():
            try:
                await asyncio.wait_for(load.over.wait(), 1.0)
            except TimeoutError:
                if not await _cut(connections, patience) and not load.under_way:
                    break
        for connection in connections:
            connection.close()
        return load.replies

    return uvloop.run(run())


async def _cut(connections: Sequence[_Connection], patience: float) -> int:
    """Close connections that have waited for longer than `patience`; how many."""
    late = [connection for connection in connections if connection.waited > patience]
    for connection in late:
        connection.close()
    await asyncio.sleep(0)
    return len(late)


@dataclass(slots=True)
class _Steady:
    """Requests that are due at certain times, and the connections that they go out on."""

    target: Target
    requests: Sequence[bytes]
    most: int
    replies: list[Reply] = field(default_factory=list)
    waiting: deque[float] = field(default_factory=deque)
    due: dict[_Connection, float] = field(default_factory=dict)
    idle: list[_Connection] = field(default_factory=list)
    connections: set[_Connection] = field(default_factory=set)
    opening: set[asyncio.Task[None]] = field(default_factory=set)
    sent: int = 0

    @property
    def under_way(self) -> int:
        return len(self.due) + len(self.waiting) + len(self.opening)

    def dispatch(self) -> None:
        """Send what is due, as far as there are connections."""
        while self.waiting:
            connection = self._free()
            if connection is not None:
                self._ask(connection, self.waiting.popleft())
            elif len(self.connections) + len(self.opening) < self.most:
                task = asyncio.ensure_future(self._open(self.waiting.popleft()))
                self.opening.add(task)
                task.add_done_callback(self.opening.discard)
            else:
                return

    def end(self) -> None:
        """What has no answer yet is lost."""
        now = time.perf_counter()
        self.replies += [Reply(LOST, at, now - at) for at in (*self.due.values(), *self.waiting)]
        self.due.clear()
        for connection in list(self.connections):
            connection.close()

    def _free(self) -> _Connection | None:
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open:
                return connection
            self.connections.discard(connection)
        return None

    def _ask(self, connection: _Connection, at: float) -> None:
        self.due[connection] = at
        connection.ask(self.requests[self.sent % len(self.requests)])
        self.sent += 1

    async def _open(self, at: float) -> None:
        try:
            connection = await _connect(self.target, self._done)
        except OSError:
            self.replies.append(Reply(LOST, at, time.perf_counter() - at))
            return
        self.connections.add(connection)
        self._ask(connection, at)

    def _done(self, connection: _Connection, reply: Reply) -> None:
        at = self.due.pop(connection, None)
        if at is not None:
            late = reply.asked_at - at
            self.replies.append(Reply(reply.status, at, reply.seconds + late, reply.retry_after))
        if connection.is_open and reply.status != LOST:
            self.idle.append(connection)
        else:
            self.connections.discard(connection)


def steady(
    target: Target,
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    most_connections: int = 1000,
    patience: float = 30.0,
) -> list[Reply]:
    """Replies to requests sent at `rate` a second for so many seconds, evenly, whatever the answers do.

    A request whose time has come takes an idle connection, or opens another one; beyond `most_connections` it waits. A
    reply's time runs from when its request should have been sent, so that a slow server is not asked less.
    """

    async def run() -> list[Reply]:
        load = _Steady(target, requests, most_connections)
        begin = time.perf_counter()
        planned = 0
        while (now := time.perf_counter()) - begin < seconds:
            while planned / rate <= now - begin:
                load.waiting.append(begin + planned / rate)
                planned += 1
            load.dispatch()
            await asyncio.sleep(min(0.002, 1 / rate))
        end = time.perf_counter()
        while load.under_way and time.perf_counter() - end < patience:
            load.dispatch()
            await asyncio.sleep(0.005)
        load.end()
        return load.replies

    return uvloop.run(run())
