"""Batches: every listing on its own, in order."""

from __future__ import annotations

import base64
import threading
import time

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from service.http.responses import BatchBody
from service.state import BATCHES_QUEUED
from tests.service.conftest import Start, photo, predictor_of
from tests.service.fake_predictor import BUG, POISON
from tests.service.live_server import wait_until

PHOTO = base64.b64encode(photo()).decode()


def test_results_come_in_order_with_their_ids(client: TestClient) -> None:
    listings = [{"id": f"SKU-{i}", "designation": f"listing {i}"} for i in range(100)]
    body = client.post("/predict/batch", json={"listings": listings}).json()
    assert [result["index"] for result in body["results"]] == list(range(100))
    assert [result["id"] for result in body["results"]] == [listing["id"] for listing in listings]
    assert [result["prediction"]["id"] for result in body["results"]] == [listing["id"] for listing in listings]
    accepted = sum(result["prediction"]["decision"]["action"] == "accept" for result in body["results"])
    assert body["summary"] == {"total": 100, "predicted": 100, "failed": 0, "accepted": accepted}
    TypeAdapter(BatchBody).validate_python(body, strict=True)


def test_alone_and_in_any_batch_a_listing_gets_the_same_answer(client: TestClient) -> None:
    listings = [{"designation": "a" * n, "image": PHOTO} if n % 3 else {"designation": "a" * n} for n in range(1, 40)]
    alone = [client.post("/predict", json=listing).json() for listing in listings]
    forwards = client.post("/predict/batch", json={"listings": listings}).json()["results"]
    backwards = client.post("/predict/batch", json={"listings": listings[::-1]}).json()["results"]
    assert [result["prediction"] for result in forwards] == alone
    assert [result["prediction"] for result in backwards[::-1]] == alone


BAD = {
    "not an object": (7, 422, "invalid_request", ""),
    "blank": ({"designation": " "}, 422, "invalid_request", ""),
    "only tags": ({"designation": "<br>"}, 422, "text_empty", "/designation"),
    "unknown field": ({"designation": "x", "titel": "y"}, 422, "invalid_request", "/titel"),
    "wrong type": ({"designation": 5}, 422, "invalid_request", "/designation"),
    "too long": ({"description": "x" * 20_001}, 422, "text_too_long", "/description"),
    "not base64": ({"image": "%%%"}, 422, "invalid_request", "/image"),
    "not a photo": ({"image": "aGVsbG8="}, 415, "image_unsupported", "/image"),
    "empty photo": ({"image": ""}, 422, "image_empty", "/image"),
    "many keys": ({f"k{i}": 1 for i in range(1000)}, 422, "invalid_request", ""),
    "unforeseen in preparation": ({"designation": BUG}, 500, "internal", None),
    "unforeseen in the networks": ({"designation": POISON}, 500, "internal", None),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_listing_fails_alone(client: TestClient, name: str) -> None:
    bad, status, code, pointer = BAD[name]
    body = client.post("/predict/batch", json={"listings": [{"designation": "a"}, bad, {"designation": "b"}]}).json()
    first, failed, last = body["results"]
    assert "prediction" in first
    assert "prediction" in last
    assert failed["status"] == failed["error"]["status"] == status
    assert failed["error"]["code"] == code
    if pointer is not None:
        assert failed["error"]["errors"][0]["pointer"] == "/listings/1" + pointer
    assert body["summary"] == {
        "total": 3,
        "predicted": 2,
        "failed": 1,
        "accepted": sum(result["prediction"]["decision"]["action"] == "accept" for result in (first, last)),
    }


def test_lone_surrogates_and_nan_fail_their_listing_only(client: TestClient) -> None:
    content = (
        b'{"listings": [{"designation": "\\ud800"}, {"designation": NaN}, {"id": "\\udfff"}, {"designation": "fine"}]}'
    )
    response = client.post("/predict/batch", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert [result["status"] for result in response.json()["results"]] == [422, 422, 422, 200]


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        ({"listings": []}, "invalid_request", "/listings"),
        ({"listings": [{}] * 101}, "batch_too_large", "/listings"),
        ({"listings": {}}, "invalid_request", "/listings"),
        ({}, "invalid_request", "/listings"),
        ({"listings": [{}], "more": 1}, "invalid_request", ""),
        ([], "invalid_request", ""),
    ],
)
def test_a_batch_that_is_none(client: TestClient, document: object, code: str, pointer: str) -> None:
    response = client.post("/predict/batch", json=document)
    assert response.status_code == 422
    assert response.json()["code"] == code
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(("listing", "largest"), [({"designation": "a"}, 16), ({"image": PHOTO}, 4)])
def test_listings_go_through_the_networks_in_chunks(client: TestClient, listing: dict[str, str], largest: int) -> None:
    client.post("/predict/batch", json={"listings": [listing] * 32})
    scored = predictor_of(client).scored
    assert sum(scored) == 32
    assert scored[0] == max(scored) == largest


def test_a_batch_that_was_begun_is_finished_though_the_queue_is_full(start: Start) -> None:
    with start(queue=4, workers=1) as client:
        body = client.post("/predict/batch", json={"listings": [{"designation": str(n)} for n in range(1, 60)]}).json()
    assert body["summary"]["predicted"] == 59


def test_batches_wait_in_line_and_no_longer_a_line_than_that(start: Start) -> None:
    with start(batches=1) as client:
        predictor = predictor_of(client)
        places = client.app.state.service.batches  # type: ignore[attr-defined]
        predictor.gate.clear()
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(client.post("/predict/batch", json={"listings": [{"designation": "a"}]}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(1 + BATCHES_QUEUED)]
        for thread in threads:
            thread.start()
        wait_until(lambda: places.waiting == BATCHES_QUEUED and predictor.scored)
        figures = client.get("/metrics").text
        start_of_refusal = time.monotonic()
        one_more = client.post("/predict/batch", json={"listings": [{"designation": "a"}]})
        seconds = time.monotonic() - start_of_refusal
        late = statuses.copy()
        predictor.gate.set()
        for thread in threads:
            thread.join()
    assert (one_more.status_code, one_more.json()["code"], one_more.headers["retry-after"]) == (503, "overloaded", "1")
    assert seconds < 1
    assert late == []
    assert statuses == [200] * (1 + BATCHES_QUEUED)
    assert f"pykuten_batches_waiting {BATCHES_QUEUED}.0" in figures
    assert (places.free, places.waiting) == (1, 0)


def test_a_batch_waits_in_line_until_its_deadline(start: Start) -> None:
    with start(batches=1) as client:
        predictor = predictor_of(client)
        places = client.app.state.service.batches  # type: ignore[attr-defined]
        predictor.gate.clear()
        listings = {"listings": [{"designation": "a"}]}
        thread = threading.Thread(target=lambda: client.post("/predict/batch", json=listings))
        thread.start()
        wait_until(lambda: predictor.scored)
        second = client.post("/predict/batch", json=listings, headers={"X-Deadline-Ms": "100"})
        line = places.waiting
        predictor.gate.set()
        thread.join()
        assert client.post("/predict/batch", json=listings).status_code == 200
    assert (second.status_code, second.json()["code"]) == (504, "deadline_exceeded")
    assert (line, places.free) == (0, 1)


def test_the_deadline_holds_for_each_listing(start: Start) -> None:
    with start(workers=1) as client:
        predictor = predictor_of(client)
        predictor.gate.clear()

        def open_later() -> None:
            wait_until(lambda: predictor.scored)
            time.sleep(0.4)  # the deadline passes while the first are at work
            predictor.gate.set()

        threading.Thread(target=open_later).start()
        body = client.post(
            "/predict/batch",
            json={"listings": [{"designation": str(n)} for n in range(1, 33)]},
            headers={"X-Deadline-Ms": "200"},
        ).json()
    statuses = [result["status"] for result in body["results"]]
    assert statuses == [200] * 16 + [504] * 16  # the second half was not begun
    assert body["results"][-1]["error"]["code"] == "deadline_exceeded"
