"""Several photos of one listing: scored each, averaged, and counted by every limit."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.service.conftest import Start, photo
from tests.service.http.test_bad_input import problem_of


def patterned(colour: str) -> bytes:
    """A photo that shows something."""
    picture = Image.new("RGB", (64, 48), "white")
    picture.paste(colour, (10, 8, 40, 36))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


PHOTOS = [patterned(colour) for colour in ("red", "green", "blue")]
CODED = [base64.b64encode(content).decode() for content in PHOTOS]
TITLE = {"designation": "Piscine ronde"}


def form(*photos: bytes, **fields: str) -> dict[str, Any]:
    return {"data": fields, "files": [("image", ("a.png", content)) for content in photos]}


def ask(client: TestClient, way: str, photos: list[bytes]) -> dict[str, Any]:
    """The prediction for the photos, sent one way; with the title where that way has one."""
    coded = [base64.b64encode(content).decode() for content in photos]
    if way == "form":
        return client.post("/predict", **form(*photos, **TITLE)).json()
    if way == "JSON":
        return client.post("/predict", json={**TITLE, "images": coded}).json()
    if way == "batch form":
        files = [(f"p{number}", ("a", content)) for number, content in enumerate(photos)]
        listings = [{**TITLE, "images": [name for name, _ in files]}]
        body = client.post("/predict/batch", files=[("listings", (None, json.dumps(listings))), *files]).json()
    elif way == "batch":
        body = client.post("/predict/batch", json={"listings": [{**TITLE, "images": coded}]}).json()
    else:
        line = json.dumps({**TITLE, "images": coded})
        answer = client.post("/predict/batch", content=line, headers={"Content-Type": "application/x-ndjson"})
        body = {"results": [json.loads(answer.text)]}
    (result,) = body["results"]
    return result.get("prediction") or result["error"]


@pytest.mark.parametrize("way", ["form", "JSON", "batch", "batch form", "lines"])
def test_every_way_gives_the_same_answer(client: TestClient, way: str) -> None:
    expected = client.post("/predict", json={**TITLE, "images": CODED}).json()
    assert ask(client, way, PHOTOS) == expected
    assert (expected["photos"], expected["modalities"]) == (3, ["text", "image"])
    broken = ask(client, way, [PHOTOS[0], PHOTOS[1], PHOTOS[2][:-30]])
    assert broken["code"] == "image_corrupt"
    assert broken["errors"][0]["pointer"].endswith("/images/2")
    one = ask(client, way, PHOTOS[:1])
    assert "photos" not in one
    assert one == client.post("/predict", json={**TITLE, "image": CODED[0]}).json()


def test_photos_alone_and_their_order(client: TestClient) -> None:
    first = client.post("/predict/image", **form(*PHOTOS)).json()
    second = client.post("/predict/image", **form(*reversed(PHOTOS))).json()
    assert (first["photos"], first["modalities"]) == (3, ["image"])
    assert first["confidence"] == pytest.approx(second["confidence"], abs=1e-5)


def test_an_explanation_says_which_photo_it_covers(client: TestClient) -> None:
    one, several = (client.post("/explain", **form(*photos, **TITLE)).json() for photos in (PHOTOS[:1], PHOTOS))
    assert "number" not in one["photo"]
    assert several["photo"]["number"] == 0
    assert several["category"]["code"] == client.post("/predict", **form(*PHOTOS, **TITLE)).json()["category"]["code"]


@pytest.mark.parametrize(
    ("listing", "pointer"),
    [
        ({"image": CODED[0], "images": CODED}, "/images"),
        ({"images": CODED * 2}, "/images"),
        ({"images": []}, "/images"),
        ({"images": CODED[0]}, "/images"),
        ({"images": [CODED[0], "?"]}, "/images/1"),
        ({"images": [CODED[0], None]}, "/images/1"),
        ({"images": [CODED[0], ""]}, "/images/1"),
    ],
)
def test_wrong_photos_are_pointed_to(client: TestClient, listing: dict[str, Any], pointer: str) -> None:
    body = problem_of(client.post("/predict", json=listing))
    assert (body["status"], body["errors"][0]["pointer"]) == (422, pointer)
    batch = client.post("/predict/batch", json={"listings": [listing]}).json()["results"][0]["error"]
    assert batch["errors"][0]["pointer"] == f"/listings/0{pointer}"


def test_a_form_has_four_photos_at_most(client: TestClient) -> None:
    assert client.post("/predict", **form(*PHOTOS, PHOTOS[0])).json()["photos"] == 4
    body = problem_of(client.post("/predict", **form(*PHOTOS, *PHOTOS)))
    assert (body["status"], body["errors"][0]["pointer"]) == (422, "/image")


def test_a_batch_form_without_one_of_the_files(client: TestClient) -> None:
    files = [("listings", (None, json.dumps([{"images": ["a", "b"]}]))), ("a", ("a", PHOTOS[0]))]
    error = client.post("/predict/batch", files=files).json()["results"][0]["error"]
    assert error["errors"][0]["pointer"] == "/listings/0/images/1"


def test_the_limits_are_for_all_photos_together(start: Start) -> None:
    with start(photo_bytes=1024) as client:
        half = PHOTOS[0] + bytes(600 - len(PHOTOS[0]))
        assert "photos" not in client.post("/predict", **form(half)).json()
        body = problem_of(client.post("/predict", **form(half, half)))
        assert (body["code"], body["errors"][0]["pointer"]) == ("image_too_large", "/images/1")
        large = [photo("red", (4000, 4000), "GIF"), photo("blue", (4000, 4000), "GIF")]
    with start() as client:
        assert client.post("/predict", **form(large[0], **TITLE)).status_code == 200
        body = problem_of(client.post("/predict", **form(*large, **TITLE)))
        assert (body["code"], body["errors"][0]["pointer"]) == ("image_too_large", "/images/1")


def test_each_photo_has_a_place_in_the_queue(start: Start) -> None:
    with start() as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        places = []
        submit = service.engine._add

        def noted(job: Any, admitted: bool) -> None:
            places.append(job.places)
            submit(job, admitted)

        service.engine._add = noted
        client.post("/predict", **form(*PHOTOS))
        client.post("/predict", **form(*PHOTOS[:1]))
        client.post("/predict/text", json=TITLE)
    assert places == [3, 1, 1]
