"""Servers as processes: started on a free port, watched through /proc, and gone afterwards with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.soak.wire import Answer, read_answer

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
STOP_SECONDS = 15.0
ANSWER_SECONDS = 30.0


class BenchmarkError(Exception):
    """Why something could not be measured, in one line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far and resident bytes now, of a server with all its processes."""

    cpu_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs; `log` holds what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def usage(self) -> Usage:
        """CPU time and memory of the processes in its session. Raises BenchmarkError where there is no /proc."""
        if not Path("/proc/self/stat").exists():
            raise BenchmarkError("processes are watched through /proc, which this system has not")
        ticks = pages = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError):  # the process has ended
                fields = path.read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.process.pid:
                    ticks += int(fields[11]) + int(fields[12])
                    pages += int(fields[21])
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))

    def ask(self, message: bytes) -> Answer:
        """The answer to one message on a connection of its own. Raises OSError, ValueError or IndexError."""
        start = time.monotonic()
        with socket.create_connection((HOST, self.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(message)
            with connection.makefile("rb") as stream:
                return read_answer(stream, is_head=False, start=start)

    def last_line(self) -> str:
        """The last line of its log."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else "no output"


def free_port() -> int:
    """A port that is free."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str], port: int, log: Path, probe: bytes, seconds: float = 90.0
) -> Iterator[Running]:
    """A server, once it answers `probe` with 200. Raises BenchmarkError when it does not within so many seconds."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
    server = Running(process, port, log)
    try:
        _wait_until_ready(server, probe, seconds)
        yield server
    finally:
        _stop(process)


def _wait_until_ready(server: Running, probe: bytes, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise BenchmarkError(f"the server ended with code {server.process.returncode}: {server.last_line()}")
        with contextlib.suppress(OSError, ValueError, IndexError):
            if server.ask(probe).status == 200:
                return
        time.sleep(0.05)
    raise BenchmarkError(f"the server was not ready within {seconds:.0f} s: {server.last_line()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, and whatever it started and left."""
    try:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:  # also when a person loses patience meanwhile
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
