"""The hostile corpus, sent to a real server by several clients at once: what is wrong with its answers and with itself.

A finding is a 5xx, an answer outside the contract, a hang, a reset, an error in the log, memory or descriptors that do
not come back. The corpus is made from a seed: a finding names the number of its request, which is always the same one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.hostile.corpus import request
from tests.hostile.judge import fault_of_hostile
from tests.soak.process import ServerProcess
from tests.soak.wire import Broken, Client

GROWTH_MB = 30.0
"""Memory that the server may have more at the end than when two fifths are done: heaps settle."""
WARM_SHARE = 0.4
LEFT_DESCRIPTORS = 3
CLOSE_SECONDS = 10.0


@dataclass
class Campaign:
    """Requests of a seed to a server; `longest` is the seconds that an answer may take."""

    server: ServerProcess
    seed: int
    longest: float
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def run(self, requests: int, clients: int = 4) -> None:
        """Send so many; `faults` says what was wrong."""
        descriptors = self.server.descriptors()
        warm = int(requests * WARM_SHARE)
        self._send(iter(range(warm)), clients)
        memory = self.server.resident_mb() if self.server.is_running else 0.0
        self._send(iter(range(warm, requests)), clients)
        if not self.server.is_running:
            self.faults.append("the server ended: " + "".join(self.server.tail)[-2000:])
        elif (growth := self.server.resident_mb() - memory) > GROWTH_MB:
            self.faults.append(f"memory grew by {growth:.0f} MB from {memory:.0f} MB")
        end = time.monotonic() + CLOSE_SECONDS
        while self.server.is_running and self.server.descriptors() > descriptors + LEFT_DESCRIPTORS:
            if time.monotonic() > end:
                self.faults.append(f"{self.server.descriptors()} descriptors are open, {descriptors} were at the start")
                break
            time.sleep(0.1)
        self.faults += [f"log: {line}" for line in self.server.errors]

    def _send(self, numbers: Iterator[int], clients: int) -> None:
        with ThreadPoolExecutor(clients) as pool:  # the numbers are shared: each is sent by one client
            for sender in [pool.submit(self._send_each, numbers) for _ in range(clients)]:
                sender.result()

    def _send_each(self, numbers: Iterator[int]) -> None:
        client = Client(self.server.port)
        for number in numbers:
            hostile = request(self.seed, number)
            try:
                answer = client.ask(hostile.method, hostile.target, hostile.headers, hostile.body)
                self.statuses[answer.status] += 1
                fault = fault_of_hostile(hostile, answer, longest=self.longest)
            except Broken as error:
                fault = f"no answer: {error}"
            except Exception as error:  # noqa: BLE001 - an answer that cannot be read
                fault = f"unreadable answer: {error!r}"
            if fault is not None:
                self.faults.append(f"request {number} ({hostile.group}, {hostile.target[:80]}): {fault}")
        client.close()
