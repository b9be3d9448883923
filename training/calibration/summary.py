"""Summary of a calibration for people: losses, errors and accuracies on its own listings, cross-fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.arrays import Doubles, Floats, Integers
from models.comparison.mcnemar import exact_p_value
from models.decision.calibration import EvidenceCalibration
from models.decision.fusion import Method
from models.listing import Evidence
from training.calibration.confidence import FittedConfidence, probably_right
from training.calibration.fusion import FittedFusion
from training.calibration.temperature import calibrated, doubtful_log_loss
from training.evaluation.metrics import BINS


@dataclass(frozen=True)
class EvidenceSummary:
    """Quality of the calibration of one kind of evidence on its `listings`; `basis` says what these are.

    Mean log loss in nats before anything, with the temperature alone, and with all that was fitted; expected
    calibration error (0..1, 15 bins of equal mass) at the same three stages, the later two cross-fitted; accuracy.
    Doubtful labels count as they do in the fit. For `both` from cross-fitted fusions, or from imputed photos. `needed`
    is the number of listings from which on the version's default precision would be shown at this error rate (see
    `training.calibration.thresholds.listings_for`), None where no number would.
    """

    listings: int
    basis: str
    temperature: float
    nll_before: float
    nll_scaled: float
    nll_after: float
    ece_before: float
    ece_scaled: float
    ece: float
    accuracy: float
    needed: int | None = None


@dataclass(frozen=True)
class ImputationCheck:
    """Accuracy (0..1) of the fusion with own and with imputed photos, on `listings` whose own photos are known.

    A photo is imputed from the most similar other listing of the category (`training.calibration.calibrate`). Field
    names are those of `metrics.json`.
    """

    listings: int
    own_accuracy: float
    borrowed_accuracy: float


@dataclass(frozen=True)
class FusionSummary:
    """Accuracies (0..1) of the fusion, cross-fitted, and of each network alone, on the listings with text and photo.

    `choice` is what was chosen from `losses` (see `training.calibration.fusion.FittedFusion`). `shrinkage` is the
    strength chosen for the weights per class, None when no class has its own. `gain` is the fusion's accuracy less that
    of the better network, `p_value` of McNemar's exact test between these two. `borrowing` is there when `both` was
    calibrated with imputed photos.
    """

    choice: str
    losses: Mapping[str, float]
    method: Method
    shrinkage: float | None
    listings: int
    accuracy: float
    text_accuracy: float
    image_accuracy: float
    gain: float
    p_value: float
    borrowing: ImputationCheck | None = None


@dataclass(frozen=True)
class CalibrationSummary:
    """Summaries by evidence and of the fusion; evidence without listings, and a fusion without any, are left out."""

    cases: Mapping[Evidence, EvidenceSummary]
    fusion: FusionSummary | None


def summarise_evidence(
    logits: Floats,
    labels: Integers,
    certainty: Doubles,
    fitted: FittedConfidence,
    calibration: EvidenceCalibration,
    basis: str,
) -> EvidenceSummary:
    """Summarise a calibration on the logits [N, C], class indices [N] and their certainty [N] it was fitted on."""
    raw = calibrated(logits, 1.0)
    errors = [_calibration_error(stage, labels, certainty) for stage in (raw, fitted.scaled, fitted.cross_fitted)]
    losses = [
        doubtful_log_loss(stage, labels, certainty)
        for stage in (raw, calibrated(logits, fitted.temperature), calibration.log_probabilities(logits))
    ]
    right = probably_right(fitted.cross_fitted, labels, certainty)
    return EvidenceSummary(
        listings=len(labels),
        basis=basis,
        temperature=fitted.temperature,
        nll_before=losses[0],
        nll_scaled=losses[1],
        nll_after=losses[2],
        ece_before=errors[0],
        ece_scaled=errors[1],
        ece=errors[2],
        accuracy=float(right.mean()),
    )


def _calibration_error(log_probabilities: Floats, labels: Integers, certainty: Doubles) -> float:
    """`training.evaluation.metrics.expected_calibration_error` for labels [N] that are right with `certainty` [N]."""
    confidence = np.exp(log_probabilities.max(1).astype(np.float64))
    right = probably_right(log_probabilities, labels, certainty)
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(BINS, len(labels)))
    return sum(abs(float((confidence[part] - right[part]).sum())) for part in parts) / len(labels)


def summarise_fusion(fitted: FittedFusion, log_text: Floats, log_image: Floats, labels: Integers) -> FusionSummary:
    """Compare a fusion with each network on the log-probabilities [N, C] that it was fitted on."""
    fused, text, image = (scores.argmax(1) == labels for scores in (fitted.cross_fitted, log_text, log_image))
    better = max(text, image, key=lambda right: int(right.sum()))
    return FusionSummary(
        choice=fitted.choice,
        losses=fitted.losses,
        method=fitted.fusion.method,
        shrinkage=fitted.shrinkage,
        listings=len(labels),
        accuracy=float(fused.mean()),
        text_accuracy=float(text.mean()),
        image_accuracy=float(image.mean()),
        gain=float(fused.mean() - better.mean()),
        p_value=exact_p_value(int((fused & ~better).sum()), int((better & ~fused).sum())),
    )
