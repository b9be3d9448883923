"""Explanations over HTTP: their content, their refusals, and their turns with predictions."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ConfigDict, TypeAdapter, with_config

from models.explanation import explain
from service.dispatch.explanations import ExplanationBody
from service.routes.examples import EXPLANATION
from tests.hostile.forms import END, TITLE, part
from tests.hostile.table import FORM, JSON, PHOTO
from tests.service.conftest import Start, photo, predictor_of
from tests.service.fake_predictor import BUG
from tests.service.http.test_bad_input import post, problem_of
from tests.service.live_server import wait_until

LISTING = {"designation": "Matelas de piscine gonflable", "description": "<p>183 x <b>69</b> cm</p>"}


def with_photo(listing: dict[str, str], image: bytes | None = None) -> dict[str, str]:
    return {**listing, "image": base64.b64encode(image or two_halves()).decode()}


def two_halves() -> bytes:
    import io

    from PIL import Image

    picture = Image.new("RGB", (120, 90), "white")
    picture.paste("navy", (20, 20, 60, 70))
    picture.paste("orange", (60, 20, 100, 70))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def test_an_explanation_of_text_and_photo(client: TestClient) -> None:
    response = client.post("/explain", json={"id": "SKU-1", **with_photo(LISTING)})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert list(body) == list(EXPLANATION)
    prediction = client.post("/predict", json={"id": "SKU-1", **with_photo(LISTING)}).json()
    for field in ("id", "category", "confidence", "model"):
        assert body[field] == prediction[field], field
    assert "|".join(segment["text"] for segment in body["text"]["designation"]) == "Matelas| |de| |piscine| |gonflable"
    assert "".join(segment["text"] for segment in body["text"]["description"]) == "183 x 69 cm"
    for segments in body["text"].values():
        assert all((segment["effect"] is None) == (not segment["text"].strip()) for segment in segments)
    grid = body["photo"]
    assert len(grid["effects"]) == grid["rows"]
    assert {len(row) for row in grid["effects"]} == {grid["columns"]}
    assert any(effect for row in grid["effects"] for effect in row)
    assert [answer["without"] for answer in body["what_if"]] == ["image", "description", "text"]


def test_the_answer_has_exactly_the_documented_shape(client: TestClient) -> None:
    strict = with_config(ConfigDict(extra="forbid", strict=True))
    adapter = TypeAdapter(strict(ExplanationBody))
    adapter.validate_python(EXPLANATION)
    adapter.validate_python(client.post("/explain", json=with_photo(LISTING)).json())
    adapter.validate_python(client.post("/explain", json={"designation": "a"}).json())


def test_what_if_is_what_predict_says(client: TestClient) -> None:
    body = client.post("/explain?precision=0.9&lang=de", json=with_photo(LISTING)).json()
    image = with_photo({})
    without = {"image": LISTING, "description": {"designation": LISTING["designation"], **image}, "text": image}
    for answer in body["what_if"]:
        expected = client.post("/predict?precision=0.9&lang=de", json=without[answer["without"]]).json()
        assert answer == {
            "without": answer["without"],
            **{key: expected[key] for key in ("category", "confidence", "decision")},
        }
    assert body["category"]["label"].startswith("Kategorie")


def test_a_form_is_explained_as_json_is(client: TestClient) -> None:
    form = client.post("/explain", data=LISTING, files={"image": ("x", two_halves())})
    assert form.json() == client.post("/explain", json=with_photo(LISTING)).json()


def test_text_alone_and_photo_alone(client: TestClient) -> None:
    text = client.post("/explain", json={"designation": "Notizbuch A5"}).json()
    assert (text["photo"], text["what_if"], list(text["text"])) == (None, [], ["designation"])
    image = client.post("/explain", json=with_photo({})).json()
    assert (image["text"], image["what_if"]) == ({}, [])
    assert image["photo"]["rows"] >= 1


def test_explanations_are_made_in_the_engine_and_are_no_predictions(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    logits = explain.ask_networks

    def seen(predictor: Any, prepared: Any) -> Any:
        threads.add(threading.current_thread().name)
        return logits(predictor, prepared)

    monkeypatch.setattr(explain, "ask_networks", seen)
    client.post("/explain", json=with_photo(LISTING))
    assert threads
    assert all(name.startswith("engine-") for name in threads)
    figures = client.get("/metrics").text
    assert 'pykuten_http_request_duration_seconds_count{route="/explain",status="200"} 1.0' in figures
    assert "pykuten_explanations_in_progress 0.0" in figures
    assert "pykuten_predicted_total{" not in figures


class Held:
    """Steps of an explanation that wait for `let_go`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let_go, self.begun = threading.Event(), threading.Event()
        logits = explain.ask_networks

        def held(predictor: Any, prepared: Any) -> Any:
            self.begun.set()
            assert self.let_go.wait(10)
            return logits(predictor, prepared)

        monkeypatch.setattr(explain, "ask_networks", held)


def test_only_so_many_explanations_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(explanations=1, workers=2) as client:
        held = Held(monkeypatch)
        statuses: list[int] = []
        first = threading.Thread(target=lambda: statuses.append(client.post("/explain", json=LISTING).status_code))
        first.start()
        assert held.begun.wait(5)
        figures = client.get("/metrics").text
        second = problem_of(client.post("/explain", json=LISTING))
        prediction = client.post("/predict", json=LISTING)
        held.let_go.set()
        first.join()
        third = client.post("/explain", json=LISTING)
    assert "pykuten_explanations_in_progress 1.0" in figures
    assert (second["status"], second["code"]) == (503, "overloaded")
    assert prediction.status_code == 200
    assert statuses == [200]
    assert third.status_code == 200


def test_others_have_their_turn_between_the_steps(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    with start(workers=1) as client:
        predictor = predictor_of(client)
        logits, score = explain.ask_networks, predictor.score

        def slow(predictor: Any, prepared: Any) -> Any:
            order.append("step")
            time.sleep(0.05)
            return logits(predictor, prepared)

        def noted(prepared: Any) -> Any:
            order.append("prediction")
            return score(prepared)

        monkeypatch.setattr(explain, "ask_networks", slow)
        monkeypatch.setattr(predictor, "score", noted)
        explaining = threading.Thread(target=lambda: client.post("/explain", json={"designation": "mot " * 60}))
        explaining.start()
        wait_until(lambda: len(order) >= 2)
        assert client.post("/predict", json=LISTING).status_code == 200
        explaining.join()
    assert order[-1] == "step"
    assert "prediction" in order[2:-1]


def test_the_deadline_holds(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(workers=1) as client:
        logits = explain.ask_networks
        passes: list[int] = []

        def slow(predictor: Any, prepared: Any) -> Any:
            passes.append(len(prepared))
            time.sleep(0.1)
            return logits(predictor, prepared)

        monkeypatch.setattr(explain, "ask_networks", slow)
        long = {"designation": "mot " * 60}
        began = time.monotonic()
        body = problem_of(client.post("/explain", json=long, headers={"X-Deadline-Ms": "150"}))
        assert time.monotonic() - began < 1
        assert (body["status"], body["code"]) == (504, "deadline_exceeded")
        wait_until(lambda: client.app.state.service.explanations.free == 2)  # type: ignore[attr-defined]
        assert len(passes) <= 3  # what is left was not begun
        assert client.post("/explain", json=LISTING).status_code == 200


def test_a_full_queue_refuses(start: Start) -> None:
    with start(workers=1, queue=1) as client:
        predictor = predictor_of(client)
        predictor.gate.clear()
        threads = [threading.Thread(target=lambda: client.post("/predict", json=LISTING)) for _ in range(2)]
        engine = client.app.state.service.engine  # type: ignore[attr-defined]
        # The first is with the worker before the second comes, so that the second is the one that waits.
        for thread, arrived in zip(threads, (lambda: predictor.scored, lambda: engine.is_full), strict=True):
            thread.start()
            wait_until(arrived)
        body = problem_of(client.post("/explain", json=LISTING))
        predictor.gate.set()
        for thread in threads:
            thread.join()
    assert (body["status"], body["code"]) == (503, "overloaded")


def test_a_bug_is_one_problem_without_the_text(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    body = problem_of(client.post("/explain", json={"designation": BUG}))
    assert (body["status"], body["code"]) == (500, "internal")
    assert client.post("/explain", json=LISTING).status_code == 200


# Hostile input; bodies are read as for /predict (tests/service/http/test_bad_input.py)


@pytest.mark.parametrize(
    "text", ["<br><p></p>", "日本語" * 3000, "a" * 20_000, "é " * 10_000, "\u0301" * 20_000, "a-" * 10_000]
)
def test_odd_texts(client: TestClient, text: str) -> None:
    began = time.perf_counter()
    for listing in ({"designation": text}, {"description": text}, {"designation": "x", "description": text}):
        response = client.post("/explain", json=listing)
        if response.status_code != 200:
            assert problem_of(response)["code"] == "text_empty"
        else:
            assert sum(segment["effect"] is not None for f in response.json()["text"].values() for segment in f) <= 64
    assert time.perf_counter() - began < 10


def test_parts_types_and_sizes(start: Start, client: TestClient) -> None:
    fields = b"".join(part(b'Content-Disposition: form-data; name="f%d"' % n) for n in range(17))
    assert post(client, "/explain", fields + END, FORM)["code"] == "too_many_parts"
    assert post(client, "/explain", part(TITLE, b"x" * (256 * 1024 + 1)) + END, FORM)["code"] == "part_too_large"
    assert post(client, "/explain", photo(), PHOTO)["code"] == "unsupported_media_type"
    assert problem_of(client.get("/explain"))["code"] == "method_not_allowed"
    with start(text_body_bytes=2048, photo_bytes=2048) as small:
        for headers in (JSON, FORM):
            assert post(small, "/explain", b" " * 10_000, headers)["code"] == "body_too_large"
        assert problem_of(small.post("/explain", files={"image": ("x", b"\xff" * 2100)}))["code"] == "image_too_large"


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (3000, 2), (64, 48)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_odd_photos(client: TestClient, size: tuple[int, int], kind: str) -> None:
    body = client.post("/explain", files={"image": ("x", photo("teal", size, kind))}).json()
    assert body["photo"]["rows"] * body["photo"]["columns"] == sum(len(row) for row in body["photo"]["effects"])
