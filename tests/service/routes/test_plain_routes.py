"""Starlette's plain routes answer as FastAPI's would, and leave them everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.routes import predict
from tests.service.conftest import Start, photo

PATHS = ["/predict/text", "/predict/image", "/predict"]


@pytest.fixture
def framework(start: Start, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of an app whose every route is the framework's."""
    monkeypatch.setattr(predict, "PLAIN_ROUTES", [])
    with start() as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "request_of",
    [
        {"json": {"designation": "a", "id": "1"}},
        {"json": {"designation": " "}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"files": {"image": photo()}},
        {"files": {"image": photo()}, "data": {"designation": "a"}},
        {"content": b"a", "headers": {"Content-Type": "text/plain"}},
    ],
    ids=["text", "blank", "malformed", "photo", "both", "other type"],
)
def test_answers_are_those_of_the_framework(
    client: TestClient, framework: TestClient, path: str, request_of: dict[str, object]
) -> None:
    for query in ("", "?top_k=2&lang=de", "?top_k=0", "?nope=1"):
        plain, full = (app.post(path + query, **request_of) for app in (client, framework))  # type: ignore[arg-type]
        assert plain.status_code == full.status_code
        bodies = [response.json() for response in (plain, full)]
        for body in bodies:
            body.pop("request_id", None)
        assert bodies[0] == bodies[1]
        assert plain.headers.keys() == full.headers.keys()


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_the_framework_s(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["code"] == "method_not_allowed"
    assert client.post(f"{path}/").status_code == 404
