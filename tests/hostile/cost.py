"""What a request costs: seconds of processor time, and the longest time for which the event loop did nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from fastapi import FastAPI

PIECE_BYTES = 64 * 1024
"""A body arrives in pieces of about this size."""
TICK_SECONDS = 0.001


class Cost(NamedTuple):
    """`status` is the answer's, `cpu` the seconds of the process, `stall` the most between two ticks of the loop.

    A stall counts as far as this process was working, so that others on the machine do not make it longer.
    """

    status: int
    cpu: float
    stall: float


async def cost_of(app: FastAPI, path: str, content_type: str, body: bytes) -> Cost:
    """Send the body to the app, in this loop, and measure."""
    statuses: list[int] = []
    position = 0

    async def receive() -> dict[str, Any]:
        nonlocal position
        await asyncio.sleep(0)  # each piece arrives in a turn of the loop
        if position and position >= len(body):
            await asyncio.Event().wait()
        piece = body[position : position + PIECE_BYTES]
        position += PIECE_BYTES
        return {"type": "http.request", "body": piece, "more_body": position < len(body)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"x"), (b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    gaps: list[float] = []
    ticking = asyncio.ensure_future(_tick(gaps))
    await asyncio.sleep(0)
    start = time.process_time()
    await app(scope, receive, send)
    cpu = time.process_time() - start
    await asyncio.sleep(2 * TICK_SECONDS)
    ticking.cancel()
    return Cost(statuses[0], cpu, max(gaps))


async def _tick(gaps: list[float]) -> None:
    last = time.perf_counter(), time.process_time()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = time.perf_counter(), time.process_time()
        gaps.append(min(after - before for before, after in zip(last, now, strict=True)))
        last = now
