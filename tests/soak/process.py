"""A real server process, and what the system says about it. Needs Linux (/proc)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any, Self

from tests.soak.wire import Broken, Client

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
"""Two seconds on a quiet machine."""
EXPECTED_ERRORS = ("version refused",)
"""Events at level error that hostile versions are meant to cause."""


class ServerProcess:
    """`python -m service` on a free port, with a store and settings. Its log is read, and its errors are kept."""

    def __init__(
        self,
        store: Path | None = None,
        *,
        prepare: Callable[[], None] | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        **settings: object,
    ) -> None:
        """Without a store, the one of the checkout. `prepare` is called in the process to be, say, to limit it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
        settings |= {} if store is None else {"store": store}
        chosen = {f"PYKUTEN_{name.upper()}": str(value) for name, value in settings.items()}
        self.port = 0
        self.errors: list[str] = []
        self.refused = 0
        self.tail: deque[str] = deque(maxlen=30)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "--port", "0"],
            cwd=ROOT,
            env=inherited | dict(environment) | chosen,
            preexec_fn=prepare,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await(lambda: self.port, START_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process' number."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def resident_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return self._status("VmRSS") * 1024 / 1e6

    def virtual_mb(self) -> float:
        """Address space in MB."""
        return self._status("VmSize") * 1024 / 1e6

    def peak_mb(self) -> float:
        """Largest resident memory so far, in MB."""
        return self._status("VmHWM") * 1024 / 1e6

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - gone while it is listed

    def threads(self) -> int:
        """Threads."""
        return self._status("Threads")

    def wait_until_ready(self, seconds: float = START_SECONDS) -> Client:
        """A client of the server, once it answers predictions."""
        client, end = Client(self.port, seconds=30), time.monotonic() + seconds
        while not self._is_ready(client):
            if time.monotonic() > end or not self.is_running:
                raise RuntimeError("the server does not get ready: " + "".join(self.tail))
            time.sleep(0.05)
        return client

    def stop(self) -> None:
        """Ask it to end, and expect that it does so well."""
        self.terminate()
        code = self.wait(30)
        assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), (code, *self.tail)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @staticmethod
    def _is_ready(client: Client) -> bool:
        try:
            return client.ask("GET", "/health/ready").status == 200
        except (Broken, OSError):  # too busy with loading to answer in time
            return False

    def terminate(self) -> None:
        """Ask it to drain and end."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        code = self._process.wait(seconds)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        return 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.tail.append(line)
            try:
                fields: dict[str, Any] = json.loads(line)
            except ValueError:
                self.errors.append(f"no JSON line: {line[:300]}")
                continue
            if fields.get("event") == "listening":
                self.port = fields["port"]
            elif fields.get("event") in EXPECTED_ERRORS:
                self.refused += 1
            elif fields.get("level") in ("error", "critical"):
                self.errors.append(line[:2000])

    def _await(self, condition: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or not self.is_running:
                raise RuntimeError("the server did not start: " + "".join(self.tail))
            time.sleep(0.02)
