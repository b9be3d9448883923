"""Stage times of a prediction, reported to a listener: the kernel measures and knows nothing of metrics.

    listen(lambda stage, seconds: print(stage, seconds))
    predictor.predict(listing)

A listener is bound to the thread that called `listen` (more precisely, to its context): the golden replay of a version
that loads beside a serving thread does not count as its work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from enum import StrEnum


class Stage(StrEnum):
    """A part of the way from a request to its answer."""

    PARSE = "parse"
    """From a received body to a listing: JSON or form, base64, schema."""
    QUEUE = "queue"
    """Waiting for a thread."""
    TEXT = "text"
    """Cleaning and featurising one listing's text."""
    DECODE = "decode"
    """Decoding one photo to the network's size."""
    NETWORK = "network"
    """One pass of the networks, over all listings that were taken together."""
    FUSE = "fuse"
    """Calibrating and fusing, over the same listings."""


Listener = Callable[[Stage, float], None]
"""Takes a stage and its seconds; called from the thread that worked."""

_listener: ContextVar[Listener | None] = ContextVar("stages", default=None)


def listen(listener: Listener | None) -> None:
    """Report the stages of this thread to `listener` from now on; None stops that."""
    _listener.set(listener)


def tell(stage: Stage, seconds: float) -> None:
    """Report a stage that was measured elsewhere, such as the wait in a queue."""
    listener = _listener.get()
    if listener is not None:
        listener(stage, seconds)


class StageTimer:
    """Measures its block as one stage and reports it to `listener`, or else the thread's, also when the block raises.

    A class, since `contextlib.contextmanager` would take longer, and every prediction goes through several.
    """

    __slots__ = ("_listener", "_stage", "_start")

    def __init__(self, stage: Stage, listener: Listener | None = None) -> None:
        self._stage = stage
        self._listener = listener

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        listener = self._listener or _listener.get()
        if listener is not None:
            listener(self._stage, time.perf_counter() - self._start)
