"""The generator against a small server of the test's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.benchmark.load import LOST, Reply, Target, closed, message, steady

pytestmark = pytest.mark.alone

ANSWERS = {
    "/ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "/busy": b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    "/close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
}


class Server:
    """Answers by path; `/drop` ends the connection, `/hang` says nothing. Counts connections and bodies."""

    def __init__(self) -> None:
        self.connections = 0
        self.bodies: list[bytes] = []
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def close(self) -> None:
        def stop() -> None:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(stop)
        self._thread.join(5)
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                path = head.split()[1]
                if path == "/hang":
                    await asyncio.sleep(30)
                if path == "/drop":
                    break
                writer.write(ANSWERS[path])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def ask(path: str, body: bytes = b"{}") -> bytes:
    return message(path, "application/json", body)


def statuses(replies: list[Reply]) -> list[int]:
    return sorted(reply.status for reply in replies)


def test_so_many_requests_over_so_many_connections(server: Server) -> None:
    requests = [ask("/ok", b"one"), ask("/chunked", b"two")]
    replies = closed(Target("127.0.0.1", server.port), requests, clients=3, most=50)
    assert statuses(replies) == [200] * 50
    assert server.connections == 3
    assert sorted(server.bodies) == [b"one"] * 25 + [b"two"] * 25
    assert all(0 < reply.first_seconds <= reply.seconds for reply in replies)


def test_for_so_many_seconds(server: Server) -> None:
    replies = closed(Target("127.0.0.1", server.port), [ask("/ok")], clients=2, seconds=0.3)
    assert len(replies) > 10
    spread = max(reply.asked_at for reply in replies) - min(reply.asked_at for reply in replies)
    assert 0.2 < spread < 3  # it stops by the clock; a pause of the machine adds to the 0.3


def test_refusals_and_lost_connections_are_told_apart(server: Server) -> None:
    replies = closed(Target("127.0.0.1", server.port), [ask("/busy")], clients=1, most=3)
    assert [(reply.status, reply.retry_after) for reply in replies] == [(503, True)] * 3
    assert statuses(closed(Target("127.0.0.1", server.port), [ask("/drop")], clients=2, most=9)) == [LOST] * 2
    assert statuses(closed(Target("127.0.0.1", server.port), [ask("/close")], clients=1, most=1)) == [200]


def test_what_hangs_is_given_up(server: Server) -> None:
    replies = closed(Target("127.0.0.1", server.port), [ask("/hang")], clients=2, most=2, patience=0.2)
    assert statuses(replies) == [LOST, LOST]


def test_a_steady_rate_opens_connections_as_they_are_needed(server: Server) -> None:
    replies = steady(Target("127.0.0.1", server.port), [ask("/ok")], rate=200, seconds=0.5)
    assert statuses(replies) == [200] * len(replies)
    assert 40 <= len(replies) <= 101
    times = sorted(reply.asked_at for reply in replies)
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx(
        [1 / 200] * (len(times) - 1), abs=1e-6
    )


def test_a_slow_server_is_not_asked_less(server: Server) -> None:
    """Requests that have to wait for a connection are as late as they are."""
    replies = steady(
        Target("127.0.0.1", server.port), [ask("/hang")], rate=50, seconds=0.4, most_connections=2, patience=0.3
    )
    assert statuses(replies) == [LOST] * len(replies)
    assert 5 <= len(replies) <= 21
    assert server.connections == 2


def test_a_server_that_is_not_there_loses_everything() -> None:
    replies = steady(Target("127.0.0.1", 1), [ask("/ok")], rate=50, seconds=0.2)
    assert set(statuses(replies)) == {LOST}
