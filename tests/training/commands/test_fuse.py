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
from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG, IMAGE_ONLY, TEXT_ONLY, TinyRun
from training.__main__ import main
from training.publishing import release

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take seconds, and are the business of other tests."""
    monkeypatch.setattr(release, "write_report", lambda path, *_: path.write_text("no report"))


@pytest.fixture(scope="module")
def parts(tiny_run: TinyRun) -> tuple[Store, str, str]:
    """A store with a text version and a photo version of the tiny run's networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "write_report", lambda path, *_: path.write_text("no report"))
        code, text = tiny_run.train("fuse-text", TEXT_ONLY)
        assert code == 0
        # A network on random frozen weights may be too unsure for the parity that publishing asks for: hence --force.
        code, image = tiny_run.train("fuse-image", IMAGE_ONLY, "--force")
        assert code == 0
    (text_version,), (image_version,) = text.versions(), image.versions()
    shutil.copytree(image.folder(image_version), text.root / image_version)
    return text, text_version, image_version


def fuse(run: TinyRun, store: Store, text: str, image: str, *options: str, config: Path | None = None) -> int:
    given = ["--config", str(config or run.config), "--store", str(store.root), "--work", str(run.work)]
    return main(["fuse", text, image, *given, *options])


@pytest.mark.usefixtures("without_report")
def test_two_versions_become_one_without_training(
    tiny_run: TinyRun, parts: tuple[Store, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, image = parts
    capsys.readouterr()
    assert fuse(tiny_run, store, text, image, "--promote", "--force") == 0
    told = capsys.readouterr().out
    version = told.splitlines()[-1]
    assert "starting (" not in told, "a stage was made"
    assert version not in (text, image)
    assert store.current() == version
    folder = store.folder(version)
    for source, name in ((text, "text.keras"), (image, "image.keras")):
        assert (folder / name).read_bytes() == (store.folder(source) / name).read_bytes()
    assert Predictor.load(folder).modalities == {Modality.TEXT, Modality.IMAGE}
    manifest = read_manifest(folder)
    assert manifest.run["fused_from"] == {"text": text, "image": image}
    assert manifest.run["image"] == read_manifest(store.folder(image)).run["image"]
    assert f"is that of version `{text}`" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8").replace("\\", "")
    # What both runs' networks learn of one split, a run that trains both at once learns too.
    fused, whole = (
        json.loads((path / "metrics.json").read_bytes()) for path in (folder, tiny_run.store.folder(tiny_run.version))
    )
    assert fused["cohorts"] == whole["cohorts"]
    assert [curve["network"] for curve in fused["curves"]] == ["ngrams", "vgg16"]


def refusal(
    run: TinyRun, store: Store, text: str, image: str, capsys: pytest.CaptureFixture[str], config: Path | None = None
) -> str:
    before = store.versions()
    assert fuse(run, store, text, image, config=config) == 2
    assert store.versions() == before
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("training: ")


def test_what_a_version_does_not_have_cannot_be_taken_from_it(
    tiny_run: TinyRun, parts: tuple[Store, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, image = parts
    assert refusal(tiny_run, store, image, text, capsys) == f"version {image} has no text network"
    assert refusal(tiny_run, store, text, text, capsys) == f"version {text} has no image network"
    assert refusal(tiny_run, store, "2020.01.01-0000000", image, capsys).startswith("no version 2020.01.01-0000000 in")


def test_versions_of_different_categories_are_not_fused(
    tiny_run: TinyRun, parts: tuple[Store, str, str], tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, _ = parts
    other = shutil.copytree(tiny_version, store.root.parent / "reordered" / tiny_version.name)
    taxonomy = Taxonomy.read(other / TAXONOMY)
    Taxonomy(taxonomy.categories[::-1]).write(other / TAXONOMY)
    (other / "image.keras").write_bytes(b"not looked into")
    kept = {"name", "created", "classes", "networks", "run", "data", "libraries"}
    write_manifest(other, **{key: value for key, value in read_manifest(other) if key in kept})
    told = refusal(tiny_run, store, text, str(other), capsys)
    assert told == f"versions {text} and {other.name} have different categories: the same in another order"


def test_a_version_without_its_keras_network_cannot_be_taken_from(
    tiny_run: TinyRun, parts: tuple[Store, str, str], tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, _ = parts
    told = refusal(tiny_run, store, text, str(tiny_version), capsys)
    assert told == f"version {tiny_version.name} has no image.keras, only its compiled form"


def test_listings_that_a_network_learned_from_do_not_judge_it(
    tiny_run: TinyRun, parts: tuple[Store, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, image = parts
    config = tiny_run.folder / "other-split.toml"
    config.write_text(CONFIG.replace("seed = 3", "seed = 4"), encoding="utf-8")
    told = refusal(tiny_run, store, text, image, capsys, config)
    assert told.startswith(f"version {text} was made on another split")
    assert told.endswith("--force goes on")


def test_a_catalogue_of_other_categories_is_refused(
    tiny_run: TinyRun, parts: tuple[Store, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, text, image = parts
    make_catalogue(tmp_path / "data", classes=5, rows_per_class=12, side=16)
    config = tmp_path / "five.toml"
    config.write_text(CONFIG.replace('name = "tiny"', 'name = "five"'), encoding="utf-8")
    told = refusal(tiny_run, store, text, image, capsys, config)
    assert told == f"version {text} has other categories than the catalogue"
