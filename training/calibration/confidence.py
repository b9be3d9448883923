"""Fitting calibrated confidences: a temperature, then beta calibration of the best category's probability.

A temperature has one number for all confidences. Where the network is overconfident at one end and underconfident at
the other, beta calibration (`models.decision.calibration.reshaped`) adds three. What else was measured, and why it is
not here: docs/decisions/0027.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from models.arrays import Doubles, Floats, Integers
from models.decision.calibration import UNCHANGED, best_and_rest, reshaped
from training.calibration.fusion import folds
from training.calibration.temperature import SMALLEST, calibrated, doubtful_log_loss, fit_temperature

Shape = tuple[float, float, float]

SHAPE_LISTINGS = 300
"""A shape is tried from so many listings on; it is kept when it lowers the cross-fitted log loss."""
SHAPE_PRIOR = 10.0
"""The shape's numbers are assumed to be N(`UNCHANGED`, 1 / 10): a hundred listings move them little."""
LOWEST, HIGHEST = (0.0, 0.0, -20.0), (20.0, 20.0, 20.0)
"""Bounds of the shape, well inside what `EvidenceCalibration` takes; a, b >= 0 keep it rising."""


@dataclass(frozen=True, eq=False)
class FittedConfidence:
    """A temperature and a shape fitted on N listings, and the listings' calibrated log-probabilities float32 [N, C].

    `scaled` come from a temperature, `cross_fitted` from a temperature and the shape if one is kept, each fitted
    without the listing; with fewer than `SHAPE_LISTINGS` from those fitted on all.
    """

    temperature: float
    shape: Shape
    scaled: Floats
    cross_fitted: Floats


def fit_confidence(logits: Floats, labels: Integers, seed: int, certainty: Doubles | None = None) -> FittedConfidence:
    """Fit on logits (or log-probabilities) [N, C] and class indices [N]; N is at least 1.

    `certainty` [N] is the probability that a label is right, by default 1.
    """
    certain = np.ones(len(labels)) if certainty is None else certainty
    temperature = fit_temperature(logits, labels, certain)
    all_scaled = calibrated(logits, temperature)
    if len(labels) < SHAPE_LISTINGS:
        return FittedConfidence(temperature, UNCHANGED, all_scaled, all_scaled)
    scaled, shaped = np.empty_like(logits), np.empty_like(logits)
    for fitted_on, held in folds(labels, seed):
        without = fit_temperature(logits[fitted_on], labels[fitted_on], certain[fitted_on])
        scaled[held] = calibrated(logits[held], without)
        shape = fit_shape(calibrated(logits[fitted_on], without), labels[fitted_on], certain[fitted_on])
        shaped[held] = reshaped(scaled[held], shape)
    if doubtful_log_loss(shaped, labels, certain) < doubtful_log_loss(scaled, labels, certain):
        return FittedConfidence(temperature, fit_shape(all_scaled, labels, certain), scaled, shaped)
    return FittedConfidence(temperature, UNCHANGED, scaled, scaled)


def probably_right(log_probabilities: Floats, labels: Integers, certainty: Doubles) -> Doubles:
    """The probability that the best category of log-probabilities [N, C] is the right one, float64 [N].

    `certainty` if it is the label; else its part of what the label's doubt leaves to the other categories.
    """
    best = log_probabilities.argmax(1)
    rows = np.arange(len(labels))
    top, own = np.exp(log_probabilities[rows, [best, labels]].astype(np.float64))
    others = (1 - certainty) * np.minimum(top / np.maximum(1 - own, SMALLEST), 1)
    return np.where(best == labels, certainty, others)


def fit_shape(log_probabilities: Floats, labels: Integers, certainty: Doubles) -> Shape:
    """Beta calibration's a, b and c for log-probabilities [N, C], class indices [N] and their certainty [N]."""
    right = probably_right(log_probabilities, labels, certainty)
    curve = best_and_rest(log_probabilities)
    top, rest, lead = (values[:, 0].astype(np.float64) for values in (curve.top, curve.rest, curve.lead))
    terms = np.stack([top, -rest, np.ones_like(top)])

    def loss(shape: Doubles) -> tuple[float, Doubles]:
        """Log loss of the best category's being right, and its gradient; beyond the lead the curve is flat."""
        away = shape - UNCHANGED
        moved = away @ terms
        inside = np.abs(moved) < lead
        odds = top - rest + np.clip(moved, -lead, lead)
        slope = (expit(odds) - right) * inside
        penalty = SHAPE_PRIOR * float(away @ away) / 2
        return float((np.logaddexp(0, odds) - right * odds).sum()) + penalty, terms @ slope + SHAPE_PRIOR * away

    fitted = minimize(loss, UNCHANGED, jac=True, method="L-BFGS-B", bounds=list(zip(LOWEST, HIGHEST, strict=True)))
    a, b, c = (float(value) for value in fitted.x)
    return a, b, c
