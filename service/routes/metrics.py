"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from service.observability.logs import LogQueue
from service.registry.registry import Registry
from service.state import ServiceState, state_of

router = APIRouter(tags=["metrics"], include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Counters, histograms and gauges, as text or, where the scraper asks for it, as OpenMetrics."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    body = await asyncio.to_thread(encode, state_of(request).metrics.registry)  # milliseconds
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


class Gauges(Collector):
    """The state of one process' machinery."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state

    def describe(self) -> list[Metric]:
        """No metrics: their names are this module's own, and a description would cost a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges with their present values."""
        yield from _load(self._state)
        yield from _versions(self._state.registry)
        dropped = sum(log.dropped_in_all for log in logging.getLogger().handlers if isinstance(log, LogQueue))
        yield CounterMetricFamily(
            "pykuten_log_lines_dropped_total", "Lines of the log that were dropped, as nobody read it.", dropped
        )


def _load(state: ServiceState) -> Iterator[Metric]:
    settings = state.settings
    explanations = settings.explanations - state.explanations.free
    gauges: list[tuple[str, str, float]] = [
        ("pykuten_queue_listings", "Listings that wait for a thread.", state.engine.waiting),
        ("pykuten_queue_capacity_listings", "Most listings that may wait.", settings.queue),
        ("pykuten_requests_in_progress", "Requests that are being answered.", state.metrics.in_progress),
        ("pykuten_batches_in_progress", "Batches being worked on.", settings.batches - state.batches.free),
        ("pykuten_batches_waiting", "Batches that wait for one of these places.", state.batches.waiting),
        ("pykuten_streams_in_progress", "Streams being worked on.", settings.streams - state.streams.free),
        ("pykuten_explanations_in_progress", "Explanations being worked on.", explanations),
        ("pykuten_bodies_bytes", "Request bodies held in memory.", state.bodies.held),
        ("pykuten_bodies_capacity_bytes", "Most that may be held.", settings.bodies_bytes),
        ("pykuten_workers", "Threads that run the networks.", settings.workers),
        ("pykuten_draining", "1 once the process was told to stop.", state.draining),
    ]
    for name, text, value in gauges:
        yield GaugeMetricFamily(name, text, value)


def _versions(registry: Registry) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "pykuten_model_info",
        "1 for the version that serves, with the runtime and precision of its networks.",
        labels=("version", "runtime", "precision"),
    )
    memory = GaugeMetricFamily(
        "pykuten_version_memory_bytes", "Estimated memory of each loaded version.", labels=("version",)
    )
    for position, loaded in enumerate(registry.loaded):
        memory.add_metric((loaded.version,), loaded.memory_bytes)
        if position == 0:
            info.add_metric((loaded.version, loaded.predictor.runtime, loaded.predictor.precision), 1)
    yield info
    yield memory
    yield GaugeMetricFamily(
        "pykuten_degraded",
        "1 while what serves is not the version that the store says should.",
        float(registry.is_degraded),
    )
    loads = CounterMetricFamily(
        "pykuten_version_loads_total", "Versions loaded, or refused by the code of why.", labels=("outcome",)
    )
    for outcome, count in sorted(registry.outcomes.copy().items()):
        loads.add_metric((str(outcome),), count)
    yield loads
    yield CounterMetricFamily(
        "pykuten_version_swaps_total", "Times that another version began to serve.", registry.swaps
    )
