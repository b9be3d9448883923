"""The way of many listings through the engine: a few at a time, so that other requests get their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

from models.decision.prediction import Answer, Answers
from service.dispatch.items import Item
from service.dispatch.job import PredictionJob
from service.engine.waiting import ASSEMBLY_SECONDS, answer_of
from service.errors import Draining

CHUNK_LISTINGS = 16
"""Listings that go through the networks together: recurrent text networks are several times as fast per text then."""
CHUNK_PHOTOS = 4
"""Photos among them: larger chunks hardly gain anything, and single requests wait for a chunk at most."""
FEW_LISTINGS = 4
"""As few listings are one chunk, not shared among the workers."""


class _Waiting(NamedTuple):
    item: Item
    deadline: float
    answer: asyncio.Future[Answer]


class ChunkScheduler:
    """The listings of one request, submitted in their order; each gets its own answer.

    At least one chunk of the request is in the engine, and more as long as the chunks of all requests together are no
    more than its workers and one that waits: enough to keep every worker busy, and no more for others to wait for.
    """

    def __init__(self, job: PredictionJob) -> None:
        self._job = job
        self._state = job.state
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Future[Answers]] = set()
        self._scheduled: asyncio.Handle | None = None

    def add(self, item: Item, deadline: float) -> asyncio.Future[Answer]:
        """Queue a listing; the future answer is DeadlineExceeded if it was not begun by `deadline`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(_Waiting(item, deadline, answer))
        if self._scheduled is None:  # items that are added in one go make chunks together
            self._scheduled = loop.call_soon(self._submit)
        return answer

    def close(self) -> None:
        """Drop the listings that have no answer yet."""
        self._waiting.clear()
        for future in self._running:
            future.cancel()

    def _submit(self) -> None:
        self._scheduled = None
        if self._state.stopping.is_set():
            self._refuse()
        while self._waiting and (not self._running or self._state.chunks <= self._state.engine.workers):
            chunk = self._next()
            try:
                # A request that has begun is finished, also when the queue has filled up since.
                future = self._job.submit(
                    [waiting.item.parse for waiting in chunk], deadline=chunk[0].deadline, admitted=True
                )
            except Draining:
                self._waiting.extendleft(reversed(chunk))
                self._refuse()
                return
            self._running.add(future)
            self._state.chunks += 1
            future.add_done_callback(partial(self._finish, chunk))

    def _next(self) -> list[_Waiting]:
        """The next chunk: no more than a worker's share of what waits, so that the last ones end together."""
        share = -(-len(self._waiting) // self._state.engine.workers)
        chunk: list[_Waiting] = []
        photos = 0
        most_listings, most_photos = min(max(share, FEW_LISTINGS), CHUNK_LISTINGS), min(share, CHUNK_PHOTOS)
        while self._waiting and len(chunk) < most_listings and photos < most_photos:
            photos += self._waiting[0].item.photos
            chunk.append(self._waiting.popleft())
        return chunk

    def _finish(self, chunk: list[_Waiting], future: asyncio.Future[Answers]) -> None:
        self._running.discard(future)
        self._state.chunks -= 1
        if future.cancelled():
            return
        for waiting, answer in zip(chunk, future.result(), strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._submit()

    def _refuse(self) -> None:
        while self._waiting:
            answer = self._waiting.popleft().answer
            if not answer.done():
                answer.set_result(Draining())


async def predict_all(job: PredictionJob, items: Sequence[Item]) -> Answers:
    """The answers to all items, in their order, due by the job's deadline.

    Raises DeadlineExceeded when they are not together some time after it, and ClientGone.
    """
    with closing(ChunkScheduler(job)) as scheduler:
        answers = [scheduler.add(item, job.deadline) for item in items]
        together = asyncio.ensure_future(_all(answers))
        return await answer_of(together, job.deadline + ASSEMBLY_SECONDS, job.request.receive)


async def _all(answers: Sequence[asyncio.Future[Answer]]) -> Answers:
    return [await answer for answer in answers]  # `gather` would log every batch that is cancelled
