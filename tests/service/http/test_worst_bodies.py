"""Any body within its limit is read in a bounded time, and never holds up the event loop: the table of worst bodies.

Times are of the process, not of the clock, and in proportion to a measure of this machine. The bodies of `QUICK` are
those that were worst once, or are worst now; all of the table is sent nightly.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.hostile.cost import Cost, cost_of
from tests.hostile.worst import TABLE, Worst

CPU_SECONDS = 0.3
STALL_SECONDS = 0.05
CALIBRATION_SECONDS = 0.02
"""What the loop of `_slowness` takes on the machine that these limits were chosen on."""
ATTEMPTS = 3
QUICK = {
    "CR LF before the first part", "CR LF behind the last part", "other delimiters in a file", "head: semicolons",
    "parts", "files with long heads", "69 dashes where the boundary is of dashes", "a part of mixed escapes",
    'a string of mixed escapes ({"listings": [{"image": )', 'a string of commas and escapes ({"listings": [)',
    'deep and shallow ({"listings": [)', 'digits ({"designation": )', "100 listings of escapes", "empty lines",
    "blank lines", "escapes", "keys just few enough",
}  # fmt: skip


def _slowness() -> float:
    start = time.process_time()
    sum(range(1_000_000))
    return max(1.0, (time.process_time() - start) / CALIBRATION_SECONDS)


@pytest.mark.parametrize(
    "worst",
    [pytest.param(worst, id=str(worst), marks=() if worst.name in QUICK else pytest.mark.slow) for worst in TABLE],
)
def test_the_cost_of_a_body(shared_client: TestClient, worst: Worst) -> None:
    body = worst.body()
    app = shared_client.app
    assert isinstance(app, FastAPI)

    async def least() -> Cost:
        """The least of some attempts: another process, or a garbage collection, may disturb one."""
        costs: list[Cost] = []
        for _ in range(ATTEMPTS):
            costs.append(await cost_of(app, worst.path, worst.content_type, body))
            if costs[-1].cpu < CPU_SECONDS and costs[-1].stall < STALL_SECONDS:
                break
        return Cost(costs[-1].status, min(cost.cpu for cost in costs), min(cost.stall for cost in costs))

    cost = asyncio.run(least())
    slowness = _slowness()
    assert cost.status < 500
    assert cost.cpu <= CPU_SECONDS * slowness
    assert cost.stall <= STALL_SECONDS * slowness


def test_the_quick_ones_are_in_the_table() -> None:
    assert {worst.name for worst in TABLE} >= QUICK
