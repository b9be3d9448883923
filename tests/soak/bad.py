"""Bad clients: those that send the hostile corpus, those that are slow, and those that leave."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from itertools import count
from random import Random

from tests.hostile.corpus import request
from tests.hostile.judge import fault_of_hostile
from tests.soak.good import asks
from tests.soak.report import Watch
from tests.soak.wire import Broken, Client, message

JSON_HEAD = b"POST /predict/text HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
STREAM_HEAD = (
    b"POST /predict/batch HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LINE = b'{"designation": "a"}\n'
DRIP_SECONDS = 0.5
PIPELINED = 400
SHORTEST_ANSWER = 20_000
"""Bytes of the document; so many answers are more than the system keeps by itself."""


def hostile_client(port: int, watch: Watch, seed: int, *, longest: float) -> None:
    """Send the corpus of a seed until it is time to stop."""
    client = Client(port)
    for number in count():
        if not watch.goes_on or watch.draining.is_set():
            break
        hostile = request(seed, number)
        try:
            answer = client.ask(hostile.method, hostile.target, hostile.headers, hostile.body)
            fault = fault_of_hostile(hostile, answer, longest=longest)
        except (Broken, OSError) as error:
            fault = f"no answer: {error}"
        except Exception as error:  # noqa: BLE001 - an answer that cannot be read
            fault = f"unreadable answer: {error!r}"
        if fault is not None and not watch.draining.is_set():
            watch.count("hostile " + hostile.group, f"request {number} of seed {seed}: {fault}")
        else:
            watch.count("hostile " + hostile.group)
    client.close()


def leaving_client(port: int, watch: Watch, seed: int) -> None:
    """Begin requests, and leave before the answer: at once, later, or with more requests in line."""
    chance, choices = Random(seed), asks()
    while watch.goes_on and not watch.draining.is_set():
        ask = chance.choice(choices)
        content = message(ask.method, ask.target, ask.headers, ask.body)
        client = Client(port)
        with contextlib.suppress(OSError):
            connection = client.connect()
            kind = chance.randrange(4)
            if kind == 0:
                content = content[: chance.randrange(1, len(content))]
            elif kind == 1:
                content *= 3
            elif kind == 2:
                content = STREAM_HEAD + b"%x\r\n%s\r\n" % (len(LINE), LINE)
            connection.sendall(content)
            time.sleep(chance.choice((0, 0.001, 0.01, 0.1)))
        client.leave()
        watch.count("leaves")
        time.sleep(0.02)


def slow_client(port: int, watch: Watch, kind: str, *, limit: float) -> None:
    """Be slow in one way, over and over; the server must end it within `limit` seconds."""
    while watch.goes_on and not watch.draining.is_set():
        start = time.monotonic()
        connection = socket.socket()
        if kind == "reads nothing":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            connection.connect(("127.0.0.1", port))
            connection.settimeout(5)
            ended = _be_slow(connection, kind, watch, start + limit)
        except OSError:
            ended = True  # reset while it was sending
        finally:
            connection.close()
        if ended:
            watch.count("slow " + kind)
        elif watch.goes_on and not watch.draining.is_set():
            watch.count("slow " + kind, f"still held after {limit:.0f} s")


def _be_slow(connection: socket.socket, kind: str, watch: Watch, end: float) -> bool:
    """Whether the server ended it in time."""
    first, drip = SLOW[kind]
    with contextlib.suppress(TimeoutError):
        connection.sendall(first)
    if kind == "reads nothing":
        return _ends_unread(connection, watch, end)
    while time.monotonic() < end and watch.goes_on and not watch.draining.is_set():
        if _is_over(connection):
            return True
        if drip:
            connection.sendall(drip)
        time.sleep(DRIP_SECONDS)
    return False


def _is_over(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP | select.POLLIN)
    for _, what in poll.poll(0):
        if what & (select.POLLHUP | select.POLLERR | select.POLLRDHUP):
            return True
        connection.recv(65_536)
    return False


def _ends_unread(connection: socket.socket, watch: Watch, end: float) -> bool:
    """Whether there is an end behind what the system has kept for a client that did not read."""
    while time.monotonic() < end and watch.goes_on and not watch.draining.is_set():
        time.sleep(DRIP_SECONDS)
    received = sum(len(piece) for piece in iter(lambda: connection.recv(65_536), b""))
    return received < PIPELINED * SHORTEST_ANSWER


SLOW: dict[str, tuple[bytes, bytes]] = {
    "says nothing": (b"", b""),
    "half a head": (b"POST /predict/text HTTP/1.1\r\nHost: x\r\n", b""),
    "drips a head": (b"GET / HTTP/1.1\r\n", b"X: a\r\n"),
    "half a body": (JSON_HEAD + b'{"designation": ', b""),
    "drips a body": (JSON_HEAD + b'{"designation": "', b"a"),
    "half a stream": (STREAM_HEAD + b"%x\r\n%s" % (len(LINE), LINE[:5]), b""),
    "drips a stream": (STREAM_HEAD + b"%x\r\n%s\r\n" % (len(LINE), LINE), b"1\r\n \r\n"),
    "reads nothing": (b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED, b""),
}
"""What is sent at first, and then every half second."""
