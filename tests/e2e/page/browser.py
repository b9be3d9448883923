"""A real server with the shipped version, a real browser, and a watch on what the page must never do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
START_SECONDS = 300
"""Until ready; 2 s on a quiet machine, 140 s were seen on one with ten times as much to do as it has cores."""
OPEN_MS = 60_000
"""How long the browser may take to open the page."""
PATIENCE_MS = 20_000
"""How long the page may take to show what it should; only a wait that fails takes so long."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_OPTIONS = (
    "--no-sandbox",  # as root, in a container, there is none
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium."""
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[str]:
    """The address of a service on a free port, in a process of its own, its log in `folder`; it must stop cleanly."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYKUTEN_")}
    given = {f"PYKUTEN_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / "service.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "--port", "0"],
            cwd=ROOT,
            env=environment | {"PYKUTEN_DRAIN_SECONDS": "0", "PYKUTEN_SHUTDOWN_SECONDS": "3"} | given,
            stdout=out,
            stderr=out,
        )
    try:
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), log.read_text()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return f"http://127.0.0.1:{json.loads(line)['port']}"
        time.sleep(0.1)
    raise AssertionError(f"not listening in time: {log.read_text()}")


def wait_until_ready(address: str) -> None:
    """Return when predictions are answered."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(httpx2.TransportError):  # too busy with loading to answer in time
            if httpx2.get(f"{address}/health/ready", timeout=5).status_code == 200:
                return
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.2)


@dataclass
class Watch:
    """What a browser context did wrong. `allow` names parts of console errors that a test brings about on purpose."""

    host: str
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *parts: str) -> None:
        """Console errors that hold one of these are expected."""
        self.allowed.extend(parts)

    def attach(self, context: BrowserContext) -> None:
        """Watch every page of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda event: self.wrong.append(f"page error: {_text(event.error)}"))
        context.on("request", self._request)
        context.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != self.host:
            self.wrong.append(f"request to another host: {request.url}")

    def check(self) -> None:
        """Raises AssertionError when something was wrong that no test asked for."""
        left = [one for one in self.wrong if not any(part in one for part in self.allowed)]
        assert left == []


def _text(error: Error) -> str:
    return f"{error.message} {error.stack or ''}"
