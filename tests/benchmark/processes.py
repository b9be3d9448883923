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

from tests.benchmark.load import Target, closed
from tests.benchmark.traffic import ROOT

HOST = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
STOP_SECONDS = 15.0


class BenchmarkError(Exception):
    """Why something could not be measured, in one line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a process and all that it started: CPU seconds so far, and resident bytes now."""

    cpu_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs; `log` holds what it wrote."""

    process: subprocess.Popen[bytes]
    target: Target
    log: Path

    def usage(self) -> Usage:
        """What it has used. Raises BenchmarkError where there is no /proc."""
        return usage_of(self.process.pid)

    def tail(self) -> str:
        """The last line of its log."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else "no output"


def free_port(neighbours: int = 0) -> int:
    """A port that is free, and so many after it."""
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((HOST, 0))
            port = int(first.getsockname()[1])
            try:
                for more in range(1, neighbours + 1):
                    stack.enter_context(socket.socket()).bind((HOST, port + more))
            except (OSError, OverflowError):
                continue
            return port
    raise BenchmarkError("there is no free port")


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    port: int,
    log: Path,
    probe: bytes,
    seconds: float = 90.0,
) -> Iterator[Running]:
    """A server, once it answers `probe` with 200. Raises BenchmarkError when it does not within so many seconds."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
    server = Running(process, Target(HOST, port), log)
    try:
        wait_until_ready(server, probe, seconds)
        yield server
    finally:
        stop(process)


def wait_until_ready(server: Running, probe: bytes, seconds: float, pause: float = 0.05) -> None:
    """Returns when the probe is answered with 200. Raises BenchmarkError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise BenchmarkError(f"the server ended with code {server.process.returncode}: {server.tail()}")
        with contextlib.suppress(OSError):
            if [reply.status for reply in closed(server.target, [probe], clients=1, most=1, patience=30)] == [200]:
                return
        time.sleep(pause)
    raise BenchmarkError(f"the server was not ready within {seconds:.0f} s: {server.tail()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, and whatever it started and left."""
    family = descendants(process.pid)
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
    finally:  # also when a person loses patience meanwhile
        process.kill()
        for pid, started in family.items():
            if _is_same(pid, started):  # else the number is another process' by now
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()


def usage_of(pid: int) -> Usage:
    """CPU time and memory of a process and its descendants. Raises BenchmarkError where there is no /proc."""
    ticks = pages = 0
    if not Path("/proc/self/stat").exists():
        raise BenchmarkError("processes are watched through /proc, which this system has not")
    for one in (pid, *descendants(pid)):
        with contextlib.suppress(OSError, IndexError):
            fields = _stat(one)
            ticks += int(fields[11]) + int(fields[12])
            pages += int(fields[21])
    return Usage(ticks / TICKS, pages * PAGE)


def descendants(pid: int) -> dict[int, str]:
    """Processes that a process started, and those that they started, with the time of their start."""
    children: dict[int, list[int]] = {}
    started: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = _stat(int(entry.name))
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            started[int(entry.name)] = fields[19]
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found[child] = started[child]
            waiting.append(child)
    return found


def _is_same(pid: int, started: str) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return _stat(pid)[19] == started
    return False


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
