from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decision.calibration import EvidenceCalibration
from models.listing import Evidence
from tests.training.synthetic_logits import labelled_logits
from training.calibration.fusion import fit_fusion
from training.calibration.temperature import negative_log_likelihood
from training.comparison.fusion_methods import compare_fusions, stack


def calibrated_at(temperature: float) -> EvidenceCalibration:
    return EvidenceCalibration(temperature=temperature, listings=0, thresholds=[], class_thresholds={}, set_floor=0)


CASES = {Evidence.TEXT: calibrated_at(2.0), Evidence.TITLE: calibrated_at(2.0), Evidence.IMAGE: calibrated_at(0.7)}
METHODS = ["text alone", "photo alone", "mean", "one weight per network", "weights per category", "stacking"]


def test_two_networks_that_err_independently_are_better_together() -> None:
    found = {each["name"]: each for each in compare_fusions(labelled_logits(1, 500, 5), CASES, seed=7)}
    assert list(found) == METHODS
    better = found["text alone"]["accuracy"]["value"]
    for name in METHODS[3:]:
        assert found[name]["accuracy"]["value"] > better + 0.02
        assert found[name]["nll"] < found["text alone"]["nll"]
        assert found[name]["classes"] == 5
        assert found[name]["classes_held"] >= 4
        assert found[name]["n"] == 500
    assert found["photo alone"]["classes_held"] < 5


def test_a_fusion_that_sees_no_label_it_is_judged_on_learns_nothing_from_noise() -> None:
    labelled = labelled_logits(2, 400, 4, text=0.0, image=0.0)
    for each in compare_fusions(labelled, CASES, seed=7):
        assert each["accuracy"]["value"] == pytest.approx(0.25, abs=0.07), each["name"]


def test_the_method_that_a_run_chooses_is_one_of_those_shown() -> None:
    labelled = labelled_logits(3, 300, 4)
    found = {
        each["name"]: each for each in compare_fusions(labelled, dict.fromkeys(Evidence, calibrated_at(1.0)), seed=7)
    }
    log_text, log_image = (
        logits - np.logaddexp.reduce(logits, 1)[:, None] for logits in (labelled.text, labelled.image)
    )
    chosen = fit_fusion(log_text, log_image, labelled.labels, method="weighted", seed=7)
    accuracy = (chosen.cross_fitted.argmax(1) == labelled.labels).mean()
    name = "one weight per network" if chosen.shrinkage is None else "weights per category"
    assert found[name]["accuracy"]["value"] == pytest.approx(accuracy)


def test_listings_without_a_photo_do_not_count() -> None:
    labelled = labelled_logits(4, 60, 3)
    assert labelled.image is not None
    labelled.image[10:] = np.nan
    assert {each["n"] for each in compare_fusions(labelled, CASES, seed=7)} == {10}
    labelled.image[:] = np.nan
    assert compare_fusions(labelled, CASES, seed=7) == []


def test_with_a_handful_of_listings_nothing_is_learned() -> None:
    labelled = labelled_logits(5, 4, 3)
    assert [each["name"] for each in compare_fusions(labelled, CASES, seed=7)] == METHODS[:3]


def test_stacking_answers_probabilities_even_for_a_category_that_a_fold_lacks() -> None:
    labelled = labelled_logits(6, 90, 3)
    labels = labelled.labels.copy()
    labels[labels == 2] = 1
    labels[7] = 2  # once: the fold that is judged on it has not learned of it
    log_text, log_image = (
        logits - np.logaddexp.reduce(logits, 1)[:, None] for logits in (labelled.text, labelled.image)
    )
    stacked, _ = stack(log_text, log_image, labels, seed=7)
    assert np.isfinite(stacked).all()
    np.testing.assert_allclose(np.exp(stacked).sum(1), 1.0, atol=2e-3)
    assert negative_log_likelihood(stacked, labels) < negative_log_likelihood(log_image, labels)


def test_one_network_cannot_be_fused() -> None:
    with pytest.raises(ValueError, match="two networks"):
        compare_fusions(replace(labelled_logits(8, 20, 3), image=None), CASES, seed=7)
