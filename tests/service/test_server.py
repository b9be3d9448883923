"""A real server on a free port: what only shows on a socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.store import Store
from service.__main__ import main
from service.app import create_app
from service.door import listen
from service.registry import Load, Registry
from service.server import DOORS, make_server
from service.serving import Serving
from service.settings import Settings
from tests.service.conftest import photo
from tests.service.fake_predictor import FakePredictor, load_fake

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@dataclass
class Running:
    port: int
    serving: Serving
    stop: Callable[[], None] = lambda: None

    @property
    def predictor(self) -> FakePredictor:
        predictor = self.serving.registry.current.predictor
        assert isinstance(predictor, FakePredictor)
        return predictor

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextmanager
def server(store: Store, load: Load = load_fake, **settings: Any) -> Iterator[Running]:
    chosen = Settings(store=store.root, drain_seconds=0, **{"shutdown_seconds": 5, **settings})
    app = create_app(chosen, registry=Registry(store, load))
    listener = listen("127.0.0.1", 0)
    running = make_server(app, chosen)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    end = time.monotonic() + 10
    while not running.started and time.monotonic() < end:
        time.sleep(0.01)
    try:
        yield Running(listener.getsockname()[1], app.state.serving, lambda: setattr(running, "should_exit", True))
    finally:
        running.should_exit = True
        thread.join(15)
        assert not thread.is_alive()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer with a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        assert chunk, received
        received += chunk
    head, body = received.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, body


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


JSON = "Content-Type: application/json"


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
        assert running.serving.bodies._free == running.serving.settings.bodies_bytes


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


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /\xff\xfe HTTP/1.1",
        b"nonsense",
        b"GET / HTTP/9.9",
        b"GET  HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET http://[ HTTP/1.1",
    ],
)
def test_what_is_not_http_gets_400_and_is_closed(store: Store, request_line: bytes) -> None:
    with server(store, head_seconds=1) as running:
        with running.connect() as connection:
            connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
            received = read_all(connection)
            assert received == b"" or received.startswith(b"HTTP/1.1 400 "), received
        with running.connect() as connection:
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200


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


def test_a_flood_of_requests_ahead_keeps_nobody_waiting(store: Store) -> None:
    flood = head("/health/live", method="GET") * 10_000
    with server(store) as running:
        flooding = [running.connect() for _ in range(20)]
        for connection in flooding:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(flood)
        start = time.monotonic()
        with running.connect() as other:
            other.sendall(head("/health/live", method="GET"))
            assert read_answer(other)[0] == 200
        assert time.monotonic() - start < 1
        for connection in flooding:
            connection.close()


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


def test_white_space_behind_a_header_is_no_part_of_it(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        body = b'{"designation": "a"}'
        spaced = ("X-Deadline-Ms: 5000 ", "X-Request-ID: mine \t", f"Content-Length: {len(body)} ")
        connection.sendall(head("/predict/text", JSON + " ", *spaced) + body)
        status, headers, _ = read_answer(connection)
        assert (status, headers["x-request-id"]) == (200, "mine")


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


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
        wait_until(lambda: running.serving.engine.waiting == 0)
        assert running.predictor.scored == [1]  # the other two were never begun
        assert running.serving.bodies._free == running.serving.settings.bodies_bytes
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
        wait_until(lambda: running.serving.engine.is_full)
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


def test_what_cannot_be_finished_in_time_is_told_so(store: Store) -> None:
    with server(store, shutdown_seconds=1) as running:
        predictor = running.predictor
        predictor.gate.clear()
        connection = running.connect()
        body = b'{"designation": "a"}'
        connection.sendall(head("/predict/text", JSON, f"Content-Length: {len(body)}") + body)
        wait_until(lambda: predictor.scored)
        threading.Timer(2, predictor.gate.set).start()
    status, _, answer = read_answer(connection)
    connection.close()
    assert (status, json.loads(answer)["code"]) == (503, "draining")


def test_all_bodies_together_are_bounded(store: Store) -> None:
    limits = {"bodies_bytes": 100_000, "text_body_bytes": 90_000, "photo_bytes": 1024, "batch_body_bytes": 1024}
    with server(store, **limits) as running, running.connect() as first, running.connect() as second:
        message = head("/predict/text", JSON, "Content-Length: 90000")
        first.sendall(message + b" " * 60_000)
        wait_until(lambda: running.serving.bodies._free == 40_000)
        second.sendall(message + b" " * 60_000)
        status, _, answer = read_answer(second)
        assert (status, json.loads(answer)["code"]) == (503, "overloaded")
        first.sendall(b" " * 30_000)
        assert read_answer(first)[0] == 400
        assert running.serving.bodies._free == 100_000


PROGRAM = """
import sys, time
from pathlib import Path
from models.store import Store
from service import logs
from service.app import create_app
from service.registry import Load, Registry
from service.door import listen
from service.server import DOORS, make_server
from service.settings import Settings
from tests.service.conftest import photo
from tests.service.fake_predictor import FakePredictor

class Slow(FakePredictor):
    def score(self, prepared):
        time.sleep(1.5)
        return super().score(prepared)

logs.configure("info")
settings = Settings(store=Path(sys.argv[1]), drain_seconds=2)
listener = listen("127.0.0.1", 0)
logs.event(20, "listening", port=listener.getsockname()[1])
app = create_app(settings, registry=Registry(Store(settings.store), lambda folder: Slow(folder.name)))
make_server(app, settings).run(sockets=[listener])
"""


def test_sigterm_drains(store: Store) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(store.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        port = int(re.search(r'"port": (\d+)', process.stdout.readline())[1])  # type: ignore[index]
        running = Running(port, None)  # type: ignore[arg-type]
        body = b'{"designation": "a"}'
        message = head("/predict/text", JSON, f"Content-Length: {len(body)}") + body
        with running.connect() as in_flight, running.connect() as asking:
            asking.settimeout(30)
            asking.sendall(head("/health/ready", method="GET"))  # the port is open before the process is ready
            assert read_answer(asking)[0] == 200
            in_flight.sendall(message)
            asking.sendall(head("/health/ready", method="GET"))
            assert read_answer(asking)[0] == 200
            time.sleep(0.3)
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            asking.sendall(head("/health/ready", method="GET"))
            status, headers, answer = read_answer(asking)
            assert (status, json.loads(answer)["code"], headers["connection"]) == (503, "draining", "close")
            with running.connect() as late:  # the port is still open, new work is refused
                late.sendall(message)
                assert read_answer(late)[0] == 503
            assert read_answer(in_flight)[0] == 200
        assert process.wait(15) == 0
        assert time.monotonic() - start < 15
    finally:
        process.kill()
        process.stdout.close()


def test_a_taken_port_is_one_clear_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("service.logs.configure", lambda level: None)
        assert main(["--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"service: cannot listen on 127.0.0.1:{port}: ")
    assert error.count("\n") == 1


def test_the_program_starts_without_a_version_and_stops_on_sigterm(tmp_path: Path) -> None:
    environment = {**os.environ, "PYKUTEN_STORE": str(tmp_path / "empty"), "PYKUTEN_DRAIN_SECONDS": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = json.loads(process.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200
            connection.sendall(head("/health/ready", method="GET"))
            status, _, body = read_answer(connection)
            assert (status, json.loads(body)["code"]) == (503, "model_unavailable")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        warnings = [line for line in map(json.loads, process.stdout) if line["event"] == "no version"]
        assert [line["store"] for line in warnings] == [str(tmp_path / "empty")]
    finally:
        process.kill()
        process.stdout.close()


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
        assert running.serving.bodies._free == running.serving.settings.bodies_bytes
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


def test_a_request_on_its_way_when_the_process_stops_is_answered(store: Store) -> None:
    with server(store) as running:
        connections = [running.connect() for _ in range(3)]
        for connection in connections[1:]:
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200
        running.serving.draining = True
        running.stop()
        time.sleep(0.3)  # ten times a second the server looks whether to stop
        for connection in connections:
            connection.sendall(head("/health/live", method="GET"))
            status, headers, _ = read_answer(connection)
            assert (status, headers["connection"]) == (200, "close")
            connection.close()


def test_nobody_who_got_through_to_the_port_is_reset_when_it_closes(store: Store) -> None:
    """Clients that connect anew for each request, as they are told to while the process drains."""
    broken: list[str] = []
    answered: list[int] = []

    def ask(port: int) -> None:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            except ConnectionRefusedError:
                return
            try:
                with connection:
                    connection.sendall(head("/health/live", method="GET"))
                    answered.append(read_answer(connection)[0])
            except (OSError, AssertionError) as error:
                broken.append(repr(error))
                return

    with server(store) as running:
        threads = [threading.Thread(target=ask, args=(running.port,)) for _ in range(6)]
        running.serving.draining = True
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        running.stop()
        for thread in threads:
            thread.join(20)
    assert broken == []
    assert set(answered) == {200}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_slow_loop_takes_in_more_than_one_connection_at_each_turn(store: Store) -> None:
    """Each descriptor of the listening socket takes in one; all are closed with the server."""

    def doors(identity: str) -> int:
        found = 0
        for path in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # closed since
                found += str(path.readlink()) == identity
        return found

    with server(store) as running, running.connect() as connection:
        connection.sendall(head("/health/live", method="GET"))
        assert read_answer(connection)[0] == 200
        port = f":{running.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        (inode,) = [line[9] for line in lines if line[3] == "0A" and line[1].endswith(port)]
        identity = f"socket:[{inode}]"
        assert doors(identity) >= DOORS
    assert doors(identity) <= 1
