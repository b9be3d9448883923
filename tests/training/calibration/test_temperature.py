from __future__ import annotations

import numpy as np
import pytest

from tests.training.synthetic_logits import posterior_logits
from training.calibration.temperature import TEMPERATURE_RANGE, fit_temperature


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_the_temperature_is_recovered(truth: float) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, 6000)
    assert fit_temperature(posterior_logits(rng, labels, 10, 2.0, truth), labels) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("right", [True, False])
def test_a_dozen_listings_cannot_make_confidence_absolute(right: bool) -> None:
    labels = np.arange(12) % 4
    logits = 5 * np.eye(4, dtype=np.float32)[labels if right else (labels + 1) % 4]
    fitted = fit_temperature(logits, labels)
    assert TEMPERATURE_RANGE[0] * 2 < fitted < TEMPERATURE_RANGE[1] / 2
    assert (fitted < 1) == right


def test_without_listings_nothing_is_scaled() -> None:
    assert fit_temperature(np.empty((0, 4), np.float32), np.empty(0, np.int64)) == 1.0
