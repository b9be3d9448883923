"""What is logged, and what never is."""

from __future__ import annotations

import hashlib
import json
import logging

import pytest
from fastapi.testclient import TestClient

from service.observability.logs import JsonFormatter, trace
from tests.service.conftest import photo
from tests.service.fake_predictor import BUG, POISON

SECRET = "zqxsecret"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "pykuten")
    return caplog


def formatted(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    formatter = JsonFormatter()
    return [json.loads(formatter.format(record)) for record in caplog.records if record.name == "pykuten"]


def test_one_line_a_request(client: TestClient, lines: pytest.LogCaptureFixture) -> None:
    lines.clear()
    response = client.post("/predict/text?top_k=2", json={"designation": "a"}, headers={"X-Request-ID": "abc"})
    client.get(f"/{SECRET}")
    first, second = formatted(lines)
    assert first | {"time": 0, "ms": 0, "version": 0} == {
        "time": 0,
        "level": "info",
        "event": "request",
        "request_id": "abc",
        "method": "POST",
        "route": "/predict/text",
        "status": 200,
        "code": None,
        "ms": 0,
        "version": 0,
        "bytes_in": len(b'{"designation":"a"}'),
        "bytes_out": len(response.content),
    }
    assert first["version"] == response.json()["model"]["version"]
    assert (second["route"], second["status"], second["code"]) == (None, 404, "not_found")


def test_photos_are_logged_by_format_size_and_hash(client: TestClient, lines: pytest.LogCaptureFixture) -> None:
    lines.clear()
    good, bad = photo(size=(90, 60), kind="PNG"), b"\xff\xd8\xff\xe0"
    client.post("/predict", files={"image": (f"{SECRET}.jpg", good)})
    client.post("/predict/image", content=bad, headers={"Content-Type": "image/jpeg"})
    client.post("/predict/text", json={"designation": "a"})
    first, second, third = formatted(lines)
    assert (first["photo"], first["photo_sha256"]) == ("PNG 90x60", hashlib.sha256(good).hexdigest()[:12])
    assert second["code"] == "image_corrupt"
    assert second["photo_sha256"] == hashlib.sha256(bad).hexdigest()[:12]
    assert "photo" not in second
    assert not {"photo", "photo_sha256", "client"} & third.keys()


def test_no_content_in_any_line(client: TestClient, lines: pytest.LogCaptureFixture) -> None:
    client.post(f"/predict/text?version={SECRET}", json={"designation": SECRET, "description": SECRET, "id": SECRET})
    client.post("/predict", files={"image": (f"{SECRET}.jpg", photo()), SECRET: (None, SECRET)})
    client.post("/predict/batch", json={"listings": [{"designation": SECRET}, {SECRET: 1}]})
    for text in (POISON, BUG):  # the exceptions' messages quote them
        assert client.post("/predict/text", json={"designation": text}).status_code == 500
    text = "\n".join(json.dumps(line) for line in formatted(lines))
    assert SECRET not in text
    assert POISON not in text
    assert "the text was" not in text
    assert '"error": "RuntimeError"' in text
    assert "fake_predictor.py" in text  # where it happened is there


def test_lines_are_one_line_each_whatever_they_hold() -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "event\nwith %s", ("a\r\nb",), None)
    record.fields = {"field": "a\nb\u2028", "path": object()}
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line)["field"] == "a\nb\u2028"


def test_a_trace_has_frames_and_causes_but_no_messages() -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError as error:
        fields = trace(error)
    assert fields["error"] == "RuntimeError"
    assert fields["cause"]["error"] == "ValueError"
    assert SECRET not in json.dumps(fields)
