"""The service as people run it: `python -m service` in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120
"""It takes two seconds on an idle machine."""


@contextmanager
def real_server(**settings: str) -> Iterator[str]:
    """The address (`http://127.0.0.1:PORT`) of a service that is ready. It has to end well when it is told to stop."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads would fill up and stop the service
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "--port", "0"],
            cwd=ROOT,
            env=clean | {"PYKUTEN_DRAIN_SECONDS": "0"} | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            end = time.monotonic() + READY_SECONDS
            while not (line := os.pread(log.fileno(), 4096, 0)).count(b"\n"):
                assert process.poll() is None, line
                assert time.monotonic() < end, "not listening in time"
                time.sleep(0.05)
            address = f"http://127.0.0.1:{json.loads(line.splitlines()[0])['port']}"
            _wait_until_ready(address, end)
            yield address
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(address: str, end: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{address}/health/ready", timeout=5):
                return
        except OSError:
            assert time.monotonic() < end, "not ready in time"
            time.sleep(0.2)
