from __future__ import annotations

import numpy as np

from models.decision.calibration import log_softmax
from models.decision.fusion import Fusion
from training.calibration.calibrate import NO_DONOR, nearest_donors, nearest_other_listings


def test_the_donor_is_of_the_category_and_the_most_alike() -> None:
    text = np.log(np.float32([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]))
    donors = np.log(np.float32([[0.85, 0.15], [0.45, 0.55], [0.1, 0.9], [0.9, 0.1]]))
    found = nearest_donors(text, np.array([0, 0, 2]), donors, np.array([0, 0, 1, 1]))
    assert found.tolist() == [0, 1, NO_DONOR]


def test_no_listing_is_its_own_donor() -> None:
    text = np.log(np.float32([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]))
    assert nearest_other_listings(text, np.array([0, 0, 1])).tolist() == [1, 0, NO_DONOR]


def test_the_nearest_donor_keeps_hard_listings_hard() -> None:
    """Some listings are vague in text and photo alike: a photo of any other of the category would flatter fusion."""
    rng = np.random.default_rng(0)
    listings, classes = 4000, 5
    labels = rng.integers(0, classes, listings)
    clarity = rng.choice([0.2, 3.0], listings)[:, None]
    text, photo = (
        log_softmax((clarity * np.eye(classes)[labels] * 2 + rng.normal(0, 1, (listings, classes))).astype(np.float32))
        for _ in range(2)
    )
    fusion = Fusion("weighted", *(np.full(classes, weight, np.float32) for weight in (1, 1, 0)))

    def accuracy(donors: np.ndarray) -> float:
        return float((fusion.fuse(text, photo[donors]).argmax(1) == labels).mean())

    anyone = np.arange(listings)
    for label in range(classes):
        anyone[labels == label] = rng.permutation(anyone[labels == label])
    own, nearest, random = (
        accuracy(np.arange(listings)),
        accuracy(nearest_other_listings(text, labels)),
        accuracy(anyone),
    )
    assert abs(nearest - own) < 0.03
    assert random > own + 0.06
