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
from typing import ParamSpec, TypeVar


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


def ignore(stage: Stage, seconds: float) -> None:
    """The listener of those who do not measure."""


_listener: ContextVar[Listener] = ContextVar("stages", default=ignore)

P = ParamSpec("P")
T = TypeVar("T")


def listen(listener: Listener) -> None:
    """Report the stages of this thread to `listener` from now on."""
    _listener.set(listener)


def timed(stage: Stage, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result; its time is reported as one stage to the thread's listener, also when it raises."""
    start = time.perf_counter()
    try:
        return function(*args, **kwargs)
    finally:
        _listener.get()(stage, time.perf_counter() - start)
