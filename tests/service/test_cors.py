"""Other sites' scripts: shut out unless the operator lets them in."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.errors import SettingsError
from service.settings import Settings
from tests.service.conftest import Start
from tests.service.middleware.test_keys import add, bearer

SHOP, OTHER = "https://shop.example", "https://other.example"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-api-key"}


def permissions(headers: object) -> set[str]:
    return {name for name in headers if name.startswith("access-control-")}  # type: ignore[attr-defined]


def test_off_by_default(client: TestClient) -> None:
    response = client.post("/predict/text", json={"designation": "a"}, headers={"Origin": SHOP})
    assert response.status_code == 200
    assert permissions(response.headers) == set()
    preflight = client.options("/predict/text", headers={"Origin": SHOP, **ASKING})
    assert preflight.status_code == 405
    assert permissions(preflight.headers) == set()


def test_named_sites_may_call(start: Start) -> None:
    with start(cors_origins=f"{SHOP}, http://localhost:5173") as client:
        preflight = client.options("/predict/text", headers={"Origin": SHOP, **ASKING})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == SHOP
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert "x-api-key" in preflight.headers["access-control-allow-headers"].lower()
        assert preflight.headers["x-request-id"]
        answer = client.post("/predict/text", json={}, headers={"Origin": SHOP})
        assert answer.status_code == 422  # errors are readable, too
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [OTHER, "https://shop.example.evil", "http://shop.example", "null"])
def test_other_sites_may_not_call(start: Start, origin: str) -> None:
    with start(cors_origins=SHOP) as client:
        preflight = client.options("/predict/text", headers={"Origin": origin, **ASKING})
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers
        answer = client.post("/predict/text", json={"designation": "a"}, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_needs_no_key_and_a_refusal_can_be_read(start: Start, tmp_path: Path) -> None:
    key = add(tmp_path / "keys")
    with start(cors_origins=SHOP, api_keys_file=tmp_path / "keys") as client:
        assert client.options("/predict/text", headers={"Origin": SHOP, **ASKING}).status_code == 200
        refused = client.post("/predict/text", json={"designation": "a"}, headers={"Origin": SHOP})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == SHOP
        right = client.post("/predict/text", json={"designation": "a"}, headers={"Origin": SHOP, **bearer(key)})
        assert right.status_code == 200


@pytest.mark.parametrize(
    "value", ["shop.example", "https://shop.example/", "https://shop.example/x", "https://*", "a,b"]
)
def test_what_is_no_origin_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PYKUTEN_CORS_ORIGINS", value)
    with pytest.raises(SettingsError, match="PYKUTEN_CORS_ORIGINS"):
        Settings.read()


def test_everybody(start: Start) -> None:
    with start(cors_origins="*") as client:
        answer = client.get("/categories", headers={"Origin": OTHER})
        assert answer.headers["access-control-allow-origin"] == "*"
