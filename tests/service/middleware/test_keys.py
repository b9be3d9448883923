"""API keys: the middleware, scopes, rates and rotation; their file is in test_key_file.py."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.errors import SettingsError
from service.middleware.keys import ApiKeys, Scope, make_key
from service.settings import Settings
from tests.service.conftest import Start
from tests.service.live_server import wait_until

OPEN = ["/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics", "/assets/shell/page.css"]
CLOSED = ["/categories", "/models", "/models/x", "/nope", "/predict", "/predict/text/", "/metrics/", "/health/liver"]
TEXT = {"designation": "a"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


def add(file: Path, name: str = "backend", **options: object) -> str:
    """A new key, stored in the file."""
    key, kept = make_key(name, **options)
    with file.open("a") as stream:
        stream.write(kept.model_dump_json(exclude_none=True) + "\n")
    return key


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# The middleware


def test_without_keys_nobody_needs_one(client: TestClient) -> None:
    assert client.post("/predict/text", json=TEXT).status_code == 200
    assert client.post("/predict/text", json=TEXT, headers=bearer("nonsense")).status_code == 200


def test_what_needs_a_key_and_what_does_not(start: Start, file: Path) -> None:
    add(file)
    with start(api_keys_file=file) as client:
        for path in OPEN:
            assert client.get(path).status_code == 200, path
        for path in CLOSED:
            response = client.get(path)
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), path
            assert response.headers["www-authenticate"] == 'Bearer realm="pykuten"'
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["x-request-id"] == response.json()["request_id"]
            assert "content-security-policy" in response.headers
        for path in ("/predict", "/predict/text", "/predict/image", "/predict/batch"):
            assert client.post(path, json=TEXT).status_code == 401
        counted = client.get("/metrics").text
        for path in ("/predict/batch", "/models/{version}"):
            assert f'pykuten_http_request_duration_seconds_count{{route="{path}",status="401"}} 1.0' in counted


def test_a_key_opens_as_bearer_and_in_its_own_header(start: Start, file: Path) -> None:
    key = add(file)
    with start(api_keys_file=file) as client:
        for headers in (bearer(key), {"authorization": f"bearer  {key} "}, {"X-API-Key": key}):
            assert client.post("/predict/text", json=TEXT, headers=headers).status_code == 200
            assert client.get("/models", headers=headers).status_code == 200
        assert client.get("/nope", headers=bearer(key)).status_code == 404


@pytest.mark.parametrize("harm", ["", "other", "cut", "longer", "hash", "space", "not ASCII", "basic"])
def test_a_wrong_key_does_not(start: Start, file: Path, harm: str) -> None:
    key = add(file)
    wrong = {
        "": "",
        "other": make_key("other")[0],
        "cut": key[:-1],
        "longer": key + "a",
        "hash": hashlib.sha256(key.encode()).hexdigest(),
        "space": key[:10] + " " + key[10:],
        "not ASCII": key[:-1] + "é",
        "basic": key,
    }[harm]
    scheme = "Basic" if harm == "basic" else "Bearer"
    with start(api_keys_file=file) as client:
        response = client.post("/predict/text", json=TEXT, headers={"Authorization": f"{scheme} {wrong}".encode()})
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
        invalid = harm not in ("", "basic")
        assert ('error="invalid_token"' in response.headers["www-authenticate"]) == invalid
        assert key not in response.text


def test_a_right_key_without_the_right(start: Start, file: Path) -> None:
    predict, read, metrics = (add(file, scope, scopes=[scope]) for scope in Scope)
    with start(api_keys_file=file, metrics="key") as client:
        ways = {
            predict: lambda key: client.post("/predict/text", json=TEXT, headers=bearer(key)),
            read: lambda key: client.get("/categories", headers=bearer(key)),
            metrics: lambda key: client.get("/metrics", headers=bearer(key)),
        }
        for key in ways:
            for right, ask in ways.items():
                response = ask(key)
                assert response.status_code == (200 if key == right else 403)
                if key != right:
                    assert response.json()["code"] == "unauthorized"
                    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
        assert client.get("/metrics").status_code == 401


def test_explanations_and_samples_predict_and_the_catalogue_is_read(start: Start, file: Path) -> None:
    predict, read = (add(file, scope, scopes=[scope]) for scope in (Scope.PREDICT, Scope.READ))
    with start(api_keys_file=file) as client:
        for key, predicts in ((predict, True), (read, False)):
            explained = client.post("/explain", json=TEXT, headers=bearer(key))
            sampled = client.get("/catalogue/listings", headers=bearer(key))
            read_responses = [client.get(path, headers=bearer(key)) for path in ("/catalogue", "/catalogue/images/0")]
            assert explained.status_code == sampled.status_code == (200 if predicts else 403)
            assert [response.status_code for response in read_responses] == [403 if predicts else 200] * 2
        for path in ("/catalogue", "/catalogue/listings", "/catalogue/images/0"):
            assert client.get(path).status_code == 401
        assert client.post("/explain", json=TEXT).status_code == 401


def test_metrics_by_key_need_keys(tmp_path: Path) -> None:
    from service.app import create_app

    with pytest.raises(SettingsError, match="PYKUTEN_API_KEYS_FILE"):
        create_app(Settings(store=tmp_path, metrics="key"))


def test_metrics_can_be_off(start: Start) -> None:
    with start(metrics="off") as client:
        assert client.get("/metrics").status_code == 404


def test_the_body_of_a_stranger_is_not_read(start: Start, file: Path) -> None:
    add(file)
    with start(api_keys_file=file) as client:
        assert client.post("/predict/text", content=b"{" * 100, headers={"Content-Type": "x"}).status_code == 401
        assert client.app.state.service.bodies.held == 0  # type: ignore[attr-defined]


def test_the_document_says_that_keys_are_needed(start: Start, file: Path) -> None:
    add(file)
    with start(api_keys_file=file) as client:
        document = client.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            keyed = not path.startswith("/health/")
            assert ("security" in operation) == keyed, path
            if keyed:
                assert {"401", "403", "429"} <= set(operation["responses"])


# Rotation


def test_keys_are_rotated_while_serving(start: Start, file: Path) -> None:
    old = add(file)
    with start(api_keys_file=file) as client:

        def status(key: str) -> int:
            return int(client.get("/models", headers=bearer(key)).status_code)

        new = add(file)  # both are valid now, under one name
        wait_until(lambda: status(new) == 200)
        assert status(old) == 200
        file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
        wait_until(lambda: status(old) == 401)
        assert status(new) == 200


def test_every_key_is_compared_in_constant_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    file_keys = [add(file) for _ in range(5)]
    keys = ApiKeys(file)
    compared = []
    original = hmac.compare_digest

    def compare(a: str, b: str) -> bool:
        compared.append(a)
        return original(a, b)

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert keys.find(file_keys[0].encode()) is not None
    assert len(compared) == 5


# Rates


def test_a_key_over_its_rate_is_told_when_to_come_back(start: Start, file: Path) -> None:
    key, other = add(file, "slow", rate=0.5, burst=3), add(file, "free")
    with start(api_keys_file=file) as client:
        answers = [client.post("/predict/text", json=TEXT, headers=bearer(key)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"key";q=3;w=6'}
        assert answers[3].json()["code"] == "rate_limited"
        assert 1 <= int(answers[3].headers["retry-after"]) <= 2
        free = client.post("/predict/text", json=TEXT, headers=bearer(other))
        assert free.status_code == 200
        assert "ratelimit" not in free.headers
        assert client.get("/health/ready").status_code == 200
        assert 'pykuten_rejected_total{reason="rate_limited"} 1.0' in client.get("/metrics").text


# The log


def test_the_log_names_the_key_s_owner_and_never_the_key(
    start: Start, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = add(file, "backend")
    with start(api_keys_file=file) as client, caplog.at_level("INFO", "pykuten"):
        client.get("/models", headers=bearer(key))
        client.get("/models", headers=bearer("pk_wrong"))
    lines = [record.fields for record in caplog.records if record.message == "request"]  # type: ignore[attr-defined]
    assert [line.get("client") for line in lines] == ["backend", None]
    assert key not in str(lines)
    assert "pk_wrong" not in str(lines)
