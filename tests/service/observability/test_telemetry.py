"""OpenTelemetry: off by default; on, spans by route, and nothing of what callers wrote."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.__main__ import main
from service.observability import telemetry
from tests.service.conftest import Start
from tests.service.fake_predictor import POISON

SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def no_exporters_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


def exporting(client: TestClient) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    client.app.state.tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))  # type: ignore[attr-defined]
    return exporter


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_off_by_default(client: TestClient) -> None:
    assert client.app.state.tracer_provider is None  # type: ignore[attr-defined]
    assert not client.app._native_telemetry.enabled()  # type: ignore[attr-defined]


def test_off_means_that_the_sdk_is_not_imported() -> None:
    code = "import sys, service.app; print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_spans_by_route_with_the_caller_s_trace(start: Start) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with start(telemetry=True) as client:
        exporter = exporting(client)
        headers = {"traceparent": f"00-{trace}-{parent}-01"}
        assert client.post("/predict/text?top_k=1", json={"designation": "a"}, headers=headers).status_code == 200
        assert client.post("/predict/text", json={}).status_code == 422
        client.get("/health/ready")
        client.get("/metrics")
        first, second = exporter.get_finished_spans()
    assert first.name == "POST /predict/text"
    assert attributes(first)["http.route"] == "/predict/text"
    assert attributes(first)["http.response.status_code"] == 200
    assert first.context is not None
    assert f"{first.context.trace_id:032x}" == trace
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == parent
    assert first.resource.attributes["service.name"] == "pykuten"
    assert attributes(second)["http.response.status_code"] == 422
    assert second.end_time is not None
    assert second.start_time is not None
    assert 0 < second.end_time - second.start_time < 30e9


def test_spans_hold_nothing_that_callers_wrote(start: Start) -> None:
    with start(telemetry=True) as client:
        exporter = exporting(client)
        client.get(f"/{SECRET}?{SECRET}=1")
        client.post(f"/predict/text?version={SECRET}", json={"designation": SECRET})
        assert client.post("/predict/text", json={"designation": POISON}).status_code == 500
        spans = exporter.get_finished_spans()
    assert len(spans) == 3
    text = "".join(span.to_json() for span in spans)
    assert SECRET not in text
    assert POISON not in text
    assert [attributes(span)["http.response.status_code"] for span in spans] == [404, 404, 500]


@pytest.mark.parametrize(
    ("missing", "endpoint"), [(telemetry.SDK, None), (telemetry.EXPORTER, "http://127.0.0.1:4318")]
)
def test_what_is_not_installed_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: tuple[str, str], endpoint: str | None
) -> None:
    monkeypatch.setenv("PYKUTEN_TELEMETRY", "true")
    if endpoint is not None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    original = telemetry.find_spec
    monkeypatch.setattr(telemetry, "find_spec", lambda name: None if name == missing[1] else original(name))
    assert main(["--port", "0"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"service: PYKUTEN_TELEMETRY is on, but not installed: {missing[0]}\n"
