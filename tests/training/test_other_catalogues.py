"""The same commands on other catalogues, with a config of ten lines: English, few and many categories with names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.listing import Listing
from models.predictor import Predictor
from models.versions.store import Store
from tests.training.english import ITEMS, make_english_catalogue
from training.__main__ import main
from training.commands import evaluate_report as evaluation_report
from training.publishing import release

pytestmark = pytest.mark.tensorflow  # a fit, its export to OpenVINO and its parity: 5 to 15 s for each catalogue

CONFIG = """
name = "english"
image = { network = "none" }
[catalogue]
path = "listings.csv"
columns = { listing_id = "", image = "" }
[text]
network = "ngrams"
learning_rate = 0.03
parameters = { dim = 16 }
preprocessing = { buckets = 4096 }
"""


@pytest.mark.parametrize(("classes", "rows_per_class"), [(7, 30), (80, 15)])
@pytest.mark.slow
def test_a_run_and_an_evaluation(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    classes: int,
    rows_per_class: int,
) -> None:
    for module in (release, evaluation_report):  # plots are the business of other tests
        monkeypatch.setattr(module, "write_report", lambda path, *_: path.write_text("no report"))
    assert CONFIG.strip().count("\n") + 1 == 10
    make_english_catalogue(tmp_path / "listings.csv", classes, rows_per_class)
    (tmp_path / "english.toml").write_text(CONFIG, encoding="utf-8")
    places = ["--store", str(tmp_path / "store"), "--work", str(tmp_path / "work")]
    assert main(["run", str(tmp_path / "english.toml"), *places, "--promote"]) == 0

    store = Store(tmp_path / "store")
    version = store.current()
    predictor = Predictor.load(store.folder(version))
    assert set(predictor.taxonomy.codes) == {f"{item} range" for item in ITEMS[:classes]}
    answers = predictor.predict_many([Listing(f"A {item} for the garden") for item in ITEMS[:classes]])
    right = [answer.code == f"{item} range" for answer, item in zip(answers, ITEMS, strict=False)]  # type: ignore[union-attr]
    assert sum(right) / classes > 0.9

    unseen = make_english_catalogue(tmp_path / "unseen.csv", classes, 6, seed=1)
    out = tmp_path / "out"
    assert main(["evaluate", version, str(unseen), *places, "--out", str(out), "--refit"]) == 0
    metrics = json.loads((out / "metrics.json").read_bytes())
    figures = metrics["cohorts"]["all"]["cases"]["text"]
    assert (figures["n"], len(metrics["classes"])) == (6 * classes, classes)
    assert figures["accuracy"]["value"] > 0.9
    assert f"{6 * classes} of {6 * classes} listings judged." in capsys.readouterr().out
