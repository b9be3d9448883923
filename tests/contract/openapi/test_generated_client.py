"""A client that openapi-python-client generates from the document: it imports, predicts, and reads what comes back."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = "pykuten_client"
POOL = {"id": "SKU-1", "designation": "Matelas de piscine gonflable"}


class Generated:
    """The client's package, and a connection to a running service."""

    def __init__(self, address: str) -> None:
        self.models: ModuleType = importlib.import_module(f"{PACKAGE}.models")
        self.types: ModuleType = importlib.import_module(f"{PACKAGE}.types")
        client = importlib.import_module(f"{PACKAGE}.client")
        self.connection = client.Client(base_url=address, httpx_args={"trust_env": False})

    def ask(self, operation: str, **arguments: Any) -> Any:
        """The parsed answer of an operation, `predictions.predict_text` or another."""
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        return module.sync(client=self.connection, **arguments)


@pytest.fixture(scope="module")
def generated(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yml").write_text("post_hooks: []\n")  # they would look for a ruff on the PATH
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{server}/openapi.json") as answer:
        (folder / "openapi.json").write_bytes(answer.read())
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]
    run = subprocess.run(
        [*command, "--config", "config.yml", "--output-path", PACKAGE], cwd=folder, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    sys.path.insert(0, str(folder))
    try:
        yield Generated(server)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


def test_every_operation_is_generated(generated: Generated) -> None:
    document = json.loads((Path(__file__).with_name("openapi.json")).read_text(encoding="utf-8"))
    for item in document["paths"].values():
        for operation in item.values():
            module = importlib.import_module(f"{PACKAGE}.api.{operation['tags'][0]}.{operation['operationId']}")
            assert callable(module.sync)


def test_it_predicts_from_text(generated: Generated) -> None:
    listing = generated.models.TextListing(**POOL)
    prediction = generated.ask("predictions.predict_text", body=listing, top_k=2, precision=0.8)
    assert (prediction.id, prediction.category.code) == ("SKU-1", "2583")
    assert prediction.decision.action == "accept"
    assert prediction.decision.precision == 0.8
    assert len(prediction.predictions) == 2
    assert prediction.category.label == "Piscine et spa"


def test_it_sends_a_photo_in_a_form(generated: Generated) -> None:
    body_kind = generated.models.PredictImageFilesBody
    with (ROOT / "examples" / "pool.jpg").open("rb") as photo:
        body = body_kind(image=generated.types.File(payload=photo, file_name="pool.jpg", mime_type="image/jpeg"))
        prediction = generated.ask("predictions.predict_image", body=body)
    assert prediction.modalities == ["image"]
    assert prediction.category.code == "2583"


def test_it_reads_a_batch_with_an_error_in_it(generated: Generated) -> None:
    listings = [generated.models.PhotoListing(**POOL), generated.models.PhotoListing(designation=" ")]
    batch = generated.ask("predictions.predict_batch", body=generated.models.Batch(listings=listings))
    first, second = batch.results
    assert first.prediction.category.code == "2583"
    assert (second.status, second.error.code) == (422, "invalid_request")
    assert (batch.summary.total, batch.summary.failed) == (2, 1)


def test_it_reads_problems(generated: Generated) -> None:
    problem = generated.ask("predictions.predict_text", body=generated.models.TextListing(designation="<p>"))
    assert isinstance(problem, generated.models.Problem)
    assert (problem.status, problem.code) == (422, "text_empty")


def test_it_reads_categories_and_versions(generated: Generated) -> None:
    models = generated.ask("catalogue.list_models")
    version = generated.ask("catalogue.show_model", version=models.serving)
    categories = generated.ask("catalogue.categories")
    assert [one.code for one in categories.categories] == version.classes
    assert generated.ask("health.ready").version == models.serving
