"""The figures of a soak: counters that its clients share, samples of the server, and the verdict as JSON."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_FINDINGS = 200
"""Kept; the others are only counted."""
SLOPE_MB_PER_1000 = 0.05
NOISE_MB = 12.0
"""Heaps breathe: growth under this says nothing."""
UNSETTLED_MB = 40.0
SETTLED_REQUESTS = 10_000
"""Between the two measurements; with fewer the heap may not have met its largest photos yet, and is still settling."""
SETTLE_SHARE = 0.4
"""Of the run, until the heap has its size."""


@dataclass
class Watch:
    """`asked` counts requests by kind, `shed` those that were refused for load, `live` the seconds of /health/live."""

    asked: Counter[str] = field(default_factory=Counter)
    shed: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    swaps: int = 0
    harms: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    draining: threading.Event = field(default_factory=threading.Event)
    start: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, fault: str | None = None, *, was_shed: bool = False) -> None:
        """Count a request, and note what was wrong with it."""
        with self._lock:
            self.asked[kind] += 1
            self.shed[kind] += was_shed
            if fault is not None:
                self.unexpected[kind] += 1
                if len(self.findings) < MOST_FINDINGS:
                    self.findings.append(f"{time.monotonic() - self.start:7.1f} s  {kind}: {fault}")

    @property
    def goes_on(self) -> bool:
        """Whether clients should ask again."""
        return not self.stop.is_set()


@dataclass
class Sample:
    """The server at a moment: seconds since the start, requests so far, and its figures."""

    seconds: float
    requests: int
    resident_mb: float
    descriptors: int
    threads: int


@dataclass
class Limits:
    """What the figures may be: seconds of /health/live, and of the drain."""

    live_p99: float
    live_max: float
    drain: float = 15.0


@dataclass
class Outcome:
    """The measurements of a whole soak."""

    watch: Watch
    limits: Limits
    samples: list[Sample]
    seconds: float
    descriptors_before: int
    descriptors_after: int
    most_connections: int
    drain_seconds: float | None = None
    exit_code: int | None = None
    log_errors: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """The reasons why the soak failed; empty when it passed."""
        faults = [f"{count} unexpected of {kind}" for kind, count in sorted(self.watch.unexpected.items())]
        faults += [f"log: {line}" for line in self.log_errors]
        if percentile(self.watch.live, 0.99) > self.limits.live_p99:
            faults.append(f"/health/live p99 {percentile(self.watch.live, 0.99):.3f} s")
        if max(self.watch.live, default=0) > self.limits.live_max:
            faults.append(f"/health/live took {max(self.watch.live):.2f} s")
        growth, requests = self.growth()
        noise = NOISE_MB if requests >= SETTLED_REQUESTS else UNSETTLED_MB
        if growth > max(noise, SLOPE_MB_PER_1000 * requests / 1000):
            faults.append(f"memory grew by {growth:.1f} MB in {requests} requests")
        if self.descriptors_after > self.descriptors_before + 3:
            faults.append(f"{self.descriptors_after} descriptors left, {self.descriptors_before} before")
        if self.exit_code != 0 or self.drain_seconds is None or self.drain_seconds > self.limits.drain:
            faults.append(f"drain took {self.drain_seconds} s, exit code {self.exit_code}")
        return faults

    def growth(self) -> tuple[float, int]:
        """MB between the least of the first and of the last third after settling, and the requests between.

        The least, for a swap holds two versions for a moment.
        """
        settled = self.samples[int(len(self.samples) * SETTLE_SHARE) :]
        if len(settled) < 6:
            return 0.0, 0
        third = len(settled) // 3
        first, last = settled[:third], settled[-third:]
        least = min(sample.resident_mb for sample in last) - min(sample.resident_mb for sample in first)
        return least, last[third // 2].requests - first[third // 2].requests

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        growth, requests = self.growth()
        live = self.watch.live
        faults = self.faults()
        return {
            "passed": not faults,
            "faults": faults,
            "findings": self.watch.findings,
            "seconds": round(self.seconds, 1),
            "requests": self.watch.asked.total(),
            "unexpected": self.watch.unexpected.total(),
            "asked": dict(sorted(self.watch.asked.items())),
            "shed": {kind: count for kind, count in sorted(self.watch.shed.items()) if count},
            "swaps": self.watch.swaps,
            "harmed_versions_refused": self.watch.harms,
            "live_seconds": {
                "count": len(live),
                "p50": round(percentile(live, 0.5), 4),
                "p99": round(percentile(live, 0.99), 4),
                "max": round(max(live, default=0), 4),
            },
            "memory_mb": {
                "first": self.samples and round(self.samples[0].resident_mb, 1),
                "last": self.samples and round(self.samples[-1].resident_mb, 1),
                "most": round(max((sample.resident_mb for sample in self.samples), default=0), 1),
                "growth_after_settling": round(growth, 2),
                "per_1000_requests": round(growth * 1000 / requests, 4) if requests else None,
            },
            "descriptors": {
                "before": self.descriptors_before,
                "most": max((sample.descriptors for sample in self.samples), default=0),
                "after": self.descriptors_after,
            },
            "drain": {"seconds": self.drain_seconds, "exit_code": self.exit_code},
        }


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
