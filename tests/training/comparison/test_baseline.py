from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.listing import Evidence
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import pad_batch
from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import TEXT_ONLY
from training.comparison.baseline import COST_FILE, LinearNetwork, TfidfFeatures, _features, fit_baseline
from training.config.run import RunConfig, read_config
from training.evaluation.metrics import evidence_metrics
from training.evaluation.prediction_store import PREDICTIONS_FILE, read_predictions
from training.pipeline import Data, prepare_data
from training.workspace import Workspace


def make(folder: Path, classes: int) -> tuple[RunConfig, Data]:
    make_catalogue(folder / "data", classes=classes, rows_per_class=40, side=16, without_text=0.1)
    (folder / "tiny.toml").write_text(TEXT_ONLY, encoding="utf-8")
    config = read_config(folder / "tiny.toml")
    return config, prepare_data(config, Workspace(folder / "work", lambda _: None))


@pytest.mark.parametrize("classes", [2, 4])
def test_the_reference_files_listings_by_their_words(tmp_path: Path, classes: int) -> None:
    config, data = make(tmp_path, classes)
    (tmp_path / "stage").mkdir()
    fit_baseline(config, data.catalogue, data.taxonomy, tmp_path / "stage", listings=3)
    found = read_predictions(tmp_path / "stage")
    assert list(found) == [Evidence.TITLE, Evidence.TEXT]
    for evidence, given in found.items():
        parts = set(data.rows.loc[given.rows, "split"])
        assert parts == {"validation", "calibration", "test"}, "it answers to what it was fitted on"
        assert evidence_metrics(given, data.taxonomy.codes)["accuracy"]["value"] > 0.9
        np.testing.assert_allclose(given.probabilities.sum(1), 1.0, atol=1e-5)
        assert (given.set_sizes >= 1).all()
        assert evidence is given.evidence
    told = json.loads((tmp_path / "stage" / COST_FILE).read_text())
    assert told["cost"]["ms"] > 0
    assert told["parameters"] > 100
    assert {path.name for path in (tmp_path / "stage").iterdir()} == {PREDICTIONS_FILE, COST_FILE}


def test_a_row_s_weight_is_how_much_it_counts(tmp_path: Path) -> None:
    """All listings of one category are filed under another, with next to no weight, beside rightly filed copies."""
    config, data = make(tmp_path, 3)
    rows = data.catalogue.rows
    wrong = rows[(rows["split"] == "train") & (rows["category"] == "10")].copy()
    wrong["category"], wrong.index = "40" if "40" in data.taxonomy.codes else "1140", wrong.index + 10_000
    accuracies = []
    for weight in (1e-3, 50.0):
        wrong["weight"] = weight
        mixed = type(data.catalogue)("mixed", pd.concat([rows, wrong]))
        (folder := tmp_path / f"stage-{weight}").mkdir()
        fit_baseline(config, mixed, data.taxonomy, folder, listings=1)
        given = read_predictions(folder)[Evidence.TEXT]
        of_class = given.labels == data.taxonomy.index("10")
        accuracies.append(float((given.probabilities.argmax(1) == given.labels)[of_class].mean()))
    assert accuracies[0] > 0.8
    assert accuracies[1] < 0.2


def test_a_listing_s_answer_does_not_depend_on_its_neighbours() -> None:
    features = _features()
    features.fit(["piscine ronde bleue", "piscine tubulaire", "livre de poche", "livre roman poche"])
    prepare = TfidfFeatures(features)
    texts = [ListingText("piscine", ""), ListingText("livre de poche", "roman"), ListingText("xyz", "")]
    rows = [prepare.extract(text) for text in texts]
    size = len(features.get_feature_names_out())
    table = np.random.default_rng(1).normal(size=(size, 3)).astype(np.float32)
    network = LinearNetwork(table, np.asarray([0.5, 0.0, -0.5], np.float32))
    together = network.logits(pad_batch(rows))
    alone = np.concatenate([network.logits(pad_batch([row])) for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together[2], [0.5, 0.0, -0.5], err_msg="no known word: the bias alone")
    dense = features.transform(["livre de poche roman"]).toarray()[0]
    np.testing.assert_allclose(together[1], dense @ table + network.bias, atol=1e-5)
