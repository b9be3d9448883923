"""Large bodies are parsed in a thread, small ones on the event loop."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.http import listings
from service.http.bodies import LARGE_BYTES


@pytest.mark.parametrize(("size", "is_offloaded"), [(100, False), (LARGE_BYTES, True)])
@pytest.mark.parametrize("kind", ["json", "form"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_thread_that_reads(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, size: int, is_offloaded: bool
) -> None:
    threads = []

    def noted(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            threads.append(threading.current_thread().name)
            return function(*args, **kwargs)

        return call

    for name in ("parse_json", "parse_elements", "parse_form"):
        monkeypatch.setattr(listings, name, noted(getattr(listings, name)))
    values = {"designation": "a", "image": "A" * size}
    if kind == "json":
        response = client.post(path, json={"listings": [values]} if path.endswith("batch") else values)
    else:
        photo = ("x", b"x" * size)
        part = {"listings": (None, json.dumps([{"image": "image"}]))} if path.endswith("batch") else {}
        response = client.post(path, files={**part, "image": photo})
    assert response.status_code < 500
    assert threads
    assert {name.startswith("offload") for name in threads} == {is_offloaded}


def test_errors_come_back_as_they_are(client: TestClient) -> None:
    response = client.post("/predict", content=b"[" * (2 * LARGE_BYTES), headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
