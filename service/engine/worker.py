"""A worker thread of the engine: takes jobs from the queue, prepares, scores and delivers."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from models.errors import PykutenError
from models.listing import Listing
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from models.timing import Stage, StageTimer, tell
from service.engine.jobs import Source, _Call, _Job
from service.errors import ClientGone, DeadlineExceeded, Internal, Overloaded
from service.observability.logs import event


def _run(jobs: Sequence[_Job]) -> None:
    """Fill in the jobs' answers. Listings whose caller is gone or whose deadline has passed are not begun."""
    ready: list[tuple[_Job, int, Prepared]] = []
    begun_at = time.monotonic()
    for job in jobs:
        tell(Stage.QUEUE, begun_at - job.queued_at)
        job.answers = [None] * len(job.listings)
        for row, listing in enumerate(job.listings):
            prepared = _prepare(job, listing)
            if isinstance(prepared, PykutenError):
                job.answers[row] = prepared
            else:
                ready.append((job, row, prepared))
    if ready:
        _score(ready)


def _answer(call: _Call) -> None:
    """Run a call and wake its caller."""
    begun_at = time.monotonic()
    tell(Stage.QUEUE, begun_at - call.queued_at)
    result: object = None
    error: PykutenError | None = None
    if call.future.cancelled():
        return
    if begun_at >= call.deadline:
        error = DeadlineExceeded()
    else:
        try:
            result = call.function()
        except PykutenError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - unforeseen
            event(logging.ERROR, "call", raised)
            error = Internal()

    def resolve() -> None:
        if call.future.done():
            return
        if error is None:
            call.future.set_result(result)
        else:
            call.future.set_exception(error)

    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        call.loop.call_soon_threadsafe(resolve)


def _prepare(job: _Job, listing: Listing | Source) -> Prepared | PykutenError:
    if job.future.cancelled():
        return ClientGone()  # nobody reads it
    if time.monotonic() >= job.deadline:
        return DeadlineExceeded()
    try:
        if not isinstance(listing, Listing):
            with StageTimer(Stage.PARSE):
                listing = listing()
        return job.predictor.prepare(listing)
    except PykutenError as error:
        return error.bare()
    except Exception as error:  # noqa: BLE001 - unforeseen, and this listing's alone
        return _unforeseen("prepare", error, job.predictor)


def _unforeseen(place: str, error: Exception, predictor: Predictor) -> PykutenError:
    """The answer; a lack of memory says something about this machine at this moment, and nothing about the listing."""
    lacks_memory = isinstance(error, MemoryError)
    event(logging.WARNING if lacks_memory else logging.ERROR, place, error, version=predictor.version)
    return Overloaded() if lacks_memory else Internal()


def _score(ready: Sequence[tuple[_Job, int, Prepared]]) -> None:
    predictor = ready[0][0].predictor
    try:
        scored = predictor.score([prepared for _, _, prepared in ready])
        for (job, row, prepared), scores in zip(ready, scored, strict=True):
            job.answers[row] = predictor.conclude(prepared, scores, top_k=job.top_k, precision=job.precision)
    except Exception as error:  # noqa: BLE001 - unforeseen
        if len(ready) > 1:  # whichever listing it was, it must not fail the others
            for one in ready:
                _score([one])
            return
        job, row, _ = ready[0]
        job.answers[row] = _unforeseen("score", error, predictor)


def _deliver(jobs: Sequence[_Job]) -> None:
    """Wake the callers: one wake-up of the loop for all that were run together."""

    def resolve() -> None:
        for job in jobs:
            if not job.future.done():
                job.future.set_result([answer if answer is not None else Internal() for answer in job.answers])

    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        jobs[0].loop.call_soon_threadsafe(resolve)
