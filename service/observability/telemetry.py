"""OpenTelemetry traces, through FastAPI's own support. Off by default, and then nothing of it is imported.

Spans carry method, route, status and times. Metrics are Prometheus' (`service.observability.metrics`), and no log
records are sent, for they would hold exceptions' messages, which can quote a listing. OpenTelemetry's own
variables say where spans go, such as `OTEL_EXPORTER_OTLP_ENDPOINT`.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig

from service import __version__
from service.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
SDK = ("opentelemetry-sdk", "opentelemetry.sdk.trace")
EXPORTER = ("opentelemetry-exporter-otlp-proto-http", "opentelemetry.exporter.otlp.proto.http")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
UNTRACED = ("/health/", "/metrics", "/assets/", "/docs-assets/")
REDACTED = "REDACTED"


def make_provider() -> TracerProvider:
    """A provider of spans without what callers wrote. Raises SettingsError when the SDK is not installed, or no
    exporter although the environment names a place to send spans to.
    """
    needed = [SDK, EXPORTER] if any(os.environ.get(name) for name in ENDPOINTS) else [SDK]
    if missing := [package for package, module in needed if not _is_installed(module)]:
        raise SettingsError(f"PYKUTEN_TELEMETRY is on, but not installed: {', '.join(missing)}")
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    class Redaction(SpanProcessor):
        """Paths and query strings are whatever callers write; the route's template says enough."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            for name in ("url.path", "url.query"):
                if name in (span.attributes or {}):
                    span.set_attribute(name, REDACTED)

    name = os.environ.get("OTEL_SERVICE_NAME", "pykuten")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(Redaction())
    return provider


def telemetry_config(provider: TracerProvider | None) -> TelemetryConfig:
    """FastAPI's setting: off without a provider; exporters are added to it at start, from the environment."""
    if provider is None:
        return OFF
    return {
        "tracer_provider": provider,
        "tracing": True,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": True,
        "exclude": lambda scope: scope["path"].startswith(UNTRACED),
    }


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
