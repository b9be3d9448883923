"""Waiting for an answer: not past its deadline, and not for a client that has left."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

from starlette.types import Receive

from service.errors import ClientGone, DeadlineExceeded

PATIENCE_SECONDS = 0.05
"""The connection is watched only for answers that take longer than this, as watching takes a task of its own."""
ASSEMBLY_SECONDS = 1.0
"""Listings keep to their deadline one by one; the answer to many may take this much longer to put together."""

T = TypeVar("T")


async def answer_of(work: asyncio.Future[T], deadline: float, receive: Receive) -> T:
    """The result of `work`. Raises DeadlineExceeded (`deadline` is on `time.monotonic`'s clock) or ClientGone, and then
    cancels the work.

    `receive` is the request's, whose body has been read: only the client's disconnection can still come.
    """
    try:
        await asyncio.wait((work,), timeout=max(0.0, min(deadline - time.monotonic(), PATIENCE_SECONDS)))
        if not work.done():
            await _wait_watching(work, deadline, receive)
        return work.result()
    finally:
        work.cancel()  # no effect on finished work


async def _wait_watching(work: asyncio.Future[T], deadline: float, receive: Receive) -> None:
    gone = asyncio.ensure_future(disconnection(receive))
    try:
        left = max(0.0, deadline - time.monotonic())
        await asyncio.wait((work, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return
        raise ClientGone if gone.done() else DeadlineExceeded
    finally:
        gone.cancel()


async def disconnection(receive: Receive) -> None:
    """Return when the client is gone; for requests whose body was read, or is not needed any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
