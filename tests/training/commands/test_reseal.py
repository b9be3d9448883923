"""A version sealed again: what stays byte for byte, what is told anew, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.predictor import Predictor
from models.versions.manifest import read_manifest, verify_files
from models.versions.store import Store
from tests.training.tiny import CONFIG, TinyRun
from training.__main__ import main
from training.commands.reseal import _seconds
from training.publishing import release

pytestmark = pytest.mark.tensorflow

TOLD = ("manifest.json", "metrics.json", "MODEL_CARD.md", "report.html")


@pytest.fixture(autouse=True)
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take seconds, and are the business of other tests."""
    monkeypatch.setattr(release, "write_report", lambda path, *_: path.write_text("no report"))


def reseal(run: TinyRun, store: Store, version: str, *options: str, config: Path | None = None) -> int:
    given = ["--config", str(config or run.config), "--store", str(store.root), "--work", str(run.work)]
    return main(["reseal", version, *given, *options])


@pytest.mark.slow
def test_a_version_is_sealed_again_byte_for_byte(
    tiny_run: TinyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, store = tiny_run.store.folder(tiny_run.version), Store(tmp_path / "store")
    assert reseal(tiny_run, store, str(source), "--promote") == 0
    version = capsys.readouterr().out.splitlines()[-1]
    folder = store.folder(version)
    assert (store.versions(), store.current()) == ([version], version)
    assert version != tiny_run.version
    old, new = read_manifest(source), read_manifest(folder)
    verify_files(folder, new)
    assert {name for name, entry in new.files.items() if old.files.get(name) != entry} <= set(TOLD)
    assert new.files.keys() == old.files.keys()
    assert new.data["split_fingerprint"] == old.data["split_fingerprint"]
    assert new.run["resealed_from"]["version"] == old.version
    before, after = (json.loads((path / "metrics.json").read_bytes()) for path in (source, folder))
    for kept in ("parity", "calibration", "curves"):
        assert after[kept] == before[kept]
    assert after["precision"]["served"] == {entry.precision for entry in new.networks.values()}.pop()
    assert after["cohorts"].keys() == before["cohorts"].keys()
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert old.version in card
    assert "python -m training run tiny.toml" in card, "what made the networks"
    assert "took" in card
    assert f"Served in **{after['precision']['served']}**" in card
    for runtime in ("openvino", "keras"):
        Predictor.load(folder, runtime=runtime)  # type: ignore[arg-type]

    # Sealed once more, the version that the networks are from is still the first.
    assert reseal(tiny_run, store, version) == 0
    again = capsys.readouterr().out.splitlines()[-1]
    assert read_manifest(store.folder(again)).run["resealed_from"] == new.run["resealed_from"]


def test_what_is_not_there_or_on_another_split_is_refused(
    tiny_run: TinyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "store")
    assert reseal(tiny_run, store, "2020.01.01-0000000") == 2
    assert "no version 2020.01.01-0000000 in store" in capsys.readouterr().err
    config = tiny_run.folder / "reseal-other-split.toml"
    config.write_text(CONFIG.replace("seed = 3", "seed = 4"), encoding="utf-8")
    assert reseal(tiny_run, store, str(tiny_run.store.folder(tiny_run.version)), config=config) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("--force goes on")
    assert store.versions() == []


def test_seconds_are_read_from_a_card() -> None:
    card = "text\n\n- took text-features 26 s, text-sentence\\_encoder 1,133 s, image 53 s\n\n"
    assert _seconds(card) == {"text-features": 26, "text-sentence_encoder": 1133, "image": 53}
    assert _seconds("no such line") == {}
