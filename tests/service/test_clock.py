"""Deadlines and time limits keep to the monotonic clock, because the wall clock may jump (RELIABILITY F14)."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.service.conftest import Start, predictor_of

SERVICE = Path(__file__).parents[2] / "service"
WALL = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today", "time.gmtime", "time.localtime"}
ALLOWED = {"keys.py"}
"""An API key expires at a date."""


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_jump_of_the_clock_changes_no_deadline(start: Start, jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(workers=1) as client:
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        assert _ask(client).status_code == 200
        predictor_of(client).gate.clear()
        begun = time.monotonic()
        late = _ask(client)
        predictor_of(client).gate.set()
        assert (late.status_code, late.json()["code"]) == (504, "deadline_exceeded")
        assert 0.2 <= time.monotonic() - begun < 5


def _ask(client: TestClient) -> Response:
    return client.post("/predict/text", json={"designation": "a"}, headers={"X-Deadline-Ms": "300"})


def test_the_service_asks_the_wall_clock_for_dates_only() -> None:
    calls = {
        (path.name, ast.unparse(node.func))
        for path in SERVICE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WALL
    }
    assert {name for name, _ in calls} <= ALLOWED, calls
    assert calls, "the names above are not those that are used"
