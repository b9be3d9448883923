"""Good, bad, slow and leaving clients at a real server, while its versions are swapped: `python -m tests.soak`.

Every answer is checked: good requests get, number for number, what the version that it names says; hostile ones what
the contract allows; slow ones are ended. /health/live is timed, memory and descriptors are followed, and at the end the
server is told to stop under load. Exit code 0: nothing was unexpected. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.networks.runtime import available_precision
from models.versions.store import Store
from tests.soak.bad import SLOW, hostile_client, leaving_client, slow_client
from tests.soak.good import expected, good_client
from tests.soak.process import ServerProcess
from tests.soak.report import Limits, Outcome, Sample, Watch, percentile
from tests.soak.swapping import soak_store, swapping
from tests.soak.wire import Broken, Client

LIVE_EVERY_SECONDS = 0.1
DRAIN_LOAD_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    options = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = soak(soak_store(Path(folder) / "store", options.store), options)
    if options.report is not None:
        options.report.write_text(json.dumps(outcome.document(), indent=1) + "\n")
    print(json.dumps(outcome.document(), indent=1))
    return 1 if outcome.faults() else 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (10)")
    parser.add_argument("--good", type=int, default=4, help="clients that send right requests (4)")
    parser.add_argument("--bad", type=int, default=4, help="clients that send hostile ones (4)")
    parser.add_argument("--leaving", type=int, default=2, help="clients that leave before their answer (2)")
    parser.add_argument("--slow", type=int, default=1, help="clients of each kind of slowness (1)")
    parser.add_argument("--slow-limits", type=float, default=1.0, metavar="SHARE",
                       help="of the server's time limits for slow clients (1; less for short runs)")  # fmt: skip
    parser.add_argument("--swap-seconds", type=float, default=5, help="between swaps of versions (5)")
    parser.add_argument("--longest", type=float, default=8, help="seconds that an answer may take (8)")
    parser.add_argument("--live-p99", type=float, default=0.25, help="seconds that /health/live may take, p99 (0.25)")
    parser.add_argument("--live-max", type=float, default=2.0, help="the same, at most (2)")
    parser.add_argument("--seed", type=int, default=1, help="of what is sent (1)")
    parser.add_argument("--store", type=Path, help="a store whose versions serve (default: tiny ones)")
    parser.add_argument("--report", type=Path, help="where to write the report as JSON")
    return parser


def soak(store: Store, options: argparse.Namespace) -> Outcome:
    """Run it, and measure."""
    share = options.slow_limits
    limits = {"head_seconds": 10 * share, "body_seconds": 20 * share, "read_seconds": 20 * share}
    limits["keep_alive_seconds"] = max(6, int(20 * share))
    with ServerProcess(
        store.root, version_idle_seconds=3, poll_seconds=0.5, drain_seconds=2, stream_line_seconds=20 * share, **limits
    ) as server:
        server.wait_until_ready()
        wanted = expected(server.port, store.versions())
        watch, samples = Watch(), []
        descriptors_before = server.descriptors()
        threads = _threads(server, store, wanted, watch, options)
        for thread in threads:
            thread.start()
        end = watch.start + options.minutes * 60
        while time.monotonic() < end and server.is_running:
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))
            if server.is_running:
                samples.append(_sample(server, watch))
                _progress(samples, watch)
        seconds = time.monotonic() - watch.start
        outcome = Outcome(watch, Limits(options.live_p99, options.live_max), samples, seconds,
                          descriptors_before, 0, len(threads))  # fmt: skip
        _end(server, threads, outcome, wanted, options)
    return outcome


def _threads(
    server: ServerProcess, store: Store, wanted: Any, watch: Watch, options: argparse.Namespace
) -> list[threading.Thread]:
    port, seed = server.port, options.seed
    slow_limit = 30 * options.slow_limits + 8  # the contract, and time for a busy machine
    works: list[Callable[[], None]] = [
        *[_good(port, wanted, watch, seed * 1000 + number, options) for number in range(options.good)],
        *[
            lambda n=number: hostile_client(port, watch, seed * 1000 + n, longest=options.longest)  # type: ignore[misc]
            for number in range(options.bad)
        ],
        *[lambda n=number: leaving_client(port, watch, n) for number in range(options.leaving)],  # type: ignore[misc]
        *[
            lambda k=kind: slow_client(port, watch, k, limit=slow_limit)  # type: ignore[misc]
            for kind in SLOW
            for _ in range(options.slow)
        ],
        lambda: swapping(port, store, watch, seed, seconds=options.swap_seconds),
        lambda: _time_live(port, watch),
    ]
    return [threading.Thread(target=work, daemon=True) for work in works]


def _good(port: int, wanted: Any, watch: Watch, seed: int, options: argparse.Namespace) -> Callable[[], None]:
    precision = available_precision()
    return lambda: good_client(port, wanted, watch, seed, longest=options.longest, precision=precision)


def _time_live(port: int, watch: Watch) -> None:
    client = Client(port, seconds=30)
    while watch.goes_on and not watch.draining.is_set():
        try:
            answer = client.ask("GET", "/health/live")
            watch.live.append(answer.seconds)
            watch.count("live", None if answer.status == 200 else f"status {answer.status}")
        except (Broken, OSError) as error:
            if not watch.draining.is_set():
                watch.count("live", f"no answer: {error}")
        time.sleep(LIVE_EVERY_SECONDS)
    client.close()


def _sample(server: ServerProcess, watch: Watch) -> Sample:
    seconds = time.monotonic() - watch.start
    return Sample(seconds, watch.asked.total(), server.resident_mb(), server.descriptors(), server.threads())


def _progress(samples: list[Sample], watch: Watch) -> None:
    last = samples[-1]
    if len(samples) % 5 == 1:
        print(
            f"{last.seconds:6.0f} s  {last.requests:7d} requests  {watch.unexpected.total()} unexpected  "
            f"{last.resident_mb:.0f} MB  {last.descriptors} descriptors  {watch.swaps} swaps  "
            f"live p99 {percentile(watch.live, 0.99) * 1000:.0f} ms, max {max(watch.live, default=0) * 1000:.0f} ms",
            file=sys.stderr,
        )


def _end(
    server: ServerProcess, threads: list[threading.Thread], outcome: Outcome, wanted: Any, options: argparse.Namespace
) -> None:
    """Stop the clients and see what they leave behind; then ask the server to stop while good clients go on."""
    watch = outcome.watch
    watch.stop.set()
    for thread in threads:
        thread.join(40)
    time.sleep(3)  # what was closed by a reset
    if not server.is_running:
        outcome.log_errors.append("the server ended: " + "".join(server.tail)[-3000:])
        return
    outcome.descriptors_after = server.descriptors()
    watch.stop.clear()
    others = [threading.Thread(target=_good(server.port, wanted, watch, n, options), daemon=True) for n in range(4)]
    for thread in others:
        thread.start()
    time.sleep(DRAIN_LOAD_SECONDS)
    watch.draining.set()
    start = time.monotonic()
    server.terminate()
    try:
        outcome.exit_code = server.wait(30)
        outcome.drain_seconds = round(time.monotonic() - start, 2)
    except subprocess.TimeoutExpired:
        outcome.log_errors.append("the server did not end within 30 s")
    watch.stop.set()
    for thread in others:
        thread.join(30)
    outcome.log_errors += server.errors


if __name__ == "__main__":
    sys.exit(main())
