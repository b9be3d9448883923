"""Numbers from replies: rates, percentiles, growth. No clock, no process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmark.load import Reply

OK = 200


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank); NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def milliseconds(replies: Iterable[Reply], share: float, status: int = OK) -> float:
    """A percentile of how long replies of this status took."""
    return percentile([reply.seconds for reply in replies if reply.status == status], share) * 1000


@dataclass(frozen=True, slots=True)
class Throughput:
    """Requests answered with 200 a second, their times, what else was answered, and CPU cores that the server used."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int
    cores: float
    cpu_ms: float
    """CPU time of the server for each answer."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def throughput(replies: Sequence[Reply], cpu_seconds: float) -> Throughput:
    """Of a closed load's replies; the time is that from the first request to the last reply."""
    good = sum(reply.status == OK for reply in replies)
    seconds = span(replies)
    return Throughput(
        rate=good / seconds if seconds else 0.0,
        p50_ms=milliseconds(replies, 0.5),
        p99_ms=milliseconds(replies, 0.99),
        failed=len(replies) - good,
        cores=cpu_seconds / seconds if seconds else math.nan,
        cpu_ms=cpu_seconds * 1000 / good if good else math.nan,
    )


def span(replies: Sequence[Reply]) -> float:
    """Seconds from the first request to the last reply."""
    if not replies:
        return 0.0
    return max(reply.asked_at + reply.seconds for reply in replies) - min(reply.asked_at for reply in replies)


@dataclass(frozen=True, slots=True)
class Overload:
    """What became of requests at several times the rate that the server can take.

    `goodput` counts replies with 200 by when they came, a second, within the `seconds` of the load.
    """

    goodput: float
    accepted_p99_ms: float
    refused: int
    refused_p50_ms: float
    refused_p99_ms: float
    refused_without_retry: int
    lost: int
    others: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def overload(replies: Sequence[Reply], seconds: float, refused: int = 503) -> Overload:
    """Of a steady load's replies over so many seconds."""
    begin = min((reply.asked_at for reply in replies), default=0.0)
    in_time = sum(reply.status == OK and reply.asked_at + reply.seconds <= begin + seconds for reply in replies)
    counts = Counter(reply.status for reply in replies)
    refusals = [reply for reply in replies if reply.status == refused]
    return Overload(
        goodput=in_time / seconds,
        accepted_p99_ms=milliseconds(replies, 0.99),
        refused=len(refusals),
        refused_p50_ms=milliseconds(refusals, 0.5, refused),
        refused_p99_ms=milliseconds(refusals, 0.99, refused),
        refused_without_retry=sum(not reply.retry_after for reply in refusals),
        lost=counts[0],
        others={str(status): n for status, n in sorted(counts.items()) if status not in (0, OK, refused)},
    )


def growth(before: float, after: float) -> float:
    """By which share something grew; negative when it shrank."""
    return (after - before) / before if before else math.nan


def stage_seconds(exposition: str) -> dict[str, tuple[float, float]]:
    """Seconds and count of every stage in what `/metrics` says."""
    found: dict[str, list[float]] = {}
    for line in exposition.splitlines():
        name, _, rest = line.partition("{")
        if name in ("pykuten_stage_duration_seconds_sum", "pykuten_stage_duration_seconds_count"):
            labels, _, value = rest.rpartition(" ")
            stage = labels.split('"')[1]
            found.setdefault(stage, [0.0, 0.0])[name.endswith("_count")] = float(value)
    return {stage: (seconds, count) for stage, (seconds, count) in found.items()}
