"""The command that compares configs: what it trains, what it finds trained, and what it refuses to compare."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from models.listing import Evidence
from models.predictor import Predictor
from tests.training.tiny import CONFIG, IMAGE_ONLY, TEXT_ONLY, TinyRun
from training.__main__ import main
from training.comparison.compare import labels
from training.errors import ConfigError
from training.fitting import text_stages

pytestmark = pytest.mark.usefixtures("without_plots")

HUB = IMAGE_ONLY.replace('"vgg16"', '"resnet50"').replace('weights = "none"', 'weights = "imagenet"')


@pytest.fixture
def without_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """No download is tried: a test never reaches for the network."""
    import keras

    def fail(**options: Any) -> None:
        assert options["weights"] == "imagenet"
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)


def compare(run: TinyRun, out: Path, configs: dict[str, str], *options: str) -> tuple[int, Path]:
    """Compare configs over the catalogue and the finished stages of `run`."""
    paths = [run.folder / f"{name}.toml" for name in configs]
    for path, text in zip(paths, configs.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    listed = [str(path) for path in paths]
    return main(["compare", *listed, "--out", str(out), "--work", str(run.work), "--listings", "3", *options]), out


def figures(out: Path) -> dict[tuple[str, str, str], Any]:
    """Rows of the JSON by listings, network and evidence."""
    rows = json.loads((out / "compare.json").read_text(encoding="utf-8"))["networks"]
    return {(row["listings"], row["network"], row["evidence"]): row for row in rows}


def sealed_figures(run: TinyRun) -> dict[str, dict[Evidence, Any]]:
    """Metrics of the run's version on its test part, in float32 as networks are compared, whatever it is served in."""
    from training.config.run import read_config
    from training.evaluation.cohorts import by_cohort, cohort_rows
    from training.evaluation.metrics import evidence_metrics
    from training.evaluation.predict import predict_rows
    from training.pipeline import prepare_data
    from training.workspace import Workspace

    config = read_config(run.config)
    data = prepare_data(config, Workspace(run.work, lambda _: None))
    table = data.rows[data.rows["split"] == "test"]
    predictor = Predictor.load(run.store.folder(run.version), verify=False, precision="f32")
    whole = {
        evidence: predict_rows(predictor, data.catalogue, list(table.index), evidence, progress=False)
        for evidence in Evidence
    }
    return {
        cohort: {evidence: evidence_metrics(given, data.taxonomy.codes) for evidence, given in cases.items()}
        for cohort, cases in by_cohort(whole, cohort_rows(config, table)).items()
    }


@pytest.mark.tensorflow
@pytest.mark.usefixtures("without_hub")
@pytest.mark.slow
def test_trained_configs_are_compared_without_training_and_without_a_version(
    tiny_run: TinyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = tiny_run.store.versions()
    configs = {"whole": CONFIG, "words": TEXT_ONLY, "photos": IMAGE_ONLY, "hub": HUB}
    code, out = compare(tiny_run, tmp_path / "out", configs, "--on", "test", "--baseline")
    captured = capsys.readouterr()
    assert code == 0
    assert captured.out.splitlines()[-1] == str(out / "compare.html")
    assert "[text] starting" not in captured.out
    assert "[image] starting" not in captured.out
    missing = "hub: not trained: the ImageNet weights of resnet50 could not be downloaded"
    assert any(line.startswith(f"[compare] {missing}") for line in captured.out.splitlines())
    assert tiny_run.store.versions() == versions
    found = figures(out)
    whole = [key[1:] for key in found if key[0] == "all of the test part"]
    assert whole == [
        ("tfidf_svm", "text"),
        ("ngrams", "text"),
        ("vgg16", "photo"),
        ("ngrams + vgg16", "text and photo"),
    ]
    sealed = sealed_figures(tiny_run)
    for cohort in ("true", "vote"):
        for network, label, evidence in (
            ("ngrams", "text", Evidence.TEXT),
            ("vgg16", "photo", Evidence.IMAGE),
            ("ngrams + vgg16", "text and photo", Evidence.BOTH),
        ):
            row, published = found[cohort, network, label], sealed[cohort][evidence]
            assert {key: row[key] for key in ("n", "accuracy", "f1_macro", "ece")} == {
                key: published[key] for key in ("n", "accuracy", "f1_macro", "ece")
            }
            assert row["ms"] > 0
            assert row["mb"] > 0
    assert found["true", "tfidf_svm", "text"]["accuracy"]["value"] > 0.8
    assert found["true", "tfidf_svm", "text"]["mb"] is None
    assert (out / "compare.html").is_file()

    code, _ = compare(tiny_run, tmp_path / "again", configs, "--on", "test", "--baseline")
    again = capsys.readouterr().out
    assert code == 0
    assert " starting (" not in again.replace("[activations] starting", ""), "only what failed is tried again"
    without_time = [
        {
            key: {k: v for k, v in row.items() if k not in ("ms", "cpu_ms", "other_ms")}
            for key, row in figures(folder).items()
        }
        for folder in (out, tmp_path / "again")
    ]
    assert without_time[0] == without_time[1]


@pytest.mark.tensorflow
@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_with_what_is_finished(
    tiny_run: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    shutil.copytree(
        tiny_run.work, work, ignore=shutil.ignore_patterns("text-*", "scratch-*", "predictions-*", "baseline-*")
    )
    configs = {"photos": IMAGE_ONLY, "words": TEXT_ONLY}

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(text_stages.TextFit, "fit", interrupt)
        code, out = compare(tiny_run, tmp_path / "out", configs, "--work", str(work))
    assert code == 130
    assert not out.exists()
    assert "[scratch-version] finished" in capsys.readouterr().out

    code, out = compare(tiny_run, tmp_path / "out", configs, "--work", str(work))
    told = capsys.readouterr().out
    assert code == 0
    assert "[scratch-version] done before, kept" in told
    assert "[text] finished in" in told
    assert ("all of the validation part", "ngrams", "text") in figures(out)


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(line for line in capsys.readouterr().err.splitlines() if line.startswith("training: "))


def test_configs_of_different_catalogues_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.training.generated_catalogue import make_catalogue

    for name, classes in (("data", 3), ("other", 3)):
        make_catalogue(tmp_path / name, classes=classes, rows_per_class=12, side=16)
    (tmp_path / "one.toml").write_text(TEXT_ONLY, encoding="utf-8")
    (tmp_path / "two.toml").write_text(TEXT_ONLY.replace("data/", "other/"), encoding="utf-8")
    paths = [str(tmp_path / f"{name}.toml") for name in ("one", "two")]
    assert main(["compare", *paths, "--work", str(tmp_path / "work")]) == 2
    assert refused(capsys) == "training: one and two have different catalogues"


def test_listings_that_one_config_trains_on_judge_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.training.generated_catalogue import make_catalogue
    from training.comparison.compare import _common_rows
    from training.config.run import read_config
    from training.pipeline import prepare_data
    from training.workspace import Workspace

    make_catalogue(tmp_path / "data", classes=3, rows_per_class=20, side=16)
    known = []
    for seed in (1, 2):
        path = tmp_path / f"seed{seed}.toml"
        path.write_text(TEXT_ONLY.replace("seed = 3", f"seed = {seed}"), encoding="utf-8")
        config = read_config(path)
        known.append((path.stem, config, prepare_data(config, Workspace(tmp_path / "work", lambda _: None))))
    rows = _common_rows(known, "test")
    assert 0 < len(rows) < min((data.rows["split"] == "test").sum() for _, _, data in known)
    for _, _, data in known:
        assert set(data.rows.loc[rows, "split"]) == {"test"}


def test_when_nothing_can_be_trained_the_reasons_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.training.generated_catalogue import make_catalogue

    make_catalogue(tmp_path / "data", classes=3, rows_per_class=12, side=16, without_image=1.0)
    (tmp_path / "one.toml").write_text(IMAGE_ONLY, encoding="utf-8")
    assert main(["compare", str(tmp_path / "one.toml"), "--work", str(tmp_path / "work")]) == 2
    assert "one: listings.csv: " in refused(capsys)


def test_a_config_that_cannot_be_read_is_found_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "two.toml").write_text("name = 3", encoding="utf-8")
    paths = [str(tmp_path / f"{name}.toml") for name in ("one", "two")]
    assert main(["compare", *paths, "--work", str(tmp_path / "work")]) == 2
    assert "two.toml: name: " in refused(capsys)
    assert not (tmp_path / "work").exists()


def test_configs_are_called_by_their_files_names() -> None:
    assert labels([Path("a/gru.toml"), Path("b/lstm.toml")]) == ["gru", "lstm"]
    assert labels([Path("/x/a/gru.toml"), Path("/x/b/gru.toml")]) == ["a/gru", "b/gru"]
    with pytest.raises(ConfigError, match=r"^gru\.toml is given twice"):
        labels([Path("a/gru.toml"), Path("a/../a/gru.toml")])
