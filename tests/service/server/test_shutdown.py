"""The end of a server, and of the program: what was accepted is finished, and nobody is cut off."""

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
from pathlib import Path

import pytest

from models.versions.store import Store
from service.__main__ import main
from tests.service.live_server import JSON, Running, head, read_answer, server, wait_until

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.e2e, pytest.mark.alone]


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


PROGRAM = """
import sys, time
from pathlib import Path
from models.versions.store import Store
from service.app import create_app
from service.observability import logs
from service.registry.registry import Registry
from service.server.server import listen, make_server
from service.settings import Settings
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


def test_a_taken_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"service: cannot listen on 127.0.0.1:{port}: the port is taken; --port or ")
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


def test_a_request_on_its_way_when_the_process_stops_is_answered(store: Store) -> None:
    with server(store) as running:
        connections = [running.connect() for _ in range(3)]
        for connection in connections[1:]:
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200
        running.state.draining = True
        running.stop()
        time.sleep(0.3)  # ten times a second the server looks whether to stop
        for connection in connections:
            connection.sendall(head("/health/live", method="GET"))
            status, headers, _ = read_answer(connection)
            assert (status, headers["connection"]) == (200, "close")
            connection.close()
