"""What a run says of its calibration where that is not what its owner may expect, each in one line."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from models.decision.calibration import Calibration
from models.listing import Evidence
from training.calibration.calibrate import DESCRIBED_MIN, present
from training.calibration.label_reliability import LabelReliability
from training.calibration.thresholds import listings_needed
from training.evaluation.predictions import LabelledLogits
from training.reports.rendering import promise


def accepts_nothing(calibration: Calibration) -> str:
    """In which cases nothing is accepted at the version's default precision, and how many listings that takes.

    Empty when there is no such case.
    """
    precision = calibration.default_precision
    position = bisect_left(calibration.precisions, precision - 1e-9)
    asked = calibration.precisions[position]
    never = [
        f"{evidence.label} ({fitted.listings:,} calibration listings)"
        for evidence, fitted in calibration.cases.items()
        if all(own[position] is None for own in (fitted.thresholds, *fitted.class_thresholds.values()))
    ]
    if not never:
        return ""
    needed = int(listings_needed(asked, np.array([0]))[0])
    return (
        f"at a precision of {promise(precision)} nothing is accepted from {', '.join(never)}: "
        f"that takes at least about {needed:,} calibration listings, all of them right, and more with errors"
    )


def too_few_trusted(answers: LabelledLogits, trust: LabelReliability) -> str:
    """In which cases all labels count because trusted ones are too few; empty when there is no such case.

    Text and photo together count as calibrated on trusted labels where the texts alone are enough: they borrow photos.
    """
    text, image = (None if logits is None else present(logits) for logits in (answers.text, answers.image))
    title = text if answers.title is None else present(answers.title)
    asked = {Evidence.TEXT: text, Evidence.TITLE: title, Evidence.IMAGE: image}
    if text is not None and image is not None and trust.enough(answers.sources, text) is None:
        asked[Evidence.BOTH] = text & image
    trusted = np.isin(answers.sources, trust.sources)
    few = []
    for evidence, rows in asked.items():
        needed = max(trust.minimum, DESCRIBED_MIN if evidence is Evidence.TEXT else 0)
        if rows is not None and (found := int((rows & trusted).sum())) < needed:
            few.append(f"{evidence.label} has {found:,} of the {needed:,} needed")
    if not trust.sources or not few:
        return ""
    sources = ", ".join(trust.sources)
    return f"too few trusted calibration listings ({sources}), so that all labels count: {'; '.join(few)}"
