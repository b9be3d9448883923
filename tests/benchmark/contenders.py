"""The servers that are compared: this service, a naive one, and mosec; how each is installed, started and asked."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.processes import ROOT, BenchmarkError, Running, free_port, running
from tests.benchmark.traffic import JSON, Traffic, in_base64, message

READY = b"GET /health/ready HTTP/1.1\r\nHost: benchmark\r\n\r\n"
NEEDS = ("openvino", "numpy", "pillow", "pydantic", "beautifulsoup4", "nltk", "sentencepiece")
"""What `models` needs, beside the rival itself."""
INSTALLED = "benchmark-installed.txt"
START_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Processes that predict, and the most requests that one of them takes together."""

    workers: int
    batch: int

    def __str__(self) -> str:
        return f"{self.workers} workers, batches of {self.batch}" if self.batch > 1 else f"{self.workers} workers"


@dataclass(frozen=True, slots=True)
class Rival:
    """Another server: `packages` go into its environment, `command` starts it, `messages` are its requests by path."""

    name: str
    packages: Sequence[str]
    command: Callable[[Path, int], Sequence[str]]
    messages: Callable[[Traffic], Mapping[str, list[bytes]]]
    settings: Sequence[Setting]


def _mosec(python: Path, port: int) -> Sequence[str]:
    options = ["--address", "127.0.0.1", "--port", str(port), "--timeout", "60000", "--log-level", "warning"]
    return [str(python), "-m", "tests.benchmark.rivals.serve_mosec", *options]


def _naive(python: Path, port: int) -> Sequence[str]:
    return [str(python), "-m", "tests.benchmark.rivals.serve_naive", str(port)]


def forms(traffic: Traffic) -> dict[str, list[bytes]]:
    """The requests of the service and of the naive server."""
    return {"image": traffic.image(), "both": traffic.both()}


def _bodies(traffic: Traffic) -> dict[str, list[bytes]]:
    """Photos as they are, listings as JSON: whatever mosec's worker is given."""
    return {
        "image": [message("/inference", "image/jpeg", photo) for photo in traffic.photos],
        "both": [message("/inference", JSON, json.dumps(in_base64(*row)).encode()) for row in traffic.listings()],
    }


RIVALS = {
    "naive": Rival("FastAPI + model.predict", [], _naive, forms, [Setting(1, 1)]),
    "mosec": Rival("mosec", ["mosec"], _mosec, _bodies, [Setting(2, 1), Setting(2, 4)]),
}


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}


@contextlib.contextmanager
def service(store: Path, log: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """The service of this checkout, ready, in its default settings but for the store, the port and those given."""
    port = free_port()
    environment = _without_settings() | {f"PYKUTEN_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "service", "--port", str(port)]
    with running(
        command, environment=environment | {"PYKUTEN_STORE": str(store)}, port=port, log=log, probe=READY
    ) as server:
        yield server


@contextlib.contextmanager
def rival_server(rival: Rival, setting: Setting, version: Path, cache: Path, probe: bytes) -> Iterator[Running]:
    """A rival that serves the version's folder in a setting. Raises BenchmarkError when it does not start."""
    port = free_port()
    environment = _without_settings() | {
        "PYTHONPATH": str(ROOT),
        "BENCHMARK_VERSION": str(version),
        "BENCHMARK_WORKERS": str(setting.workers),
        "BENCHMARK_BATCH": str(setting.batch),
    }
    command = rival.command(_python_of(rival, cache), port)
    log = cache / f"{rival.name.split()[0].lower()}.log"
    with running(command, environment=environment, port=port, log=log, probe=probe, seconds=START_SECONDS) as server:
        yield server


def _python_of(rival: Rival, cache: Path) -> Path:
    """The Python of the rival's own environment, made with pip if need be. Raises BenchmarkError."""
    if not rival.packages:
        return Path(sys.executable)  # Keras, which the naive server needs, is in the development environment
    wanted = [*rival.packages, *NEEDS]
    folder = cache / "environments" / rival.name
    python, marker = folder / "bin" / "python", folder / INSTALLED
    if marker.exists() and marker.read_text().split() == wanted:
        return python
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        lines = run.stderr.strip().splitlines() or ["no output"]
        raise BenchmarkError(f"pip could not install {rival.name}: {lines[-1][:200]}")
    marker.write_text("\n".join(wanted))
    return python
