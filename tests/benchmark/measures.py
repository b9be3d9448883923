"""The rows of the benchmark, one function each; each returns what goes into the results."""

from __future__ import annotations

import math
import socket
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.contenders import RIVALS, rival_server, service
from tests.benchmark.processes import HOST, BenchmarkError, Running
from tests.benchmark.traffic import Traffic
from tests.benchmark.wrk import load

CLIENTS = (8, 32)
OVERLOAD_CLIENTS = 256
"""Each asks again at once when it is refused: many times what the server can take."""
WARM_SECONDS = 2
STARTS = 3
BATCH = 100
RECOVERY_SECONDS = 10.0
KINDS = ("image", "both", "text")
"""Paths: /predict/image, /predict and /predict/text."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served and asked, and for how long: seconds a figure, requests for the memory."""

    store: Path
    version: Path
    cache: Path
    settings: Mapping[str, str]
    traffic: Traffic
    seconds: float
    requests: int

    def serving(self) -> Any:
        """The service, as a context manager."""
        return service(self.store, self.cache / "service.log", self.settings)


def throughput(plan: Plan, kind: str) -> dict[str, Any]:
    """Requests a second and times of one client, which meets no queue, of 8 and of 32."""
    messages = getattr(plan.traffic, kind)()
    with plan.serving() as server:
        load(server, messages, 8, WARM_SECONDS)
        return {str(clients): load(server, messages, clients, plan.seconds).as_dict() for clients in (1, *CLIENTS)}


def rival(plan: Plan, name: str) -> dict[str, Any]:
    """Requests a second of a rival for each kind of request and number of clients, the best of its settings."""
    contender = RIVALS[name]
    best: dict[str, dict[str, Any]] = {}
    for setting in contender.settings:
        requests = contender.messages(plan.traffic)
        with rival_server(contender, setting, plan.version, plan.cache, requests["image"][0]) as server:
            for kind, messages in requests.items():
                load(server, messages, 8, WARM_SECONDS)
                for clients in CLIENTS:
                    figures = load(server, messages, clients, plan.seconds).as_dict() | {"setting": str(setting)}
                    rows = best.setdefault(kind, {})
                    rows[str(clients)] = max(rows.get(str(clients), figures), figures, key=lambda row: row["rate"])
                    if not figures["rate"]:
                        raise BenchmarkError(f"no request was answered with 200: {server.last_line()}")
    return best


def batches(plan: Plan) -> dict[str, Any]:
    """Listings a second in batches and in single requests of 32 clients, in turns; and the first line of a stream."""
    batch, singles = [plan.traffic.batch(BATCH)], plan.traffic.both()[:BATCH]
    rates: dict[str, list[float]] = {"batch": [], "singles": []}
    with plan.serving() as server:
        load(server, singles, 8, WARM_SECONDS)
        for _ in range(3):
            rates["batch"].append(BATCH * load(server, batch, 1, plan.seconds).rate)
            rates["singles"].append(load(server, singles, 32, plan.seconds / 2).rate)
        first_line = statistics.median(_first_line(server, plan.traffic.stream(BATCH)) for _ in range(5))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {**medians, "ratio": medians["batch"] / medians["singles"], "first_line_ms": first_line * 1000}


def _first_line(server: Running, message: bytes) -> float:
    """Seconds to the first line of an answer."""
    begin = time.perf_counter()
    with socket.create_connection((HOST, server.port)) as connection, connection.makefile("rb") as stream:
        connection.sendall(message)
        while stream.readline() != b"\r\n":  # the head
            pass
        stream.readline()  # the length of the first chunk
        stream.readline()
        return time.perf_counter() - begin


def starts(plan: Plan) -> dict[str, Any]:
    """Seconds from the start of the process to ready, the median of three; and memory then."""
    seconds, resident = [], []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with plan.serving() as server:
            seconds.append(time.perf_counter() - begin)
            resident.append(server.usage().resident_bytes)
    return {"seconds": statistics.median(seconds), "resident_mb": statistics.median(resident) / 1e6}


def memory(plan: Plan) -> dict[str, Any]:
    """Resident memory over requests of all kinds: after the first round, which fills caches, and at the end."""
    kinds = (plan.traffic.text(), plan.traffic.image() * 8, plan.traffic.both())
    messages = [message for row in zip(*kinds, strict=False) for message in row]
    series, failed, answers = [], 0, 0
    with plan.serving() as server:
        while answers < plan.requests:
            figures = load(server, messages, 16, plan.seconds)
            answers, failed = answers + figures.answers, failed + figures.failed + figures.lost
            series.append((answers, server.usage().resident_bytes / 1e6))
    first, last, highest = series[0][1], series[-1][1], max(megabytes for _, megabytes in series)
    return {"requests": answers, "failed": failed, "highest_mb": highest, "growth": last / first - 1, "series": series}


def overload(plan: Plan) -> dict[str, Any]:
    """Answers while far more is asked than the server can take; then how soon it answers one request again."""
    messages = plan.traffic.image()
    with plan.serving() as server:
        load(server, messages, 8, WARM_SECONDS)
        peak = max(load(server, messages, clients, plan.seconds).rate for clients in CLIENTS)
        figures = load(server, messages, OVERLOAD_CLIENTS, 3 * plan.seconds)
        begin, recovery = time.perf_counter(), math.inf
        while recovery == math.inf and time.perf_counter() - begin < RECOVERY_SECONDS:
            if server.ask(messages[0]).status == 200:
                recovery = time.perf_counter() - begin
    return {**figures.as_dict(), "peak": peak, "share": figures.rate / peak, "recovery_seconds": recovery}


ROWS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    **{f"service.{kind}": lambda plan, kind=kind: throughput(plan, kind) for kind in KINDS},  # type: ignore[misc]
    **{name: lambda plan, name=name: rival(plan, name) for name in RIVALS},  # type: ignore[misc]
    "batch": batches,
    "start": starts,
    "overload": overload,
    "memory": memory,
}
"""What measures each row."""
