"""A real server on a free port, in a thread of the test's process, and what a client on a bare socket needs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models.versions.store import Store
from service.app import create_app
from service.registry.registry import Load, Registry
from service.server.server import listen, make_server
from service.settings import Settings
from service.state import ServiceState
from tests.service.fake_predictor import FakePredictor, load_fake


@dataclass
class Running:
    port: int
    state: ServiceState
    stop: Callable[[], None] = lambda: None

    @property
    def predictor(self) -> FakePredictor:
        predictor = self.state.registry.current.predictor
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
        yield Running(listener.getsockname()[1], app.state.service, lambda: setattr(running, "should_exit", True))
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


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
