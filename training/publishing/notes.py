"""Notes of a run where its fits or its calibration may surprise its owner, one line each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from models.comparison.mcnemar import SIGNIFICANCE
from models.decision.calibration import Calibration
from models.listing import Evidence
from training.calibration.calibrate import DESCRIBED_MIN, present
from training.calibration.fusion import IMAGE, TEXT
from training.calibration.label_reliability import LabelReliability
from training.calibration.summary import CalibrationSummary, FusionSummary
from training.evaluation.predictions import LabelledLogits, LearningCurve
from training.reports.rendering import percent, promise

WHAT = {
    TEXT: "the text alone decides, and the photo only where there is no text",
    IMAGE: "the photo alone decides, and the text only where there is no photo",
}
"""What a choice of fusion means for a listing; for the others their names say it."""


def calibration_notes(
    calibration: Calibration, summary: CalibrationSummary, curves: Sequence[LearningCurve], cross_fitted: int = 0
) -> Iterator[str]:
    """Sentences on what was calibrated on, the chosen fusion, evidence that nothing is accepted from, and fits that
    ended early. `cross_fitted` counts the training listings that were calibrated on.
    """
    if cross_fitted:
        yield (
            f"{cross_fitted:,} training listings were calibrated on as well, each answered by networks fitted "
            "without it and its near-duplicates"
        )
    if summary.fusion is not None:
        yield from _fusion(summary.fusion)
    yield from _accepts_nothing(calibration, summary)
    for curve in curves:
        losses = curve.validation_loss
        if len(losses) > 1 and int(np.argmin(losses)) == len(losses) - 1:
            yield f"the last of {len(losses)} epochs of {curve.network} was its best: more epochs may make it better"


def _fusion(fusion: FusionSummary) -> Iterator[str]:
    losses = sorted(fusion.losses.items(), key=lambda choice: choice[1])
    way = WHAT.get(fusion.choice, f"both are fused: {fusion.choice}")
    why = "for the smallest log loss" if losses[0][0] == fusion.choice else "as the config says"
    yield (
        f"for text with a photo {way}, {why}; log losses on {fusion.listings:,} listings, cross-fitted: "
        + ", ".join(f"{choice} {loss:.3f}" for choice, loss in losses)
    )
    if fusion.gain < 0 and fusion.p_value < SIGNIFICANCE:
        name = "text" if fusion.text_accuracy >= fusion.image_accuracy else "photo"
        alone = max(fusion.text_accuracy, fusion.image_accuracy)
        yield (
            f"this is measurably worse than {name} alone: right on {percent(fusion.accuracy)} of them, {name} alone on "
            f"{percent(alone)} (McNemar p = {fusion.p_value:.2g})"
        )


def _accepts_nothing(calibration: Calibration, summary: CalibrationSummary) -> Iterator[str]:
    precision = calibration.default_precision
    position = bisect_left(calibration.precisions, precision - 1e-9)
    for evidence, fitted in calibration.cases.items():
        if any(own[position] is not None for own in (fitted.thresholds, *fitted.class_thresholds.values())):
            continue
        start = f"at a precision of {promise(precision)} nothing is accepted from {evidence.label}"
        if not fitted.listings:
            yield f"{start}: it has no calibration listings"
            continue
        case = summary.cases[evidence]
        rate = f"with its error rate ({percent(1 - case.accuracy)} of {case.listings:,} calibration listings)"
        if case.needed is None:
            yield f"{start}: {rate} no number of listings would do, for the most certain answers are wrong too often"
        else:
            yield f"{start}: {rate} that takes about {case.needed:,} calibration listings"


def too_few_trusted(answers: LabelledLogits, reliability: LabelReliability) -> str:
    """A note on the evidence that all labels count for because trusted ones are too few; empty when there is none.

    Text and photo together count as calibrated on trusted labels where the texts alone are enough: they borrow photos.
    """
    text, image = (None if logits is None else present(logits) for logits in (answers.text, answers.image))
    title = text if answers.title is None else present(answers.title)
    present_rows = {Evidence.TEXT: text, Evidence.TITLE: title, Evidence.IMAGE: image}
    if text is not None and image is not None and reliability.enough(answers.sources, text) is None:
        present_rows[Evidence.BOTH] = text & image
    trusted = np.isin(answers.sources, reliability.sources)
    few = []
    for evidence, rows in present_rows.items():
        needed = max(reliability.minimum, DESCRIBED_MIN if evidence is Evidence.TEXT else 0)
        if rows is not None and (count := int((rows & trusted).sum())) < needed:
            few.append(f"{evidence.label} has {count:,} of the {needed:,} needed")
    if not reliability.sources or not few:
        return ""
    sources = ", ".join(reliability.sources)
    return f"too few trusted calibration listings ({sources}), so that all labels count: {'; '.join(few)}"
