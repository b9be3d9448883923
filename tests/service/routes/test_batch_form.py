"""Batches that are forms: a JSON part names the file of each photo."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import Start, photo
from tests.service.http.test_bad_input import problem_of

RED, BLUE = photo("red"), photo("blue")
LISTINGS = [
    {"id": "SKU-0", "designation": "a", "image": "front"},
    {"id": "SKU-1", "image": "other"},
    {"id": "SKU-2", "designation": "no photo"},
    {"id": "SKU-3", "image": "front"},
]


def post(client: TestClient, listings: object, **files: bytes) -> Any:
    """The answer; `listings` that are bytes are sent unchanged."""
    content = listings if isinstance(listings, bytes) else json.dumps(listings).encode()
    parts: dict[str, Any] = {"listings": (None, content, "application/json")}
    return client.post("/predict/batch", files={**parts, **{name: (name, file) for name, file in files.items()}})


def test_answers_are_those_of_the_json_batch(client: TestClient) -> None:
    photos = {"front": RED, "other": BLUE}
    encoded = [
        {**listing, "image": base64.b64encode(photos[listing["image"]]).decode()} if "image" in listing else listing
        for listing in LISTINGS
    ]
    expected = client.post("/predict/batch", json={"listings": encoded}).json()
    assert expected["summary"]["predicted"] == 4
    assert post(client, LISTINGS, **photos).json() == expected
    assert post(client, {"listings": LISTINGS}, **photos).json() == expected  # as in the JSON batch
    as_file = {"listings": ("listings.json", json.dumps(LISTINGS)), "front": ("x", RED), "other": ("y", BLUE)}
    assert client.post("/predict/batch", files=as_file).json() == expected


def test_a_bad_listing_fails_alone(client: TestClient) -> None:
    listings = [
        {"image": "front"},
        {"id": "A", "image": "missing"},
        {"image": "listings"},
        {"image": "text"},
        {"image": base64.b64encode(RED).decode()},
        {"image": 5},
        7,
        {"designation": " "},
    ]
    results = post(client, listings, front=RED, text=b"no photo").json()["results"]
    faults = [(r["status"], r["error"]["code"], r["error"]["errors"][0]["pointer"]) for r in results[1:]]
    assert results[0]["status"] == 200
    assert faults == [
        (422, "invalid_request", "/listings/1/image"),
        (422, "invalid_request", "/listings/2/image"),
        (415, "image_unsupported", "/listings/3/image"),
        (422, "invalid_request", "/listings/4/image"),
        (422, "invalid_request", "/listings/5/image"),
        (422, "invalid_request", "/listings/6"),
        (422, "invalid_request", "/listings/7"),
    ]
    assert results[1]["id"] == "A"


@pytest.mark.parametrize(
    ("listings", "status", "code", "pointer"),
    [
        (b"", 400, "malformed_json", None),
        (b"[{", 400, "malformed_json", None),
        (b"\xff", 422, "invalid_request", "/listings"),
        ([], 422, "invalid_request", "/listings"),
        (7, 422, "invalid_request", ""),
        ({"listings": 7}, 422, "invalid_request", "/listings"),
        ({"listings": [{}], "more": 1}, 422, "invalid_request", ""),
        ([{}] * 101, 422, "batch_too_large", "/listings"),
    ],
)
def test_listings_that_are_none(
    client: TestClient, listings: object, status: int, code: str, pointer: str | None
) -> None:
    body = problem_of(post(client, listings, front=RED))
    assert (body["status"], body["code"]) == (status, code)
    assert pointer is None or body["errors"][0]["pointer"] == pointer


def test_parts_that_do_not_belong(client: TestClient) -> None:
    without = problem_of(client.post("/predict/batch", files={"front": ("x", RED)}))
    assert (without["code"], without["errors"][0]["pointer"]) == ("invalid_request", "/listings")
    text = problem_of(client.post("/predict/batch", files={"front": (None, "text")}))
    assert (text["code"], text["errors"][0]["pointer"]) == ("invalid_request", "/front")


def test_as_many_files_as_listings_and_no_more(start: Start) -> None:
    with start(batch_listings=3) as client:
        listings = [{"image": f"f{n}"} for n in range(3)]
        assert post(client, listings, **{f"f{n}": RED for n in range(3)}).json()["summary"]["predicted"] == 3
        body = problem_of(post(client, listings, **{f"f{n}": RED for n in range(5)}))
        assert (body["status"], body["code"]) == (400, "too_many_parts")


@pytest.mark.parametrize("name", [None, "listings.json"])
def test_the_limits_of_its_parts_and_body(start: Start, name: str | None) -> None:
    with start(batch_body_bytes=4096, photo_bytes=1024) as client:
        part = problem_of(client.post("/predict/batch", files={"listings": (name, b" " * 2100)}))
        assert (part["status"], part["code"]) == (413, "part_too_large")
        body = problem_of(post(client, [{"image": "f"}], f=b"x" * 5000))
        assert (body["status"], body["code"]) == (413, "body_too_large")
        (result,) = post(client, [{"image": "f"}], f=b"x" * 2000).json()["results"]
        assert (result["status"], result["error"]["code"]) == (422, "image_too_large")
