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
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.server.connection import connection_class
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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: drain. Second: exit now. The signal is not raised again, so that a clean end is exit code 0."""
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
