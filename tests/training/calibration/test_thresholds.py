from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from models.arrays import Floats
from models.decision.calibration import PRECISIONS
from tests.training.synthetic_logits import posterior_logits
from training.calibration.thresholds import (
    CLASS_ERRORS,
    ThresholdTable,
    listings_for,
    listings_needed,
    lowest_confidence,
    precision_bound,
    threshold_table,
)

SEEDS = 50
PROMISED = 0.90 - 2 * np.sqrt(0.9 * 0.1 / SEEDS)  # what 50 seeds may show of a true share of 0.90, two deviations down


def thresholds_of(table: ThresholdTable, classes: int) -> np.ndarray:
    """[P, C], infinite where there is none."""
    rows = [table.by_class.get(label, table.pooled) for label in range(classes)]
    return np.array([[np.inf if value is None else value for value in row] for row in rows]).T


def exact(seed: int, listings: int, classes: int, signal: float | np.ndarray) -> tuple[Floats, np.ndarray]:
    """Exactly calibrated probabilities, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, listings)
    logits = posterior_logits(rng, labels, classes, signal).astype(np.float64)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32), labels


def test_the_bound_is_clopper_and_pearson() -> None:
    right, listings = np.array([0, 44, 45, 380, 950]), np.array([3, 44, 45, 400, 1000])
    expected = [0.0, *beta.ppf(0.1, right[1:], listings[1:] - right[1:] + 1)]
    np.testing.assert_allclose(precision_bound(right, listings), expected)
    assert precision_bound(np.array([44, 45]), np.array([44, 45])).round(4).tolist() == [0.949, 0.9501]


@given(st.sampled_from(PRECISIONS), st.integers(0, 300))
def test_the_listings_needed_are_just_enough(precision: float, errors: int) -> None:
    needed = listings_needed(precision, np.array([errors]))
    few = needed - 1
    assert precision_bound(needed - errors, needed)[0] >= precision - 1e-9
    assert precision_bound(few - errors, few)[0] < precision


@pytest.mark.parametrize(("listings", "signal"), [(150, 3.0), (1000, 2.5)])
def test_the_promise_holds_on_unseen_listings(listings: int, signal: float) -> None:
    classes = 6
    unseen, _ = exact(10_000, 40_000, classes, signal)
    confidences, predicted = unseen.max(1), unseen.argmax(1)
    kept, accepted = np.zeros(len(PRECISIONS)), np.zeros(len(PRECISIONS))
    for seed in range(SEEDS):
        limits = thresholds_of(threshold_table(*exact(seed, listings, classes, signal), PRECISIONS), classes)
        for row, precision in enumerate(PRECISIONS):
            taken = confidences[confidences >= limits[row, predicted]]
            # The probabilities are exact, so the mean confidence of what is accepted is its precision, without noise.
            kept[row] += not len(taken) or taken.mean(dtype=np.float64) >= precision
            accepted[row] += len(taken) / len(confidences)
    assert (kept / SEEDS >= PROMISED).all(), dict(zip(PRECISIONS, kept / SEEDS, strict=True))
    assert (accepted[:3] / SEEDS > 0.5).all(), "a threshold that accepts nothing keeps any promise"


def test_the_promise_holds_where_classes_differ() -> None:
    """A class that is often predicted wrongly must not live off the others."""
    classes, signal = 5, np.array([0.8, 3.0, 3.0, 3.0, 3.0])
    unseen, labels = exact(10_000, 60_000, classes, signal)
    weak = unseen.argmax(1) == 0
    row = PRECISIONS.index(0.90)
    precisions = []
    for seed in range(20):
        limits = thresholds_of(threshold_table(*exact(seed, 3000, classes, signal), PRECISIONS), classes)[row]
        taken = weak & (unseen.max(1) >= limits[0])
        precisions.append((labels[taken] == 0).mean() if taken.any() else 1.0)
        assert (limits[1:] < 0.8).all(), "good classes do not pay for the weak one"
    assert np.mean(np.array(precisions) >= 0.90) >= 0.75


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 800), st.integers(1, 8), st.floats(0, 3))
def test_more_precision_never_asks_for_less_confidence(seed: int, listings: int, classes: int, signal: float) -> None:
    table = threshold_table(*exact(seed, listings, classes, signal), PRECISIONS)
    limits = thresholds_of(table, classes)
    assert (limits[1:] >= limits[:-1]).all()
    assert all(len(row) == len(PRECISIONS) for row in (table.pooled, *table.by_class.values()))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.sampled_from(PRECISIONS))
def test_what_is_accepted_passes_the_bound_in_any_order(seed: int, listings: int, precision: float) -> None:
    rng = np.random.default_rng(seed)
    confidences = rng.beta(5, 1, listings).round(2).astype(np.float32)  # rounded: many are equal
    right = rng.random(listings) < confidences
    found = lowest_confidence(confidences, right, precision)
    if np.isfinite(found):
        taken = confidences >= found
        assert precision_bound(right[taken].sum(keepdims=True), taken.sum(keepdims=True))[0] >= precision
    order = rng.permutation(listings)
    assert lowest_confidence(confidences[order], right[order], precision) == found


@pytest.mark.parametrize(
    ("listings", "right", "precision", "threshold"),
    [(0, True, 0.8, np.inf), (44, True, 0.95, np.inf), (45, True, 0.95, 0.99), (900, False, 0.8, np.inf)],
)
def test_few_or_wrong_listings_promise_nothing(listings: int, right: bool, precision: float, threshold: float) -> None:
    confidences = np.full(listings, 0.99, np.float32)
    assert lowest_confidence(confidences, np.full(listings, right), precision) == pytest.approx(threshold)


def test_all_right_accepts_all() -> None:
    probabilities = np.full((600, 2), 0.4, np.float32)
    labels = np.arange(600) % 2
    probabilities[np.arange(600), labels] = 0.6
    table = threshold_table(probabilities, labels, PRECISIONS)
    assert table.pooled == pytest.approx([0.6] * len(PRECISIONS))
    assert table.by_class == {}


def test_one_early_error_does_not_cost_everything() -> None:
    confidences = np.linspace(1, 0.9, 1000, dtype=np.float32)
    right = np.ones(1000, bool)
    right[5] = False
    assert lowest_confidence(confidences, right, 0.95) == pytest.approx(0.9)


def test_testing_stops_at_the_first_failure() -> None:
    """Below a stretch of errors precision recovers, but looking on until something passes would be fishing for luck."""
    confidences = np.linspace(1, 0.99, 5500, dtype=np.float32)
    right = np.ones(5500, bool)
    right[400:500] = False
    assert precision_bound(right.sum(keepdims=True), np.array([5500]))[0] > 0.95
    assert confidences[450] < lowest_confidence(confidences, right, 0.95) < 1


def test_a_rare_class_is_not_promised_alone_but_with_others() -> None:
    """20 listings show no precision of 0.95, but together with those of the least predicted class they do."""
    counts = [20, 400, 500]
    labels = np.repeat(np.arange(3), counts)
    probabilities = np.full((len(labels), 3), 0.05, np.float32)
    probabilities[np.arange(len(labels)), labels] = 0.9
    position = PRECISIONS.index(0.95)
    assert listings_needed(0.95, np.array([CLASS_ERRORS]))[0] < 400
    table = threshold_table(probabilities, labels, PRECISIONS)
    assert table.pooled[position] == pytest.approx(0.9)
    alone = threshold_table(probabilities[labels == 0], labels[labels == 0], PRECISIONS)
    assert alone.pooled[position] is None


def test_so_many_listings_of_this_error_rate_show_the_precision() -> None:
    """3 % of all are wrong, wherever: 300 show 0.90, and 0.95 takes the smallest number whose bound reaches it."""
    right = np.ones(300)
    right[16::33] = 0
    confidences = np.linspace(0.99, 0.5, 300, dtype=np.float32)
    needed = listings_for(confidences, right, 0.95)
    assert needed is not None
    assert needed > 300
    shares = np.cumsum(right) / np.arange(1, 301)
    counts = np.ceil(np.arange(1, 301) * needed / 300)
    assert precision_bound(shares * counts, counts)[44:].max() >= 0.95
    counts = np.floor(np.arange(1, 301) * (needed - 40) / 300)
    fails = precision_bound(shares * np.maximum(counts, 1), np.maximum(counts, 1))[44:]
    already = precision_bound(np.cumsum(right), np.arange(1, 301))[44:] >= 0.95
    assert fails[~already].max() < 0.95


@pytest.mark.parametrize(("listings", "wrong"), [(300, 2), (20, 2)])
def test_no_number_of_listings_shows_a_precision_that_the_most_certain_miss(listings: int, wrong: int) -> None:
    right = np.ones(listings)
    right[::wrong] = 0
    assert listings_for(np.linspace(0.9, 0.1, listings, dtype=np.float32), right, 0.95) is None
