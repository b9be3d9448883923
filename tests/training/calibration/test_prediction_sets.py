from __future__ import annotations

import numpy as np

from training.calibration.thresholds import SetFloors, set_floors


def floor_of_classes(floors: SetFloors) -> np.ndarray:
    return np.array([floors.by_class.get(label, floors.pooled) for label in range(3)], np.float32)


def drawn(rng: np.random.Generator, listings: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes; the last one's listings look like the first's half of the time, and are rarer."""
    labels = rng.choice(3, listings, p=[0.6, 0.3, 0.1])
    seen = np.where((labels == 2) & (rng.random(listings) < 0.5), 0, labels)
    odds = np.exp(2.5 * np.eye(3)[seen] + rng.normal(0, 0.7, (listings, 3)))
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32), labels


def test_a_hard_class_keeps_its_coverage() -> None:
    probabilities, labels = drawn(np.random.default_rng(1), 3000)
    unseen, truth = drawn(np.random.default_rng(2), 30_000)
    floors = set_floors(probabilities, labels, 0.9)
    assert set(floors.by_class) == {0, 1, 2}
    members = unseen >= floor_of_classes(floors)
    held = members[np.arange(len(truth)), truth]
    for label in range(3):
        assert 0.86 < held[truth == label].mean() < 0.94
    assert members.sum(1).mean() < 2
    pooled = unseen[np.arange(len(truth)), truth] >= np.quantile(probabilities[np.arange(3000), labels], 0.1)
    assert pooled[truth == 2].mean() < 0.7, "one floor for all leaves the hard class out"


def test_classes_of_few_listings_share_a_floor() -> None:
    probabilities, labels = drawn(np.random.default_rng(3), 400)
    floors = set_floors(probabilities, labels, 0.95)
    counts = np.bincount(labels)
    assert set(floors.by_class) == set(np.flatnonzero(counts >= 60))
    assert 2 not in floors.by_class
    assert floor_of_classes(floors)[2] == np.float32(floors.pooled)
    assert floors.pooled > 0, "too few of its own, so the floor of all"


def test_too_few_listings_leave_every_category_in() -> None:
    assert set_floors(np.full((5, 2), 0.5, np.float32), np.zeros(5, np.int64), 0.95).pooled == 0
