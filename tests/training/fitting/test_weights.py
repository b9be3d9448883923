from __future__ import annotations

import numpy as np
import pytest

from training.fitting.weights import class_weights

LABELS = np.array([0] * 8 + [1] * 2 + [2])
TRAIN = np.array([True] * 10 + [False])


def test_without_power_all_rows_count_the_same() -> None:
    np.testing.assert_array_equal(class_weights(LABELS, TRAIN, 0.0), np.ones(11))


def test_at_power_one_all_categories_count_the_same() -> None:
    factors = class_weights(LABELS, TRAIN, 1.0)
    assert factors[:8].sum() == pytest.approx(factors[8:10].sum())
    assert factors[TRAIN].mean() == pytest.approx(1)


def test_at_a_half_rare_categories_count_the_root_of_their_rarity_more() -> None:
    factors = class_weights(LABELS, TRAIN, 0.5)
    assert factors[8] / factors[0] == pytest.approx(2)


def test_without_training_rows_nothing_is_weighed() -> None:
    np.testing.assert_array_equal(class_weights(LABELS, np.zeros(11, bool), 1.0), np.ones(11))
