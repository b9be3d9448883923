"""Streams and batches on a real socket: pace, back-pressure, clients that leave or do not read, and the end."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from models.versions.store import Store
from tests.service.conftest import photo
from tests.service.live_server import JSON, Running, head, read_all, read_answer, server, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

STREAM = head("/predict/batch", "Content-Type: application/x-ndjson", "Transfer-Encoding: chunked")
LINE = b'{"designation": "a"}\n'


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def deaf(running: Running) -> socket.socket:
    """A connection that buffers very little for a client that does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", running.port))
    return connection


class Results:
    """Reads an answer of lines from a socket as they arrive."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb")
        self.status = int(self._stream.readline().split()[1])
        self.headers = {}
        while (line := self._stream.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()
        self._left = b""

    def next(self) -> dict[str, Any] | None:
        """The next line; None at the end of the answer."""
        while b"\n" not in self._left:
            size = int(self._stream.readline(), 16)
            self._left += self._stream.read(size)
            self._stream.read(2)
            if size == 0:
                return None
        line, self._left = self._left.split(b"\n", 1)
        return dict(json.loads(line))

    def rest(self) -> list[dict[str, Any]]:
        return list(iter(self.next, None))


def test_results_come_while_the_client_still_sends(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        connection.sendall(STREAM + chunk(LINE))
        results = Results(connection)
        assert results.status == 200
        assert results.headers["content-type"] == "application/x-ndjson"
        for index in range(5):
            result = results.next()
            assert result is not None
            assert (result["index"], result["status"]) == (index, 200)
            connection.sendall(chunk(LINE))
        connection.sendall(b"0\r\n\r\n")
        assert [result["index"] for result in results.rest()] == [5]
        connection.sendall(head("/health/live", method="GET"))  # the connection goes on
        assert read_answer(connection)[0] == 200


def test_a_stream_outlives_the_limits_of_whole_bodies(store: Store) -> None:
    with server(store, body_seconds=0.2, batch_body_bytes=1024, batch_listings=1) as running:
        with running.connect() as connection:
            connection.sendall(STREAM)
            for _ in range(60):  # 3 s: longer than body_seconds and its grace together
                connection.sendall(chunk(LINE * 3))
                time.sleep(0.05)
            connection.sendall(b"0\r\n\r\n")
            results = Results(connection).rest()
        assert [result["index"] for result in results] == list(range(180))
        assert {result["status"] for result in results} == {200}


def test_a_client_that_does_not_read_is_not_read_either_and_is_cut_off(store: Store) -> None:
    """Its lines stay with it: their results would be twenty times as long."""
    with server(store, read_seconds=1) as running:
        connection = deaf(running)
        connection.settimeout(0.5)
        connection.sendall(STREAM.replace(b"/batch", b"/batch?top_k=27"))
        sent, block = 0, chunk(LINE * 3000)
        with suppress(OSError):  # it would block, at first
            for _ in range(1600):
                connection.sendall(block)
                sent += len(block)
        assert sent < 60_000_000
        wait_until(lambda: running.state.streams.free == running.state.settings.streams)
        assert running.state.bodies.free == running.state.settings.bodies_bytes
        wait_until(lambda: running.state.engine.waiting == running.state.chunks == 0)
        connection.close()
        with running.connect() as other:
            other.sendall(head("/health/live", method="GET"))
            assert read_answer(other)[0] == 200


def test_a_long_answer_that_is_not_read_is_cut_off(store: Store) -> None:
    with server(store, read_seconds=0.5, keep_alive_seconds=30, batch_listings=2000) as running:
        body = json.dumps({"listings": [{"designation": "a"}] * 2000}).encode()
        connection = deaf(running)
        connection.sendall(head("/predict/batch?top_k=27", JSON, f"Content-Length: {len(body)}") + body)
        wait_until(lambda: sum(running.predictor.scored) == 2000)
        wait_until(lambda: running.state.bodies.free == running.state.settings.bodies_bytes)
        time.sleep(1.5)
        connection.settimeout(5)
        received = read_all(connection)  # ends without the rest of it
        assert b"200 OK" in received[:20]
        assert len(received) < int(received.split(b"content-length: ")[1].split(b"\r\n")[0])
        connection.close()


@pytest.mark.parametrize("kind", ["lines", "json"])
def test_a_client_that_leaves_frees_the_work_of_its_batch(
    store: Store, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pykuten")
    with server(store, workers=1) as running:
        running.predictor.gate.clear()
        with running.connect() as connection:
            if kind == "lines":
                connection.sendall(STREAM + chunk(LINE * 90))
            else:
                body = json.dumps({"listings": [{"designation": "a"}] * 90}).encode()
                connection.sendall(head("/predict/batch", JSON, f"Content-Length: {len(body)}") + body)
            wait_until(lambda: running.predictor.scored)
            time.sleep(0.1)
        state = running.state
        wait_until(lambda: state.engine.waiting == 0)  # before the networks have answered
        wait_until(lambda: [r.fields["code"] for r in caplog.records if r.message == "request"] == ["client_gone"])  # type: ignore[attr-defined]
        assert state.bodies.free == state.settings.bodies_bytes
        assert (state.streams.free, state.batches.free) == (state.settings.streams, state.settings.batches)
        running.predictor.gate.set()
        time.sleep(0.2)
        assert len(running.predictor.scored) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("more", [b"", b'5\r\n{"des', b"3\r\n"])
def test_a_stream_whose_client_is_silent_ends_and_is_closed(store: Store, more: bytes) -> None:
    with server(store, stream_line_seconds=0.5) as running, running.connect() as connection:
        start = time.monotonic()
        connection.sendall(STREAM + chunk(LINE) + more)
        answered, last = Results(connection).rest()
        assert (answered["status"], last["status"], last["error"]["code"]) == (200, 408, "slow_client")
        assert last["index"] == 1
        assert read_all(connection) == b""
        assert time.monotonic() - start < 6


def test_a_stream_that_never_begins_gets_408(store: Store) -> None:
    with server(store, stream_line_seconds=0.3) as running, running.connect() as connection:
        connection.sendall(STREAM)
        status, _, body = read_answer(connection)
        assert (status, json.loads(body)["code"]) == (408, "slow_client")
        assert read_all(connection) == b""


def test_at_the_end_streams_and_batches_finish_what_they_can(store: Store) -> None:
    """Requests that can finish do; the others end with an error that says where, and the process ends in time."""
    with server(store, shutdown_seconds=2, workers=1) as running:
        endless, finished, batch = running.connect(), running.connect(), running.connect()
        endless.sendall(STREAM + chunk(LINE))
        first = Results(endless)
        assert first.next() is not None
        running.predictor.gate.clear()
        finished.sendall(STREAM + chunk(LINE * 20) + b"0\r\n\r\n")
        wait_until(lambda: len(running.predictor.scored) == 2)
        body = json.dumps({"listings": [{"designation": "a"}] * 60}).encode()
        batch.sendall(head("/predict/batch", JSON, f"Content-Length: {len(body)}") + body)
        wait_until(lambda: running.state.batches.free < running.state.settings.batches)
        threading.Timer(0.3, running.predictor.gate.set).start()
        start = time.monotonic()
    assert time.monotonic() - start < 4
    last = first.next()
    assert last is not None
    assert (last["index"], last["error"]["code"], first.next()) == (1, "draining", None)
    assert [result["status"] for result in Results(finished).rest()] == [200] * 20
    assert json.loads(read_answer(batch)[2])["summary"]["predicted"] == 60
    for connection in (endless, finished, batch):
        connection.close()


def test_a_batch_that_is_too_long_for_the_end_is_answered_in_part(store: Store) -> None:
    with server(store, shutdown_seconds=2, workers=1) as running:
        predictor = running.predictor
        predictor.gate.clear()
        connection = running.connect()
        body = json.dumps({"listings": [{"designation": "a"}] * 60}).encode()
        connection.sendall(head("/predict/batch", JSON, f"Content-Length: {len(body)}") + body)
        wait_until(lambda: predictor.scored)
        threading.Timer(1.5, predictor.gate.set).start()
    status, _, answer = read_answer(connection)
    connection.close()
    results = json.loads(answer)["results"]
    begun = [result["status"] for result in results].index(503)
    assert status == 200
    assert begun >= 1
    assert [result["status"] for result in results] == [200] * begun + [503] * (60 - begun)
    assert results[-1]["error"]["code"] == "draining"


def test_the_first_of_many_photos_is_answered_at_once(store: Store) -> None:
    listing = json.dumps({"image": base64.b64encode(photo(size=(500, 500))).decode()}).encode() + b"\n"
    with server(store) as running, running.connect() as connection:
        start = time.monotonic()
        connection.sendall(STREAM + chunk(listing * 100) + b"0\r\n\r\n")
        results = Results(connection)
        assert results.next() is not None
        assert time.monotonic() - start < 1  # a machine at rest takes 20 ms
        assert len(results.rest()) == 99


def test_a_client_that_leaves_while_it_is_not_read_is_noticed_by_the_next_answers(store: Store) -> None:
    line = json.dumps({"designation": "a" * 15_000}).encode() + b"\n"
    count = 1000
    with server(store) as running:
        with running.connect() as connection:
            sender = threading.Thread(target=_send_quietly, args=(connection, STREAM + chunk(line * count)))
            sender.start()
            assert Results(connection).next() is not None
            connection.shutdown(socket.SHUT_RD)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as a killed client
        wait_until(lambda: running.state.streams.free == running.state.settings.streams)
        sender.join(10)
        assert sum(running.predictor.scored) < count / 2
        wait_until(lambda: running.state.engine.waiting == running.state.chunks == 0)
        assert running.state.bodies.free == running.state.settings.bodies_bytes


def _send_quietly(connection: socket.socket, content: bytes) -> None:
    with suppress(OSError):
        connection.sendall(content)
