from __future__ import annotations

import numpy as np
import pytest

from models.listing import Modality
from tests.training.synthetic_logits import posterior_logits
from training.calibration.out_of_distribution import familiarity_scores, fit_familiarity, pooled_confidence

CLASSES = 6


def drawn(seed: int, listings: int) -> tuple[dict[Modality, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, listings)
    logits = {
        modality: posterior_logits(rng, labels, CLASSES, signal) + np.float32(8)
        for modality, signal in ((Modality.TEXT, 3.0), (Modality.IMAGE, 2.0))
    }
    right = (logits[Modality.TEXT].argmax(1) == labels).astype(float)
    return logits, right


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_false_alarms_on_unseen_listings_are_as_promised(share: float) -> None:
    unseen, _ = drawn(99, 20_000)
    alarms = []
    for seed in range(40):
        fitted = fit_familiarity(*drawn(seed, 400), share)
        assert fitted is not None
        assert fitted.false_alarms <= share
        alarms.append((familiarity_scores(fitted.scales, unseen) < fitted.threshold).mean())
    assert share - 0.008 < np.mean(alarms) <= share + 0.003


def test_two_modalities_notice_more_than_one() -> None:
    logits, right = drawn(1, 3000)
    rng = np.random.default_rng(2)
    strange = {modality: rng.normal(6.3, 1, (2000, CLASSES)).astype(np.float32) for modality in Modality}
    noticed = []
    for used in ((Modality.TEXT,), (Modality.IMAGE,), tuple(Modality)):
        fitted = fit_familiarity({m: logits[m] for m in used}, right)
        assert fitted is not None
        noticed.append((familiarity_scores(fitted.scales, strange) < fitted.threshold).mean())
    assert noticed[2] > max(noticed[:2]) > 0.05


def test_the_predictor_judges_as_was_fitted() -> None:
    logits, right = drawn(3, 500)
    fitted = fit_familiarity(logits, right)
    assert fitted is not None
    said = [fitted.unfamiliar({m: values[row] for m, values in logits.items()}) for row in range(500)]
    assert sum(said) == round(fitted.false_alarms * 500) == 24
    below = np.array(said)
    assert fitted.confidence == pytest.approx((right[below].sum() + 1) / 26)


def test_too_few_listings_call_nothing_unfamiliar() -> None:
    logits, right = drawn(4, 18)
    assert fit_familiarity(logits, right, 0.05) is None
    constant = {Modality.TEXT: np.ones((100, 3), np.float32)}
    assert fit_familiarity(constant, np.ones(100)) is None


def test_confidences_pool_as_their_counts_do() -> None:
    logits, right = drawn(5, 400)
    fitted = fit_familiarity(logits, right)
    assert fitted is not None
    alone = fitted.confidence
    below = round(fitted.false_alarms * 400)
    hits = alone * (below + 2) - 1
    assert pooled_confidence((fitted, 400)) == pytest.approx(alone)
    assert pooled_confidence((fitted, 400), (fitted, 400)) == pytest.approx((2 * hits + 1) / (2 * below + 2))
