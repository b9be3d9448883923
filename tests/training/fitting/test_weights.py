from __future__ import annotations

import numpy as np
import pytest

from training.fitting.weights import class_weights, fit_ensemble_weights

LABELS = np.array([0] * 8 + [1] * 2 + [2])
TRAIN = np.array([True] * 10 + [False])


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 1), (0.5, 2), (1.0, 4)])
def test_rare_classes_weigh_by_the_power_of_their_rarity(power: float, ratio: float) -> None:
    factors = class_weights(LABELS, TRAIN, power)
    assert factors[8] / factors[0] == pytest.approx(ratio)
    assert factors[TRAIN].mean() == pytest.approx(1)
    np.testing.assert_array_equal(class_weights(LABELS, np.zeros(11, bool), power), np.ones(11))


def test_ensemble_weights_explain_the_labels_best() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    signal = 2 * np.eye(3)[truth] + random.normal(size=(600, 3))
    noise = random.normal(size=(600, 3))
    ones = np.ones(600, np.float32)
    stack = np.stack([signal, noise, signal[:, ::-1]]).astype(np.float32)
    fitted = fit_ensemble_weights(stack, truth, ones)
    assert fitted.shape == (3,)
    assert fitted[0] > 1
    assert fitted[1] < 0.1
    assert fitted[2] >= 0

    def loss(weights: np.ndarray) -> float:
        total = np.tensordot(weights, stack.astype(np.float64), 1)
        return float((np.log(np.exp(total).sum(1)) - total[np.arange(600), truth]).mean())

    assert all(loss(fitted) <= loss(np.maximum(fitted + step, 0)) + 1e-4 for step in 0.2 * np.eye(3))
    assert all(loss(fitted) <= loss(np.maximum(fitted - step, 0)) + 1e-4 for step in 0.2 * np.eye(3))


def test_rows_of_no_weight_do_not_move_the_ensemble() -> None:
    random = np.random.default_rng(1)
    logits, truth = random.normal(size=(2, 50, 3)).astype(np.float32), random.integers(0, 3, 50)
    weights = np.repeat(np.float32([1, 0]), 25)
    whole = fit_ensemble_weights(logits, truth, weights)
    np.testing.assert_allclose(whole, fit_ensemble_weights(logits[:, :25], truth[:25], weights[:25]), atol=1e-4)
    assert fit_ensemble_weights(logits[:, :0], truth[:0], weights[:0]).tolist() == [0.5, 0.5]
