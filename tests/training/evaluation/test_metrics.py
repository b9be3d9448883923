from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, top_k_accuracy_score

from models.listing import Evidence
from models.versions.metrics import quality_table
from tests.training.synthetic_logits import posterior_logits
from training.evaluation.intervals import f1_estimates, share_estimate
from training.evaluation.metrics import (
    evidence_metrics,
    expected_calibration_error,
    fusion_comparison,
    metrics_document,
    precision_sweep,
    reliability_bins,
)
from training.evaluation.predictions import LearningCurve, Predictions

CODES = ("10", "40", "50", "60", "1140")
PRECISIONS = (0.9, 0.99)
FUSED = (Evidence.BOTH, Evidence.TEXT, Evidence.IMAGE)


def answers(
    listings: int = 600,
    seed: int = 0,
    signal: float = 2.0,
    evidence: Evidence = Evidence.TEXT,
    classes: int = len(CODES),
) -> Predictions:
    """Exactly calibrated answers that accept from 0.9 on at the lower precision and nothing at the higher one."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, listings)
    logits = posterior_logits(rng, labels, classes, signal).astype(np.float64)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = (odds / odds.sum(1, keepdims=True)).astype(np.float32)
    inside = probabilities >= 0.05
    return Predictions(
        evidence=evidence,
        rows=np.arange(listings),
        labels=labels,
        probabilities=probabilities,
        precisions=PRECISIONS,
        thresholds=np.stack([np.full(listings, 0.9), np.full(listings, np.nan)]),
        disagreement=np.arange(listings) % 50 == 0,
        unfamiliar=np.arange(listings) % 40 == 1,
        covered=inside[np.arange(listings), labels],
        set_sizes=inside.sum(1),
    )


def one_hot(labels: list[int], predicted: list[int], confidence: list[float], classes: int = 3) -> Predictions:
    """Answers with given best categories; what is left of the confidence goes to the next category."""
    probabilities = np.zeros((len(labels), classes), np.float32)
    rows = np.arange(len(labels))
    probabilities[rows, predicted] = confidence
    probabilities[rows, (np.array(predicted) + 1) % classes] = 1 - np.array(confidence)
    full = answers(len(labels))
    return replace(full, labels=np.array(labels), probabilities=probabilities)


def test_figures_are_those_of_scikit_learn() -> None:
    predictions = answers(400, seed=1, signal=1.5)
    labels, probabilities = predictions.labels, predictions.probabilities
    predicted = probabilities.argmax(1)
    figures = evidence_metrics(predictions, CODES)
    expected = {
        "accuracy": accuracy_score(labels, predicted),
        "f1_weighted": f1_score(labels, predicted, average="weighted"),
        "f1_macro": f1_score(labels, predicted, average="macro"),
    }
    assert {key: figures[key]["value"] for key in expected} == pytest.approx(expected, abs=1e-6)
    assert figures["top3_accuracy"] == pytest.approx(top_k_accuracy_score(labels, probabilities, k=3))
    chosen = probabilities[np.arange(400), labels].astype(np.float64)
    assert figures["log_loss"] == pytest.approx(-np.log(chosen).mean(), abs=1e-6)


def test_macro_f1_is_over_the_classes_that_occur() -> None:
    # Class 2 never occurs, but is predicted once; class 3 does neither.
    figures = evidence_metrics(one_hot([0, 0, 0, 1], [0, 0, 2, 1], [0.9] * 4, classes=4), ("a", "b", "c", "d"))
    assert figures["f1_macro"]["value"] == pytest.approx((0.8 + 1.0) / 2)
    assert figures["f1_weighted"]["value"] == pytest.approx((3 * 0.8 + 1.0) / 4)
    absent, never = figures["per_class"][2:]
    assert absent == {"code": "c", "n": 0, "precision": 0.0, "recall": None, "f1": None}
    assert never == {"code": "d", "n": 0, "precision": None, "recall": None, "f1": None}


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (17, 20), (1, 1)])
def test_the_interval_of_a_share_is_the_exact_one(right: int, n: int) -> None:
    expected = binomtest(right, n).proportion_ci(0.95, "exact")
    assert share_estimate(right, n) == pytest.approx({"value": right / n, "low": expected.low, "high": expected.high})


def test_the_f1_interval_covers_the_true_value() -> None:
    """Of 500 samples of 300 from a known population, about 95 % have intervals that hold its F1."""
    population = answers(200_000, seed=2, signal=1.5)
    predicted = population.probabilities.argmax(1)
    truth = [estimate["value"] for estimate in f1_estimates(confusion_matrix(population.labels, predicted))]
    held = np.zeros(2)
    for sample in np.arange(500 * 300).reshape(500, 300):
        confusion = confusion_matrix(population.labels[sample], predicted[sample])
        for position, estimate in enumerate(f1_estimates(confusion, resamples=300)):
            held[position] += estimate["low"] <= truth[position] <= estimate["high"]
    assert (held / 500 >= 0.90).all()
    assert (held / 500 <= 0.98).all()


@given(arrays.arrays(np.int64, (4, 4), elements=st.integers(0, 20)).filter(lambda counts: counts.sum() > 0))
@settings(deadline=None)
def test_an_interval_holds_its_value(confusion: np.ndarray) -> None:
    for estimate in f1_estimates(confusion, resamples=50):
        assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1


def test_calibration_error_by_hand() -> None:
    # Two bins of two: confidences 0.6 and 0.6 with one right, 0.9 and 1.0 with both right.
    data = one_hot([0, 1, 2, 0], [0, 0, 2, 0], [0.6, 0.6, 0.9, 1.0])
    assert expected_calibration_error(data.labels, data.probabilities, bins=2) == pytest.approx((0.1 + 0.05) / 2)
    first, second = reliability_bins(data.labels, data.probabilities, bins=2)
    assert first == pytest.approx({"low": 0.6, "high": 0.6, "n": 2, "confidence": 0.6, "accuracy": 0.5})
    assert second == pytest.approx({"low": 0.9, "high": 1.0, "n": 2, "confidence": 0.95, "accuracy": 1.0})


def test_chance_explains_the_calibration_error_of_few_listings() -> None:
    samples = [evidence_metrics(answers(150, seed=seed, signal=1.5), CODES) for seed in range(60)]
    errors, chance = (np.mean([sample[key] for sample in samples]) for key in ("ece", "ece_chance"))
    assert errors > 0.05  # although the probabilities are exact
    assert chance == pytest.approx(errors, rel=0.1)


@given(st.permutations(range(40)), st.integers(1, 60))
@settings(deadline=None, max_examples=30)
def test_the_order_of_listings_is_nothing(order: list[int], bins: int) -> None:
    data = answers(40, seed=4)
    tied = np.round(data.probabilities, 1)
    for figure in (reliability_bins, precision_sweep):
        one = figure(data.labels, tied, bins)
        other = figure(data.labels[order], tied[order], bins)
        assert len(one) == len(other) == min(bins, 40)
        assert all(a == pytest.approx(b) for a, b in zip(one, other, strict=True))


def test_the_sweep_ends_with_all_listings() -> None:
    data = answers(500)
    sweep = precision_sweep(data.labels, data.probabilities)
    coverage, confidence, precision = (
        [point[key] for point in sweep] for key in ("coverage", "confidence", "precision")
    )
    assert (coverage[-1], precision[-1]) == (1.0, pytest.approx((data.probabilities.argmax(1) == data.labels).mean()))
    assert (coverage, confidence) == (sorted(coverage), sorted(confidence, reverse=True))


def test_decisions_are_those_of_the_version() -> None:
    data = answers(500)
    accepted = (data.probabilities.max(1) >= 0.9) & ~data.disagreement & ~data.unfamiliar
    right = data.probabilities.argmax(1) == data.labels
    lower, higher = evidence_metrics(data, CODES)["decisions"]
    assert (lower["precision"], lower["accepted"]) == (0.9, accepted.sum())
    assert lower["coverage"] == pytest.approx(accepted.mean())
    assert lower["achieved"]["value"] == pytest.approx(right[accepted].mean(), abs=1e-6)
    assert higher == {"precision": 0.99, "coverage": 0.0, "achieved": None, "accepted": 0}


def test_fusion_is_compared_on_the_same_listings() -> None:
    both, text, image = (
        answers(300, 5, signal, evidence) for signal, evidence in zip((2.5, 2.0, 1.0), FUSED, strict=True)
    )
    some = range(0, 300, 2)
    figures = fusion_comparison(
        {Evidence.BOTH: both.only(some), Evidence.TEXT: text, Evidence.IMAGE: image.only(range(200))}
    )
    assert figures is not None
    shared = text.only(range(0, 200, 2))
    right = (shared.probabilities.argmax(1) == shared.labels).mean()
    assert figures["n"] == 100
    assert figures["accuracy"]["text"]["value"] == pytest.approx(right)
    assert 0 <= figures["classes_held"] <= figures["classes"] == len(CODES)
    assert fusion_comparison({Evidence.TEXT: text}) is None
    same = fusion_comparison({Evidence.BOTH: text, Evidence.TEXT: text, Evidence.IMAGE: image})
    assert same is not None
    assert same["classes_held"] == sum(
        t["f1"] >= i["f1"]
        for t, i in zip(
            evidence_metrics(text, CODES)["per_class"], evidence_metrics(image, CODES)["per_class"], strict=True
        )
    )


def test_the_document_is_plain_json_and_always_the_same() -> None:
    text, image = answers(60), replace(answers(40, evidence=Evidence.IMAGE), rows=np.arange(30, 70))
    nothing = answers(5, evidence=Evidence.TITLE).only([])
    cohorts = {"true labels": {Evidence.TEXT: text, Evidence.IMAGE: image, Evidence.TITLE: nothing}}
    curve = LearningCurve("gru", (1.0, float("nan")), (1.5, 0.1234567891), (0.25, 0.5), 12.0)
    extra = {"parity": {"top1": np.float32(0.5), "listings": np.int64(3)}, "holds": np.True_}
    document = metrics_document(cohorts, CODES, [curve], extra)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document == metrics_document(cohorts, CODES, [curve], extra)
    assert document["cohorts"]["true labels"]["n"] == 70
    assert list(document["cohorts"]["true labels"]["cases"]) == ["text", "image"]
    assert document["classes"] == list(CODES)
    assert document["curves"][0]["train_loss"] == [1.0, None]
    assert document["curves"][0]["validation_loss"] == [1.5, 0.123457]
    assert document["parity"] == {"top1": 0.5, "listings": 3}
    assert document["holds"] is True
    assert quality_table(document).count("\n") == 3


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="no listings"):
        evidence_metrics(answers(5).only([]), CODES)
    with pytest.raises(ValueError, match=r"not \(5, 2\)"):
        evidence_metrics(answers(5), CODES[:2])
    with pytest.raises(ValueError, match="classes"):
        metrics_document({}, CODES, [], {"classes": []})
    with pytest.raises(TypeError, match="object"):
        metrics_document({}, CODES, [], {"thing": object()})
