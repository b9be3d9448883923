"""Notes of a run: the chosen fusion, evidence that nothing is accepted from, fits cut short, too few trusted labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.decision.calibration import PRECISIONS, Calibration, EvidenceCalibration
from models.listing import Evidence
from tests.training.synthetic_logits import labelled_logits
from training.calibration.label_reliability import LabelReliability
from training.calibration.summary import CalibrationSummary, EvidenceSummary, FusionSummary
from training.evaluation.predictions import LabelledLogits, LearningCurve
from training.publishing.notes import calibration_notes, too_few_trusted


def evidence(listings: int, reached: float, by_class: float = 0.0) -> EvidenceCalibration:
    """Calibrated evidence whose thresholds reach a precision, and those of one category another one."""
    return EvidenceCalibration(
        temperature=1.0,
        listings=listings,
        thresholds=[0.5 if precision <= reached else None for precision in PRECISIONS],
        class_thresholds={"10": [0.6 if precision <= by_class else None for precision in PRECISIONS]},
        set_floor=0.1,
    )


def calibration(precision: float, cases: dict[Evidence, EvidenceCalibration]) -> Calibration:
    return Calibration(PRECISIONS, precision, 0.9, cases)


def summary(needed: int | None = None, fusion: FusionSummary | None = None) -> CalibrationSummary:
    case = EvidenceSummary(34, "34 given", 1.0, 0.5, 0.4, 0.4, 0.1, 0.1, 0.1, accuracy=0.9, needed=needed)
    return CalibrationSummary(dict.fromkeys(Evidence, case), fusion)


def notes(*arguments: Any) -> list[str]:
    return [note.replace("\xa0", " ") for note in calibration_notes(*arguments)]


def test_evidence_that_accepts_nothing_is_named_with_what_its_error_rate_takes() -> None:
    cases = {Evidence.TEXT: evidence(900, 0.97), Evidence.TITLE: evidence(34, 0.9), Evidence.IMAGE: evidence(0, 0)}
    start = "at a precision of 95 % nothing is accepted from"
    rate = "with its error rate (10.0 % of 34 calibration listings)"
    assert notes(calibration(0.95, cases), summary(190), ()) == [
        f"{start} title alone: {rate} that takes about 190 calibration listings",
        f"{start} photo: it has no calibration listings",
    ]
    (note,) = notes(calibration(0.95, {Evidence.TITLE: evidence(34, 0.9)}), summary(), ())
    assert f"{rate} no number of listings would do" in note
    assert not notes(calibration(0.90, {Evidence.TITLE: evidence(34, 0.9)}), summary(), ())
    assert not notes(calibration(0.95, {Evidence.TITLE: evidence(500, 0.9, by_class=0.95)}), summary(), ())


LOSSES = {"text alone": 0.2, "photo alone": 0.9, "mean": 0.3}


@pytest.mark.parametrize(
    ("fusion", "said"),
    [
        (
            FusionSummary("text alone", LOSSES, "weighted", None, 200, 0.9, 0.9, 0.6, 0.0, 1.0),
            ["the text alone decides, and the photo only where there is no text, for the smallest log loss"],
        ),
        (
            FusionSummary("mean", LOSSES, "mean", None, 200, 0.85, 0.9, 0.6, -0.05, 0.2),
            ["both are fused: mean, as the config says; log losses on 200 listings, cross-fitted: text alone 0.200"],
        ),
        (
            FusionSummary("mean", LOSSES, "mean", None, 200, 0.85, 0.6, 0.9, -0.05, 0.002),
            ["as the config says", "measurably worse than photo alone: right on 85.0 % of them, photo alone on 90.0 %"],
        ),
    ],
)
def test_the_chosen_fusion_is_said_and_a_measurably_worse_one_is_not_refused(
    fusion: FusionSummary, said: list[str]
) -> None:
    lines = notes(calibration(0.9, {}), summary(fusion=fusion), ())
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))


def test_training_listings_that_were_calibrated_on_are_counted() -> None:
    (note,) = notes(calibration(0.9, {}), summary(), (), 576)
    assert note.startswith("576 training listings were calibrated on as well")


@pytest.mark.parametrize(("losses", "said"), [((3.0, 2.0, 1.0), 1), ((3.0, 1.0, 2.0), 0), ((), 0), ((1.0,), 0)])
def test_a_fit_whose_last_epoch_was_its_best_is_named(losses: tuple[float, ...], said: int) -> None:
    lines = notes(calibration(0.9, {}), summary(), [LearningCurve("ngrams", losses, losses, losses, 1.0)])
    assert len(lines) == said
    assert all("the last of 3 epochs of ngrams was its best" in line for line in lines)


def sourced(trusted: int, listings: int = 300) -> LabelledLogits:
    """Listings of which the first are "true", and have no photo; the others are votes."""
    answers = labelled_logits(1, listings, 3)
    assert answers.image is not None
    answers.image[:trusted] = np.nan
    sources = np.where(np.arange(listings) < trusted, "true", "vote")
    return replace(answers, sources=sources)


def test_too_few_trusted_listings_are_counted_case_by_case() -> None:
    reliability = LabelReliability(("true",), 120)
    note = too_few_trusted(sourced(119), reliability)
    assert note == (
        "too few trusted calibration listings (true), so that all labels count: text has 119 of the 120 needed; "
        "title alone has 119 of the 120 needed; photo has 0 of the 120 needed; text and photo has 0 of the 120 needed"
    )
    # Text and photo together borrow photos for the trusted texts.
    assert too_few_trusted(sourced(120), reliability).endswith(": photo has 0 of the 120 needed")
    assert too_few_trusted(replace(sourced(120), image=None), reliability) == ""
    assert too_few_trusted(sourced(0), LabelReliability()) == ""
