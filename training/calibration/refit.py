"""A version's acceptance thresholds and prediction sets, fitted again for another catalogue.

Fusion and temperatures stay: every confidence is what it was, and only what is made of it changes. So the result can
be compared with the version's own line by line. What the new thresholds would file is told from cross-fitted ones, each
listing judged by thresholds that were fitted without it; fitted on all of them, they are a little better than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.decision.calibration import Calibration, EvidenceCalibration
from models.listing import Evidence
from training.calibration.calibrate import DESCRIBED_MIN
from training.calibration.thresholds import ThresholdTable, set_floors, threshold_table
from training.evaluation.metrics import decisions
from training.evaluation.predictions import Predictions

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Refit:
    """One case. `now` and `then` say what the version's thresholds and re-fitted ones file of the same `listings`, for
    each precision as `training.evaluation.metrics.decisions` does.
    """

    listings: int
    now: Sequence[Mapping[str, Any]]
    then: Sequence[Mapping[str, Any]]


def refit(
    calibration: Calibration,
    answers: Mapping[Evidence, Predictions],
    codes: Sequence[str],
    described: NDArray[np.int64],
    *,
    seed: int = 0,
) -> tuple[Calibration, dict[Evidence, Refit]]:
    """Thresholds for a catalogue, from a version's answers to it, and what they change.

    `described` are the rows that have a description: the others are listings with a title alone, and say nothing on
    the case TEXT unless there are fewer than `DESCRIBED_MIN` of the first. In a case without listings nothing is
    accepted any more, as nobody can vouch for it. The same arguments give the same answer.
    """
    cases, changes = {}, {}
    for evidence, fitted in calibration.cases.items():
        found = answers.get(evidence)
        if evidence is Evidence.TEXT and found is not None:
            with_description = found.only(described.tolist())
            found = with_description if len(with_description.rows) >= DESCRIBED_MIN else found
        if found is None or not len(found.rows):
            never: list[float | None] = [None] * len(calibration.precisions)
            cases[evidence] = fitted.model_copy(update={"listings": 0, "thresholds": never, "class_thresholds": {}})
            continue
        cases[evidence] = _case(fitted, found, codes, calibration.coverage)
        crossed = replace(found, thresholds=_cross_fitted(found, seed))
        changes[evidence] = Refit(len(found.rows), list(decisions(found)), list(decisions(crossed)))
    return replace(calibration, cases=cases), changes


def _case(
    fitted: EvidenceCalibration, found: Predictions, codes: Sequence[str], coverage: float
) -> EvidenceCalibration:
    table = _table(found, np.ones(len(found.rows), bool))
    floors = set_floors(found.probabilities, found.labels, coverage)
    return fitted.model_copy(
        update={
            "listings": len(found.rows),
            "thresholds": table.pooled,
            "class_thresholds": {codes[label]: values for label, values in table.by_class.items()},
            "set_floor": floors.pooled,
            "class_floors": {codes[label]: floor for label, floor in floors.by_class.items()},
        }
    )


def _table(found: Predictions, rows: NDArray[np.bool_]) -> ThresholdTable:
    """Thresholds from those of the rows (bool [N]) that can be accepted at all."""
    kept = rows & ~found.disagreement & ~found.unfamiliar
    return threshold_table(found.probabilities[kept], found.labels[kept], found.precisions)


def _cross_fitted(found: Predictions, seed: int) -> NDArray[np.float64]:
    """Thresholds [P, N] for the predicted categories, each listing's from the other folds; NaN where none holds."""
    predicted = found.probabilities.argmax(1)
    folds = np.random.default_rng(seed).permutation(len(predicted)) % FOLDS
    thresholds = np.empty((len(found.precisions), len(predicted)))
    for fold in range(FOLDS):
        table = _table(found, folds != fold)
        of_class = np.repeat(np.array(table.pooled, np.float64)[:, None], found.probabilities.shape[1], axis=1)
        for label, own in table.by_class.items():
            of_class[:, label] = np.array(own, np.float64)  # None becomes NaN
        thresholds[:, folds == fold] = of_class[:, predicted[folds == fold]]
    return thresholds
