"""What is measured of the service itself, one function a figure; each returns what goes into the results."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.benchmark.figures import (
    Throughput,
    growth,
    milliseconds,
    overload,
    percentile,
    stage_seconds,
    throughput,
)
from tests.benchmark.load import Reply, Target, closed, message, steady
from tests.benchmark.processes import HOST, Running, free_port, running
from tests.benchmark.traffic import Traffic

CLIENTS = (8, 32)
WARM_SECONDS = 1.5
READY = message("/health/ready", "", b"", method="GET")
STARTS = 3
BATCH = 100
LISTING_STAGES = ("decode", "text", "network")
"""Stages that are the work itself; the rest is what the service adds."""
OVERLOAD = 4.0
RECOVERY_SECONDS = 10.0
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how much: seconds for a figure, requests for memory, seconds of overload."""

    seconds: float
    requests: int
    overload_seconds: float


@contextlib.contextmanager
def service(store: Path, log: Path, **settings: object) -> Iterator[Running]:
    """The service of this checkout, ready, in its default settings but for the store, the port and those given."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
    chosen = {f"PYKUTEN_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {**kept, **chosen, "PYKUTEN_STORE": str(store)}
    command = [sys.executable, "-m", "service", "--port", str(port)]
    with running(command, environment=environment, port=port, log=log, probe=READY) as server:
        yield server


def load(server: Running, requests: Sequence[bytes], clients: int, seconds: float) -> Throughput:
    """Throughput of so many clients."""
    before = server.usage().cpu_seconds
    replies = closed(server.target, requests, clients=clients, seconds=seconds)
    return throughput(replies, server.usage().cpu_seconds - before)


def saturation(server: Running, requests: Sequence[bytes], plan: Plan) -> dict[str, Any]:
    """Throughput at every number of clients, the stages of requests one by one, and p99 at half of the best rate."""
    closed(server.target, requests, clients=8, seconds=WARM_SECONDS)
    found: dict[str, Any] = {}
    stages_before, cpu_before = _stages(server.target), server.usage().cpu_seconds
    alone = closed(server.target, requests, clients=1, seconds=plan.seconds)
    cpu = server.usage().cpu_seconds - cpu_before
    found["unloaded"] = {"p50_ms": milliseconds(alone, 0.5), "p99_ms": milliseconds(alone, 0.99)}
    found["stages_ms"] = _stage_ms(stages_before, _stages(server.target), len(alone))
    found["unloaded_cpu_ms"] = cpu * 1000 / len(alone)
    for clients in CLIENTS:
        found[str(clients)] = load(server, requests, clients, plan.seconds).as_dict()
    best = max(found[str(clients)]["rate"] for clients in CLIENTS)
    work = sum(found["stages_ms"].get(stage, 0.0) for stage in LISTING_STAGES)
    saturated = min((found[str(clients)] for clients in CLIENTS), key=lambda one: float(one["cpu_ms"]))
    found["work_share"] = min(1.0, work / max(saturated["cpu_ms"], found["unloaded_cpu_ms"]))
    half = steady(server.target, requests, rate=best / 2, seconds=max(5.0, plan.seconds))
    found["half"] = {
        "rate": best / 2,
        "p50_ms": milliseconds(half, 0.5),
        "p99_ms": milliseconds(half, 0.99),
        "failed": sum(reply.status != 200 for reply in half),
    }
    found["half"]["ratio"] = found["half"]["p99_ms"] / found["unloaded"]["p50_ms"]
    return found


def pair(store: Path, log: Path, asked: Mapping[str, Sequence[bytes]], plan: Plan) -> dict[str, Any]:
    """Throughput of two processes with one worker each on one port, for each kind of requests in `asked`."""
    found: dict[str, Any] = {}
    with service(store, log, processes=2, workers=1) as server:
        for kind, requests in asked.items():
            closed(server.target, requests, clients=8, seconds=WARM_SECONDS)
            found[kind] = {str(clients): load(server, requests, clients, plan.seconds).as_dict() for clients in CLIENTS}
        return {**found, "resident_mb": server.usage().resident_bytes / 1e6}


def batches(server: Running, traffic: Traffic, plan: Plan) -> dict[str, Any]:
    """Listings a second in batches against single requests of 32 clients, in turns; and the first line of a stream."""
    batch, singles = [traffic.batch(BATCH)], traffic.both()[:BATCH]
    rates: dict[str, list[float]] = {"batch": [], "singles": []}
    for _ in range(3):
        replies = closed(server.target, batch, clients=1, seconds=plan.seconds / 2)
        good = [reply for reply in replies if reply.status == 200]
        rates["batch"].append(BATCH * len(good) / sum(reply.seconds for reply in replies))
        rates["singles"].append(load(server, singles, 32, plan.seconds / 2).rate)
    lines = closed(server.target, [traffic.stream(BATCH)], clients=1, most=5)
    found = {name: statistics.median(values) for name, values in rates.items()}
    return {
        **found,
        "ratio": found["batch"] / found["singles"],
        "first_line_ms": percentile([reply.first_seconds for reply in lines], 0.5) * 1000,
    }


def starts(store: Path, log: Path) -> dict[str, Any]:
    """Seconds from the start of the process to ready, the middle one of three; and memory then."""
    seconds, resident = [], []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with service(store, log) as server:
            seconds.append(time.perf_counter() - begin)
            resident.append(server.usage().resident_bytes)
    return {"seconds": statistics.median(seconds), "all": seconds, "resident_mb": statistics.median(resident) / 1e6}


def memory(server: Running, traffic: Traffic, plan: Plan, tell: Any) -> dict[str, Any]:
    """Resident memory over requests of all kinds: after the first tenth, which fills caches, and at the end."""
    requests = [
        one for three in zip(traffic.text(), traffic.image() * 8, traffic.both(), strict=False) for one in three
    ]
    warm = min(CHUNK, max(1, plan.requests // 10))
    series, failed, done = [], 0, 0
    while done < plan.requests:
        most = min(CHUNK if done else warm, plan.requests - done)
        replies = closed(server.target, requests, clients=16, most=most)
        failed += sum(reply.status != 200 for reply in replies)
        done += most
        series.append((done, server.usage().resident_bytes / 1e6))
        tell(f"{done} of {plan.requests} requests, {series[-1][1]:.0f} MB")
    first, last, highest = series[0][1], series[-1][1], max(mb for _, mb in series)
    return {
        "requests": done,
        "failed": failed,
        "warm_mb": first,
        "end_mb": last,
        "highest_mb": highest,
        "growth": growth(first, last),
        "series": series,
    }


def overloaded(server: Running, requests: Sequence[bytes], plan: Plan) -> dict[str, Any]:
    """Four times the rate that the server can take; then how soon it answers again."""
    closed(server.target, requests, clients=8, seconds=WARM_SECONDS)
    peak = max(load(server, requests, clients, plan.seconds).rate for clients in CLIENTS)
    replies = steady(server.target, requests, rate=OVERLOAD * peak, seconds=plan.overload_seconds)
    begin = min(reply.asked_at for reply in replies)
    found = overload(replies, plan.overload_seconds)
    recovery = _recovery(server.target, requests[:1], replies, begin + plan.overload_seconds)
    return {
        **found.as_dict(),
        "peak": peak,
        "share": found.goodput / peak,
        "sent": len(replies),
        "seconds": plan.overload_seconds,
        "recovery_seconds": recovery,
    }


def _recovery(target: Target, probe: Sequence[bytes], replies: Sequence[Reply], end: float) -> float:
    """Seconds from the load's end until nothing of it is left and a request is answered with 200."""
    last = max((reply.asked_at + reply.seconds for reply in replies if reply.status == 200), default=end)
    asked_at = time.perf_counter()
    while time.perf_counter() - asked_at < RECOVERY_SECONDS:
        (reply,) = closed(target, probe, clients=1, most=1, patience=5)
        if reply.status == 200:
            return max(0.0, last - end) + time.perf_counter() - asked_at
        time.sleep(0.02)
    return float("inf")


def _stages(target: Target) -> dict[str, tuple[float, float]]:
    with urlopen(f"http://{HOST}:{target.port}/metrics") as answer:
        return stage_seconds(answer.read().decode())


def _stage_ms(
    before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]], requests: int
) -> dict[str, float]:
    """Milliseconds of each stage for a request."""
    return {
        stage: (seconds - before.get(stage, (0.0, 0.0))[0]) * 1000 / requests
        for stage, (seconds, _) in after.items()
        if seconds > before.get(stage, (0.0, 0.0))[0]
    }
