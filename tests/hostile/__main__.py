"""Send a hostile corpus to every path of a real server: `python -m tests.hostile.__main__ --requests 33000`.

Images, texts, JSON, forms, lines, options, paths and headers, made from a seed. A finding is a 5xx, an answer outside
the contract, a hang, a reset, an error in the log, memory or descriptors that do not come back. Exit code 0: none.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.hostile.corpus import Request, request
from tests.hostile.judge import fault_of_hostile
from tests.soak.memory_group import memory_group
from tests.soak.process import ServerProcess
from tests.soak.stores import soak_store
from tests.soak.wire import Broken, Client, message

GROWTH_MB = 30.0
"""Memory that the server may have more at the end than when two fifths are done: heaps settle."""
WARM_SHARE = 0.4


@dataclass
class Finding:
    """A request whose answer is not allowed."""

    number: int
    group: str
    target: str
    fault: str


@dataclass
class Campaign:
    """The state of one run; `worst` are seconds by group."""

    port: int
    seed: int
    numbers: Any
    last: int
    longest: float
    shed: bool = False
    done: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    worst: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Send requests until there are no more."""
        client = Client(self.port)
        while True:
            with self.lock:
                number = next(self.numbers)
            if number >= self.last:
                break
            self.send(client, number)
        client.close()

    def send(self, client: Client, number: int) -> None:
        """Send one and judge its answer."""
        one = request(self.seed, number)
        try:
            answer = client.ask(one.method, one.target, one.headers, one.body)
            fault = fault_of_hostile(one, answer, longest=self.longest, shed=self.shed)
        except Broken as error:
            answer, fault = None, f"no answer: {error}"
        except Exception as error:  # noqa: BLE001 - an answer that cannot be read
            answer, fault = None, f"unreadable answer: {error!r}"
        with self.lock:
            self.done[one.group] += 1
            if answer is not None:
                self.statuses[answer.status] += 1
                self.worst[one.group] = max(self.worst[one.group], answer.seconds)
            if fault is not None:
                self.findings.append(Finding(number, one.group, one.target[:80], fault))


def run(server: ServerProcess, options: argparse.Namespace) -> dict[str, Any]:
    """Send the corpus; the report."""
    campaign = Campaign(
        server.port, options.seed, count(options.first), options.first + options.requests, options.longest
    )
    threads = [threading.Thread(target=campaign.run) for _ in range(options.clients)]
    start = time.monotonic()
    descriptors = server.descriptors()
    warm: float | None = None
    for thread in threads:
        thread.start()
    told = 0.0
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.25)
        done = campaign.done.total()
        if warm is None and done >= options.requests * WARM_SHARE:
            warm = server.resident_mb() if server.is_running else 0.0
        if time.monotonic() - told > 10 and server.is_running:
            told = time.monotonic()
            print(
                f"{told - start:6.0f} s  {done:6d} of {options.requests}  {len(campaign.findings)} wrong"
                f"  {server.resident_mb():.0f} MB  {server.descriptors()} descriptors",
                file=sys.stderr,
            )
    return _report(campaign, server, seconds=time.monotonic() - start, warm_mb=warm, descriptors=descriptors)


def _report(
    campaign: Campaign, server: ServerProcess, *, seconds: float, warm_mb: float | None, descriptors: int
) -> dict[str, Any]:
    wrong = [f"request {one.number} ({one.group}, {one.target}): {one.fault}" for one in campaign.findings]
    if server.is_running:
        time.sleep(2)  # closed connections and the last frames
        memory, left = server.resident_mb(), server.descriptors()
        if warm_mb is not None and memory - warm_mb > GROWTH_MB:
            wrong.append(f"memory grew from {warm_mb:.0f} to {memory:.0f} MB")
        if left > descriptors + 3:
            wrong.append(f"{left} descriptors are open, {descriptors} were at the start")
    else:
        memory, left = 0.0, 0
        wrong.append("the server ended: " + "".join(server.tail)[-2000:])
    wrong += [f"log: {line}" for line in server.errors]
    return {
        "requests": campaign.done.total(),
        "seconds": round(seconds, 1),
        "by_group": dict(campaign.done),
        "by_status": {str(status): number for status, number in sorted(campaign.statuses.items())},
        "worst_seconds": {group: round(value, 3) for group, value in sorted(campaign.worst.items())},
        "memory_mb": {
            "warm": warm_mb and round(warm_mb, 1),
            "end": round(memory, 1),
            "peak": server.is_running and round(server.peak_mb(), 1),
        },
        "descriptors": {"start": descriptors, "end": left},
        "wrong": wrong,
    }


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m tests.hostile.__main__", description=__doc__)
    found.add_argument("--requests", type=int, default=33_000, help="how many (33000)")
    found.add_argument("--first", type=int, default=0, help="number of the first one (0)")
    found.add_argument("--seed", type=int, default=1, help="of the corpus (1)")
    found.add_argument("--clients", type=int, default=4, help="at the same time (4)")
    found.add_argument("--longest", type=float, default=5.0, help="seconds that an answer may take (5)")
    found.add_argument("--store", type=Path, help="a store whose versions serve (default: tiny ones)")
    found.add_argument("--memory-mb", type=int, help="limit the server to so much, as a container would; needs root")
    found.add_argument("--report", type=Path, help="where to write the report as JSON")
    found.add_argument(
        "--save", type=int, metavar="NUMBER", help="write request NUMBER to the output, and do nothing else"
    )
    return found


def main() -> int:
    """The exit code: 0 when nothing was wrong."""
    options = parser().parse_args()
    if options.save is not None:
        one: Request = request(options.seed, options.save)
        sys.stdout.buffer.write(message(one.method, one.target, one.headers, one.body))
        return 0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = soak_store(Path(folder) / "store", options.store)
        group = stack.enter_context(memory_group(options.memory_mb)) if options.memory_mb else None
        server = stack.enter_context(ServerProcess(store.root, prepare=group.prepare if group else None))
        Client(server.port).ask("GET", "/health/live")
        report = run(server, options)
        if group is not None and group.killed:
            report["wrong"].append(f"the kernel ended {group.killed} process for lack of memory")
    text = json.dumps(report, indent=1)
    if options.report is not None:
        options.report.write_text(text + "\n")
    print(text)
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
