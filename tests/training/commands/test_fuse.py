"""A version out of two: which networks it takes, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.listing import Modality
from models.predictor import Predictor
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import read_manifest, write_manifest
from models.versions.store import Store
from tests.models.tiny_version import make_version
from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG, TinyRun
from training.__main__ import main

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture
def store(tiny_run: TinyRun, tmp_path: Path) -> Store:
    """A store with the tiny run's version."""
    store = Store(tmp_path / "store")
    shutil.copytree(tiny_run.store.folder(tiny_run.version), store.root / tiny_run.version)
    return store


def fuse(run: TinyRun, store: Store, text: str, image: str, *options: str, config: Path | None = None) -> int:
    options = (*options, "--config", str(config or run.config), "--store", str(store.root), "--work", str(run.work))
    return main(["fuse", text, image, *options])


@pytest.mark.usefixtures("without_report")
def test_two_versions_become_one_without_training(
    tiny_run: TinyRun, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tiny_run.version
    capsys.readouterr()
    assert fuse(tiny_run, store, source, source, "--promote", "--force") == 0
    output = capsys.readouterr().out
    version = output.splitlines()[-1]
    assert "starting (" not in output, "a stage was made"
    assert store.current() == version != source
    folder = store.folder(version)
    for name in ("text.keras", "image.keras"):
        assert (folder / name).read_bytes() == (store.folder(source) / name).read_bytes()
    assert Predictor.load(folder).modalities == {Modality.TEXT, Modality.IMAGE}
    run = read_manifest(folder).run
    assert run["fused_from"] == {"text": source, "image": source}
    assert run["image"] == read_manifest(store.folder(source)).run["image"]
    assert f"is that of version `{source}`" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8").replace("\\", "")
    # The same networks, calibrated on the same split, evaluate the same.
    fused, whole = (json.loads((path / "metrics.json").read_bytes()) for path in (folder, store.folder(source)))
    assert fused["cohorts"] == whole["cohorts"]
    assert [curve["network"] for curve in fused["curves"]] == ["ngrams", "vgg16"]


def refusal(
    run: TinyRun, store: Store, text: str, image: str, capsys: pytest.CaptureFixture[str], config: Path | None = None
) -> str:
    """The one line that a command is refused with; the store stays as it was."""
    before = store.versions()
    assert fuse(run, store, text, image, config=config) == 2
    assert store.versions() == before
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    return line.removeprefix("training: ")


def test_what_a_version_does_not_have_cannot_be_taken_from_it(
    tiny_run: TinyRun, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, text = tiny_run.version, make_version(store.root, modalities=[Modality.TEXT])
    image = make_version(store.root, modalities=[Modality.IMAGE], day=26)
    assert refusal(tiny_run, store, image, whole, capsys) == f"version {image} has no text network"
    assert refusal(tiny_run, store, whole, text, capsys) == f"version {text} has no image network"
    compiled = f"version {image} has no image.keras, only its compiled form"
    assert refusal(tiny_run, store, whole, image, capsys) == compiled
    assert refusal(tiny_run, store, "2020.01.01-0000000", whole, capsys).startswith("no version 2020.01.01-0000000 in")


def test_versions_of_different_categories_are_not_fused(
    tiny_run: TinyRun, store: Store, tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tiny_run.version
    other = shutil.copytree(tiny_version, store.root.parent / "reordered" / tiny_version.name)
    taxonomy = Taxonomy.read(other / TAXONOMY)
    Taxonomy(taxonomy.categories[::-1]).write(other / TAXONOMY)
    (other / "image.keras").write_bytes(b"not looked into")
    kept = {"name", "created", "classes", "networks", "run", "data", "libraries"}
    write_manifest(other, **{key: value for key, value in read_manifest(other) if key in kept})
    line = refusal(tiny_run, store, text, str(other), capsys)
    assert line == f"versions {text} and {other.name} have different categories: the same in another order"


def test_listings_that_a_network_learned_from_do_not_judge_it(
    tiny_run: TinyRun, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    text = image = tiny_run.version
    config = tiny_run.folder / "other-split.toml"
    config.write_text(CONFIG.replace("seed = 3", "seed = 4"), encoding="utf-8")
    line = refusal(tiny_run, store, text, image, capsys, config)
    assert line.startswith(f"version {text} was made on another split")
    assert line.endswith("--force goes on")


def test_a_catalogue_of_other_categories_is_refused(
    tiny_run: TinyRun, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = image = tiny_run.version
    make_catalogue(tmp_path / "data", classes=5, rows_per_class=12, side=16)
    config = tmp_path / "five.toml"
    config.write_text(CONFIG.replace('name = "tiny"', 'name = "five"'), encoding="utf-8")
    line = refusal(tiny_run, store, text, image, capsys, config)
    assert line == f"version {text} has other categories than the catalogue"
