"""Temperature scaling: one number per case that makes a network's confidence mean what it says.

Guo et al. 2017, "On calibration of modern neural networks": p = softmax(logits / T), with T minimising the negative
log-likelihood of held-out listings. It never changes which category is the most likely one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models.fusion import log_softmax

Floats = NDArray[np.float32]

TEMPERATURE_RANGE = (0.05, 20.0)
"""Where T is looked for; well inside what `models.calibration.CaseCalibration` takes."""
PRIOR = 1.0
"""Weight in nats of log(T)**2 / 2, as if log T were drawn from N(0, 1). A dozen listings that are all predicted
right would otherwise send T to 0 and every confidence to 1; among hundreds of listings it moves T by less than a
percent."""


def calibrated(logits: Floats, temperature: float) -> Floats:
    """Log-probabilities [N, C] of logits [N, C] at a temperature, bit for bit as `Predictor` computes them."""
    return log_softmax(logits / np.float32(temperature))


def negative_log_likelihood(log_probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over N listings, in nats, of log-probabilities [N, C] and class indices [N]; N is at least 1."""
    return float(-log_probabilities[np.arange(len(labels)), labels].mean(dtype=np.float64))


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature for logits (or log-probabilities) [N, C] and class indices [N]; 1.0 when N is 0."""
    if not len(labels):
        return 1.0

    def loss(log_temperature: float) -> float:
        nll = negative_log_likelihood(calibrated(logits, np.exp(log_temperature)), labels)
        return nll + PRIOR * log_temperature**2 / (2 * len(labels))

    low, high = np.log(TEMPERATURE_RANGE)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4}).x))
