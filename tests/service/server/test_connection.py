"""Connections of a real server: what clients may do on a socket, and what ends one."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from models.versions.store import Store
from tests.service.conftest import photo
from tests.service.fake_predictor import FakePredictor
from tests.service.live_server import JSON, head, read_all, read_answer, server, wait_until
from tests.soak.process import ServerProcess

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


def test_a_client_that_sends_before_it_reads_gets_its_answer(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        size = 40 * 1024 * 1024
        connection.sendall(head("/predict/text", JSON, f"Content-Length: {size}"))
        connection.sendall(b" " * size)
        status, _, body = read_answer(connection)
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_slow_clients_are_cut_off_and_others_served(store: Store) -> None:
    with server(store, head_seconds=0.5, body_seconds=0.5) as running:
        silent, half_head, half_body, stray = (running.connect() for _ in range(4))
        start = time.monotonic()
        half_head.sendall(b"POST /predict/text HTTP/1.1\r\nHost: x\r\n")
        half_body.sendall(head("/predict/text", JSON, "Content-Length: 100") + b'{"designation": ')
        stray.sendall(head("/health/live", method="GET"))
        assert read_answer(stray)[0] == 200
        stray.sendall(b"\r\n")
        with running.connect() as good:
            good.sendall(head("/health/live", method="GET"))
            assert read_answer(good)[0] == 200
        status, _, body = read_answer(half_body)
        assert (status, json.loads(body)["code"]) == (408, "slow_client")
        for connection in (silent, half_head, half_body, stray):
            assert read_all(connection) == b""
            connection.close()
        assert time.monotonic() - start < 6


@pytest.mark.parametrize("before", [b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize("end", [b"", b"\r\n"])
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_head_over_the_limit_closes_the_connection(store: Store, before: bytes, end: bytes, pause: float) -> None:
    with server(store, head_bytes=16_000) as running, running.connect() as connection:
        if before:
            connection.sendall(before)
            assert read_answer(connection)[0] == 200
        start = time.monotonic()
        with suppress(OSError):
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 15_000)
            time.sleep(pause)
            connection.sendall((b"\r\nX: " + b"x" * 15_000) * 2 + b"\r\n" + end)
        received = read_all(connection)
        assert received == b"" or received.startswith(b"HTTP/1.1 400 ")
        assert time.monotonic() - start < 2


def test_pipelined_requests_and_long_bodies_are_no_long_heads(store: Store) -> None:
    with server(store, head_bytes=1024) as running, running.connect() as connection:
        body = b'{"designation": "' + b"a" * 5000 + b'"}'
        message = head("/predict/text", JSON, f"Content-Length: {len(body)}") + body
        connection.sendall(message * 3)
        received = b""
        while received.count(b"HTTP/1.1 200 ") < 3:
            chunk = connection.recv(65536)
            assert chunk, received
            received += chunk


@pytest.mark.parametrize("pause", [0.0, 0.1])
@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0"])
def test_an_offer_of_another_protocol_is_ignored_and_the_body_read(store: Store, offer: str, pause: float) -> None:
    body = b'{"designation": "a"}'
    offered = (JSON, "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {offer}", "HTTP2-Settings: AAMAAABk")
    declared = head("/predict/text", *offered, f"Content-Length: {len(body)}")
    chunked = head("/predict/text", *offered, "Transfer-Encoding: chunked")
    last = head("/predict/text", *offered, "Connection: close", f"Content-Length: {len(body)}")
    pieces = (declared, body + chunked, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + last + body)
    with server(store) as running, running.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 ") == received.count(b"HTTP/1.1 200") == received.count(b'["text"]') == 3


def test_requests_sent_ahead_are_all_answered_in_their_order(store: Store) -> None:
    body = b'{"designation": "a\\r\\n\\r\\n"}'
    numbers = range(400)
    requests = [
        head("/predict/text", JSON, f"X-Request-ID: {n}", f"Content-Length: {len(body)}") + body
        if n % 3
        else head("/health/live", f"X-Request-ID: {n}", method="GET")
        for n in numbers
    ]
    requests.append(head("/health/live", "Connection: close", "X-Request-ID: last", method="GET"))
    with server(store) as running, running.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(b"".join(requests),))
        sender.start()
        received = read_all(connection)
        sender.join()
    ids = re.findall(rb"x-request-id: (\S+)", received)
    assert ids == [*(str(n).encode() for n in numbers), b"last"]
    assert received.count(b"HTTP/1.1 200") == len(requests)


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_form_of_many_parts_is_no_flood(store: Store, pause: float) -> None:
    """The heads of its parts end as those of requests do."""
    listings = [{"image": f"p{n}"} for n in range(60)]
    parts = [(b'name="listings"\r\nContent-Type: application/json', json.dumps({"listings": listings}).encode())]
    parts += [(b'name="p%d"; filename="x"' % n, photo()) for n in range(60)]
    content = (
        b"".join(b"--B\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % part for part in parts) + b"--B--\r\n"
    )
    kind = "Content-Type: multipart/form-data; boundary=B"
    message = head("/predict/batch", kind, f"Content-Length: {len(content)}") + content
    with server(store) as running, running.connect() as connection:
        start = time.monotonic()
        sender = threading.Thread(target=_send_in_pieces, args=(connection, message * 3, pause))
        sender.start()
        received = b""
        while received.count(b'"predicted":60') < 3:
            received += connection.recv(65536)
        sender.join()
        assert time.monotonic() - start < 5
    assert received.count(b"HTTP/1.1 200") == 3


def _send_in_pieces(connection: socket.socket, message: bytes, pause: float) -> None:
    for start in range(0, len(message), 20_000):
        connection.sendall(message[start : start + 20_000])
        time.sleep(pause)


def test_a_flood_of_requests_ahead_keeps_nobody_waiting(tmp_path: Path) -> None:
    """In a process of its own: a flooded server in a thread of the test's would starve the test of the interpreter."""
    flood = head("/health/live", method="GET") * 10_000
    with ServerProcess(tmp_path) as process:
        address = ("127.0.0.1", process.port)
        flooding = [socket.create_connection(address, timeout=10) for _ in range(20)]
        for connection in flooding:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(flood)
        start = time.monotonic()
        with socket.create_connection(address, timeout=10) as other:
            other.sendall(head("/health/live", method="GET"))
            assert read_answer(other)[0] == 200
        assert time.monotonic() - start < 1
        for connection in flooding:
            connection.close()


def test_requests_far_ahead_of_a_slow_answer_stay_with_the_client(store: Store) -> None:
    class Slow(FakePredictor):
        def score(self, prepared: Any) -> Any:
            time.sleep(0.06)  # longer than an application waits before it asks whether the client is still there
            return super().score(prepared)

    body = b'{"designation": "a"}'
    flood = (head("/predict/text", JSON, f"Content-Length: {len(body)}") + body) * 1000
    with server(store, load=lambda folder: Slow(folder.name)) as running, running.connect() as connection:
        connection.settimeout(0.5)
        with suppress(TimeoutError):
            while True:
                connection.sendall(flood)
        end, sent = time.monotonic() + 2, 0
        while time.monotonic() < end:
            with suppress(TimeoutError):
                sent += connection.send(flood)
        assert sent < 1_000_000


def test_a_body_that_turns_out_to_be_none_ends_its_answer_quietly(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    stream = head("/predict/batch", "Content-Type: application/x-ndjson", "Transfer-Encoding: chunked")
    with server(store) as running, running.connect() as connection:
        connection.sendall(stream + b'15\r\n{"designation": "a"}\n\r\n')
        received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"no chunk\r\n")
        assert b"HTTP/1.1" not in read_all(connection)
        wait_until(lambda: running.state.streams.free == running.state.settings.streams)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_body_is_never_taken_for_a_request(store: Store) -> None:
    hidden = head("/health/live", method="GET")
    for first in ("POST", "CONNECT"):
        with server(store) as running, running.connect() as connection:
            offer = ("Connection: Upgrade, close", "Upgrade: x", f"Content-Length: {len(hidden)}")
            connection.sendall(head("/predict/text", *offer, method=first))
            time.sleep(0.1)
            with suppress(ConnectionError):  # the answer to CONNECT is the last one
                connection.sendall(hidden)
            assert read_all(connection).count(b"HTTP/1.1 ") == 1


def test_requests_in_a_row_of_a_client_that_left_are_dropped_quietly(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """The first is at work and the others wait for it; the server tells only the last that the client is gone."""
    caplog.set_level("INFO", "pykuten")
    with server(store, workers=1) as running:
        running.predictor.gate.clear()
        body = b'{"designation": "a"}'
        message = head("/predict/text", JSON, f"Content-Length: {len(body)}") + body
        with running.connect() as connection:
            connection.sendall(message * 3)
            wait_until(lambda: running.predictor.scored)
        wait_until(lambda: [r.fields["status"] for r in caplog.records if r.message == "request"])  # type: ignore[attr-defined]
        statuses = [r.fields["status"] for r in caplog.records if r.message == "request"]  # type: ignore[attr-defined]
        running.predictor.gate.set()
        time.sleep(0.1)
        assert statuses == [499]
        assert running.predictor.scored == [1]  # the others were never begun
        assert running.state.bodies.free == running.state.settings.bodies_bytes
    assert not [record for record in caplog.records if record.levelno >= 30]


@pytest.mark.parametrize("announced", [True, False])
def test_a_last_answer_arrives_though_the_body_is_not_read(store: Store, announced: bool) -> None:
    """A connection that is closed over unread bytes is reset, and the reset takes the answer with it."""
    with server(store) as running:
        for _ in range(5):
            with running.connect() as connection:
                size = 4 * 1024 * 1024
                length = f"Content-Length: {size}" if announced else "Transfer-Encoding: chunked"
                connection.sendall(head("/predict/text", JSON, length, "Connection: close"))
                piece = b" " * 65536
                for _ in range(size // len(piece)):
                    connection.sendall(piece if announced else b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(0.05)
                status, headers, body = read_answer(connection)
                assert (status, json.loads(body)["code"]) == (413, "body_too_large")
                assert headers["connection"] == "close"
                assert connection.recv(1) == b""


def test_a_body_without_end_behind_a_last_answer_is_not_read_for_ever(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        connection.sendall(head("/predict/text", JSON, f"Content-Length: {10 * 2**30}", "Connection: close"))
        assert read_answer(connection)[0] == 413
        start, sent = time.monotonic(), 0
        with suppress(OSError):
            while time.monotonic() < start + 20:
                sent += connection.send(b" " * 65536)
        assert time.monotonic() - start < 10
        assert sent < 200 * 1024 * 1024
        with running.connect() as other:
            other.sendall(head("/health/live", method="GET"))
            assert read_answer(other)[0] == 200


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        body = b'{"designation": "a"}'
        connection.sendall(head("/predict/text", JSON, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection)[0] == 200
