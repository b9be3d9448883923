"""The short way answers as the framework would, and leaves it everything else."""

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
    monkeypatch.setattr(predict, "ROUTES", [])
    with start() as client:
        yield client


def test_the_paths_that_predict_are_known() -> None:
    assert [route.path for route in predict.ROUTES] == PATHS


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
        short, long = (one.post(path + query, **request_of) for one in (client, framework))  # type: ignore[arg-type]
        assert short.status_code == long.status_code
        bodies = [response.json() for response in (short, long)]
        for body in bodies:
            body.pop("request_id", None)
        assert bodies[0] == bodies[1]
        assert short.headers.keys() == long.headers.keys()


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_the_framework_s(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["code"] == "method_not_allowed"
    assert client.post(f"{path}/").status_code == 404
