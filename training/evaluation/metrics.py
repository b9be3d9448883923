"""Quality figures with their uncertainty, as the plain JSON that `metrics.json` holds.

Intervals are 95 %: Clopper and Pearson (1934) for shares, so that they hold for few listings and shares near 1 too; the
percentile bootstrap for F1. Near-duplicates within a cohort would make both too narrow: the split leaves them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

from models.arrays import Doubles, Floats, Integers
from models.listing import Evidence
from training.evaluation.intervals import f1_estimates, share_estimate
from training.evaluation.predictions import Cohorts, LearningCurve, Predictions

BINS = 15
SWEEP_POINTS = 60
HISTOGRAM_BINS = 20
DIGITS = 6


class ReliabilityBin(TypedDict):
    """`n` listings with confidences from `low` to `high`: their mean `confidence`, and the share that was right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def metrics_document(
    cohorts: Cohorts, codes: Sequence[str], curves: Sequence[LearningCurve], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """All of `metrics.json`: plain JSON types, floats rounded to 6 digits, the same for the same predictions.

    A cohort's `n` counts its listings with any evidence, `fusion` is `fusion_comparison`'s; evidence without listings
    is left out. `extra` (plain or NumPy values) is added as it is. Raises ValueError when it names a field that is
    taken, TypeError when it holds a type that JSON lacks.
    """
    document = {
        "cohorts": {
            name: {
                "n": len(set().union(*(part.rows.tolist() for part in predictions.values()))),
                "cases": {
                    evidence.value: evidence_metrics(part, codes)
                    for evidence, part in predictions.items()
                    if len(part.labels)
                },
                "fusion": fusion_comparison(predictions),
            }
            for name, predictions in cohorts.items()
        },
        "classes": list(codes),
        "curves": [asdict(curve) for curve in curves],
    }
    if taken := sorted(document.keys() & extra.keys()):
        raise ValueError(f"{taken[0]} is a field of the metrics already")
    plain: dict[str, Any] = _plain({**document, **extra})
    return plain


def evidence_metrics(predictions: Predictions, codes: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
    """Figures for one kind of evidence, as plain JSON types.

    Macro F1 is over the classes that occur in the labels. In `per_class`, precision is None for a class that was never
    predicted, recall and F1 for one without listings. `confusion` has true classes as rows, predicted ones as columns.
    `sweep` accepts by confidence alone, `decisions` by the version's thresholds. `confidence_histogram` counts the
    listings by confidence in steps of 0.05. `unfamiliar` is the share of unfamiliar listings, `single` that of
    prediction sets of one category. `ece_chance` is the calibration error that perfect probabilities would be expected
    to show on so few listings. Raises ValueError without listings.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    if not len(labels):
        raise ValueError("no listings to evaluate")
    if probabilities.shape != (len(labels), len(codes)):
        raise ValueError(f"probabilities are {probabilities.shape}, not {(len(labels), len(codes))}")
    predicted, classes = probabilities.argmax(1), np.arange(len(codes))
    confusion = confusion_matrix(labels, predicted, labels=classes)
    f1_weighted, f1_macro = f1_estimates(confusion, seed=seed)
    bins = reliability_bins(labels, probabilities)
    figures: dict[str, Any] = _plain(
        {
            "n": len(labels),
            "accuracy": share_estimate(int(confusion.trace()), len(labels)),
            "f1_weighted": f1_weighted,
            "f1_macro": f1_macro,
            "top3_accuracy": (np.argsort(-probabilities, 1, kind="stable")[:, :3] == labels[:, None]).any(1).mean(),
            "log_loss": log_loss(labels, probabilities, labels=classes),
            "ece": _calibration_error(bins),
            "ece_chance": _chance_calibration_error(probabilities),
            "decisions": list(decisions(predictions)),
            "disagreement": predictions.disagreement.mean(),
            "unfamiliar": share_estimate(int(predictions.unfamiliar.sum()), len(labels)),
            "prediction_sets": {
                "coverage": predictions.covered.mean(),
                "interval": share_estimate(int(predictions.covered.sum()), len(labels)),
                "mean_size": predictions.set_sizes.mean(),
                "single": (predictions.set_sizes == 1).mean(),
            },
            "per_class": _per_class(labels, predicted, codes),
            "confusion": confusion,
            "reliability": bins,
            "confidence_histogram": np.histogram(probabilities.max(1).clip(0, 1), HISTOGRAM_BINS, (0, 1))[0],
            "sweep": precision_sweep(labels, probabilities),
        }
    )
    return figures


def fusion_comparison(predictions: Mapping[Evidence, Predictions]) -> dict[str, Any] | None:
    """The fusion against either modality on the listings that have both; None without such listings.

    `n` listings, `accuracy` and `f1_weighted` by evidence, the `classes` that occur, and `classes_held`: the number of
    them whose fused F1 is at or above the better modality's.
    """
    three = (Evidence.BOTH, Evidence.TEXT, Evidence.IMAGE)
    if not predictions.keys() >= set(three):
        return None
    rows = set.intersection(*(set(predictions[evidence].rows.tolist()) for evidence in three))
    if not rows:
        return None
    kept = {evidence.value: predictions[evidence].only(rows) for evidence in three}
    labels = kept["both"].labels
    occurring = np.unique(labels)
    confusions, scores = {}, []
    for evidence, part in kept.items():
        predicted, classes = part.probabilities.argmax(1), np.arange(part.probabilities.shape[1])
        confusions[evidence] = confusion_matrix(labels, predicted, labels=classes)
        scores.append(f1_score(labels, predicted, labels=occurring, average=None))
    return {
        "n": len(rows),
        "accuracy": {evidence: share_estimate(int(c.trace()), len(rows)) for evidence, c in confusions.items()},
        "f1_weighted": {evidence: f1_estimates(c)[0] for evidence, c in confusions.items()},
        "classes": len(occurring),
        "classes_held": int((scores[0] >= np.maximum(scores[1], scores[2])).sum()),
    }


def _per_class(labels: Integers, predicted: NDArray[np.integer], codes: Sequence[str]) -> list[dict[str, Any]]:
    scores = precision_recall_fscore_support(labels, predicted, labels=np.arange(len(codes)), zero_division=np.nan)
    return [
        {"code": code, "n": n, "precision": precision, "recall": recall, "f1": f1 if n else None}
        for code, precision, recall, f1, n in zip(codes, *scores, strict=True)
    ]


def decisions(predictions: Predictions) -> Iterator[dict[str, Any]]:
    """Coverage and achieved precision (None when nothing is accepted) at each target precision."""
    right = predictions.probabilities.argmax(1) == predictions.labels
    for precision in predictions.precisions:
        accepted = predictions.accepted(precision)
        n = int(accepted.sum())
        achieved = share_estimate(int((accepted & right).sum()), n) if n else None
        yield {"precision": precision, "coverage": n / len(right), "achieved": achieved, "accepted": n}


def expected_calibration_error(labels: Integers, probabilities: Floats, bins: int = BINS) -> float:
    """Mean distance of confidence and accuracy over equal-mass bins of the top class's confidence (Guo et al. 2017)."""
    return _calibration_error(reliability_bins(labels, probabilities, bins))


def reliability_bins(labels: Integers, probabilities: Floats, bins: int = BINS) -> list[ReliabilityBin]:
    """`bins` bins of equally many listings by ascending confidence of the top class; fewer for fewer listings."""
    confidence, right = _sorted_confidence(labels, probabilities)
    parts = np.array_split(np.arange(len(confidence)), min(bins, len(confidence)))
    return [
        {
            "low": float(confidence[part[0]]),
            "high": float(confidence[part[-1]]),
            "n": len(part),
            "confidence": float(confidence[part].mean()),
            "accuracy": float(right[part].mean()),
        }
        for part in parts
    ]


def precision_sweep(labels: Integers, probabilities: Floats, points: int = SWEEP_POINTS) -> list[dict[str, float]]:
    """Up to `points` even steps from the most certain listing to all: `coverage`, `confidence` reached, `precision`."""
    confidence, right = (values[::-1] for values in _sorted_confidence(labels, probabilities))
    n = len(right)
    precision = np.cumsum(right) / np.arange(1, n + 1)
    last = np.unique(np.linspace(0, n - 1, min(points, n)).round().astype(int)).tolist()
    return [
        {"coverage": (i + 1) / n, "confidence": float(confidence[i]), "precision": min(float(precision[i]), 1.0)}
        for i in last
    ]


def _sorted_confidence(labels: Integers, probabilities: Floats) -> tuple[Doubles, Doubles]:
    """Ascending confidences [N] and accuracies [N]: 0 or 1, or their mean where confidences are equal."""
    confidence, position = np.unique(probabilities.max(1).astype(np.float64), return_inverse=True)
    counts = np.bincount(position)
    right = np.bincount(position, probabilities.argmax(1) == labels) / counts
    return np.repeat(confidence, counts), np.repeat(right, counts)


def _calibration_error(bins: Iterable[ReliabilityBin]) -> float:
    parts = [(part["n"], abs(part["confidence"] - part["accuracy"])) for part in bins]
    return sum(n * distance for n, distance in parts) / sum(n for n, _ in parts)


def _chance_calibration_error(probabilities: Floats, bins: int = BINS) -> float:
    """Calibration error of perfect probabilities: per bin the mean |normal| with its Bernoulli draws' variance."""
    confidence = np.sort(probabilities.max(1).astype(np.float64))
    variance = np.maximum(confidence * (1 - confidence), 0)
    parts = np.array_split(variance, min(bins, len(variance)))
    return sum(math.sqrt(2 / math.pi * part.sum()) for part in parts) / len(confidence)


def _plain(value: Any) -> Any:
    """`value` as JSON types: no NumPy, floats rounded, None for what is not finite. Raises TypeError for others."""
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return round(float(value), DIGITS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} is no JSON type")
