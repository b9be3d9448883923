from __future__ import annotations

import numpy as np
import pytest

from models.decision.calibration import UNCHANGED, reshaped
from tests.training.synthetic_logits import posterior_logits
from training.calibration.confidence import SHAPE_LISTINGS, fit_confidence, fit_shape, probably_right
from training.calibration.temperature import calibrated, fit_temperature, negative_log_likelihood
from training.evaluation.metrics import expected_calibration_error

CLASSES = 5


def drawn(seed: int, listings: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact posteriors as log-probabilities, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, listings)
    return calibrated(posterior_logits(rng, labels, CLASSES, 2.0), 1.0), labels


def test_a_bent_curve_is_straightened_where_a_temperature_cannot() -> None:
    exact, labels = drawn(1, 6000)
    bent = reshaped(exact, (0.4, 1.5, 0.3))
    fitted = fit_confidence(bent, labels, 7)
    assert fitted.shape != UNCHANGED
    scaled, shaped = (expected_calibration_error(labels, np.exp(v)) for v in (fitted.scaled, fitted.cross_fitted))
    assert shaped < 0.6 * scaled
    assert (fitted.cross_fitted.argmax(1) == bent.argmax(1)).all()


def test_exact_probabilities_stay_as_they_are() -> None:
    exact, labels = drawn(2, 6000)
    fitted = fit_confidence(exact, labels, 7)
    assert fitted.temperature == pytest.approx(1, abs=0.06)
    served = exact if fitted.shape == UNCHANGED else reshaped(exact, fitted.shape)
    assert np.abs(np.exp(served) - np.exp(exact)).max() < 0.06


def test_few_listings_get_a_temperature_alone() -> None:
    exact, labels = drawn(3, SHAPE_LISTINGS - 1)
    assert fit_confidence(reshaped(exact, (0.3, 2.0, 0.0)), labels, 7).shape == UNCHANGED


def test_votes_of_models_that_see_the_same_do_not_make_the_network_surer() -> None:
    """The votes are what the text says best, so the network agrees with all: their doubt tells how often they err."""
    exact, labels = drawn(4, 8000)
    votes = exact.argmax(1)
    doubt = np.full(len(labels), (votes == labels).mean())
    believed, doubted = fit_temperature(exact, votes), fit_temperature(exact, votes, doubt)
    at_word, with_doubt = (negative_log_likelihood(calibrated(exact, t), labels) for t in (believed, doubted))
    assert with_doubt < 0.75
    assert at_word > 2 * with_doubt


def test_what_is_probably_right_adds_up() -> None:
    probabilities = np.float32([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]])
    right = probably_right(np.log(probabilities), np.array([0, 1]), np.array([0.9, 0.9]))
    assert right == pytest.approx([0.9, 0.1 * 0.6 / 0.7], abs=1e-6)
    np.testing.assert_array_equal(probably_right(np.log(probabilities), np.array([0, 1]), np.ones(2)), [1, 0])


def test_the_shape_of_no_evidence_is_the_prior() -> None:
    flat = np.full((40, 2), np.log(0.5), np.float32)
    assert fit_shape(flat, np.arange(40) % 2, np.ones(40)) == pytest.approx(UNCHANGED, abs=1e-3)
