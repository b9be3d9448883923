from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decision.calibration import PRECISIONS, Calibration, EvidenceCalibration
from models.listing import Evidence
from tests.training.synthetic_logits import posterior_logits
from training.calibration.refit import refit
from training.calibration.temperature import calibrated
from training.evaluation.predictions import Predictions

CODES = ("a", "b", "c", "d", "e")


def calibration(*cases: Evidence) -> Calibration:
    fitted = EvidenceCalibration(
        temperature=1.3, listings=900, thresholds=[0.99] * 9, class_thresholds={"b": [0.999] * 9}, set_floor=0.01
    )
    return Calibration(PRECISIONS, 0.95, 0.9, dict.fromkeys(cases, fitted))


def drawn(seed: int, listings: int, evidence: Evidence = Evidence.TEXT, *, right: bool = True) -> Predictions:
    """Answers whose probabilities are true, or as good as random."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CODES), listings)
    probabilities = np.exp(calibrated(posterior_logits(rng, labels, len(CODES), 2.2), 1.0))
    return Predictions(
        evidence=evidence,
        rows=np.arange(listings),
        labels=labels if right else rng.integers(0, len(CODES), listings),
        probabilities=probabilities,
        precisions=PRECISIONS,
        thresholds=np.full((len(PRECISIONS), listings), 0.99),
        disagreement=np.zeros(listings, bool),
        unfamiliar=np.zeros(listings, bool),
        covered=np.ones(listings, bool),
        set_sizes=np.ones(listings, np.int64),
    )


ALL = np.arange(100_000)


def test_refitted_thresholds_keep_their_promise_on_unseen_listings() -> None:
    new, changes = refit(calibration(Evidence.TEXT), {Evidence.TEXT: drawn(0, 3000)}, CODES, ALL)
    unseen = drawn(1, 20_000)
    predicted, confidence = unseen.probabilities.argmax(1), unseen.probabilities.max(1)
    for position, precision in enumerate(PRECISIONS):
        needed = np.array([new.threshold(Evidence.TEXT, CODES[label], precision) for label in predicted], np.float64)
        accepted = confidence >= needed
        then = changes[Evidence.TEXT].then[position]
        if precision <= 0.99:
            assert (predicted == unseen.labels)[accepted].mean() >= precision - 0.005
            assert then["coverage"] == pytest.approx(accepted.mean(), abs=0.15)  # what cross-fitting foretold
        else:
            assert accepted.mean() < 0.3  # little can be shown to be so good
    covered = unseen.probabilities[np.arange(20_000), unseen.labels] >= new.cases[Evidence.TEXT].set_floor
    assert covered.mean() == pytest.approx(0.9, abs=0.02)


def test_what_the_version_files_now_is_told_beside() -> None:
    predictions = drawn(0, 3000)
    _, changes = refit(calibration(Evidence.TEXT), {Evidence.TEXT: predictions}, CODES, ALL)
    now = changes[Evidence.TEXT].now[0]
    assert now["accepted"] == int((predictions.probabilities.max(1) >= 0.99).sum())
    assert changes[Evidence.TEXT].then[0]["accepted"] > now["accepted"]


def test_cross_fitting_does_not_flatter() -> None:
    """Labels are random: nothing may be promised, and nothing is."""
    new, changes = refit(calibration(Evidence.TEXT), {Evidence.TEXT: drawn(2, 1000, right=False)}, CODES, ALL)
    assert new.cases[Evidence.TEXT].thresholds == [None] * len(PRECISIONS)
    assert all(row["accepted"] == 0 for row in changes[Evidence.TEXT].then)


def test_only_decisions_change() -> None:
    own = calibration(Evidence.TEXT)
    new, _ = refit(own, {Evidence.TEXT: drawn(0, 500)}, CODES, ALL)
    assert new.cases[Evidence.TEXT].temperature == 1.3
    assert new.cases[Evidence.TEXT].listings == 500
    assert replace(new, cases=own.cases) == own
    assert refit(own, {Evidence.TEXT: drawn(0, 500)}, CODES, ALL)[0] == new


def test_a_case_without_listings_accepts_nothing_more() -> None:
    own = calibration(Evidence.TEXT, Evidence.IMAGE)
    new, changes = refit(own, {Evidence.TEXT: drawn(0, 300)}, CODES, ALL)
    image = new.cases[Evidence.IMAGE]
    assert (image.listings, image.thresholds, image.class_thresholds) == (0, [None] * len(PRECISIONS), {})
    assert image.set_floor == own.cases[Evidence.IMAGE].set_floor
    assert changes.keys() == {Evidence.TEXT}


@pytest.mark.parametrize(("described", "used"), [(150, 150), (99, 300), (0, 300)])
def test_titles_say_nothing_on_descriptions_unless_these_are_few(described: int, used: int) -> None:
    new, _ = refit(calibration(Evidence.TEXT), {Evidence.TEXT: drawn(0, 300)}, CODES, np.arange(described))
    assert new.cases[Evidence.TEXT].listings == used


def test_listings_in_doubt_are_neither_filed_nor_fitted_on() -> None:
    predictions = replace(drawn(0, 2000, Evidence.BOTH), disagreement=np.arange(2000) % 2 == 0)
    wrong = replace(
        predictions,
        labels=np.where(predictions.disagreement, (predictions.labels + 1) % len(CODES), predictions.labels),
    )
    new, changes = refit(calibration(Evidence.BOTH), {Evidence.BOTH: predictions}, CODES, ALL)
    assert refit(calibration(Evidence.BOTH), {Evidence.BOTH: wrong}, CODES, ALL)[0].cases[Evidence.BOTH].thresholds == (
        new.cases[Evidence.BOTH].thresholds
    )
    assert max(row["coverage"] for row in changes[Evidence.BOTH].then) <= 0.5
