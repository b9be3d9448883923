from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from models.versions.store import Store
from tests.benchmark.processes import free_port

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.alone,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shares a port and looks into /proc"),
]


class Family:
    """The process that looks after the others, and what they log."""

    def __init__(self, store: Path, log: Path, port: int = 0, **settings: object) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
        chosen = {"store": store, "processes": 2, "workers": 1, "drain_seconds": 0, **settings}
        environment = kept | {f"PYKUTEN_{name.upper()}": str(value) for name, value in chosen.items()}
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", "--port", str(port)],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (line for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}"))
        return [found for found in map(json.loads, lines) if found["event"] == name]

    @property
    def listening(self) -> dict[int, list[int]]:
        """The ports of each process: the shared one, its own."""
        found: dict[int, list[int]] = {}
        for one in self.events("listening"):
            found.setdefault(one["process"], []).append(one["port"])
        return found

    @property
    def port(self) -> int:
        return next(iter(self.listening.values()))[0]

    def ready(self, count: int = 2) -> Family:
        wait_until(lambda: len(self.events("serving")) >= count, self.log.read_text)
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def wait_until(holds: Callable[[], object], told: Callable[[], object] = lambda: "", seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether any of its threads is left: the last one closes the ports."""
    with contextlib.suppress(OSError):
        is_zombie = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not is_zombie or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    return False


def predict(port: int) -> Mapping[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/predict/text", b'{"designation": "Piscine"}', {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found: Mapping[str, Any] = json.loads(answer.read())
        assert answer.status == 200, found
        return found


def predictions(port: int) -> int:
    """How many a process has answered, as its own port tells."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    counts = re.findall(
        r'^pykuten_http_request_duration_seconds_count\{.*"/predict/text".*\} (\S+)$', text, re.MULTILINE
    )
    return int(sum(map(float, counts)))


@pytest.fixture(scope="module")
def store(tiny_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    copied = Store(shutil.copytree(tiny_version.parent, tmp_path_factory.mktemp("processes") / "store"))
    copied.promote(tiny_version.name)
    return copied


@pytest.fixture
def family(store: Store, tmp_path: Path) -> Iterator[Family]:
    started = Family(store.root, tmp_path / "log")
    yield started.ready()
    started.process.kill()
    started.process.wait()
    wait_until(lambda: not any(map(is_alive, started.listening)))


def test_processes_share_the_port_and_have_one_each(family: Family) -> None:
    ports = family.listening
    assert len(ports) == 2
    assert len({shared for shared, _ in ports.values()}) == 1
    assert len({own for _, own in ports.values()}) == 2
    for _ in range(60):
        assert predict(family.port)["model"]["version"]
    counts = [predictions(own) for _, own in ports.values()]
    assert sum(counts) == 60
    assert min(counts) > 5  # the kernel shares out by the client's port: 60 throws of a coin


def test_one_that_dies_is_started_again_and_the_other_goes_on(family: Family) -> None:
    victim, other = family.listening
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not is_alive(victim))
    for _ in range(20):
        predict(family.port)
    family.ready(3)
    assert len(family.listening) == 3
    assert is_alive(other)
    (ended,) = family.events("process ended")
    assert (ended["process"], ended["code"], ended["again_seconds"]) == (victim, -signal.SIGKILL, 1.0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_told(family: Family, number: int) -> None:
    pids = list(family.listening)
    assert family.end(number) == 0
    assert not any(map(is_alive, pids))
    assert len(family.events("stopped")) == 2


def test_all_end_when_nobody_looks_after_them(family: Family) -> None:
    pids = list(family.listening)
    family.process.kill()
    family.process.wait()
    wait_until(lambda: not any(map(is_alive, pids)))


def test_own_ports_follow_the_shared_one(store: Store, tmp_path: Path) -> None:
    port = free_port(neighbours=2)
    family = Family(store.root, tmp_path / "log", port).ready()
    try:
        assert sorted(family.listening.values()) == [[port, port + 1], [port, port + 2]]
    finally:
        assert family.end() == 0


@pytest.mark.parametrize("which", [0, 1])
def test_a_port_that_is_taken_ends_all_with_one_line(store: Store, tmp_path: Path, which: int) -> None:
    port = free_port(neighbours=2)
    with socket.create_server(("127.0.0.1", port + which)):
        family = Family(store.root, tmp_path / "log", port)
        assert family.process.wait(20) == 1
    said = [line for line in family.log.read_text().splitlines() if not line.startswith("{")]
    assert len(said) == 1
    assert said[0].startswith(f"service: cannot listen on 127.0.0.1:{port + which}: Address already in use")


def test_ports_end_somewhere(store: Store, tmp_path: Path) -> None:
    family = Family(store.root, tmp_path / "log", 65534)
    assert family.process.wait(20) == 2
    assert family.log.read_text().startswith("service: PYKUTEN_PORT: ")


def test_a_start_that_is_stopped_leaves_nobody(store: Store, tmp_path: Path) -> None:
    family = Family(store.root, tmp_path / "log")
    wait_until(lambda: len(family.listening) == 2, family.log.read_text)
    assert family.end() == 0
    assert not any(map(is_alive, family.listening))


def test_a_service_alone_does_not_share_its_port(store: Store, tmp_path: Path) -> None:
    family = Family(store.root, tmp_path / "log").ready()
    try:
        second = Family(store.root, tmp_path / "second", family.port, processes=1)
        assert second.process.wait(20) == 1
        third = Family(store.root, tmp_path / "third", family.port)
        assert third.process.wait(20) == 1
    finally:
        assert family.end() == 0
