"""Metrics for Prometheus: base units, bounded label sets, one collector registry an app.

Requests and predictions are observed on the event loop, stages in the threads that went through them. Label sets are
bounded: route templates, statuses, problem codes, and the categories of the versions that were loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache, partial

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.registry import Collector

from models.decision.prediction import Answers, Prediction
from models.errors import PykutenError
from models.timing import Stage

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
STAGE_SECONDS = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
OTHER_ROUTE = "other"
"""The route label of files and of paths that do not exist."""


class Metrics:
    """The instruments of one app. `in_progress`: requests that are being answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_progress = 0

        def counter(name: str, about: str, labels: tuple[str, ...]) -> Callable[..., Counter]:
            return cache(Counter(name, about, labels, registry=self.registry).labels)  # `labels` itself is slow

        histogram = partial(Histogram, registry=self.registry)
        requests = histogram(
            "pykuten_http_request_duration_seconds",
            "From a request's head to the end of its answer, by route template and status (0: no answer was sent).",
            ("route", "status"),
            buckets=REQUEST_SECONDS,
        )
        self._requests = cache(requests.labels)
        self._rejected = counter(
            "pykuten_rejected_total", "Requests answered with a problem, by its code.", ("reason",)
        )
        stages = histogram(
            "pykuten_stage_duration_seconds",
            "Seconds in a stage: parse a request, queue a job, text and decode a listing, network and fuse a pass.",
            ("stage",),
            buckets=STAGE_SECONDS,
        )
        self._decisions = counter(
            "pykuten_decisions_total",
            "Predictions by what to do with the listing, and why it needs a person (none: it does not).",
            ("action", "reason"),
        )
        self._predicted = counter("pykuten_predicted_total", "Predictions by category code.", ("category",))
        self._evidence = counter(
            "pykuten_evidence_total",
            "Predictions by what they were made from: title, text, image or both.",
            ("evidence",),
        )
        self._failed = counter(
            "pykuten_listings_failed_total",
            "Listings that the engine could not predict, those of batches included, by problem code.",
            ("reason",),
        )
        self._confidence = histogram(
            "pykuten_confidence_ratio", "Confidence of the most likely category.", buckets=CONFIDENCES
        )
        self._stages = {stage: stages.labels(stage.value).observe for stage in Stage}
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def add(self, collector: Collector) -> None:
        """Have a collector asked at every scrape."""
        self.registry.register(collector)

    def request(self, route: str | None, status: int, code: str | None, seconds: float) -> None:
        """Count a request that has ended. `route` is its template, `code` its problem's, if there was one."""
        self._requests(route or OTHER_ROUTE, status).observe(seconds)
        if code is not None:
            self._rejected(code).inc()

    def stage(self, stage: Stage, seconds: float) -> None:
        """Count a stage; called from any thread."""
        self._stages[stage](seconds)

    def answered(self, future: asyncio.Future[Answers]) -> None:
        """Count the answers of a job that is done; for `add_done_callback`."""
        if future.cancelled() or future.exception() is not None:
            return
        for answer in future.result():
            if isinstance(answer, PykutenError):
                self._failed(answer.code).inc()
            else:
                self._predict(answer)

    def _predict(self, prediction: Prediction) -> None:
        decision = prediction.decision
        reason = "none" if decision.reason is None else decision.reason.value
        best = prediction.predictions[0]
        self._decisions(decision.action.value, reason).inc()
        self._predicted(best.code).inc()
        self._evidence(prediction.evidence.value).inc()
        self._confidence.observe(best.confidence)
