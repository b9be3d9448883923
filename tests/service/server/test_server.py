"""A real server on a free port: what only shows on a socket."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from models.versions.store import Store
from service.server.server import LISTENER_DESCRIPTORS
from tests.service.live_server import JSON, head, read_answer, server, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


def test_a_request_and_its_headers(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        body = b'{"designation": "a"}'
        for _ in range(2):  # the connection is kept
            connection.sendall(head("/predict/text", JSON, f"Content-Length: {len(body)}") + body)
            status, headers, answer = read_answer(connection)
            assert status == 200
            assert "server" not in headers
            assert json.loads(answer)["modalities"] == ["text"]


def test_a_declared_length_over_the_limit_is_answered_at_once(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        start = time.monotonic()
        connection.sendall(head("/predict/image", "Content-Type: image/jpeg", f"Content-Length: {10 * 2**30}"))
        status, _, body = read_answer(connection)
        assert time.monotonic() - start < 1
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_a_chunked_body_is_counted(store: Store) -> None:
    with server(store, text_body_bytes=10_000) as running, running.connect() as connection:
        connection.sendall(head("/predict/text", JSON, "Transfer-Encoding: chunked"))
        for _ in range(20):
            connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        status, _, body = read_answer(connection)
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")
        assert running.state.bodies.free == running.state.settings.bodies_bytes


def test_a_client_that_leaves_frees_its_work(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "pykuten")
    with server(store, workers=1) as running:
        running.predictor.gate.clear()
        body = b'{"designation": "a"}'
        for _ in range(3):
            with running.connect() as connection:
                connection.sendall(head("/predict/text", JSON, f"Content-Length: {len(body)}") + body)
                time.sleep(0.1)
        with running.connect() as connection:  # half an upload
            connection.sendall(head("/predict/text", JSON, "Content-Length: 1000") + body)
            time.sleep(0.05)
        wait_until(lambda: [r.fields["status"] for r in caplog.records if r.message == "request"] == [499] * 4)  # type: ignore[attr-defined]
        running.predictor.gate.set()
        wait_until(lambda: running.state.engine.waiting == 0)
        assert running.predictor.scored == [1]  # the other two were never begun
        assert running.state.bodies.free == running.state.settings.bodies_bytes
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_deadline_passed_at_work(store: Store) -> None:
    with server(store, deadline_seconds=0.2) as running, running.connect() as connection:
        running.predictor.gate.clear()
        body = b'{"designation": "a"}'
        connection.sendall(head("/predict/text", JSON, f"Content-Length: {len(body)}") + body)
        status, _, answer = read_answer(connection)
        running.predictor.gate.set()
        assert (status, json.loads(answer)["code"]) == (504, "deadline_exceeded")


def test_an_overload_is_refused_at_once_and_gets_over(store: Store) -> None:
    with server(store, queue=4, workers=1) as running:
        running.predictor.gate.clear()
        body = b'{"designation": "a"}'
        message = head("/predict/text", JSON, f"Content-Length: {len(body)}") + body
        connections = [running.connect() for _ in range(12)]
        connections[0].sendall(message)
        wait_until(lambda: running.predictor.scored)
        for connection in connections[1:]:
            connection.sendall(message)
        wait_until(lambda: running.state.engine.is_full)
        time.sleep(0.2)
        start = time.monotonic()
        with running.connect() as late:
            late.sendall(message)
            status, headers, answer = read_answer(late)
        assert time.monotonic() - start < 0.5
        assert (status, json.loads(answer)["code"], headers["retry-after"]) == (503, "overloaded", "1")
        running.predictor.gate.set()
        statuses = sorted(read_answer(connection)[0] for connection in connections)
        assert statuses == [200] * 5 + [503] * 7
        for connection in connections:
            connection.close()


def test_all_bodies_together_are_bounded(store: Store) -> None:
    limits = {"bodies_bytes": 100_000, "text_body_bytes": 90_000, "photo_bytes": 1024, "batch_body_bytes": 1024}
    with server(store, **limits) as running, running.connect() as first, running.connect() as second:
        message = head("/predict/text", JSON, "Content-Length: 90000")
        first.sendall(message + b" " * 60_000)
        wait_until(lambda: running.state.bodies.free == 40_000)
        second.sendall(message + b" " * 60_000)
        status, _, answer = read_answer(second)
        assert (status, json.loads(answer)["code"]) == (503, "overloaded")
        first.sendall(b" " * 30_000)
        assert read_answer(first)[0] == 400
        assert running.state.bodies.free == 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_slow_loop_takes_in_more_than_one_connection_at_each_turn(store: Store) -> None:
    """The loop accepts one from each descriptor of the listening socket; all are closed with the server."""

    def descriptors(link: str) -> int:
        count = 0
        for path in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # closed since
                count += str(path.readlink()) == link
        return count

    with server(store) as running, running.connect() as connection:
        connection.sendall(head("/health/live", method="GET"))
        assert read_answer(connection)[0] == 200
        port = f":{running.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        (inode,) = [line[9] for line in lines if line[3] == "0A" and line[1].endswith(port)]
        link = f"socket:[{inode}]"
        assert descriptors(link) >= LISTENER_DESCRIPTORS
    assert descriptors(link) <= 1
