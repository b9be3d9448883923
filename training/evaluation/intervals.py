"""Figures with their 95 % intervals: shares by Clopper-Pearson, F1 by the bootstrap."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from scipy.stats import beta

from models.arrays import Doubles, Integers

LEVEL = 0.95
"""Coverage of all intervals."""
RESAMPLES = 1000


class Estimate(TypedDict):
    """A figure in 0..1 with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def share_estimate(successes: int, total: int) -> Estimate:
    """`successes` of `total` (at least 1) with the Clopper-Pearson interval."""
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, successes, total - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, total - successes)) if successes < total else 1.0
    return {"value": successes / total, "low": low, "high": high}


def f1_estimates(confusion: Integers, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Weighted and macro F1 of a confusion matrix with at least one listing, with seeded bootstrap intervals.

    Drawing N listings with replacement is drawing the matrix's cells from a multinomial, so no resample touches the
    listings. Each resample's macro F1 is over the classes that occur in it. That leaves a class of few listings out of
    many resamples, hence intervals are widened to hold the value.
    """
    true, predicted = np.nonzero(confusion)
    counts = confusion[true, predicted]
    draws = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    sampled = np.concatenate([counts[None], draws])
    support = _sums(sampled, true, len(confusion))
    weighted, macro = _f1(
        hits=_sums(np.where(true == predicted, sampled, 0), true, len(confusion)),
        support=support,
        predicted=_sums(sampled, predicted, len(confusion)),
    )
    return _percentile(weighted), _percentile(macro)


def _sums(draws: Integers, classes: Integers, count: int) -> Integers:
    """Draws [R, K] of cells summed by the cells' classes [K]: [R, count]."""
    order = np.argsort(classes, kind="stable")
    present, starts = np.unique(classes[order], return_index=True)
    result = np.zeros((len(draws), count), np.int64)
    result[:, present] = np.add.reduceat(draws[:, order], starts, axis=1)
    return result


def _f1(hits: Integers, support: Integers, predicted: Integers) -> tuple[Doubles, Doubles]:
    """Weighted and macro F1 [R] of counts [R, C]."""
    scores = 2 * hits / np.maximum(support + predicted, 1)
    occurring = support > 0
    weighted = (scores * support).sum(1) / support.sum(1)
    return weighted, (scores * occurring).sum(1) / occurring.sum(1)


def _percentile(values: Doubles) -> Estimate:
    """The first of `values` with the percentile interval of the others."""
    value = float(values[0])
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": value, "low": min(value, float(low)), "high": max(value, float(high))}
