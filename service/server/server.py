"""The server process: one port, one event loop, an orderly end.

On SIGTERM readiness turns to 503 and new predictions are refused at once, while the port stays open for
`drain_seconds`, so that balancers notice; then what is in flight is finished, for at most `shutdown_seconds`. Batches
and streams have half of that: listings that were not begun by then get `draining` in their place. Ctrl-C does the same
without the wait.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.server.connection import connection_class
from service.server.process import exit_at_once
from service.settings import Settings
from service.state import ServiceState

BACKLOG = 2048
LISTENER_DESCRIPTORS = 16
"""Descriptors of the one listening socket. libuv accepts one connection at each turn of the loop for each of them: with
a single one, a loop that needs 50 ms a turn on a busy machine accepts 20 connections a second, and the others queue."""


class Server(uvicorn.Server):
    """uvicorn's server, ending as described above."""

    def __init__(self, config: uvicorn.Config, state: ServiceState) -> None:
        super().__init__(config)
        self._state = state
        self._exit_at: float | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the sockets until told to stop."""
        copies = [listener.dup() for listener in sockets or [] for _ in range(LISTENER_DESCRIPTORS - 1)]
        await super().serve([*(sockets or []), *copies])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load and listen, and tell a person at a terminal where."""
        await super().startup(sockets)
        if self.started and sockets and sys.stderr is not None and sys.stderr.isatty():
            with suppress(OSError):  # a terminal that was stopped takes no line
                sys.stderr.write(_greeting(self._state, sockets[0].getsockname()[1]))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Before it serves: exit at once. First signal: drain. Second: exit now. The signal is not raised again, so
        that a clean end is exit code 0.
        """
        if not self.started:
            exit_at_once(sig)
        self._state.draining = True
        if self._exit_at is not None:
            self.should_exit = self.force_exit = True
            return
        wait = self._state.settings.drain_seconds if sig == signal.SIGTERM else 0.0
        self._exit_at = time.monotonic() + wait

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._exit_at is not None and time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port and finish what is in flight."""
        seconds = self._state.settings.shutdown_seconds / 2
        stop = asyncio.get_running_loop().call_later(seconds, self._state.stopping.set)
        await super().shutdown(sockets)
        stop.cancel()


def _greeting(state: ServiceState, port: int) -> str:
    host = state.settings.host
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1"):  # noqa: S104 - compared, not bound
        host = "localhost"
    lines = [f"Open http://{f'[{host}]' if ':' in host else host}:{port}   (Ctrl-C stops the service)"]
    if state.registry.current_version is None:
        lines.append(
            f"No version in {state.settings.store} can be served; predictions answer 503 until one is promoted:"
        )
        lines.append("  python -m training run CONFIG.toml --promote    or    python -m models promote VERSION")
    return "\n".join([*lines, ""])


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for the app; `run(sockets=[...])` serves until it is told to stop."""
    config = uvicorn.Config(
        app,
        http=connection_class(settings),
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here looks at the client's address
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return Server(config, app.state.service)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError, before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
