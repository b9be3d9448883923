"""Categories, versions, health and pages."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from models.versions.store import Store
from service.registry.registry import VersionState
from service.routes.versions import CategoriesBody, ModelsBody, VersionBody
from tests.service.conftest import Start, predictor_of
from tests.service.fake_predictor import CODES


def test_categories(client: TestClient) -> None:
    body = client.get("/categories?lang=en").json()
    TypeAdapter(CategoriesBody).validate_python(body, strict=True)
    assert [category["code"] for category in body["categories"]] == CODES
    assert body["categories"][0] == {
        "code": "10",
        "label": "Category 10",
        "group": "Home",
        "labels": {"fr": "Catégorie 10", "en": "Category 10", "de": "Kategorie 10"},
        "groups": {"fr": "Maison", "en": "Home", "de": "Haus"},
    }


def test_categories_are_not_sent_twice(client: TestClient) -> None:
    first = client.get("/categories")
    etag = first.headers["etag"]
    for header in (etag, f'"other", W/{etag}', "*"):
        again = client.get("/categories", headers={"If-None-Match": header})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    assert client.get("/categories", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/categories?lang=de").headers["etag"] != etag


def test_models(client: TestClient, store: Store) -> None:
    body = client.get("/models").json()
    TypeAdapter(ModelsBody).validate_python(body)
    assert body["serving"] == body["promoted"] == store.current()
    assert [(version["version"], version["state"]) for version in body["versions"]] == list(
        zip(store.versions(), ["serving", "available"], strict=True)
    )
    assert body["versions"][0]["created"].startswith("2026-11-25")
    assert body["versions"][0]["networks"]["image"] == {"name": "fake-image", "parameters": 1, "precision": "f32"}


def test_one_model(client: TestClient, store: Store) -> None:
    body = client.get(f"/models/{store.versions()[1]}").json()
    TypeAdapter(VersionBody).validate_python(body)
    assert body["state"] == "available"
    assert body["classes"] == CODES
    assert body["metrics"]["cohorts"]["test"]["n"] == 5
    assert body["calibration"]["cases"]["both"]["temperature"] == 1.0
    assert body["provenance"]["run"] == {"seed": 1}
    assert body["networks"]["text"]["name"] == "fake-text"


def test_a_damaged_version_is_shown_as_far_as_it_can_be(client: TestClient, store: Store) -> None:
    damaged = store.versions()[1]
    (store.folder(damaged) / "metrics.json").write_text("{")
    (store.folder(damaged) / "calibration.json").unlink()
    (store.folder(damaged) / "taxonomy.json").write_text('{"categories": [3]}')
    body = client.get(f"/models/{damaged}").json()
    assert (body["metrics"], body["calibration"], body["classes"]) == (None, None, [])
    (store.folder(damaged) / "manifest.json").write_text("{}")
    assert client.get(f"/models/{damaged}").json()["code"] == "model_unavailable"
    assert client.get("/models").json()["versions"][1]["created"] is None
    assert client.get("/models").json()["versions"][1]["networks"] is None


@pytest.mark.parametrize("name", ["metrics.json", "calibration.json", "taxonomy.json"])
def test_nothing_outside_the_version_is_shown(client: TestClient, store: Store, tmp_path: Path, name: str) -> None:
    harmed = store.folder(store.versions()[1])
    key = {"metrics.json": "metrics", "calibration.json": "calibration", "taxonomy.json": "classes"}[name]
    secret = tmp_path / "secret.json"
    secret.write_bytes((harmed / name).read_bytes())
    makers = (
        lambda path: path.symlink_to(secret),
        lambda path: path.symlink_to("/dev/zero"),
        os.mkfifo,
        lambda path: path.mkdir(),
        lambda path: path.write_text('{"a": "\\ud800"}'),
        lambda path: path.write_text('{"a": ' * 400 + "1" + "}" * 400),
    )
    for make in makers:
        (harmed / name).rmdir() if (harmed / name).is_dir() else (harmed / name).unlink()
        make(harmed / name)
        answer = client.get(f"/models/{harmed.name}")
        assert answer.status_code == 200
        assert not answer.json()[key]


@pytest.mark.parametrize("name", ["nope", "%2e%2e", "current", "a%2fb", "%00", "x" * 300])
def test_an_unknown_version(client: TestClient, name: str) -> None:
    response = client.get(f"/models/{name}")
    assert response.status_code == 404
    response = client.post(f"/predict/text?version={name}", json={"designation": "a"})
    assert response.status_code == 404
    assert response.json()["code"] == "version_unknown"
    assert response.json()["errors"] == [{"pointer": "/version", "message": "No such model version."}]


def test_live_and_ready(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready", "version": predictor_of(client).version}


def test_without_a_version_it_lives_but_is_not_ready(start: Start, store: Store) -> None:
    (store.root / "current").unlink()
    with start() as client:
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "model_unavailable")
        prediction = client.post("/predict/text", json={"designation": "a"})
        assert (prediction.status_code, prediction.json()["code"]) == (503, "model_unavailable")
        assert int(prediction.headers["retry-after"]) > 0
        assert client.get("/models").json()["serving"] is None
        assert "none" in client.get("/").text


def test_draining(client: TestClient) -> None:
    client.app.state.service.draining = True  # type: ignore[attr-defined]
    assert client.get("/health/live").status_code == 200
    for response in (client.get("/health/ready"), client.post("/predict/text", json={"designation": "a"})):
        assert (response.status_code, response.json()["code"]) == (503, "draining")
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_no_other_host_and_no_inline_script(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert "https://" not in page.text
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    for asset in re.findall(r'(?:src|href)="(/[a-z-]*assets/[^"]+)"', page.text):
        assert client.get(asset).status_code == 200
        assert client.get(asset).headers["x-content-type-options"] == "nosniff"


def test_the_page_s_files_are_asked_for_again_after_an_upgrade(client: TestClient) -> None:
    first = client.get("/assets/shell/page.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/assets/shell/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


def test_the_page_knows_the_largest_photo(start: Start) -> None:
    with start(photo_bytes=123_456) as started:
        assert 'data-photo-bytes="123456"' in started.get("/").text


def test_the_page_names_the_version(client: TestClient) -> None:
    assert predictor_of(client).version in client.get("/").text


def test_security_headers_everywhere(client: TestClient) -> None:
    for response in (client.get("/health/live"), client.get("/nope"), client.post("/predict"), client.get("/")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in response.headers
        assert response.headers["x-request-id"]


@pytest.mark.parametrize("seen", [True, False])
def test_a_version_that_vanishes_while_it_is_read_is_unknown(
    client: TestClient, store: Store, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = client.app.state.service.registry  # type: ignore[attr-defined]
    version, states = store.versions()[-1], registry.states()

    def vanish() -> list[VersionState]:
        shutil.rmtree(store.root / version)
        return states if seen else registry_states()

    registry_states = registry.states
    monkeypatch.setattr(registry, "states", vanish)
    response = client.get(f"/models/{version}")
    assert (response.status_code, response.json()["code"]) == (404, "version_unknown")
