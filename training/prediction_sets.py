"""Floors of prediction sets: from which probability on a category belongs to the answer's set.

Split conformal prediction (Sadinle et al. 2019). One floor for all keeps the promise over all listings, and can break
it for a hard category that easy ones make up for. So every category with enough calibration listings gets a floor
from the listings that truly belong to it (label-conditional, or Mondrian, conformal prediction: Vovk 2012): of its
listings the promised share has it in their set. Conditioning on the predicted category instead would promise something
about answers; but what is owed is that listings of a rare category are not the ones that are lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

CLASS_MISSES = 3
"""A category may have a floor of its own from so many listings on that the promise lets this many of them be missed: 60
for a coverage of 0.95. With the bare minimum of 19 the floor would be the lowest probability seen, which is chance."""


@dataclass(frozen=True)
class SetFloors:
    """`pooled` is for every class that `by_class` (keyed by class index) does not name."""

    pooled: float
    by_class: dict[int, float]

    def of_classes(self, classes: int) -> NDArray[np.float32]:
        """The floor of each class, float32 [C]."""
        return np.array([self.by_class.get(label, self.pooled) for label in range(classes)], np.float32)


def set_floors(probabilities: Floats, labels: Labels, coverage: float) -> SetFloors:
    """Floors from calibrated probabilities [N, C] and class indices [N].

    The classes without a floor of their own share one, from their listings; from all when those are too few.
    """
    needed = math.ceil(CLASS_MISSES / (1 - coverage) - 1e-9)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    by_class = {}
    for label in np.flatnonzero(counts >= needed):
        own = labels == label
        by_class[int(label)] = prediction_set_floor(probabilities[own], labels[own], coverage)
    others = ~np.isin(labels, list(by_class))
    if others.sum() < needed:
        others = np.ones(len(labels), bool)
    return SetFloors(prediction_set_floor(probabilities[others], labels[others], coverage), by_class)


def prediction_set_floor(probabilities: Floats, labels: Labels, coverage: float) -> float:
    """The probability from which a category joins the prediction set, so that sets hold the label with `coverage`.

    Of N listings, the ceil((N + 1) coverage)-th largest probability of the label; 0, so every category, when N is too
    small. The promise is for the mean over calibrations and unseen listings.
    """
    rank = math.ceil((len(labels) + 1) * coverage - 1e-9)
    if rank > len(labels):
        return 0.0
    of_labels = probabilities[np.arange(len(labels)), labels]
    return float(np.sort(of_labels)[len(labels) - rank])
