"""Small catalogues with README's lines: each trains, is promoted and served, whatever its size and what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from models.versions.store import Store
from service.app import create_app
from service.settings import Settings
from tests.training.generated_catalogue import make_small_catalogue, noun
from training.__main__ import main
from training.publishing import release

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

README = """
name = "mine"

[catalogue]
path = "listings.csv"
images = "photos"

[catalogue.columns]
designation = "title"
category = "shelf"
"""
SMALL = """
[cross_fit]
folds = 2

[text]
parameters = { dim = 16 }

[image]
network = "vgg16"
weights = "none"
height = 32
width = 32
views = 1
steps = 40
epochs = 2
parameters = { head = 64 }
"""
"""Small sizes: what is trained takes seconds."""
TEXT_ALONE = SMALL.partition("[image]")[0]
PHOTO_ALONE = '[text]\nnetwork = "none"\n[image]' + SMALL.partition("[image]")[2]


@pytest.mark.parametrize(
    ("categories", "rows", "sizes", "evidence"),
    [(7, 24, SMALL, "both"), (25, 12, PHOTO_ALONE, "image"), (80, 8, TEXT_ALONE, "text")],
    ids=["7 categories", "25 categories, photos", "80 categories, text"],
)
def test_a_small_catalogue_trains_is_promoted_and_served(
    categories: int,
    rows: int,
    sizes: str,
    evidence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(release, "write_report", lambda path, *_: path.write_text("the report"))  # plots take seconds
    odd = {"rare": 2, "uncategorised": 3, "missing_photos": 4, "encoding": "cp1252", "separator": ";"}
    make_small_catalogue(tmp_path, categories, rows, photos=evidence != "text", **odd)  # type: ignore[arg-type]
    (tmp_path / "mine.toml").write_text(README + sizes, encoding="utf-8")
    places = ["--store", str(tmp_path / "mine"), "--work", str(tmp_path / "runs")]
    # A photo network on random frozen weights may be too unsure for the parity that publishing asks for.
    options = ["--force"] if evidence == "image" else []
    assert main(["run", str(tmp_path / "mine.toml"), *places, "--promote", *options]) == 0
    store = Store(tmp_path / "mine")
    lines = capsys.readouterr().out
    assert f"serving {store.current()}" in lines
    assert (tmp_path / "runs" / "mine" / "report.html").read_text() == "the report"

    for note in ("read as Windows-1252", "3 rows without a category left out", "fewer than 5 listings are left out"):
        assert note in lines
    absent, found = ("there is no column image", "no photo network is fitted"), ("photos do not exist",)
    assert [note for note in (absent if evidence == "text" else found) if note not in lines] == []

    folder = store.folder(store.current())
    metrics = json.loads((folder / "metrics.json").read_bytes())
    calibration = metrics["calibration"]
    train = rows * (categories - 2) * 0.7
    assert calibration["cases"][evidence]["listings"] > 0.8 * train, "training listings are calibrated on as well"
    if evidence == "both":
        assert calibration["fusion"]["choice"] in lines
        assert "for text with a photo" in (folder / "MODEL_CARD.md").read_text()
    with TestClient(create_app(Settings(store=store.root))) as client:
        if evidence != "image":
            answer = client.post("/predict/text", json={"designation": f"A {noun(3)} for the garden"}).json()
            assert answer["category"]["code"] == f"{noun(3)} range"
        if evidence != "text":
            photo = next((tmp_path / "photos").iterdir()).read_bytes()
            files = {"image": ("photo.jpg", photo)}
            assert client.post("/predict/image", files=files).json()["modalities"] == ["image"]
