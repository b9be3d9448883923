"""What a soak has found, as text and as JSON, and whether it is good enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.soak.watch import Watch

SLOPE_MB_PER_1000 = 0.05
NOISE_MB = 12.0
"""Heaps breathe: growth under this says nothing in a short run."""
SETTLE_SHARE = 0.4
"""Of the run, until the heap has its size."""


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
    """Everything that was measured."""

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
        """What was not as it should be; empty when the soak was passed."""
        found = [f"{count} unexpected of {kind}" for kind, count in sorted(self.watch.unexpected.items())]
        found += [f"log: {line}" for line in self.log_errors]
        if percentile(self.watch.live, 0.99) > self.limits.live_p99:
            found.append(f"/health/live p99 {percentile(self.watch.live, 0.99):.3f} s")
        if max(self.watch.live, default=0) > self.limits.live_max:
            found.append(f"/health/live took {max(self.watch.live):.2f} s")
        growth, requests = self.growth()
        if growth > max(NOISE_MB, SLOPE_MB_PER_1000 * requests / 1000):
            found.append(f"memory grew by {growth:.1f} MB in {requests} requests")
        if self.descriptors_after > self.descriptors_before + 3:
            found.append(f"{self.descriptors_after} descriptors left, {self.descriptors_before} before")
        if self.exit_code != 0 or self.drain_seconds is None or self.drain_seconds > self.limits.drain:
            found.append(f"drain took {self.drain_seconds} s, exit code {self.exit_code}")
        return found

    def growth(self) -> tuple[float, int]:
        """MB between the least of the first and of the last third after settling, and the requests between.

        The least, for a swap holds two versions for a moment.
        """
        settled = self.samples[int(len(self.samples) * SETTLE_SHARE) :]
        if len(settled) < 6:
            return 0.0, 0
        third = len(settled) // 3
        first, last = settled[:third], settled[-third:]
        least = min(one.resident_mb for one in last) - min(one.resident_mb for one in first)
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
                "most": round(max((one.resident_mb for one in self.samples), default=0), 1),
                "growth_after_settling": round(growth, 2),
                "per_1000_requests": round(growth * 1000 / requests, 4) if requests else None,
            },
            "descriptors": {
                "before": self.descriptors_before,
                "most": max((one.descriptors for one in self.samples), default=0),
                "after": self.descriptors_after,
            },
            "drain": {"seconds": self.drain_seconds, "exit_code": self.exit_code},
        }

    def text(self) -> str:
        """The report for people."""
        document = self.document()
        lines = [
            f"{'PASSED' if document['passed'] else 'FAILED'}: {document['requests']} requests in {self.seconds:.0f} s, "
            f"{document['unexpected']} unexpected, {self.watch.swaps} swaps, {self.watch.harms} harmed versions refused"
        ]
        for name in ("live_seconds", "memory_mb", "descriptors", "drain", "shed"):
            lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in document[name].items()))
        lines += [f"asked: {kind} {count}" for kind, count in document["asked"].items()]
        lines += [f"FAULT {fault}" for fault in document["faults"]]
        lines += [f"  {finding}" for finding in self.watch.findings[:40]]
        return "\n".join(lines)


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
