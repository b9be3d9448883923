"""Calibrating one kind of evidence after another: confidence, familiarity, thresholds and prediction sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from models.arrays import Doubles, Floats, Integers, Mask, Positions
from models.decision.calibration import PRECISIONS, UNCHANGED, EvidenceCalibration
from models.listing import Evidence, Modality
from training.calibration.confidence import fit_confidence, probably_right
from training.calibration.label_reliability import agreed_certainty, describe_sources
from training.calibration.out_of_distribution import familiarity_scores, fit_familiarity, pooled_confidence
from training.calibration.summary import EvidenceSummary, summarise_evidence
from training.calibration.thresholds import fit_decisions, listings_for
from training.evaluation.predictions import LabelledLogits

ALONE_MIN = 500
"""With fewer listings evidence shares thresholds and prediction sets with its neighbour: 120 listings show 0.95 at best
at their most certain third."""


@dataclass(frozen=True, eq=False)
class CalibrationSample:
    """The N calibration listings `rows`, at least 1, that one kind of evidence is calibrated on.

    `logits` [N, C] (or log-probabilities) are what is to be calibrated, `networks` the raw logits behind them; labels
    are right with probability `certainty`; listings of `disagreement` are never accepted. `basis` says what the
    listings are.
    """

    rows: Positions
    logits: Floats
    labels: Integers
    certainty: Doubles
    networks: Mapping[Modality, Floats]
    disagreement: Mask
    basis: str


@dataclass(frozen=True, eq=False)
class _FittedSample:
    """Calibrated listings that thresholds and prediction sets are fitted on; those not `acceptable` go to review."""

    rows: Positions
    probabilities: Floats
    labels: Integers
    certainty: Doubles
    acceptable: Mask

    def joined(self, other: _FittedSample) -> _FittedSample:
        """These listings and those of `other` that are not among them."""
        new = ~np.isin(other.rows, self.rows)
        arrays = [(getattr(self, field.name), getattr(other, field.name)[new]) for field in fields(self)]
        return _FittedSample(*map(np.concatenate, arrays))


@dataclass(eq=False)
class EvidenceFitter:
    """Fits evidence by evidence: `calibrations` for `calibration.json`, `summaries` for people.

    `precision` is the version's default one, of which summaries say how many listings would show it.
    `certainty` float64 [N] is the probability that each calibration listing's label is right.
    """

    codes: Sequence[str]
    precision: float
    coverage: float
    false_alarms: float
    seed: int
    certainty: Doubles
    calibrations: dict[Evidence, EvidenceCalibration] = field(default_factory=dict, init=False)
    summaries: dict[Evidence, EvidenceSummary] = field(default_factory=dict, init=False)
    _samples: dict[Evidence, _FittedSample] = field(default_factory=dict, init=False)

    def fit_network(
        self,
        evidence: Evidence,
        logits: Floats,
        labelled: LabelledLogits,
        mask: Mask,
        *,
        otherwise: Evidence | None = None,
    ) -> None:
        """Calibrate the evidence of one network; without a listing it takes the confidence of `otherwise`."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            self.accept_nothing(evidence, 0.0, None if otherwise is None else self.calibrations[otherwise])
            return
        never = np.zeros(len(rows), bool)
        networks = {evidence.modalities[0]: logits[rows]}
        labels, basis = labelled.labels[rows], describe_sources(labelled.sources[rows])
        self.fit(evidence, CalibrationSample(rows, logits[rows], labels, self.certainty[rows], networks, never, basis))

    def fit(self, evidence: Evidence, sample: CalibrationSample) -> None:
        """Calibrate evidence on a sample. Thresholds are fitted on the listings that can be accepted."""
        fitted = fit_confidence(sample.logits, sample.labels, self.seed, sample.certainty)
        confidence = _accepting_nothing(len(sample.labels), fitted.temperature, fitted.shape)
        log_probabilities = confidence.log_probabilities(sample.logits)
        right = probably_right(log_probabilities, sample.labels, sample.certainty)
        familiarity = fit_familiarity(sample.networks, right, self.false_alarms)
        acceptable = ~sample.disagreement
        if familiarity is not None:
            acceptable &= familiarity_scores(familiarity.scales, sample.networks) >= familiarity.threshold
        self.calibrations[evidence] = confidence.model_copy(update={"familiarity": familiarity})
        self.summaries[evidence] = summarise_evidence(
            sample.logits, sample.labels, sample.certainty, fitted, confidence, sample.basis
        )
        probabilities = np.exp(log_probabilities)
        certainty = agreed_certainty(probabilities, sample.certainty)
        self._samples[evidence] = _FittedSample(sample.rows, probabilities, sample.labels, certainty, acceptable)
        self._fit_decisions(evidence, self._samples[evidence])

    def share_thresholds(self, evidence: Evidence, other: Evidence) -> None:
        """Fit thresholds, prediction sets and the cap of the unfamiliar on listings of `other` as well, if few.

        Each listing counts with the confidence of its own evidence, so that a confidence means the same in both.
        """
        own, others = self._samples.get(evidence), self._samples.get(other)
        if own is None or others is None or len(own.rows) >= ALONE_MIN or len(others.rows) <= len(own.rows):
            return
        self._fit_decisions(evidence, own.joined(others))
        first, second = self.calibrations[evidence], self.calibrations[other]
        if first.familiarity and second.familiarity:
            confidence = pooled_confidence((first.familiarity, first.listings), (second.familiarity, second.listings))
            familiarity = first.familiarity.model_copy(update={"confidence": confidence})
            self.calibrations[evidence] = first.model_copy(update={"familiarity": familiarity})
        basis = f"{self.summaries[evidence].basis}; thresholds and sets also from {len(others.rows):,} of {other}"
        self.summaries[evidence] = replace(self.summaries[evidence], basis=basis)

    def accept_nothing(self, evidence: Evidence, set_floor: float, like: EvidenceCalibration | None = None) -> None:
        """Send evidence without calibration listings to review, always."""
        fitted = _accepting_nothing(0) if like is None else _accepting_nothing(0, like.temperature, like.shape)
        self.calibrations[evidence] = fitted.model_copy(update={"set_floor": set_floor})

    def _fit_decisions(self, evidence: Evidence, fitted: _FittedSample) -> None:
        arrays = (fitted.probabilities, fitted.labels, fitted.acceptable)
        decisions = fit_decisions(*arrays, PRECISIONS, self.codes, self.coverage, fitted.certainty)
        self.calibrations[evidence] = self.calibrations[evidence].model_copy(update=decisions)
        confidences = np.where(fitted.acceptable, fitted.probabilities.max(1), 0)
        right = np.where(fitted.probabilities.argmax(1) == fitted.labels, fitted.certainty, 0.0) * fitted.acceptable
        needed = listings_for(confidences, right, self.precision)
        self.summaries[evidence] = replace(self.summaries[evidence], needed=needed)


def _accepting_nothing(
    listings: int, temperature: float = 1.0, shape: tuple[float, float, float] = UNCHANGED
) -> EvidenceCalibration:
    """A calibration that accepts nothing."""
    return EvidenceCalibration(
        temperature=temperature,
        shape=shape,
        listings=listings,
        thresholds=[None] * len(PRECISIONS),
        class_thresholds={},
        set_floor=0.0,
    )
