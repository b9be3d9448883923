"""The three paths for one listing."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient
from pydantic import ConfigDict, TypeAdapter, with_config

from service.http.responses import PredictionBody
from service.routes.examples import PREDICTION
from tests.service.conftest import photo, predictor_of

LISTING = {"designation": "Matelas de piscine gonflable", "description": "183 x 69 cm"}


def test_text(client: TestClient) -> None:
    response = client.post("/predict/text", json={"id": "SKU-1", **LISTING})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == list(PREDICTION)
    assert body["id"] == "SKU-1"
    best = body["predictions"][0]
    assert body["category"] == {key: best[key] for key in ("code", "label", "group")}
    assert body["confidence"] == best["confidence"]
    assert len(body["predictions"]) == 3
    assert body["category"]["label"] == f"Catégorie {body['category']['code']}"
    assert body["modalities"] == ["text"]
    assert body["by_modality"] == {"text": body["predictions"]}
    assert body["model"] == {"version": predictor_of(client).version}
    assert body["prediction_set"]["codes"][0] == body["category"]["code"]


def test_the_answer_has_exactly_the_documented_shape(client: TestClient) -> None:
    strict = with_config(ConfigDict(extra="forbid", strict=True))
    body = client.post("/predict", json={**LISTING, "image": base64.b64encode(photo()).decode()}).json()
    TypeAdapter(strict(PredictionBody)).validate_python(body)


def test_confidences_have_at_most_six_decimals(client: TestClient) -> None:
    body = client.post("/predict/text", json=LISTING).json()
    assert all(score["confidence"] == round(score["confidence"], 6) for score in body["predictions"])


def test_image_as_form_and_as_body(client: TestClient) -> None:
    form = client.post("/predict/image", files={"image": ("chat.jpg", photo(), "image/jpeg")})
    raw = client.post("/predict/image", content=photo(), headers={"Content-Type": "image/jpeg"})
    assert form.status_code == raw.status_code == 200
    assert form.json() == raw.json()
    assert raw.json()["modalities"] == ["image"]


def test_all_paths_give_a_listing_the_same_answer(client: TestClient) -> None:
    image = photo("green")
    in_base64 = base64.b64encode(image).decode()
    json = client.post("/predict", json={**LISTING, "image": in_base64}).json()
    form = client.post("/predict", data=LISTING, files={"image": ("x", image)}).json()
    batch = client.post("/predict/batch", json={"listings": [{**LISTING, "image": in_base64}, LISTING]}).json()
    assert json["modalities"] == ["text", "image"]
    assert json == form == batch["results"][0]["prediction"]
    text = client.post("/predict/text", json=LISTING).json()
    assert text == client.post("/predict", json=LISTING).json() == batch["results"][1]["prediction"]
    fields = {name: (None, value) for name, value in LISTING.items()}
    assert text == client.post("/predict", files=fields).json()


def test_a_browser_form_without_a_photo(client: TestClient) -> None:
    head = b"--B\r\nContent-Disposition: form-data; name="
    content = head + b'"designation"\r\n\r\na\r\n' + head + b'"image"; filename=""\r\n\r\n\r\n--B--\r\n'
    response = client.post("/predict", content=content, headers={"Content-Type": "multipart/form-data; boundary=B"})
    assert response.json() == client.post("/predict/text", json={"designation": "a"}).json()


def test_nulls_are_absent_fields(client: TestClient) -> None:
    with_nulls = {**LISTING, "id": None, "image": None}
    assert client.post("/predict", json=with_nulls).json() == client.post("/predict", json=LISTING).json()


def test_top_k(client: TestClient) -> None:
    body = client.post("/predict/text?top_k=27", json=LISTING).json()
    assert len(body["predictions"]) == 27
    assert sum(score["confidence"] for score in body["predictions"]) == pytest.approx(1, abs=1e-4)
    assert len(client.post("/predict/text?top_k=1", json=LISTING).json()["predictions"]) == 1


def test_precision_decides(client: TestClient) -> None:
    listing = {"designation": "sure"}
    confidence = client.post("/predict/text", json=listing).json()["confidence"]
    decisions = {
        precision: client.post(f"/predict/text?precision={precision}", json=listing).json()["decision"]
        for precision in ("0.8", "0.995")
    }
    assert decisions["0.8"]["threshold"] == 0.5
    assert decisions["0.8"]["action"] == ("accept" if confidence >= 0.5 else "review")
    expected = {"action": "review", "precision": 0.995, "threshold": None, "reason": "precision_unreachable"}
    assert decisions["0.995"] == expected


@pytest.mark.parametrize(
    ("query", "header", "label"),
    [
        ("", None, "Catégorie"),
        ("?lang=de", None, "Kategorie"),
        ("?lang=de", "en", "Kategorie"),
        ("", "de-AT, en;q=0.5", "Kategorie"),
        ("", "en;q=0.4, de;q=0.9", "Kategorie"),
        ("", "es, en;q=0.1", "Category"),
        ("", "es, *;q=0.5", "Catégorie"),
        ("", ";;;,q=,en;q=x", "Catégorie"),
        ("", "de;q=0", "Catégorie"),
    ],
)
def test_language(client: TestClient, query: str, header: str | None, label: str) -> None:
    headers = {"Accept-Language": header} if header else {}
    body = client.post(f"/predict/text{query}", json=LISTING, headers=headers).json()
    assert body["category"]["label"].split()[0] == label


def test_another_version_by_name(client: TestClient) -> None:
    older = client.get("/models").json()["versions"][1]["version"]
    assert older != predictor_of(client).version
    assert client.post(f"/predict/text?version={older}", json=LISTING).json()["model"]["version"] == older
    states = {version["version"]: version["state"] for version in client.get("/models").json()["versions"]}
    assert states[older] == "loaded"


def test_request_id_comes_back_or_is_made(client: TestClient) -> None:
    mine = client.post("/predict/text", json=LISTING, headers={"X-Request-ID": "order-7.a_B"})
    assert mine.headers["x-request-id"] == "order-7.a_B"
    bad = client.post("/predict/text", json=LISTING, headers={"X-Request-ID": "a b\t<script>"})
    assert bad.headers["x-request-id"] != "a b\t<script>"
    made = {client.get("/health/live").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
