"""A version's acceptance thresholds and prediction sets, fitted again for another catalogue.

Fusion and temperatures stay: every confidence is what it was, and only the decision on it changes. So the result can be
compared with the version's own line by line. What the new thresholds would file is estimated by cross-fitted ones, each
listing's fitted without it; fitted on all of them, they are a little better than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.arrays import Doubles, Integers, Mask
from models.decision.calibration import Calibration
from models.listing import Evidence
from training.calibration.calibrate import DESCRIBED_MIN
from training.calibration.thresholds import fit_decisions, threshold_table
from training.evaluation.metrics import decisions
from training.evaluation.predictions import Predictions

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Refit:
    """The `training.evaluation.metrics.decisions` on the same `listings` with one kind of evidence.

    `now` with the version's thresholds, `then` with re-fitted ones.
    """

    listings: int
    now: Sequence[Mapping[str, Any]]
    then: Sequence[Mapping[str, Any]]


def refit(
    calibration: Calibration,
    predictions: Mapping[Evidence, Predictions],
    codes: Sequence[str],
    described: Integers,
    *,
    seed: int = 0,
) -> tuple[Calibration, dict[Evidence, Refit]]:
    """Fit a calibration's thresholds for a catalogue from a version's predictions for it; and say what they change.

    `described` are the rows that have a description: the others are listings with a title alone, and do not count for
    TEXT unless there are fewer than `DESCRIBED_MIN` of the first. Evidence without listings is not accepted any more,
    as nothing shows its precision. The result depends on the arguments alone.
    """
    calibrations, changes = {}, {}
    for evidence, fitted in calibration.cases.items():
        answers = predictions.get(evidence)
        if evidence is Evidence.TEXT and answers is not None:
            with_description = answers.only(described.tolist())
            answers = with_description if len(with_description.rows) >= DESCRIBED_MIN else answers
        if answers is None or not len(answers.rows):
            never: list[float | None] = [None] * len(calibration.precisions)
            nothing = {"listings": 0, "thresholds": never, "class_thresholds": {}}
            calibrations[evidence] = fitted.model_copy(update=nothing)
            continue
        arrays = (answers.probabilities, answers.labels, _acceptable(answers))
        update = fit_decisions(*arrays, answers.precisions, codes, calibration.coverage)
        calibrations[evidence] = fitted.model_copy(update={"listings": len(answers.rows), **update})
        cross_fitted = replace(answers, thresholds=_cross_fitted_thresholds(answers, seed))
        changes[evidence] = Refit(len(answers.rows), list(decisions(answers)), list(decisions(cross_fitted)))
    return replace(calibration, cases=calibrations), changes


def _acceptable(predictions: Predictions) -> Mask:
    """Mask [N] of the listings that can be accepted at all."""
    return ~(predictions.disagreement | predictions.unfamiliar)


def _cross_fitted_thresholds(predictions: Predictions, seed: int) -> Doubles:
    """Thresholds [P, N] for the predicted categories, each listing's from the other folds; NaN where none holds."""
    probabilities, predicted = predictions.probabilities, predictions.probabilities.argmax(1)
    folds = np.random.default_rng(seed).permutation(len(predicted)) % FOLDS
    thresholds = np.empty((len(predictions.precisions), len(predicted)))
    for fold in range(FOLDS):
        kept = (folds != fold) & _acceptable(predictions)
        table = threshold_table(probabilities[kept], predictions.labels[kept], predictions.precisions)
        of_class = np.repeat(np.array(table.pooled, np.float64)[:, None], probabilities.shape[1], axis=1)
        for label, own in table.by_class.items():
            of_class[:, label] = np.array(own, np.float64)  # None becomes NaN
        thresholds[:, folds == fold] = of_class[:, predicted[folds == fold]]
    return thresholds
