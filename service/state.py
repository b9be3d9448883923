"""The state of one process, which all its requests share, and the admission of those that predict."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import Request

from service.catalogue import Catalogues
from service.engine.engine import Engine
from service.engine.limiter import ConcurrencyLimiter
from service.errors import Draining, Overloaded
from service.http.bodies import BodyReader
from service.http.listings import ListingReader
from service.http.requests import Choices
from service.observability.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings

BATCHES_QUEUED = 4
"""Batches that may wait for each one that runs; their bodies count as all others do."""


@dataclass(slots=True)
class ServiceState:
    """One process' settings and machinery. `draining` is set once, when the process is asked to stop."""

    settings: Settings
    registry: Registry
    engine: Engine
    bodies: BodyReader
    listings: ListingReader
    metrics: Metrics
    batches: ConcurrencyLimiter
    streams: ConcurrencyLimiter
    explanations: ConcurrencyLimiter
    catalogues: Catalogues
    draining: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the time to finish batches and streams after SIGTERM is over: their remaining listings are not begun."""
    chunks: int = 0
    """Chunks of batches and streams in the engine."""

    @classmethod
    def of(cls, settings: Settings, registry: Registry) -> ServiceState:
        """The machinery of the settings; the engine is not started."""
        metrics = Metrics()
        engine = Engine(
            workers=settings.workers, capacity=settings.queue, gather=settings.gather, listener=metrics.stage
        )
        bodies = BodyReader(total=settings.bodies_bytes, seconds=settings.body_seconds)
        return cls(
            settings=settings,
            registry=registry,
            engine=engine,
            metrics=metrics,
            bodies=bodies,
            listings=ListingReader(settings, bodies, metrics.stage),
            batches=ConcurrencyLimiter(settings.batches, queue=settings.batches * BATCHES_QUEUED),
            streams=ConcurrencyLimiter(settings.streams),
            explanations=ConcurrencyLimiter(settings.explanations),
            catalogues=Catalogues(settings.catalogue, registry.store.root),
        )

    def admit(self) -> None:
        """Refuse a request that cannot be served before its body is read. Raises Draining, NoVersion or Overloaded."""
        if self.draining:
            raise Draining
        self.registry.require()
        if self.engine.is_full:
            raise Overloaded


def state_of(request: Request) -> ServiceState:
    """The machinery of the app that got the request."""
    state: ServiceState = request.app.state.service
    return state


AnyChoices = TypeVar("AnyChoices", bound=Choices)


def begin(request: Request, options: type[AnyChoices]) -> tuple[AnyChoices, ServiceState]:
    """The start of every prediction: admission, then the options. Nothing of the body is read yet.

    Raises what `ServiceState.admit` raises, and InvalidRequest.
    """
    state = state_of(request)
    state.admit()
    return options.read(request.scope["query_string"]), state
