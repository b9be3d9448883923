"""How many requests of one kind may be worked on at once, and how many more may wait for their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.types import Receive

from service.engine.waiting import answer_of
from service.errors import Overloaded


class ConcurrencyLimiter:
    """`count` places, and a line of at most `line` requests that wait for one, first come first served."""

    def __init__(self, count: int, *, line: int = 0) -> None:
        self.free = count
        self._most = line
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests in the line."""
        return len(self._line)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place until the block ends. Raises Overloaded when none is free."""
        if self.free < 1:
            raise Overloaded
        self.free -= 1
        try:
            yield
        finally:
            self._give_back()

    @asynccontextmanager
    async def turn(self, deadline: float, receive: Receive) -> AsyncIterator[None]:
        """Hold a place until the block ends, waiting for it if need be.

        Raises Overloaded when the line is full, DeadlineExceeded (`deadline` is on `time.monotonic`'s clock), or
        ClientGone; `receive` is the request's, whose body was read.
        """
        if self.free < 1:
            await self._wait(deadline, receive)
        else:
            self.free -= 1
        try:
            yield
        finally:
            self._give_back()

    async def _wait(self, deadline: float, receive: Receive) -> None:
        if len(self._line) >= self._most:
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await answer_of(turn, deadline, receive)
        except BaseException:
            if turn.cancelled():
                self._line.remove(turn)
            else:  # its turn came at the moment when it was given up
                self._give_back()
            raise

    def _give_back(self) -> None:
        """Hand the place to whoever is first in the line."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
