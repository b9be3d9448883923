"""Streams: one listing a line in, one result a line out, each in its place."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from service.http.responses import FailedItem, PredictedItem
from tests.service.conftest import Start, photo, predictor_of
from tests.service.http.test_bad_input import problem_of
from tests.service.routes.test_batch import BAD

NDJSON = {"Content-Type": "application/x-ndjson"}
PHOTO = base64.b64encode(photo()).decode()


def lines_of(listings: Iterable[object]) -> bytes:
    return b"".join(json.dumps(listing).encode() + b"\n" for listing in listings)


def post(client: TestClient, content: bytes, headers: dict[str, str] | None = None) -> Any:
    return client.post("/predict/batch", content=content, headers={**NDJSON, **(headers or {})})


def results_of(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text[:300]
    assert response.headers["content-type"] == "application/x-ndjson"
    return parsed(response.content)


def parsed(content: bytes) -> list[dict[str, Any]]:
    assert content.endswith(b"\n")
    results = [json.loads(line) for line in content.splitlines()]
    for result in results:
        TypeAdapter(PredictedItem | FailedItem).validate_python(result, strict=True)
    return results


def post_pieces(
    client: TestClient, pieces: Iterable[bytes | float], headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Results of a body that arrives in pieces, with pauses (seconds) between them; httpx would join them first."""
    left, sent = iter(pieces), bytearray()

    async def receive() -> dict[str, Any]:
        for piece in left:
            if isinstance(piece, bytes):
                return {"type": "http.request", "body": piece, "more_body": True}
            await asyncio.sleep(piece)
        if not body_read.is_set():
            body_read.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200
        sent.extend(message.get("body", b""))

    header_list = [(name.lower().encode(), value.encode()) for name, value in {**NDJSON, **(headers or {})}.items()]
    scope = {"type": "http", "method": "POST", "path": "/predict/batch", "query_string": b"", "headers": header_list}
    body_read = threading.Event()
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    return parsed(bytes(sent))


def test_answers_are_those_of_the_json_batch_in_order(client: TestClient) -> None:
    listings = [{"id": f"SKU-{n}", "designation": "a" * n, **({"image": PHOTO} if n % 3 else {})} for n in range(1, 99)]
    expected = client.post("/predict/batch", json={"listings": listings}).json()["results"]
    assert results_of(post(client, lines_of(listings))) == expected


def test_any_number_of_lines(client: TestClient) -> None:
    results = results_of(post(client, lines_of({"id": str(n), "designation": "a"} for n in range(600))))
    assert [(result["index"], result["id"], result["status"]) for result in results] == [
        (n, str(n), 200) for n in range(600)
    ]


def test_however_the_body_is_cut(client: TestClient) -> None:
    body = lines_of({"designation": "a" * n} for n in range(1, 30))
    expected = results_of(post(client, body))
    for size in (1, 7, 1000):
        assert post_pieces(client, [body[i : i + size] for i in range(0, len(body), size)]) == expected
    assert results_of(post(client, body.rstrip(b"\n"))) == expected
    assert results_of(post(client, body.replace(b"\n", b"\r\n\r\n \n"))) == expected  # blank lines are no listings


@pytest.mark.parametrize("name", BAD)
def test_a_bad_listing_fails_alone(client: TestClient, name: str) -> None:
    bad, status, code, pointer = BAD[name]
    first, failed, last = results_of(post(client, lines_of([{"designation": "a"}, bad, {"designation": "b"}])))
    assert "prediction" in first
    assert "prediction" in last
    assert failed["status"] == failed["error"]["status"] == status
    assert (failed["index"], failed["error"]["code"]) == (1, code)
    if pointer is not None:
        assert failed["error"]["errors"][0]["pointer"] == pointer  # into the line


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"designation": "a"}}', 400, "malformed_json"),
        (b"\xff", 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"\x00", 400, "malformed_json"),
        (b'{"designation": "\\ud800"}', 422, "invalid_request"),
        (b'{"designation": NaN}', 422, "invalid_request"),
        (b"[" + b"1," * 100_000 + b"1]", 422, "invalid_request"),
        (b'{"designation": "a", "id": "' + b"i" * 300 + b'"}', 422, "invalid_request"),
    ],
)
def test_a_bad_line_fails_alone(client: TestClient, line: bytes, status: int, code: str) -> None:
    results = results_of(post(client, b'{"designation": "a"}\n' + line + b'\n{"designation": "b"}\n'))
    assert [result["status"] for result in results] == [200, status, 200]
    assert results[1]["error"]["code"] == code
    assert results[1]["id"] is None


def test_a_line_over_the_limit_fails_alone_and_the_body_has_none(start: Start) -> None:
    with start(photo_bytes=6000, text_body_bytes=4096, batch_body_bytes=8192) as client:
        limit = client.app.state.service.settings.json_photo_body_bytes  # type: ignore[attr-defined]
        good = {"designation": "x" * 4000}
        body = lines_of([good, {"designation": "x" * limit}, *[good] * 10])
        results = post_pieces(client, [body[i : i + 1000] for i in range(0, len(body), 1000)])
    assert [result["status"] for result in results] == [200, 413, *[200] * 10]
    assert (results[1]["error"]["code"], results[1]["id"]) == ("body_too_large", None)


def test_a_photo_over_the_operators_limit_fails_alone(start: Start) -> None:
    with start(photo_bytes=1024) as client:
        (result,) = results_of(post(client, lines_of([{"image": base64.b64encode(b"\xff" * 2000).decode()}])))
    assert (result["status"], result["error"]["code"]) == (422, "image_too_large")


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\n"])
def test_no_line_at_all(client: TestClient, body: bytes) -> None:
    assert problem_of(post(client, body))["code"] == "invalid_request"


def test_problems_before_the_first_line_have_their_status(start: Start) -> None:
    with start(streams=1) as client:
        body = lines_of([{"designation": "a"}])
        for query, status in (("top_k=0", 422), ("version=2020.01.01-0000000", 404)):
            response = client.post(f"/predict/batch?{query}", content=body, headers=NDJSON)
            assert problem_of(response)["status"] == status
        assert problem_of(post(client, body, {"X-Deadline-Ms": "soon"}))["errors"][0]["pointer"] == "/X-Deadline-Ms"
        assert problem_of(post(client, body, {"Content-Encoding": "gzip"}))["status"] == 415
        state = client.app.state.service  # type: ignore[attr-defined]
        with state.streams.acquire():
            assert problem_of(post(client, body))["code"] == "overloaded"
        state.draining = True
        assert problem_of(post(client, body))["code"] == "draining"
        state.draining = False
        assert results_of(post(client, body))[0]["status"] == 200


def test_the_deadline_is_each_lines_own(start: Start) -> None:
    with start(workers=1) as client:
        predictor = predictor_of(client)
        predictor.gate.clear()

        def body() -> Iterator[bytes | float]:
            yield lines_of({"designation": str(n)} for n in range(1, 30))
            yield 0.6
            predictor.gate.set()
            yield 0.1
            yield lines_of({"designation": str(n)} for n in range(1, 5))

        statuses = [result["status"] for result in post_pieces(client, body(), {"X-Deadline-Ms": "500"})]
    begun = statuses.index(504)
    assert 1 <= begun <= 16
    assert statuses == [200] * begun + [504] * (29 - begun) + [200] * 4


def test_options_are_for_every_line(client: TestClient) -> None:
    response = client.post(
        "/predict/batch?top_k=1&lang=de", content=lines_of([{"designation": "a"}] * 3), headers=NDJSON
    )
    for result in results_of(response):
        assert len(result["prediction"]["predictions"]) == 1
        assert result["prediction"]["category"]["label"].startswith("Kategorie")


def test_nothing_is_held_afterwards(start: Start) -> None:
    with start() as client:
        state = client.app.state.service  # type: ignore[attr-defined]
        results_of(post(client, lines_of([{"designation": "a", "image": PHOTO}, 7, {"image": "%"}] * 50)))
        assert state.bodies.free == state.settings.bodies_bytes
        assert (state.chunks, state.streams.free, state.engine.waiting) == (0, state.settings.streams, 0)


def test_memory_that_others_hold_ends_a_stream_where_it_stands(start: Start) -> None:
    with start() as client:
        bodies = client.app.state.service.bodies  # type: ignore[attr-defined]
        bodies.hold(bodies.free - 1024)
        results = results_of(post(client, lines_of([{"designation": "a"}, {"designation": "x" * 2000}])))
    assert [(result["index"], result["status"]) for result in results] == [(0, 200), (1, 503)]
    assert results[1]["error"]["code"] == "overloaded"


def test_a_stream_that_is_open_for_too_long_says_where_it_ended(start: Start) -> None:
    with start(stream_seconds=0.3) as client:

        def body() -> Iterator[bytes | float]:
            for n in range(100):
                yield lines_of([{"designation": str(n + 1)}])
                yield 0.05

        results = post_pieces(client, body())
    assert 2 < len(results) < 60
    assert [result["status"] for result in results] == [200] * (len(results) - 1) + [504]
    assert [result["index"] for result in results] == list(range(len(results)))
    assert results[-1]["error"]["code"] == "deadline_exceeded"


@pytest.mark.parametrize(
    "drip",
    [
        [],
        [b'{"designation": "', *[b"a"] * 100],
        [b"\n"] * 100,
        [b"x" * 8192, *[b"x" * 100] * 100],  # what is left of a line over the limit
    ],
)
def test_a_client_that_owes_a_line_is_not_waited_for(start: Start, drip: list[bytes]) -> None:
    def body() -> Iterator[bytes | float]:
        yield lines_of([{"designation": "a"}])
        for piece in drip:
            yield piece
            yield 0.05
        yield 5

    with start(stream_line_seconds=0.4, photo_bytes=4096, text_body_bytes=1024) as client:
        *answered, last = post_pieces(client, body())
    assert [result["status"] for result in answered] == [200, 413][: len(answered)]
    assert (last["index"], last["status"], last["error"]["code"]) == (len(answered), 408, "slow_client")


def test_after_the_time_to_finish_a_stream_says_where_it_ended(start: Start) -> None:
    with start(workers=1) as client:
        predictor, state = predictor_of(client), client.app.state.service  # type: ignore[attr-defined]
        predictor.gate.clear()

        def body() -> Iterator[bytes | float]:
            yield lines_of({"designation": str(n)} for n in range(1, 30))
            yield 0.3
            state.stopping.set()
            predictor.gate.set()
            yield 5
            yield lines_of([{"designation": "a"}])

        results = post_pieces(client, body())
    begun = [result["status"] for result in results].index(503)
    assert begun >= 1
    assert [result["status"] for result in results] == [200] * begun + [503] * (30 - begun)
    assert {result["error"]["code"] for result in results[begun:]} == {"draining"}
    assert [result["index"] for result in results] == list(range(30))  # the last line was not read
