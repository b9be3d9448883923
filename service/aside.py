"""Work that would hold the event loop up: reading large bodies and writing large answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

LARGE_BYTES = 1024 * 1024
"""Smaller bodies are read on the event loop, in 4 ms at worst; a thread costs each of them 0.1 ms."""
LARGE_ITEMS = 200
"""Answers with fewer results are put together on the event loop, in 5 ms."""

P = ParamSpec("P")
T = TypeVar("T")


class Aside:
    """One thread, so that what waits for it takes no more than one core; requests in it hold their bodies' memory."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")  # starts with the first call

    async def run(self, large: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, from the thread when `large`. Raises what it raises."""
        if not large:
            return function(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))
