from __future__ import annotations

import numpy as np
import pytest

from models.arrays import Floats
from models.decision.fusion import Fusion, Method
from tests.training.synthetic_logits import posterior_logits
from training.calibration.fusion import FittedFusion, fit_fusion
from training.calibration.temperature import calibrated, negative_log_likelihood

Signal = float | np.ndarray


def evidence(
    seed: int, listings: int, classes: int, text: Signal = 2.5, image: Signal = 1.5
) -> tuple[Floats, Floats, np.ndarray]:
    """Exactly calibrated log-probabilities of two networks that err independently, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, listings)
    log_text, log_image = (calibrated(posterior_logits(rng, labels, classes, signal), 1.0) for signal in (text, image))
    return log_text, log_image, labels


def accuracy(scores: Floats, labels: np.ndarray) -> float:
    return float((scores.argmax(1) == labels).mean())


def fit(*data: np.ndarray, seed: int = 7) -> FittedFusion:
    return fit_fusion(*data, method="weighted", seed=seed)


def test_independent_networks_are_simply_multiplied() -> None:
    """Bayes: p(c | both) is proportional to p(c | text) p(c | image) for equally frequent classes: so weights are 1."""
    fitted = fit(*evidence(1, 4000, 5))
    np.testing.assert_allclose([fitted.fusion.text, fitted.fusion.image], 1.0, atol=0.25)
    np.testing.assert_allclose([fitted.fusion.text.mean(), fitted.fusion.image.mean()], 1.0, atol=0.08)
    np.testing.assert_allclose(fitted.fusion.bias, 0.0, atol=0.3)


def test_fused_beats_both_networks_and_the_mean_on_unseen_listings() -> None:
    fusion = fit(*evidence(2, 1500, 8)).fusion
    log_text, log_image, labels = evidence(3, 8000, 8)
    fused = accuracy(fusion.fuse(log_text, log_image), labels)
    assert fused > max(accuracy(log_text, labels), accuracy(log_image, labels)) + 0.03
    assert fused > accuracy(Fusion.mean(8).fuse(log_text, log_image), labels)


def test_cross_fitted_answers_say_what_unseen_listings_will_show() -> None:
    data = evidence(4, 1200, 8)
    fitted = fit(*data)
    log_text, log_image, labels = evidence(5, 20_000, 8)
    unseen = fitted.fusion.fuse(log_text, log_image)
    assert accuracy(fitted.cross_fitted, data[2]) == pytest.approx(accuracy(unseen, labels), abs=0.02)
    cross_fitted = negative_log_likelihood(fitted.cross_fitted, data[2])
    assert cross_fitted > negative_log_likelihood(fitted.fusion.fuse(*data[:2]), data[2]), "it has seen its own answers"


@pytest.mark.parametrize("knows", ["nothing", "the contrary"])
def test_a_network_that_knows_nothing_or_the_contrary_gets_no_say(knows: str) -> None:
    log_text, log_image, labels = evidence(7, 2000, 6)
    noise = np.random.default_rng(8).normal(size=log_text.shape).astype(np.float32) * 3
    fitted = fit(log_text, calibrated(noise if knows == "nothing" else -log_image, 1.0), labels)
    assert (fitted.fusion.text >= 0).all()
    assert 0 <= fitted.fusion.image.min() <= fitted.fusion.image.max() < 0.1
    assert accuracy(fitted.cross_fitted, labels) == pytest.approx(accuracy(log_text, labels), abs=0.01)


def test_weights_follow_what_each_network_knows_of_a_class() -> None:
    """The photo's logits are as wide for all classes, and mean something for the first half of them only."""
    classes = 6
    rng = np.random.default_rng(10)
    labels = rng.integers(0, classes, 3000)
    log_text = calibrated(posterior_logits(rng, labels, classes, 1.5), 1.0)
    logits = posterior_logits(rng, labels, classes, 2.5)
    logits[:, 3:] = rng.permutation(logits[:, 3:])
    fitted = fit(log_text, calibrated(logits, 1.0), labels)
    assert fitted.shrinkage is not None
    assert fitted.fusion.image[:3].min() > fitted.fusion.image[3:].max() + 0.1


def test_equal_classes_are_not_told_apart() -> None:
    """Cross-validation sees that weights per class would only fit chance."""
    shrunk = fit(*evidence(11, 120, 10))
    assert shrunk.shrinkage is None or shrunk.shrinkage >= 25
    assert np.ptp(shrunk.fusion.text) < 0.3


def test_few_listings_share_their_weights() -> None:
    fitted = fit(*evidence(12, 39, 4))
    assert fitted.shrinkage is None
    assert np.ptp(fitted.fusion.text) == np.ptp(fitted.fusion.image) == 0
    assert not fitted.fusion.bias.any()


def test_a_dozen_separable_listings_keep_weights_finite() -> None:
    labels = np.arange(12) % 3  # of 4 classes
    sure = calibrated(20 * np.eye(4, dtype=np.float32)[labels], 1.0)
    fitted = fit(sure, sure, labels)
    assert fitted.fusion.text.max() < 3
    assert np.isfinite(fitted.cross_fitted).all()


@pytest.mark.parametrize(("method", "listings"), [("weighted", 4), ("mean", 500)])
def test_the_mean_fits_nothing_and_is_taken_for_fewer_than_five_listings(method: Method, listings: int) -> None:
    log_text, log_image, labels = evidence(13, listings, 4)
    fitted = fit_fusion(log_text, log_image, labels, method=method, seed=1)
    assert fitted.fusion.method == "mean"
    np.testing.assert_array_equal(fitted.cross_fitted, Fusion.mean(4).fuse(log_text, log_image))


def test_the_seed_decides_all() -> None:
    data = evidence(15, 300, 4)
    first, second, other = fit(*data), fit(*data), fit(*data, seed=8)
    np.testing.assert_array_equal(first.fusion.text, second.fusion.text)
    np.testing.assert_array_equal(first.cross_fitted, second.cross_fitted)
    assert (first.cross_fitted != other.cross_fitted).any(), "other folds"
