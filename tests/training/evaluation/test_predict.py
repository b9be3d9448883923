"""Listings are reduced to their evidence, predicted as the Predictor does, and split into cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.listing import Evidence, Listing, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Preparation
from models.preprocessing.text.clean import MAX_CHARACTERS
from models.versions.manifest import read_manifest
from tests.models.tiny_version import CODES, COLOURS, WORDS, make_version, photo
from training.catalogue.dataset import COLUMNS, Catalogue
from training.config.run import CohortRule
from training.evaluation.predict import labelled_logits, predict_rows, readable, reduce_to_evidence, try_prepare
from training.evaluation.predictions import Predictions

FIRST_ROW = 10
"""Rows are known by their label and not by their position."""


def catalogue(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Catalogue:
    """A catalogue of rows given by what they have; `photo_of` names the category whose colour the photo has."""
    records = []
    for number, values in enumerate(rows, FIRST_ROW):
        image = ""
        if "photo_of" in values:
            image = str(folder / f"{number}.jpg")
            Path(image).write_bytes(photo(COLOURS[values["photo_of"]]))
        record = {"row": number, "listing_id": f"L{number}", "designation": "", "description": "", "split": "test"}
        record |= {"image": image, "category": CODES[0], "label_source": "true", "label_share": np.nan, "weight": 1.0}
        records.append(record | {"text_kind": "original"} | {k: v for k, v in values.items() if k != "photo_of"})
    return Catalogue("listings.csv", pd.DataFrame(records)[list(COLUMNS)].set_index("row", drop=False))


@pytest.fixture
def mixed(tmp_path: Path) -> Catalogue:
    """One row of each kind; the last has markup where others have text."""
    title, description = f"Belle {WORDS[1]} neuve", f"<p>Une <b>{WORDS[2]}</b></p>"
    return catalogue(
        tmp_path,
        [
            {"designation": title, "description": description, "photo_of": 3, "category": CODES[2]},
            {"designation": title, "photo_of": 1, "category": CODES[1], "label_source": "vote", "label_share": 0.75},
            {"description": description, "category": CODES[2]},
            {"photo_of": 3, "category": CODES[3]},
            {"designation": "<br>", "description": "<p></p>", "photo_of": 0, "category": CODES[0]},
        ],
    )


ROWS = [14, 13, 12, 11, 10]
"""Of `mixed`, in another order than theirs."""


FULL = Listing("title", "text", b"photo", "id")


@pytest.mark.parametrize(
    ("listing", "reduced"),
    [
        (FULL, {"title": ("title", "", None), "text": ("title", "text", None), "image": ("", "", b"photo")}),
        (Listing("title", " "), {"title": ("title", "", None), "text": ("title", " ", None)}),
        (Listing(" ", "text"), {"text": (" ", "text", None)}),
        (Listing("", "", b"photo"), {"image": ("", "", b"photo")}),
        (Listing("", "text", b"photo"), {"text": ("", "text", None), "image": ("", "", b"photo")}),
        (Listing(), {}),
    ],
)
def test_a_listing_is_reduced_to_evidence_that_it_has(listing: Listing, reduced: dict[str, tuple[Any, ...]]) -> None:
    parts = {evidence: reduce_to_evidence(listing, evidence) for evidence in Evidence}
    both = parts.pop(Evidence.BOTH)
    assert both == (listing if {"text", "image"} <= reduced.keys() else None)
    present = {str(evidence): part for evidence, part in parts.items() if part is not None}
    assert {name: (part.designation, part.description, part.image) for name, part in present.items()} == reduced
    assert all(part.id == listing.id for part in present.values())


def test_an_overlong_text_is_cut_and_not_refused(tmp_path: Path, tiny_predictor: Predictor) -> None:
    table = catalogue(tmp_path, [{"designation": "mot " * MAX_CHARACTERS}])
    assert len(readable(table, FIRST_ROW).designation) == MAX_CHARACTERS
    assert try_prepare(tiny_predictor.prepare, readable(table, FIRST_ROW)) is not None


def test_markup_alone_is_no_evidence(tiny_predictor: Predictor) -> None:
    assert try_prepare(tiny_predictor.prepare, Listing("<br>", "<p></p>")) is None
    assert try_prepare(tiny_predictor.prepare, Listing()) is None


def test_logits_are_each_network_s_for_the_rows_that_have_its_evidence(mixed: Catalogue, tiny_version: Path) -> None:
    preparation = Preparation.load(tiny_version)
    networks = Networks.load(tiny_version, read_manifest(tiny_version))
    predictor = Predictor.load(tiny_version)
    labelled = labelled_logits(preparation, networks, mixed, ROWS, predictor.taxonomy)

    assert labelled.labels.tolist() == [0, 3, 2, 1, 2]
    assert labelled.sources.tolist() == ["true", "true", "true", "vote", "true"]
    assert labelled.shares.tolist() == [1, 1, 1, 0.75, 1]
    assert labelled.described.tolist() == [False, False, True, False, True]
    assert labelled.text is not None
    assert labelled.title is not None
    assert labelled.image is not None
    assert np.isnan(labelled.text).all(1).tolist() == [True, True, False, False, False]
    assert np.isnan(labelled.title).all(1).tolist() == [True, True, True, False, False]
    assert np.isnan(labelled.image).all(1).tolist() == [False, False, True, False, False]
    for position, row in enumerate(ROWS):
        listing = mixed.listing(row)
        for values, shown in (
            (labelled.text, Evidence.TEXT),
            (labelled.title, Evidence.TITLE),
            (labelled.image, Evidence.IMAGE),
        ):
            if not np.isnan(values[position]).any():
                evidence = reduce_to_evidence(listing, shown)
                assert evidence is not None
                (alone,) = networks.logits([preparation.prepare(evidence)])
                np.testing.assert_allclose(values[position], next(iter(alone.values())), atol=1e-4)
    np.testing.assert_allclose(labelled.title[3], labelled.text[3], atol=1e-5)  # no description
    assert np.abs(labelled.title[4] - labelled.text[4]).max() > 0.1


@pytest.mark.parametrize("modality", list(Modality))
def test_a_modality_without_a_network_has_no_logits_and_no_predictions(
    mixed: Catalogue, tmp_path: Path, modality: Modality
) -> None:
    folder = tmp_path / "store" / make_version(tmp_path / "store", modalities=[modality])
    predictor = Predictor.load(folder)
    networks = Networks.load(folder, read_manifest(folder))
    labelled = labelled_logits(Preparation.load(folder), networks, mixed, ROWS, predictor.taxonomy)
    assert (labelled.text is None, labelled.title is None) == (modality is Modality.IMAGE,) * 2
    assert (labelled.image is None) == (modality is Modality.TEXT)
    answered = {
        evidence for evidence in Evidence if predict_rows(predictor, mixed, ROWS, evidence, progress=False) is not None
    }
    assert answered == ({Evidence.TITLE, Evidence.TEXT} if modality is Modality.TEXT else {Evidence.IMAGE})


@pytest.mark.parametrize(
    ("evidence", "rows"),
    [
        (Evidence.TITLE, [11, 10]),
        (Evidence.TEXT, [12, 11, 10]),
        (Evidence.IMAGE, [14, 13, 11, 10]),
        (Evidence.BOTH, [11, 10]),
    ],
)
def test_predictions_are_the_predictor_s(
    mixed: Catalogue, tiny_predictor: Predictor, evidence: Evidence, rows: list[int]
) -> None:
    predictions = predict_rows(tiny_predictor, mixed, ROWS, evidence, progress=False)
    assert predictions is not None
    assert (predictions.evidence, predictions.rows.tolist()) == (evidence, rows)
    codes = tiny_predictor.taxonomy.codes
    for position, row in enumerate(rows):
        shown = reduce_to_evidence(mixed.listing(row), evidence)
        assert shown is not None
        category = str(mixed.rows.at[row, "category"])
        assert codes[predictions.labels[position]] == category
        for index, precision in enumerate(predictions.precisions):
            prediction = tiny_predictor.predict(shown, top_k=1, precision=precision)
            threshold = prediction.decision.threshold
            assert codes[predictions.probabilities[position].argmax()] == prediction.code
            assert predictions.probabilities[position].max() == pytest.approx(prediction.confidence, abs=1e-5)
            assert predictions.thresholds[index, position] == pytest.approx(threshold or np.nan, nan_ok=True)
            assert predictions.accepted(precision)[position] == (prediction.decision.action == "accept")
        assert predictions.disagreement[position] == prediction.disagreement
        assert predictions.covered[position] == (category in prediction.prediction_set.codes)
        assert predictions.set_sizes[position] == len(prediction.prediction_set.codes)


def test_no_row_with_the_evidence_is_no_prediction(mixed: Catalogue, tiny_predictor: Predictor) -> None:
    assert predict_rows(tiny_predictor, mixed, [12], Evidence.IMAGE, progress=False) is None
    assert predict_rows(tiny_predictor, mixed, [], Evidence.TEXT, progress=False) is None


def test_blocks_do_not_show(tmp_path: Path, tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"designation": f"{WORDS[n % 4]} {n}", "category": CODES[n % 4]} for n in range(7)]
    table = catalogue(tmp_path, rows)
    whole = predict_rows(tiny_predictor, table, list(table.rows.index), Evidence.TEXT, progress=False)
    monkeypatch.setattr("training.evaluation.predict.BLOCK", 3)
    parts = predict_rows(tiny_predictor, table, list(table.rows.index), Evidence.TEXT, progress=False)
    assert whole is not None
    assert parts is not None
    assert parts.rows.tolist() == whole.rows.tolist() == list(table.rows.index)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-5)


def four_predictions() -> Predictions:
    """Four listings of two classes; the third may never be accepted, the last is in doubt."""
    return Predictions(
        evidence=Evidence.TEXT,
        rows=np.array([5, 9, 2, 7]),
        labels=np.array([0, 1, 0, 1]),
        probabilities=np.array([[0.875, 0.125], [0.25, 0.75], [1, 0], [0, 1]], np.float32),
        precisions=(0.8, 0.9),
        thresholds=np.array([[0.75, 0.75, np.nan, 0.75], [0.875, 0.875, np.nan, 0.875]]),
        disagreement=np.array([False, False, False, True]),
        unfamiliar=np.array([False, False, False, False]),
        covered=np.array([True, True, False, True]),
        set_sizes=np.array([1, 2, 1, 2]),
    )


def test_accepted_is_what_clears_its_threshold_without_disagreement() -> None:
    assert four_predictions().accepted(0.8).tolist() == [True, True, False, False]
    assert four_predictions().accepted(0.9).tolist() == [True, False, False, False]


def test_only_and_joined_keep_every_field() -> None:
    whole = four_predictions()
    kept = whole.only({7, 9, 100})
    assert kept.rows.tolist() == [9, 7]
    np.testing.assert_allclose(kept.thresholds, [[0.75, 0.75], [0.875, 0.875]])
    assert kept.disagreement.tolist() == [False, True]
    assert len(whole.only(set()).rows) == 0
    joined = Predictions.joined([whole.only({5, 9}), whole.only({2}), whole.only({7})])
    for field in fields(Predictions):
        np.testing.assert_array_equal(getattr(joined, field.name), getattr(whole, field.name))


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"where": {"label_source": ["true"]}}, [0, 1]),
        ({"where": {"label_source": ["true", "vote"], "text_kind": ["original"]}}, [0, 2]),
        ({"where": {"label_source": ["vote"]}, "min_share": 0.95}, [3]),
        ({"given": True}, [1, 3]),
        ({"given": False, "where": {"label_source": ["vote"]}}, [2]),
    ],
)
def test_a_cohort_rule_matches_what_all_of_its_conditions_match(rule: dict[str, Any], rows: list[int]) -> None:
    table = pd.DataFrame(
        {
            "label_source": ["true", "true", "vote", "vote"],
            "text_kind": ["original", "cleaned", "original", "cleaned"],
            "label_share": [np.nan, np.nan, 0.6, 0.95],
            "given_split": ["", "test", "train", "test"],
            "category": ["10"] * 4,
        }
    )
    chosen = CohortRule.model_validate({"name": "some", **rule}).matches(table)
    assert list(table.index[chosen]) == rows
