"""Weights that are fitted: of classes in a network's loss, and of networks in an ensemble."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from models.arrays import Doubles, Floats, Integers, Mask
from models.decision.calibration import log_softmax


def class_weights(labels: Integers, train: Mask, power: float) -> Floats:
    """Factors float32 [N] of rows with class indices [N]: (mean rows of a class / its own rows) to `power`.

    Counted on the rows where `train` is true, whose factors' mean is 1. A class without any has the factor 1, and so
    have all at power 0.
    """
    counts = np.bincount(labels[train], minlength=int(labels.max(initial=0)) + 1)
    present = counts[counts > 0]
    if not power or not len(present):
        return np.ones(len(labels), np.float32)
    factors = np.where(counts > 0, (present.mean() / np.maximum(counts, 1)) ** power, 1.0)[labels]
    return np.asarray(factors / factors[train].mean(), np.float32)


LARGEST_WEIGHT = 20.0
"""Upper bound of an ensemble weight; well above the weights of calibrated networks of any size."""
PRIOR = 1.0
"""Weight in nats of the squared distance from equal weights, halved: a dozen rows that are all predicted right would
otherwise send all weights to the largest. Among hundreds of rows it hardly moves them."""


def fit_ensemble_weights(logits: Floats, labels: Integers, row_weights: Floats) -> Doubles:
    """Weights [P], not negative, of networks with logits [P, N, C]: those of the smallest negative log-likelihood.

    `labels` are class indices [N] and `row_weights` [N] say how much each row counts. The logits of the ensemble,
    sum(weight * logits), need no temperature of their own. Without rows, or where no network helps, all weights are
    equal and sum to 1.
    """
    networks, rows = logits.shape[:2]
    equal = np.full(networks, 1 / networks)
    total = float(row_weights.sum())
    if not rows or not total:
        return equal
    positions = np.arange(rows)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        log_probabilities = log_softmax(np.tensordot(weights, logits, 1).astype(np.float32)).astype(np.float64)
        value = -float(row_weights @ log_probabilities[positions, labels])
        excess = np.exp(log_probabilities)
        excess[positions, labels] -= 1
        slope = np.einsum("pnc,nc,n->p", logits, excess, row_weights)
        value += PRIOR / 2 * float(((weights - equal) ** 2).sum())
        return value / total, (slope + PRIOR * (weights - equal)) / total

    fitted = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0, LARGEST_WEIGHT)] * networks)
    weights = np.asarray(fitted.x, np.float64)
    return weights if weights.any() else equal
