from __future__ import annotations

import numpy as np

from training.calibration.calibrate import NO_DONOR, nearest_donors, nearest_other_listings


def test_the_donor_is_of_the_category_and_the_most_alike() -> None:
    text = np.log(np.float32([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]))
    donors = np.log(np.float32([[0.85, 0.15], [0.45, 0.55], [0.1, 0.9], [0.9, 0.1]]))
    found = nearest_donors(text, np.array([0, 0, 2]), donors, np.array([0, 0, 1, 1]))
    assert found.tolist() == [0, 1, NO_DONOR]


def test_the_nearest_other_listing_of_the_category_is_the_donor_and_never_the_listing_itself() -> None:
    text = np.log(np.float32([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.2, 0.8], [0.55, 0.45]]))
    assert nearest_other_listings(text, np.array([0, 0, 0, 1, 0])).tolist() == [2, 4, 0, NO_DONOR, 1]
