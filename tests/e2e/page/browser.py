"""A real browser, and a watch on what the page must never do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request

from tests.soak.process import ROOT

EXAMPLES = ROOT / "examples"
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


@dataclass
class Watch:
    """The faults of a browser context. `allow` names parts of console errors that a test brings about on purpose."""

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
        """Raises AssertionError on a fault that no test brought about on purpose."""
        assert [fault for fault in self.wrong if not any(part in fault for part in self.allowed)] == []


def _text(error: Error) -> str:
    return f"{error.message} {error.stack or ''}"
