"""Large bodies are read beside the event loop, small ones on it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.http.bodies import LARGE_BYTES
from service.routes import batch, predict


@pytest.mark.parametrize(("size", "is_aside"), [(100, False), (LARGE_BYTES, True)])
@pytest.mark.parametrize("kind", ["json", "form"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_thread_that_reads(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, size: int, is_aside: bool
) -> None:
    threads = []

    def noted(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            threads.append(threading.current_thread().name)
            return function(*args, **kwargs)

        return call

    for module in (batch, predict):
        for name in ("parse_json", "parse_form"):
            monkeypatch.setattr(module, name, noted(getattr(module, name)))
    listing = {"designation": "a", "image": "A" * size}
    if kind == "json":
        response = client.post(path, json={"listings": [listing]} if path.endswith("batch") else listing)
    else:
        photo = ("x", b"x" * size)
        listings = {"listings": (None, json.dumps([{"image": "image"}]))} if path.endswith("batch") else {}
        response = client.post(path, files={**listings, "image": photo})
    assert response.status_code < 500
    assert threads
    assert {name.startswith("aside") for name in threads} == {is_aside}


def test_errors_come_back_as_they_are(client: TestClient) -> None:
    response = client.post("/predict", content=b"[" * (2 * LARGE_BYTES), headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
