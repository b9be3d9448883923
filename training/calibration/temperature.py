"""Temperature scaling: one number for each kind of evidence that calibrates a network's confidence.

Guo et al. 2017, "On calibration of modern neural networks": p = softmax(logits / T), with T minimising the negative
log-likelihood of held-out listings. It never changes the most likely category.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from models.arrays import Doubles, Floats, Integers
from models.decision.calibration import log_softmax

TEMPERATURE_RANGE = (0.05, 20.0)
"""Bounds of T, well inside what `models.decision.calibration.EvidenceCalibration` takes."""
PRIOR = 1.0
"""Weight in nats of log(T)**2 / 2, as if log T were drawn from N(0, 1). A dozen listings that are all predicted
right would otherwise send T to 0 and every confidence to 1; among hundreds of listings it moves T by less than a
percent."""
SMALLEST = 1e-9
"""Lower bound of the probability that a prediction is wrong."""


def calibrated(logits: Floats, temperature: float) -> Floats:
    """Log-probabilities [N, C] of logits [N, C] at a temperature, bit for bit as `Predictor` computes them."""
    return log_softmax(logits / np.float32(temperature))


def negative_log_likelihood(log_probabilities: Floats, labels: Integers) -> float:
    """Mean over N listings, in nats, of log-probabilities [N, C] and class indices [N]; N is at least 1."""
    return float(-log_probabilities[np.arange(len(labels)), labels].mean(dtype=np.float64))


def doubtful_log_loss(log_probabilities: Floats, labels: Integers, certainty: Doubles) -> float:
    """Mean log loss, in nats, of "the label is right", for labels that are right with probability `certainty` [N].

    With certain labels it is `negative_log_likelihood`. The category that a wrong label should have been plays no part,
    and a label is as doubtful where the network agrees with it as elsewhere: this is right for labels made by models
    that see what the network sees, and for others on the safe side. Correcting for labels that are wrong at random
    (Patrini et al. 2017) would make text networks more confident of votes, which true labels contradict.
    """
    right = log_probabilities[np.arange(len(labels)), labels].astype(np.float64)
    wrong = np.log(np.maximum(-np.expm1(right), SMALLEST))
    return float(-(certainty * right + (1 - certainty) * wrong).mean())


def fit_temperature(logits: Floats, labels: Integers, certainty: Doubles | None = None) -> float:
    """The temperature for logits (or log-probabilities) [N, C] and class indices [N]; 1.0 when N is 0.

    `certainty` [N] is the probability that a label is right, by default 1.
    """
    if not len(labels):
        return 1.0
    certain = np.ones(len(labels)) if certainty is None else certainty

    def loss(log_temperature: float) -> float:
        nll = doubtful_log_loss(calibrated(logits, np.exp(log_temperature)), labels, certain)
        return nll + PRIOR * log_temperature**2 / (2 * len(labels))

    low, high = np.log(TEMPERATURE_RANGE)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4}).x))
