"""Calibrating one case after another: confidence, familiarity, thresholds and prediction sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.decision.calibration import PRECISIONS, UNCHANGED, EvidenceCalibration
from models.listing import Evidence, Modality
from training.calibration.confidence import fit_confidence, probably_right
from training.calibration.label_reliability import agreed_certainty, basis
from training.calibration.out_of_distribution import familiarity_scores, fit_familiarity, pooled_confidence
from training.calibration.summary import EvidenceSummary, summarise_evidence
from training.calibration.thresholds import set_floors, threshold_table
from training.evaluation.predictions import Floats, LabelledLogits

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

ALONE_MIN = 500
"""With fewer listings a case shares thresholds and prediction sets with its neighbour: 120 listings show 0.95 at their
most certain third at best."""


@dataclass(frozen=True, eq=False)
class CalibrationSample:
    """What a case is calibrated on: the N calibration listings `rows`, at least 1.

    `logits` [N, C] (or log-probabilities) are what is to be calibrated, `networks` the raw logits behind them; labels
    are right with probability `certainty`; listings of `disagreement` are never accepted. `basis` says what the
    listings are.
    """

    rows: Places
    logits: Floats
    labels: Labels
    certainty: Doubles
    networks: Mapping[Modality, Floats]
    disagreement: Mask
    basis: str


@dataclass(frozen=True, eq=False)
class _Judged:
    """Calibrated answers that thresholds and prediction sets are fitted on; those not `acceptable` go to review."""

    rows: Places
    probabilities: Floats
    labels: Labels
    certainty: Doubles
    acceptable: Mask

    def also(self, other: _Judged) -> _Judged:
        """These and those of other listings."""
        new = ~np.isin(other.rows, self.rows)
        fields = ("rows", "probabilities", "labels", "certainty", "acceptable")
        return _Judged(*(np.concatenate([getattr(self, name), getattr(other, name)[new]]) for name in fields))


class EvidenceFitter:
    """Collects what is learned, case by case: `cases` for `calibration.json`, `summaries` for people.

    `certainty` float64 [N] is the probability that each calibration listing's label is right.
    """

    def __init__(
        self, codes: Sequence[str], coverage: float, false_alarms: float, seed: int, certainty: Doubles
    ) -> None:
        self.codes = codes
        self.coverage = coverage
        self.false_alarms = false_alarms
        self.seed = seed
        self.certainty = certainty
        self.cases: dict[Evidence, EvidenceCalibration] = {}
        self.summaries: dict[Evidence, EvidenceSummary] = {}
        self._judged: dict[Evidence, _Judged] = {}

    def single(
        self,
        evidence: Evidence,
        logits: Floats,
        answers: LabelledLogits,
        mask: Mask,
        *,
        otherwise: Evidence | None = None,
    ) -> None:
        """Calibrate a case of one network; without any listing it takes the confidence of the case `otherwise`."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            self.never(evidence, 0.0, None if otherwise is None else self.cases[otherwise])
            return
        never = np.zeros(len(rows), bool)
        networks = {evidence.modalities[0]: logits[rows]}
        labels, told = answers.labels[rows], basis(answers.sources[rows])
        self.fit(evidence, CalibrationSample(rows, logits[rows], labels, self.certainty[rows], networks, never, told))

    def fit(self, evidence: Evidence, seen: CalibrationSample) -> None:
        """Calibrate a case. Thresholds are fitted on the listings that can be accepted."""
        fitted = fit_confidence(seen.logits, seen.labels, self.seed, seen.certainty)
        confidence = _bare(len(seen.labels), fitted.temperature, fitted.shape)
        log_probabilities = confidence.log_probabilities(seen.logits)
        right = probably_right(log_probabilities, seen.labels, seen.certainty)
        familiarity = fit_familiarity(seen.networks, right, self.false_alarms)
        acceptable = ~seen.disagreement
        if familiarity is not None:
            acceptable &= familiarity_scores(familiarity.scales, seen.networks) >= familiarity.threshold
        self.cases[evidence] = confidence.model_copy(update={"familiarity": familiarity})
        self.summaries[evidence] = summarise_evidence(
            seen.logits, seen.labels, seen.certainty, fitted, confidence, seen.basis
        )
        probabilities = np.exp(log_probabilities)
        certainty = agreed_certainty(probabilities, seen.certainty)
        judged = _Judged(seen.rows, probabilities, seen.labels, certainty, acceptable)
        self._judged[evidence] = judged
        self._decide(evidence, judged)

    def share(self, evidence: Evidence, other: Evidence) -> None:
        """Fit thresholds, prediction sets and the cap of the unfamiliar on those of another case as well, if few.

        Each listing counts with the confidence of its own case, so that what is shared means the same in both.
        """
        own, others = self._judged.get(evidence), self._judged.get(other)
        if own is None or others is None or len(own.rows) >= ALONE_MIN or len(others.rows) <= len(own.rows):
            return
        self._decide(evidence, own.also(others))
        first, second = self.cases[evidence], self.cases[other]
        if first.familiarity and second.familiarity:
            confidence = pooled_confidence((first.familiarity, first.listings), (second.familiarity, second.listings))
            familiarity = first.familiarity.model_copy(update={"confidence": confidence})
            self.cases[evidence] = first.model_copy(update={"familiarity": familiarity})
        told = f"{self.summaries[evidence].basis}; thresholds and sets also from {len(others.rows):,} of {other}"
        self.summaries[evidence] = replace(self.summaries[evidence], basis=told)

    def never(self, evidence: Evidence, set_floor: float, like: EvidenceCalibration | None = None) -> None:
        """A case without calibration listings: always for a human to look at."""
        found = _bare(0) if like is None else _bare(0, like.temperature, like.shape)
        self.cases[evidence] = found.model_copy(update={"set_floor": set_floor})

    def _decide(self, evidence: Evidence, judged: _Judged) -> None:
        kept = judged.acceptable
        table = threshold_table(judged.probabilities[kept], judged.labels[kept], PRECISIONS, judged.certainty[kept])
        floors = set_floors(judged.probabilities, judged.labels, self.coverage)
        self.cases[evidence] = self.cases[evidence].model_copy(
            update={
                "thresholds": table.pooled,
                "class_thresholds": {self.codes[label]: values for label, values in table.by_class.items()},
                "set_floor": floors.pooled,
                "class_floors": {self.codes[label]: floor for label, floor in floors.by_class.items()},
            }
        )


def _bare(
    listings: int, temperature: float = 1.0, shape: tuple[float, float, float] = UNCHANGED
) -> EvidenceCalibration:
    """A case that accepts nothing."""
    return EvidenceCalibration(
        temperature=temperature,
        shape=shape,
        listings=listings,
        thresholds=[None] * len(PRECISIONS),
        class_thresholds={},
        set_floor=0.0,
    )
