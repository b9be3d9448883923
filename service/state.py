"""What the requests of one process share, the gate that they pass, and the work that each of them opens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request

from service.catalogue import LabelledCatalogue
from service.engine.engine import Engine
from service.engine.limiter import ConcurrencyLimiter
from service.errors import Draining, Overloaded
from service.http.bodies import Aside, BodyReader
from service.http.forms import FormLimits
from service.observability.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings

BATCHES_IN_LINE = 4
"""Batches that may wait for each one that is worked on; their bodies count as all others do."""


@dataclass(slots=True)
class ServiceState:
    """One process' settings and machinery. `draining` is set once, when the process is told to stop."""

    settings: Settings
    registry: Registry
    engine: Engine
    bodies: BodyReader
    form_limits: FormLimits
    metrics: Metrics
    batches: ConcurrencyLimiter
    streams: ConcurrencyLimiter
    explanations: ConcurrencyLimiter
    catalogue: LabelledCatalogue
    aside: Aside = field(default_factory=Aside)
    draining: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the time to finish batches and streams after SIGTERM is over: their other listings are not begun."""
    chunks: int = 0
    """Chunks of batches and streams that the engine has."""

    @classmethod
    def of(cls, settings: Settings, registry: Registry) -> ServiceState:
        """The machinery that the settings ask for; the engine is not started."""
        metrics = Metrics()
        engine = Engine(workers=settings.workers, capacity=settings.queue, gather=settings.gather)
        engine.listener = metrics.stage
        return cls(
            settings=settings,
            registry=registry,
            engine=engine,
            metrics=metrics,
            bodies=BodyReader(total=settings.bodies_bytes, seconds=settings.body_seconds),
            form_limits=FormLimits(settings.form_fields, settings.form_files, settings.part_bytes),
            batches=ConcurrencyLimiter(settings.batches, queue=settings.batches * BATCHES_IN_LINE),
            streams=ConcurrencyLimiter(settings.streams),
            explanations=ConcurrencyLimiter(settings.explanations),
            catalogue=LabelledCatalogue(settings.catalogue),
        )

    def admit(self) -> None:
        """Refuse what cannot be served anyway before its body is read. Raises Draining, NoVersion or Overloaded."""
        if self.draining:
            raise Draining
        self.registry.require()
        if self.engine.is_full:
            raise Overloaded


def state_of(request: Request) -> ServiceState:
    """The machinery of the app that got the request."""
    state: ServiceState = request.app.state.service
    return state
