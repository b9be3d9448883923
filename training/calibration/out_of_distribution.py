"""Fitting the score below which a listing is unfamiliar: probably of none of the categories.

The score is the energy of the logits, each modality's divided by its standard deviation; it separates best of what was
measured (docs/decisions/0026). No out-of-catalogue listing is needed: the threshold leaves a stated share of the
calibration listings below it. These false alarms cost little, as listings of low energy are sent to review anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.arrays import Doubles, Floats
from models.decision.calibration import Familiarity, energy
from models.listing import Modality
from training.config.run import FALSE_ALARMS


def fit_familiarity(
    logits: Mapping[Modality, Floats], right: Doubles, false_alarms: float = FALSE_ALARMS
) -> Familiarity | None:
    """Fit on the raw logits [N, C] of each modality of N listings, and how probably each answer is `right` [N].

    A new listing like these is called unfamiliar with a probability of at most `false_alarms` (a conformal p-value:
    Bates et al. 2023, "Testing for outliers with conformal p-values"). None when N is too small for that.
    """
    rank = int(false_alarms * (len(right) + 1))
    spreads = {modality: float(energy(values).std(dtype=np.float64)) for modality, values in logits.items()}
    if rank < 1 or not all(spread > 0 for spread in spreads.values()):
        return None
    scales = {modality: 1 / spread for modality, spread in spreads.items()}
    scores = familiarity_scores(scales, logits)
    threshold = float(np.sort(scores)[rank - 1])
    below = scores < threshold
    confidence = _succession(float(right[below].sum()), int(below.sum()))
    return Familiarity(scales=scales, threshold=threshold, false_alarms=float(below.mean()), confidence=confidence)


def pooled_confidence(*fits: tuple[Familiarity, int]) -> float:
    """The `confidence` of several fits as if they were one; each comes with its number of listings."""
    below = [fitted.false_alarms * listings for fitted, listings in fits]
    right = [fitted.confidence * (n + 2) - 1 for (fitted, _), n in zip(fits, below, strict=True)]
    return _succession(sum(right), sum(below))


def _succession(right: float, total: float) -> float:
    """Laplace's rule of succession: a handful of listings, none of them right, does not make it impossible."""
    return (right + 1) / (total + 2)


def familiarity_scores(scales: Mapping[Modality, float], logits: Mapping[Modality, Floats]) -> Doubles:
    """Scores float64 [N] of raw logits [N, C] of each modality, as `Familiarity.unfamiliar` computes them."""
    parts = [scale * energy(logits[modality]).astype(np.float64) for modality, scale in scales.items()]
    return np.asarray(np.sum(parts, axis=0), np.float64)
