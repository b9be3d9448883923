"""API keys: the file, the middleware, scopes, rates, rotation, and the command that makes keys."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.__main__ import main
from service.errors import SettingsError
from service.middleware.keys import MAX_KEYS, ApiKey, ApiKeys, Scope, make_key, read_keys
from service.settings import Settings
from tests.service.conftest import Start

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


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


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
        until(lambda: status(new) == 200)
        assert status(old) == 200
        file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
        until(lambda: status(old) == 401)
        assert status(new) == 200


@pytest.mark.parametrize("harm", ["not JSON", "a key for a hash", "gone", "twice"])
def test_a_file_that_cannot_be_read_changes_nothing(file: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    key = add(file)
    keys = ApiKeys(file)
    if harm == "gone":
        file.unlink()
    else:
        line = file.read_text()
        more = {"not JSON": "{", "a key for a hash": line.replace(json.loads(line)["sha256"], key), "twice": line}
        file.write_text(line + more[harm] + "\n")
    for _ in range(2):
        keys.refresh()
    assert keys.find(key.encode()) is not None
    assert [record.message for record in caplog.records] == ["API keys refused"]
    assert key not in caplog.text


def test_a_key_ends_when_it_expires(file: Path) -> None:
    now = datetime.now(UTC)
    ended = add(file, expires=now - timedelta(seconds=1))
    valid = add(file, expires=now + timedelta(hours=1))
    keys = ApiKeys(file)
    assert keys.find(ended.encode()) is None
    assert keys.find(valid.encode()) is not None


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        '{"name": "a", "sha256": "zz"}',
        '{"name": "a b", "sha256": "%s"}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "scopes": []}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "scopes": ["admin"]}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "rate": 0}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "expires": "2027-01-01T00:00:00"}' % ("0" * 64),
        '{"name": "a", "sha256": "%s", "key": "pk_secret"}' % ("0" * 64),
        "\ud800",
    ],
)
def test_a_line_that_is_no_key_stops_the_start(
    file: Path, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(b"# keys of the shop\n\n" + line.encode("utf-8", "surrogatepass") + b"\n")
    with pytest.raises(ValueError, match="line 3 is no API key"):
        read_keys(file)
    monkeypatch.setenv("PYKUTEN_API_KEYS_FILE", str(file))
    assert main(["--port", "0"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("service: PYKUTEN_API_KEYS_FILE: line 3")
    assert captured.err.count("\n") == 1
    assert "pk_secret" not in captured.err


def test_too_many_keys_and_too_long_files(file: Path) -> None:
    lines = [ApiKey(name="a", sha256=f"{n:064x}").model_dump_json(exclude_none=True) for n in range(MAX_KEYS + 1)]
    file.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="more than"):
        read_keys(file)
    file.write_text("\n" * (1024 * 1024 + 1))
    with pytest.raises(ValueError, match="longer"):
        read_keys(file)


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


def test_a_key_that_did_not_change_keeps_its_bucket(file: Path) -> None:
    key = add(file, rate=0.001, burst=1)
    keys = ApiKeys(file)
    entry = keys.find(key.encode())
    assert entry is not None
    assert entry[1] is not None
    assert entry[1].take()
    add(file, "another")
    keys.refresh()
    again = keys.find(key.encode())
    assert again is not None
    assert again[1] is entry[1]
    assert not again[1].take()


# The log, and the command


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


def test_the_command_makes_a_key_that_works(start: Start, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "backend", "--scopes", "predict", "--rate", "5", "--expires", "2099-01-01T00:00:00Z"]) == 0
    captured = capsys.readouterr()
    file.write_text(captured.out)
    key = captured.err.splitlines()[0].rpartition(" ")[2]
    assert len(key) >= 43
    assert key not in captured.out
    assert json.loads(captured.out)["sha256"] == hashlib.sha256(key.encode()).hexdigest()
    with start(api_keys_file=file) as client:
        assert client.post("/predict/text", json=TEXT, headers=bearer(key)).status_code == 200
        assert client.get("/models", headers=bearer(key)).status_code == 403


@pytest.mark.parametrize(
    "arguments",
    [["a b"], ["x", "--scopes", "admin"], ["x", "--rate", "0"], ["x", "--rate", "nan"], ["x", "--expires", "soon"]],
)
def test_the_command_refuses_what_the_file_could_not_hold(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("service key: ")
    assert captured.err.count("\n") == 1


def test_no_two_keys_are_alike() -> None:
    assert len({make_key("a")[0] for _ in range(100)}) == 100
