"""Jobs of the engine's queue: predictions and other calls, each with a deadline and a future."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from models.decision.prediction import Answer, Answers
from models.listing import Listing
from models.predictor import Predictor

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
