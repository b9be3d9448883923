"""Fitting thresholds from which listings are filed without a human, and the floors of prediction sets.

A confidence is good enough for a precision when the one-sided Clopper-Pearson lower bound, at level
`BOUND_CONFIDENCE`, of the precision of the calibration listings with at least that confidence reaches the
precision. Looking for the lowest such confidence tests many, which a bound for one does not allow: the best of many
lucky ones is too good. So they are tested by fixed-sequence testing (Angelopoulos et al. 2021, "Learn then test"):
from high confidence downwards, in an order fixed before any label is looked at, stopping at the first failure. All
that passed then hold together with probability 0.90, with no correction for their number.

The sequence may depend on the confidences, since the test is valid whatever they are: given them, the number of
right predictions is a sum of independent coin flips, whose tail is at most that of the binomial with the same mean
(Hoeffding 1956). It starts where passing is most probable if the confidences are right. Starting at the top would
lose everything to one early error: 0.95 cannot be shown with fewer than 45 listings, all of them right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import bdtrin, betaincinv, pdtr

from models.arrays import Doubles, Floats, Integers, Mask, Positions

Thresholds = list[float | None]

BOUND_CONFIDENCE = 0.90
"""A threshold keeps its promise in 9 of 10 runs, and falls short by little in the tenth (the bound's slack is a
fraction of a point with thousands of listings). 0.99 would ask for twice as many listings (90 instead of 45 without
error for 0.95) and send many more to review; at 0.5 every second version would break its word."""
SMALLEST = 1e-9
STEP = 1.05
"""Each test takes in 5 % more listings than the one before. Smaller steps stop sooner at a chance run of errors
than they gain; larger ones overshoot the lowest confidence that holds."""
MOST_LISTINGS = 1e7
"""Nobody has more listings to calibrate on."""
CLASS_ERRORS = 10
"""A class may have a threshold of its own when the precision could be shown from its predicted listings in spite of
this many errors among them: for 0.90, 0.95 and 0.99 from 152, 306 and 1,538 listings on. With fewer, chance decides
(docs/decisions/0029)."""


@dataclass(frozen=True)
class ThresholdTable:
    """Thresholds for each precision, None where no confidence holds it.

    `pooled` is for every class that `by_class` (keyed by class index) does not name. No list descends: more
    precision never asks for less confidence.
    """

    pooled: Thresholds
    by_class: dict[int, Thresholds]


def precision_bound(right: Integers | Doubles, listings: Integers | Doubles) -> Doubles:
    """Clopper-Pearson lower bounds of precisions, one-sided at level 0.90, of `right` among `listings` (at least 1).

    `right` may be fractional: an expected number, which varies less than a counted one.
    """
    bounds = betaincinv(np.maximum(right, SMALLEST), listings - right + 1, 1 - BOUND_CONFIDENCE)
    return np.where(right > 0, bounds, 0.0)


def listings_needed(precision: float, errors: Integers) -> Integers:
    """The number of predicted listings that show `precision` in spite of so many errors among them."""
    exact = bdtrin(errors.astype(np.float64), 1 - BOUND_CONFIDENCE, 1 - precision)
    return np.asarray(np.ceil(exact - 1e-9), np.int64)


def listings_for(confidences: Floats, right: Doubles, precision: float) -> int | None:
    """How many listings like these N would show `precision` for some of them; None where no number would.

    Each number of the most certain listings has an error rate, at which so many of them would show the precision;
    among more listings the same share is as certain. `confidences` and `right` [N] as for `lowest_confidence`.
    """
    fewest = min(int(listings_needed(precision, np.array([0]))[0]), len(right))
    certain = np.arange(fewest, len(right) + 1)
    shares = np.cumsum(right[np.argsort(-confidences, kind="stable")])[fewest - 1 :] / certain
    open_ = (shares > precision) & (precision_bound(shares * certain, certain) < precision)
    if not open_.any():
        return None
    certain, shares = certain[open_], shares[open_]
    low, high = certain.astype(np.float64), np.full(len(certain), MOST_LISTINGS)
    while (high - low > 1).any():
        middle = np.ceil((low + high) / 2)
        holds = precision_bound(shares * middle, middle) >= precision
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return math.ceil(float((high / certain).min()) * len(right)) if high.min() < MOST_LISTINGS else None


def lowest_confidence(confidences: Floats, right: Mask | Doubles, precision: float) -> float:
    """The lowest tested confidence that holds `precision`; infinite when none does.

    Of N listings, `confidences` are the predicted categories' probabilities and `right` says whether they are the
    labels, or how probable that is.
    """
    order = np.argsort(-confidences, kind="stable")
    descending = confidences[order]
    ranks = _sequence(descending, precision)
    if not len(ranks):
        return np.inf
    tested = descending[ranks - 1]
    listings = np.searchsorted(-descending, -tested, side="right")  # all that share the tested confidence
    right_above = np.cumsum(right[order], dtype=np.float64)[listings - 1]
    passed = precision_bound(right_above, listings) >= precision
    held = len(passed) if passed.all() else int(passed.argmin())
    return float(tested[held - 1]) if held else np.inf


def threshold_table(
    probabilities: Floats, labels: Integers, precisions: Sequence[float], certainty: Doubles | None = None
) -> ThresholdTable:
    """Thresholds for ascending `precisions` from calibrated probabilities [N, C] and class indices [N].

    `certainty` [N] is the probability that a label is right, by default 1: a predicted category that is the label
    counts as so much of a right one, any other as wrong.

    For each precision, the classes with enough predicted listings are tested alone. Those that hold it at some
    confidence get that threshold; the others share one, fitted on their listings only. So the accepted listings fall
    into groups that each keep the promise, and together, as the weighted mean of their precisions, they keep it more
    surely still. A class that joins the others because it failed can only make their listings look worse than they are.

    Classes that were never predicted, when no others remain, get the highest threshold of all: listings filed under
    them are too rare to matter.

    No threshold is lower than that of a laxer precision. This matters where a stricter precision puts a class back
    among the others: their confidence may be lower than what the class was found to need, and the higher one stays.
    """
    predicted = probabilities.argmax(1)
    confidences = probabilities.max(1)
    right = np.where(predicted == labels, 1.0 if certainty is None else certainty, 0.0)
    classes = probabilities.shape[1]
    pooled = np.empty(len(precisions))
    by_class = np.empty((len(precisions), classes))
    for row, precision in enumerate(precisions):
        alone = _thresholds_alone(predicted, confidences, right, precision)
        shared = ~np.isin(predicted, list(alone))
        if shared.any() or not alone:
            pooled[row] = lowest_confidence(confidences[shared], right[shared], precision)
        else:
            pooled[row] = max(alone.values())
        by_class[row] = pooled[row]
        by_class[row, list(alone)] = list(alone.values())
    np.maximum.accumulate(pooled, out=pooled)
    np.maximum.accumulate(by_class, axis=0, out=by_class)
    apart = np.flatnonzero((by_class != pooled[:, None]).any(0))
    return ThresholdTable(_listed(pooled), {int(label): _listed(by_class[:, label]) for label in apart})


def _sequence(descending: Floats, precision: float) -> Integers:
    """Numbers of listings, ascending, at which the confidences [N] are tested: chosen without a look at any label."""
    errors = np.arange(int((1 - precision) * len(descending)) + 2)
    needed = listings_needed(precision, errors)
    possible = needed <= len(descending)
    if not possible.any():
        return np.empty(0, np.int64)
    errors, needed = errors[possible], needed[possible]
    expected = np.cumsum(1.0 - descending.astype(np.float64))[needed - 1]
    ranks = [int(needed[np.argmax(pdtr(errors, expected))])]  # the errors are about Poisson distributed
    while ranks[-1] < len(descending):
        ranks.append(min(len(descending), max(ranks[-1] + 1, int(ranks[-1] * STEP))))
    return np.array(ranks, np.int64)


def _thresholds_alone(predicted: Positions, confidences: Floats, right: Doubles, precision: float) -> dict[int, float]:
    """The thresholds of classes that can stand alone, less those of the least predicted ones that the others need to be
    enough for a test as well.
    """
    needed = int(listings_needed(precision, np.array([CLASS_ERRORS]))[0])
    labels, counts = np.unique(predicted, return_counts=True)
    alone: dict[int, float] = {}
    for label in labels[np.argsort(counts, kind="stable")][np.sort(counts) >= needed]:
        rows = predicted == label
        threshold = lowest_confidence(confidences[rows], right[rows], precision)
        if np.isfinite(threshold):
            alone[int(label)] = threshold
    others = len(predicted) - int(np.isin(predicted, list(alone)).sum())
    while alone and 0 < others < needed:
        smallest = next(iter(alone))
        del alone[smallest]
        others += int((predicted == smallest).sum())
    return alone


def _listed(thresholds: Doubles) -> Thresholds:
    return [float(threshold) if np.isfinite(threshold) else None for threshold in thresholds]


CLASS_MISSES = 3
"""A category may have a floor of its own from so many listings on that the promise lets this many of them be missed: 60
for a coverage of 0.95. With the bare minimum of 19 the floor would be the lowest probability seen, which is chance."""


@dataclass(frozen=True)
class SetFloors:
    """`pooled` is for every class that `by_class` (keyed by class index) does not name."""

    pooled: float
    by_class: dict[int, float]


def set_floors(probabilities: Floats, labels: Integers, coverage: float) -> SetFloors:
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


def prediction_set_floor(probabilities: Floats, labels: Integers, coverage: float) -> float:
    """The probability from which a category joins the prediction set, so that sets hold the label with `coverage`.

    Of N listings, the ceil((N + 1) coverage)-th largest probability of the label; 0, so every category, when N is too
    small. The promise is for the mean over calibrations and unseen listings.
    """
    rank = math.ceil((len(labels) + 1) * coverage - 1e-9)
    if rank > len(labels):
        return 0.0
    of_labels = probabilities[np.arange(len(labels)), labels]
    return float(np.sort(of_labels)[len(labels) - rank])


def fit_decisions(
    probabilities: Floats,
    labels: Integers,
    acceptable: Mask,
    precisions: Sequence[float],
    codes: Sequence[str],
    coverage: float,
    certainty: Doubles | None = None,
) -> dict[str, Any]:
    """The fields of an `EvidenceCalibration` that decide: thresholds and set floors, pooled and by category code.

    From calibrated probabilities [N, C], class indices [N] and their `certainty` [N]; thresholds are fitted on the
    listings that are `acceptable` [N] at all.
    """
    believed = None if certainty is None else certainty[acceptable]
    table = threshold_table(probabilities[acceptable], labels[acceptable], precisions, believed)
    floors = set_floors(probabilities, labels, coverage)
    return {
        "thresholds": table.pooled,
        "class_thresholds": {codes[label]: values for label, values in table.by_class.items()},
        "set_floor": floors.pooled,
        "class_floors": {codes[label]: floor for label, floor in floors.by_class.items()},
    }
