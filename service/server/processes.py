"""Several processes on one port (`PYKUTEN_PROCESSES`), for machines whose cores one interpreter's lock leaves idle.

The kernel shares connections out among them. Each is a service of its own, with its own workers, versions, queue, rates
and metrics, and listens on a second port too, where it is the only one: the first on the port after the shared one, the
second on the next. That is where metrics are scraped, since on the shared port any of them answers.

This process loads nothing and answers nobody. It starts the others, starts one again that died, passes SIGTERM and
SIGINT on, and ends when they have ended; should it die itself, they end as well.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from service.errors import SettingsError
from service.observability.logs import event
from service.settings import Settings

MAX_PORT = 65535
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = (1.0, 30.0)
"""Before a process that died is started again: at first, and at most when it dies over and over."""
STEADY_SECONDS = 60.0
"""A process that lived so long did not die of its start."""
REFUSED_CODES = (1, 2)
"""A process that ends by itself with one of these will never start: its port is taken, or a setting is wrong."""
CLEAN_CODES = (0, -signal.SIGTERM, -signal.SIGINT)
"""Of a process that was told to end, also before it could take the signal its own way."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(slots=True)
class _Place:
    """One of the processes. `patience` is how long to wait should it die, `due` when to start it again."""

    own_port: int
    process: subprocess.Popen[bytes]
    started_at: float
    patience: float = PATIENCE_SECONDS[0]
    due: float | None = None


class Supervisor:
    """Runs `settings.processes` processes until it is told to stop. Raises SettingsError and OSError."""

    def __init__(self, settings: Settings) -> None:
        if not hasattr(socket, "SO_REUSEPORT"):
            raise SettingsError("PYKUTEN_PROCESSES: this system cannot share a port among processes")
        if settings.port + settings.processes > MAX_PORT:
            raise SettingsError("PYKUTEN_PORT: there are not as many ports after it as PYKUTEN_PROCESSES")
        self._host = settings.host
        self._reserved = _reserve(settings.host, settings.port)
        self._port = int(self._reserved.getsockname()[1])
        own_ports = range(self._port + 1, self._port + 1 + settings.processes) if settings.port else ()
        self._own_ports: Sequence[int] = own_ports or [0] * settings.processes
        self._stopping = False
        self._places: list[_Place] = []

    def run(self) -> int:
        """The exit code: 0, or that of a process that will never start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        for port in self._own_ports:
            self._places.append(_Place(port, self._start(port), time.monotonic()))
        refused = 0
        while True:
            for place in self._places:
                refused = refused or self._look_after(place)
            if self._stopping and all(place.process.poll() is not None for place in self._places):
                return refused or int(any(place.process.returncode not in CLEAN_CODES for place in self._places))
            time.sleep(LOOK_SECONDS)

    def _look_after(self, place: _Place) -> int:
        """Start the process again if it died; returns its code if that is no use."""
        if self._stopping or place.process.poll() is None:
            return 0
        now, code = time.monotonic(), place.process.returncode
        if place.due is not None:
            if now >= place.due:
                place.process, place.started_at, place.due = self._start(place.own_port), now, None
            return 0
        lived = now - place.started_at
        if code in REFUSED_CODES and lived < STEADY_SECONDS:
            self._pass_on(signal.SIGTERM, None)
            return code
        if lived > STEADY_SECONDS:
            place.patience = PATIENCE_SECONDS[0]
        event(logging.ERROR, "process ended", process=place.process.pid, code=code, again_seconds=place.patience)
        place.due = now + place.patience
        place.patience = min(2 * place.patience, PATIENCE_SECONDS[1])
        return 0

    def _start(self, own_port: int) -> subprocess.Popen[bytes]:
        where = ["--host", self._host, "--port", str(self._port), "--own-port", str(own_port)]
        # A session of its own: Ctrl-C reaches this process alone, which passes it on once.
        process = subprocess.Popen(  # noqa: S603 - this program itself, with numbers and an address of its settings
            [sys.executable, "-m", "service", *where],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_bound_to(os.getpid()),
        )
        if self._stopping:  # told while it was being started
            process.terminate()
        return process

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for place in self._places:
            if place.process.poll() is None:
                place.process.send_signal(number)


def _reserve(host: str, port: int) -> socket.socket:
    """The port, bound so that only processes of this user can share it; nobody is answered on it. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as alone:  # fails if anybody has it
        found = alone.getsockname()[1]
    reserved = socket.socket(family)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as `socket.create_server` does
    reserved.bind((host, found))
    return reserved


def _bound_to(parent: int) -> Callable[[], None]:
    """To be called in a new process: has the kernel tell it to stop when its parent is gone (Linux)."""

    def bind() -> None:
        if sys.platform.startswith("linux"):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it was gone before this was said
                os.kill(os.getpid(), signal.SIGTERM)

    return bind
