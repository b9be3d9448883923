"""Waiting for an answer: not past its deadline, and not for a client that has left."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

from starlette.types import Receive

from service.errors import ClientGone, DeadlineExceeded, ServiceError

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
    patience = min(deadline - time.monotonic(), PATIENCE_SECONDS)
    watch = asyncio.get_running_loop().call_later(patience, _watch, work, deadline, receive)
    try:
        return await work
    except asyncio.CancelledError as error:
        match error.args:
            case [ServiceError() as reason]:
                raise reason from None
        raise
    finally:
        watch.cancel()


def _watch(work: asyncio.Future[T], deadline: float, receive: Receive) -> None:
    watching = asyncio.ensure_future(_give_up(work, deadline, receive))
    work.add_done_callback(lambda _: watching.cancel())


async def _give_up(work: asyncio.Future[T], deadline: float, receive: Receive) -> None:
    """Cancel the work, with the reason, when its client is gone or its time is over."""
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            await disconnection(receive)
        work.cancel(ClientGone())
    except TimeoutError:
        work.cancel(DeadlineExceeded())


async def disconnection(receive: Receive) -> None:
    """Return when the client is gone; for requests whose body was read, or is not needed any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
