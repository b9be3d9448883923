"""How long the parts of a prediction take, told to whoever asks: the kernel measures, and knows nothing of metrics.

    listen(lambda stage, seconds: print(stage, seconds))
    predictor.predict(listing)

What listens is bound to the thread that called `listen` (more precisely, to its context), so that a serving thread's
work is told apart from the golden replay of a version that loads beside it. Nobody listening costs 0.3 microseconds a
stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from enum import StrEnum
from types import TracebackType


class Stage(StrEnum):
    """A part of the way from a request to its answer."""

    PARSE = "parse"
    """A body that is there, to a listing: JSON or form, base64, schema."""
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
"""Told a stage and its seconds; called from the thread that worked."""

_listener: ContextVar[Listener | None] = ContextVar("stages", default=None)


def listen(listener: Listener | None) -> None:
    """Tell `listener` of the stages that this thread goes through from now on; None stops that."""
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        listener = self._listener or _listener.get()
        if listener is not None:
            listener(self._stage, time.perf_counter() - self._start)
