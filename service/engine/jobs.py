"""Jobs of the engine's queue, and what its threads do with them: prepare listings and score them together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from models.decision.prediction import Answer, Answers
from models.errors import PykutenError
from models.listing import Listing
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from service.errors import ClientGone, DeadlineExceeded, Internal, Overloaded
from service.observability.logs import event

T = TypeVar("T")

Source = Callable[[], Listing]
"""Makes a listing in the thread that predicts it, so that reading many holds up nobody. Raises PykutenError."""


@dataclass(slots=True, eq=False)
class Job:
    """Listings to predict together; `answers` has one place for each."""

    predictor: Predictor
    listings: Sequence[Listing | Source]
    top_k: int
    precision: float | None
    deadline: float
    future: asyncio.Future[Answers]
    loop: asyncio.AbstractEventLoop
    answers: list[Answer | None] = field(default_factory=list)
    queued_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True, eq=False)
class Call:
    """A function to run on its own; it takes one listing's place in the queue."""

    function: Callable[[], object]
    deadline: float
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    listings: Sequence[None] = (None,)
    queued_at: float = field(default_factory=time.monotonic)


def run_jobs(jobs: Sequence[Job]) -> None:
    """Fill in the jobs' answers. Listings whose caller is gone or whose deadline has passed are not begun."""
    ready: list[tuple[Job, int, Prepared]] = []
    for job in jobs:
        job.answers = [None] * len(job.listings)
        for row, listing in enumerate(job.listings):
            prepared = _prepare(job, listing)
            if isinstance(prepared, PykutenError):
                job.answers[row] = prepared
            else:
                ready.append((job, row, prepared))
    if ready:
        _score(ready)


def run_call(call: Call) -> Callable[[], None]:
    """Run a call, unless its caller is gone; returns what resolves its future, if that still waits."""
    try:
        if call.future.cancelled():
            raise ClientGone
        if time.monotonic() >= call.deadline:
            raise DeadlineExceeded
        resolve = partial(call.future.set_result, call.function())
    except PykutenError as error:
        resolve = partial(call.future.set_exception, error)
    except Exception as error:  # noqa: BLE001 - unforeseen
        event(logging.ERROR, "call", error)
        resolve = partial(call.future.set_exception, Internal())
    return lambda: None if call.future.done() else resolve()


def _prepare(job: Job, listing: Listing | Source) -> Prepared | PykutenError:
    if job.future.cancelled():
        return ClientGone()  # nobody reads it
    if time.monotonic() >= job.deadline:
        return DeadlineExceeded()
    try:
        if not isinstance(listing, Listing):
            listing = listing()
        return job.predictor.prepare(listing)
    except PykutenError as error:
        return error.bare()
    except Exception as error:  # noqa: BLE001 - unforeseen, and this listing's alone
        return _unforeseen("prepare", error, job.predictor)


def _unforeseen(place: str, error: Exception, predictor: Predictor) -> PykutenError:
    """The error to answer with; a lack of memory is this machine's at this moment, not the listing's."""
    lacks_memory = isinstance(error, MemoryError)
    event(logging.WARNING if lacks_memory else logging.ERROR, place, error, version=predictor.version)
    return Overloaded() if lacks_memory else Internal()


def _score(ready: Sequence[tuple[Job, int, Prepared]]) -> None:
    predictor = ready[0][0].predictor
    try:
        scored = predictor.score([prepared for _, _, prepared in ready])
        for (job, row, prepared), scores in zip(ready, scored, strict=True):
            job.answers[row] = predictor.conclude(prepared, scores, top_k=job.top_k, precision=job.precision)
    except Exception as error:  # noqa: BLE001 - unforeseen
        if len(ready) > 1:  # whichever listing it was, it must not fail the others
            for entry in ready:
                _score([entry])
            return
        job, row, _ = ready[0]
        job.answers[row] = _unforeseen("score", error, predictor)
