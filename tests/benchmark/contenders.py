"""The servers that are compared: how each is installed, started and asked, and which settings it is tried in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.benchmark.load import message
from tests.benchmark.traffic import JSON, ROOT, Traffic, in_base64

Kind = Literal["image", "both"]
KINDS: tuple[Kind, ...] = ("image", "both")
NEEDS = ("openvino", "numpy", "pillow", "pydantic", "beautifulsoup4", "nltk", "sentencepiece")
"""What `models` needs, beside the rival itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Processes that predict, and the most requests that one of them takes together."""

    workers: int
    batch: int

    def __str__(self) -> str:
        return f"{self.workers} workers, batches of {self.batch}" if self.batch > 1 else f"{self.workers} workers"


@dataclass(frozen=True, slots=True)
class Start:
    """What a start needs to know."""

    python: Path
    """Of the contender's environment."""
    port: int
    folder: Path
    """A scratch folder of this start's own, with a short path."""
    setting: Setting


@dataclass(frozen=True, slots=True)
class Contender:
    """`packages` go into its environment. `command` starts it, `asks` makes its requests of each kind.

    `reach` is how many times its throughput the service is to reach.
    """

    name: str
    packages: Sequence[str]
    reach: float
    command: Callable[[Start], Sequence[str]]
    asks: Callable[[Traffic, Kind], list[bytes]]
    settings: Sequence[Setting] = (Setting(2, 1), Setting(2, 4))
    environment: Mapping[str, str] = field(default_factory=dict)


def _module(name: str) -> Callable[[Start], Sequence[str]]:
    def command(start: Start) -> Sequence[str]:
        return [str(start.python), "-m", f"tests.benchmark.rivals.{name}", str(start.port), str(start.folder)]

    return command


def _mosec(start: Start) -> Sequence[str]:
    options = ["--address", "127.0.0.1", "--port", str(start.port), "--timeout", "60000", "--log-level", "warning"]
    return [str(start.python), "-m", "tests.benchmark.rivals.serve_mosec", *options]


def _mlserver(start: Start) -> Sequence[str]:
    settings = {
        "host": "127.0.0.1",
        "http_port": start.port,
        "grpc_port": start.port + 1,
        "metrics_port": start.port + 2,
        "parallel_workers": start.setting.workers,
        "debug": False,
        "metrics_dir": str(start.folder),  # else it writes into the checkout
    }
    model = {
        "name": "predict",
        "implementation": "tests.benchmark.rivals.mlserver_model.Predict",
        "max_batch_size": start.setting.batch,
        "max_batch_time": 0.002 if start.setting.batch > 1 else 0,
    }
    (start.folder / "settings.json").write_text(json.dumps(settings))
    (start.folder / "model-settings.json").write_text(json.dumps(model))
    return [str(start.python.with_name("mlserver")), "start", str(start.folder)]


def _bentoml(start: Start) -> Sequence[str]:
    where = ["--host", "127.0.0.1", "--port", str(start.port)]
    return [str(start.python.with_name("bentoml")), "serve", "tests.benchmark.rivals.serve_bentoml:Predict", *where]


def _raw(path: str) -> Callable[[Traffic, Kind], list[bytes]]:
    """Photos as they are; listings in JSON."""

    def asks(traffic: Traffic, kind: Kind) -> list[bytes]:
        if kind == "image":
            return [message(path, "image/jpeg", photo) for photo in traffic.photos]
        return [message(path, JSON, json.dumps(in_base64(*one)).encode()) for one in traffic.listings()]

    return asks


def _json(path: str, wrap: Callable[[dict[str, str]], object] = lambda one: one) -> Callable[..., list[bytes]]:
    """Photos in base64, in JSON."""

    def asks(traffic: Traffic, kind: Kind) -> list[bytes]:
        found = [({}, photo) for photo in traffic.photos] if kind == "image" else traffic.listings()
        return [message(path, JSON, json.dumps(wrap(in_base64(*one))).encode()) for one in found]

    return asks


def _v2(listing: dict[str, str]) -> object:
    data = {"name": "listings", "shape": [1], "datatype": "BYTES", "data": [json.dumps(listing)]}
    return {"inputs": [{**data, "parameters": {"content_type": "str"}}]}


def _form(traffic: Traffic, kind: Kind) -> list[bytes]:
    return traffic.image() if kind == "image" else traffic.both()


MOSEC = Contender("mosec", ["mosec"], 1.0, _mosec, _raw("/inference"))
LITSERVE = Contender("LitServe", ["litserve"], 1.4, _module("serve_litserve"), _json("/predict"))
# Its workers ask for an event loop where later releases of uvloop give none.
MLSERVER = Contender("MLServer", ["mlserver", "uvloop<0.22"], 1.4, _mlserver, _json("/v2/models/predict/infer", _v2))
BENTOML = Contender(
    "BentoML",
    ["bentoml"],
    2.0,
    _bentoml,
    _json("/predict", lambda one: {"listing": one}),
    [Setting(2, 1), Setting(3, 1)],
    {"BENTOML_DO_NOT_TRACK": "true"},
)
RAY = Contender(
    "Ray Serve",
    ["ray[serve]"],
    3.5,
    _module("serve_ray"),
    _raw("/"),
    environment={
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_SERVE_LOG_TO_STDERR": "0",
        "RAY_raylet_start_wait_time_s": "120",
    },
)
NAIVE = Contender("FastAPI + model.predict", [], 28.0, _module("serve_naive"), _form, [Setting(1, 1)])
RIVALS = {"mosec": MOSEC, "litserve": LITSERVE, "mlserver": MLSERVER, "bentoml": BENTOML, "ray": RAY}


def environment(contender: Contender, setting: Setting, version: Path) -> dict[str, str]:
    """The environment variables of a contender's processes."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")},
        "PYTHONPATH": str(ROOT),
        "BENCHMARK_VERSION": str(version),
        "BENCHMARK_WORKERS": str(setting.workers),
        "BENCHMARK_BATCH": str(setting.batch),
        **contender.environment,
    }


def naive_python() -> Path:
    """The naive server needs Keras, which the development environment has."""
    return Path(sys.executable)
