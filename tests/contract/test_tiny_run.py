"""From files to a served prediction: what the training command publishes, the service answers with."""

from __future__ import annotations

import base64
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor
from models.versions.manifest import read_manifest
from service.app import create_app
from service.settings import Settings
from tests.training.tiny import TinyRun

pytestmark = pytest.mark.tensorflow

FILES = {
    *("MODEL_CARD.md", "calibration.json", "fusion.json", "golden.jsonl", "image.bin", "image.keras", "image.xml"),
    *("metrics.json", "preprocessing.json", "report.html", "taxonomy.json", "text.bin", "text.keras", "text.xml"),
}


@pytest.fixture(scope="module")
def folder(tiny_run: TinyRun) -> Path:
    """The version's folder."""
    return tiny_run.store.folder(tiny_run.version)


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    """The version, loaded as the service loads it: verified."""
    return Predictor.load(folder)


@pytest.fixture(scope="module")
def listings(tiny_run: TinyRun) -> list[tuple[str, Listing]]:
    """Every row of the catalogue that has both text and photo, with its category."""
    data = tiny_run.folder / "data"
    with (data / "listings.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] and row["designation"]]
    return [
        (
            row["category"],
            Listing(row["designation"], row["description"], (data / "images" / row["image"]).read_bytes()),
        )
        for row in rows
    ]


@pytest.fixture
def client(tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The real app on the store that the run published into."""
    for name in list(os.environ):
        if name.startswith("PYKUTEN_"):
            monkeypatch.delenv(name)
    with TestClient(create_app(Settings(store=tiny_run.store.root))) as client:
        yield client


def test_the_command_ends_with_the_version_s_name(tiny_run: TinyRun) -> None:
    lines = tiny_run.output.splitlines()
    assert lines[-2:] == [f"serving {tiny_run.version}", tiny_run.version]
    assert tiny_run.store.versions() == [tiny_run.version]
    table = next(number for number, line in enumerate(lines) if line.startswith("| listings | evidence | n |"))
    assert sum(line.startswith("| true |") for line in lines[table:]) == len(Evidence)


def test_tensorflow_says_nothing_of_its_own(tiny_run: TinyRun) -> None:
    """Lines on CUDA, oneDNN and the processor; progress bars are all that is on the error stream."""
    lines = [line for line in tiny_run.errors.replace("\r", "\n").splitlines() if line.strip()]
    assert [line for line in lines if "%|" not in line] == []
    assert lines


def test_the_version_holds_what_the_design_says(folder: Path, predictor: Predictor) -> None:
    manifest = read_manifest(folder)
    golden = {name for name in manifest.files if name.startswith("golden/")}
    assert manifest.files.keys() - golden == FILES
    assert golden
    assert manifest.networks.keys() == predictor.modalities == set(Modality)
    assert manifest.run["name"] == "tiny"
    assert manifest.run["catalogue"]["path"] == "listings.csv"
    assert predictor.taxonomy.codes == ("10", "40", "1140", "2583")
    goldens = [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    parts = {(bool(row["designation"]), bool(row["description"]), bool(row["image"])) for row in goldens}
    assert {(True, False, False), (True, True, False), (False, False, True), (True, True, True)} <= parts


def test_the_manifest_says_how_the_version_was_made_and_the_card_reads_it_there(folder: Path) -> None:
    run = read_manifest(folder).run
    assert run["command"].startswith("python -m training run tiny.toml --store store")
    assert run["seconds"].keys() == {"text-features", "text", "activations", "image"}
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"`{run['command']}`" in card
    assert f"- took text-features {run['seconds']['text-features']:,.0f} s, " in card
    assert '"seconds"' not in card, "the config is what it was"


def test_nothing_in_the_version_tells_of_this_machine(folder: Path, tiny_run: TinyRun) -> None:
    leaks = [
        path.name
        for path in folder.iterdir()
        if path.suffix in (".json", ".jsonl", ".xml", ".md", ".html")
        and str(tiny_run.folder.parent) in path.read_text(encoding="utf-8")
    ]
    assert leaks == []


def test_metrics_are_of_the_test_part_and_the_networks_have_learned(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_bytes())
    assert metrics["cohorts"].keys() == {"true", "vote"}
    assert metrics["classes"] == ["10", "40", "1140", "2583"]
    counts = {name: cohort["n"] for name, cohort in metrics["cohorts"].items()}
    assert sum(counts.values()) == 32
    cases = metrics["cohorts"]["true"]["cases"]
    assert cases["text"]["accuracy"]["value"] >= 0.75
    assert cases["image"]["accuracy"]["value"] >= 0.4
    assert cases["both"]["accuracy"]["value"] >= 0.75
    assert metrics["parity"]["top1"] >= 0.995
    assert {evidence: figures["n"] for evidence, figures in metrics["unfamiliar"].items()} == {"image": 96}


def test_it_files_listings_under_the_right_categories(
    predictor: Predictor, listings: list[tuple[str, Listing]]
) -> None:
    for evidence, least in ((Evidence.TEXT, 0.9), (Evidence.IMAGE, 0.6), (Evidence.BOTH, 0.9)):
        shown = [
            Listing(
                listing.designation if evidence is not Evidence.IMAGE else "",
                listing.description if evidence is not Evidence.IMAGE else "",
                listing.image if evidence is not Evidence.TEXT else None,
            )
            for _, listing in listings
        ]
        predictions = predictor.predict_many(shown, top_k=1)
        right = sum(answer.code == code for answer, (code, _) in zip(predictions, listings, strict=True))  # type: ignore[union-attr]
        assert right / len(listings) >= least, evidence


def test_the_service_answers_with_the_version(
    client: TestClient, tiny_run: TinyRun, predictor: Predictor, listings: list[tuple[str, Listing]]
) -> None:
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    right = 0
    for code, listing in listings[:20]:
        body = {"designation": listing.designation, "description": listing.description}
        response = client.post("/predict/text", json=body)
        assert response.status_code == 200
        answer = response.json()
        assert answer["model"] == {"version": tiny_run.version}
        expected = predictor.predict(Listing(**body))
        assert answer["category"]["code"] == expected.code
        assert answer["confidence"] == pytest.approx(expected.confidence, abs=1e-3)
        assert answer["decision"]["action"] == expected.decision.action
        right += answer["category"]["code"] == code
    assert right >= 18


def test_the_service_answers_photos_too(
    client: TestClient, tiny_run: TinyRun, predictor: Predictor, listings: list[tuple[str, Listing]]
) -> None:
    _, listing = listings[0]
    assert listing.image is not None
    photo = client.post("/predict/image", content=listing.image, headers={"content-type": "image/jpeg"})
    encoded = base64.b64encode(listing.image).decode()
    both = client.post("/predict", json={"designation": listing.designation, "image": encoded})
    for response, shown in (
        (photo, Listing(image=listing.image)),
        (both, Listing(listing.designation, image=listing.image)),
    ):
        assert response.status_code == 200
        expected = predictor.predict(shown)
        assert response.json()["category"]["code"] == expected.code
        assert response.json()["confidence"] == pytest.approx(expected.confidence, abs=1e-3)
    detail = client.get(f"/models/{tiny_run.version}")
    assert detail.status_code == 200
    assert "true" in json.dumps(detail.json())
