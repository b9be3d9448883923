"""A concurrency limit: how many requests of one kind may be worked on at once, and how many more may wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.types import Receive

from service.engine.waiting import answer_of
from service.errors import Overloaded


class ConcurrencyLimiter:
    """At most `count` requests hold it at once, and at most `queue` others wait for it, first come first served."""

    def __init__(self, count: int, *, queue: int = 0) -> None:
        self.free = count
        self._capacity = queue
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """Hold it until the block ends. Raises Overloaded when none is free."""
        if self.free < 1:
            raise Overloaded
        self.free -= 1
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def queue(self, deadline: float, receive: Receive) -> AsyncIterator[None]:
        """Hold it until the block ends, waiting for it if need be.

        Raises Overloaded when the queue is full, DeadlineExceeded (`deadline` is on `time.monotonic`'s clock), or
        ClientGone; `receive` is the request's, whose body was read.
        """
        if self.free < 1:
            await self._wait(deadline, receive)
        else:
            self.free -= 1
        try:
            yield
        finally:
            self._release()

    async def _wait(self, deadline: float, receive: Receive) -> None:
        if len(self._queue) >= self._capacity:
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await answer_of(turn, deadline, receive)
        except BaseException:
            if turn.cancelled():
                self._queue.remove(turn)
            else:  # its turn came at the moment when it was given up
                self._release()
            raise

    def _release(self) -> None:
        """Let the first in the queue go on, or count one more as free."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
