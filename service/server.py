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

from service.connection import connection_class
from service.door import admit_nobody_new, in_line
from service.serving import Serving
from service.settings import Settings

DOORS = 16
"""Descriptors of the one listening socket. libuv takes in one connection at each turn of the loop for each of them: by
a single one, a loop that needs 50 ms for a turn on a busy machine takes in 20 a second, and whoever connects while 30 a
second come waits for half a minute (seen in a soak)."""
LAST_CALL_SECONDS = 0.2
"""Between taking nobody new into the line for the port and closing it, at least: connections that were promised to
clients far away are completed meanwhile."""
LINE_SECONDS = 2.0
"""The same at most: on a machine so busy that it has not taken in the line by then, the rest of it is reset."""


class Server(uvicorn.Server):
    """uvicorn's server, ending as described above."""

    def __init__(self, config: uvicorn.Config, serving: Serving) -> None:
        super().__init__(config)
        self._serving = serving
        self._exit_at: float | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the sockets until told to stop."""
        doors = [one.dup() for one in sockets or [] for _ in range(DOORS - 1)]
        await super().serve([*(sockets or []), *doors])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: drain. Second: exit now. The signal is not raised again, so that a clean end is exit code 0."""
        self._serving.draining = True
        if self._exit_at is not None:
            self.should_exit = self.force_exit = True
            return
        wait = self._serving.settings.drain_seconds if sig == signal.SIGTERM else 0.0
        self._exit_at = time.monotonic() + wait

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._exit_at is not None and time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port and finish what is in flight."""
        for one in sockets or []:
            admit_nobody_new(one)
        end = time.monotonic() + LINE_SECONDS
        await asyncio.sleep(LAST_CALL_SECONDS)
        while any(in_line(one) for one in sockets or []) and time.monotonic() < end:  # noqa: ASYNC110 - the system's
            await asyncio.sleep(0.01)
        seconds = self._serving.settings.shutdown_seconds / 2
        stop = asyncio.get_running_loop().call_later(seconds, self._serving.stopping.set)
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
    return Server(config, app.state.serving)
