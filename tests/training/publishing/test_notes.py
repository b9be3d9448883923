"""What a run says when a case accepts nothing, or when trusted labels are too few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decision.calibration import PRECISIONS, Calibration, EvidenceCalibration
from models.listing import Evidence
from tests.training.synthetic_logits import labelled_logits
from training.calibration.label_reliability import LabelReliability
from training.calibration.thresholds import precision_bound
from training.evaluation.predictions import LabelledLogits
from training.publishing.notes import accepts_nothing, too_few_trusted


def evidence(listings: int, reached: float, by_class: float = 0.0) -> EvidenceCalibration:
    """A case whose thresholds reach a precision, and those of one category another one."""
    return EvidenceCalibration(
        temperature=1.0,
        listings=listings,
        thresholds=[0.5 if precision <= reached else None for precision in PRECISIONS],
        class_thresholds={"10": [0.6 if precision <= by_class else None for precision in PRECISIONS]},
        set_floor=0.1,
    )


def calibration(precision: float, cases: dict[Evidence, EvidenceCalibration]) -> Calibration:
    return Calibration(PRECISIONS, precision, 0.9, cases)


def test_cases_that_accept_nothing_are_named_with_what_it_takes() -> None:
    cases = {Evidence.TEXT: evidence(900, 0.97), Evidence.TITLE: evidence(34, 0.9), Evidence.IMAGE: evidence(0, 0)}
    told = accepts_nothing(calibration(0.95, cases)).replace("\xa0", " ")
    assert told.startswith(
        "at a precision of 95 % nothing is accepted from title alone (34 calibration listings), "
        "photo (0 calibration listings): that takes at least about 45 calibration listings"
    )
    assert "\n" not in told
    assert accepts_nothing(calibration(0.90, {Evidence.TITLE: evidence(34, 0.9)})) == ""
    assert accepts_nothing(calibration(0.95, {Evidence.TITLE: evidence(500, 0.9, by_class=0.95)})) == ""


@pytest.mark.parametrize(("precision", "offered"), [(0.8, 0.8), (0.95, 0.95), (0.96, 0.97), (0.995, 0.995)])
def test_so_many_listings_are_the_fewest_that_pass_the_bound(precision: float, offered: float) -> None:
    told = accepts_nothing(calibration(precision, {Evidence.TEXT: evidence(1, 0)}))
    needed = int(told.partition("at least about ")[2].partition(" ")[0])
    right = np.array([needed - 1, needed])
    bounds = precision_bound(right, right)
    assert bounds[0] < offered <= bounds[1]


def sourced(trusted: int, listings: int = 300) -> LabelledLogits:
    """Listings of which the first are "true", and have no photo; the others are votes."""
    answers = labelled_logits(1, listings, 3)
    assert answers.image is not None
    answers.image[:trusted] = np.nan
    sources = np.where(np.arange(listings) < trusted, "true", "vote")
    return replace(answers, sources=sources)


def test_too_few_trusted_listings_are_counted_case_by_case() -> None:
    trust = LabelReliability(("true",), 120)
    told = too_few_trusted(sourced(119), trust)
    assert told == (
        "too few trusted calibration listings (true), so that all labels count: text has 119 of the 120 needed; "
        "title alone has 119 of the 120 needed; photo has 0 of the 120 needed; text and photo has 0 of the 120 needed"
    )
    # Text and photo together borrow photos for the trusted texts.
    assert too_few_trusted(sourced(120), trust).endswith(": photo has 0 of the 120 needed")
    assert too_few_trusted(replace(sourced(120), image=None), trust) == ""
    assert too_few_trusted(sourced(0), LabelReliability()) == ""
