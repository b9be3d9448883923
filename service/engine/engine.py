"""The engine: a bounded queue and a few threads that predict, so that no CPU work runs on the event loop.

Threads take what already waits, up to a few listings at once, and never wait for more: that beats any timer
(docs/decisions/0002-streams-without-a-timer.md). The networks and the image decoder release the interpreter lock, so
threads run in parallel. A thread prepares, scores and concludes its listings in one go.

The queue is bounded in listings. A full queue refuses at once: late answers help nobody, and a refused caller can go
elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from models.decision.prediction import Answers
from models.listing import Listing
from models.predictor import Predictor
from models.timing import Listener, Stage, ignore, listen
from service.engine.jobs import Call, Job, Source, T, run_call, run_jobs
from service.errors import Draining, Internal, Overloaded
from service.observability.logs import event


class Engine:
    """`workers` threads over a queue of at most `capacity` listings; a worker takes up to `gather` of them at once.

    `listener` is told the seconds of the stages that its threads go through, the wait in the queue included.
    """

    def __init__(self, *, workers: int, capacity: int, gather: int, listener: Listener = ignore) -> None:
        self.workers = workers
        self._listener = listener
        self._capacity = capacity
        self._gather = gather
        self._queue: deque[Job | Call] = deque()
        self._waiting = 0  # listings in the queue
        self._idle = 0  # threads without work
        self._closing = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        for number in range(self.workers):
            thread = threading.Thread(target=self._work, name=f"engine-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    @property
    def is_full(self) -> bool:
        """Whether a listing would be refused now."""
        return self._waiting >= self._capacity

    @property
    def waiting(self) -> int:
        """Listings in the queue."""
        return self._waiting

    def submit(
        self,
        predictor: Predictor,
        listings: Sequence[Listing | Source],
        *,
        top_k: int,
        precision: float | None,
        deadline: float,
        admitted: bool = False,
    ) -> asyncio.Future[Answers]:
        """Queue listings to be predicted together. Raises Overloaded or Draining at once.

        `deadline` is on the clock of `time.monotonic`: work that has not begun by then is not begun, and its answers
        are DeadlineExceeded. Cancelling the future drops the work and frees its place in the queue. `admitted` work
        belongs to a request that is already being worked on and passes the queue's bound; its callers bound it
        themselves.
        """
        loop = asyncio.get_running_loop()
        job = Job(predictor, listings, top_k, precision, deadline, loop.create_future(), loop)
        self._add(job, admitted)
        return job.future

    def call(self, function: Callable[[], T], *, deadline: float, admitted: bool = False) -> asyncio.Future[T]:
        """Queue a function that works for about as long as a few predictions; its result, or the PykutenError that it
        raises. `deadline`, `admitted` and cancelling are as for `submit`.
        """
        loop = asyncio.get_running_loop()
        call = Call(function, deadline, loop.create_future(), loop)
        self._add(call, admitted)
        return call.future

    def close(self, timeout: float) -> bool:
        """Refuse new work, finish what is queued, stop the threads; whether that was done within `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _add(self, job: Job | Call, admitted: bool) -> None:
        with self._changed:
            if self._closing:
                raise Draining
            if not admitted and self._waiting and self._waiting + len(job.listings) > self._capacity:
                raise Overloaded
            self._queue.append(job)
            self._waiting += len(job.listings)
            self._changed.notify()
        job.future.add_done_callback(partial(self._drop, job))

    def _work(self) -> None:
        listen(self._listener)
        while work := self._take():
            self._run(work)
            del work  # a thread that waits for work must not keep the version of its last

    def _run(self, work: list[Job] | Call) -> None:
        """Run jobs or a call, and wake the callers: one wake-up of the loop for all that were run together."""
        entries = work if isinstance(work, list) else [work]
        begun_at = time.monotonic()
        for entry in entries:
            self._listener(Stage.QUEUE, begun_at - entry.queued_at)
        if isinstance(work, Call):
            resolve = run_call(work)
        else:
            try:
                run_jobs(work)
            except Exception as error:  # noqa: BLE001 - a thread that dies is missed by every later request
                event(logging.ERROR, "engine", error)
                for job in work:
                    job.answers = [Internal() for _ in job.listings]
            resolve = partial(_resolve, work)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            entries[0].loop.call_soon_threadsafe(resolve)

    def _take(self) -> list[Job] | Call:
        """The next jobs, all of one version, for this thread to run together, or a call; empty once it is closed."""
        with self._changed:
            self._idle += 1
            while not self._queue:
                if self._closing:
                    return []
                self._changed.wait()
            self._idle -= 1
            # Two listings that arrive together are work for two idle threads, not a batch for one.
            share = min(self._gather, -(-self._waiting // (self._idle + 1)))
            first = self._pop()
            if isinstance(first, Call):
                return first
            jobs = [first]
            taken = len(first.listings)
            while self._queue:
                following = self._queue[0]
                if isinstance(following, Call) or following.predictor is not first.predictor:
                    break
                taken += len(following.listings)
                if taken > share:
                    break
                jobs.append(following)
                self._pop()
            return jobs

    def _drop(self, job: Job | Call, future: asyncio.Future[Any]) -> None:
        """Take cancelled work out of the queue."""
        if not future.cancelled():
            return
        with self._changed, suppress(ValueError):  # it was begun already
            self._queue.remove(job)
            self._waiting -= len(job.listings)

    def _pop(self) -> Job | Call:
        job = self._queue.popleft()
        self._waiting -= len(job.listings)
        return job


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_result([answer if answer is not None else Internal() for answer in job.answers])
