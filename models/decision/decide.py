"""From the networks' logits to a prediction: calibrate, fuse, find unfamiliar listings, decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.decision.calibration import Calibration
from models.decision.fusion import Fusion
from models.decision.prediction import Action, CategoryScore, Decision, Prediction, PredictionSet, Reason, Scores
from models.errors import VersionRefused
from models.listing import Evidence, Modality
from models.preprocessing.prepare import Prepared
from models.taxonomy import Taxonomy
from models.timing import Stage, timed

DISAGREEMENT_CONFIDENCE = 0.5
"""Text and photo disagree when their best categories differ and each is more likely than all others together."""


@dataclass(frozen=True, eq=False)
class Decider:
    """The part of a version that turns logits into predictions. Thread-safe."""

    taxonomy: Taxonomy
    fusion: Fusion
    calibration: Calibration

    def check(self, modalities: frozenset[Modality]) -> None:
        """Raise VersionRefused unless the calibration fits the taxonomy and all evidence that `modalities` allow."""
        for evidence, fitted in self.calibration.cases.items():
            if any(code not in self.taxonomy for code in (*fitted.class_thresholds, *fitted.class_floors)):
                raise VersionRefused("calibration has a category that the taxonomy has not")
            if fitted.familiarity and not fitted.familiarity.scales.keys() <= set(evidence.modalities):
                raise VersionRefused(f"calibration judges {evidence} by a modality that such a listing has not")
        possible = {evidence for evidence in Evidence if modalities.issuperset(evidence.modalities)}
        if missing := possible - self.calibration.cases.keys():
            raise VersionRefused(f"calibration has no case {min(missing)}")

    def fuse(self, prepared: Sequence[Prepared], logits: Sequence[Mapping[Modality, Floats]]) -> list[Scores]:
        """Calibrated probabilities of each listing, of the logits [C] of each of its modalities."""
        return timed(Stage.FUSE, lambda: [self._fuse(*pair) for pair in zip(prepared, logits, strict=True)])

    def served(self, prepared: Prepared, scores: Scores) -> Floats:
        """The probabilities [C] that `conclude` answers with: `scores.fused`, capped for an unfamiliar listing."""
        return self._capped(prepared, scores, scores.fused)

    def conclude(
        self, prepared: Prepared, scores: Scores, *, version: str, top_k: int, precision: float | None
    ) -> Prediction:
        """The prediction of `version` with the `top_k` best categories, decided for `precision` or the default one."""
        predictions = self._top(self.served(prepared, scores), top_k)
        disagreement = _disagree(scores)
        precision = self.calibration.default_precision if precision is None else precision
        threshold = self.calibration.threshold(prepared.evidence, predictions[0].code, precision)
        codes = self.taxonomy.codes
        if scores.unfamiliar:  # the coverage is that of listings of the catalogue: here no smaller set has any
            members = np.argsort(-scores.fused, kind="stable")
        else:
            members = self.calibration.prediction_set(prepared.evidence, scores.fused, codes)
        reason = _reason_for_review(predictions[0], threshold, scores.unfamiliar, disagreement)
        return Prediction(
            predictions=predictions,
            decision=Decision(Action.REVIEW if reason else Action.ACCEPT, precision, threshold, reason),
            prediction_set=PredictionSet(tuple(codes[i] for i in members), self.calibration.coverage),
            evidence=prepared.evidence,
            modalities=tuple(modality for modality in Modality if modality in scores.by_modality),
            by_modality={
                modality: self._top(self._capped(prepared, scores, probabilities), top_k)
                for modality, probabilities in scores.by_modality.items()
            },
            disagreement=disagreement,
            warnings=prepared.warnings,
            version=version,
            photo=prepared.photo,
            photos=0 if prepared.pixels is None else 1 + len(prepared.more_pixels),
        )

    def _fuse(self, prepared: Prepared, logits: Mapping[Modality, Floats]) -> Scores:
        cases = self.calibration.cases
        calibrated_as = {Modality.TEXT: prepared.text_evidence, Modality.IMAGE: Evidence.IMAGE}
        log_probabilities = {
            modality: cases[calibrated_as[modality]].log_probabilities(values) for modality, values in logits.items()
        }
        by_modality = {modality: np.exp(values) for modality, values in log_probabilities.items()}
        familiarity = cases[prepared.evidence].familiarity
        unfamiliar = familiarity is not None and familiarity.unfamiliar(logits)
        if prepared.evidence is not Evidence.BOTH:
            return Scores(by_modality[prepared.modalities[0]], by_modality, unfamiliar)
        fused = self.fusion.fuse(log_probabilities[Modality.TEXT], log_probabilities[Modality.IMAGE])
        return Scores(np.exp(cases[Evidence.BOTH].log_probabilities(fused)), by_modality, unfamiliar)

    def _capped(self, prepared: Prepared, scores: Scores, probabilities: Floats) -> Floats:
        familiarity = self.calibration.cases[prepared.evidence].familiarity
        return familiarity.capped(probabilities) if scores.unfamiliar and familiarity else probabilities

    def _top(self, probabilities: Floats, top_k: int) -> tuple[CategoryScore, ...]:
        order = np.argsort(-probabilities, kind="stable")[:top_k]
        return tuple(CategoryScore(self.taxonomy.codes[i], float(probabilities[i])) for i in order)


def _reason_for_review(
    best: CategoryScore, threshold: float | None, unfamiliar: bool, disagreement: bool
) -> Reason | None:
    if unfamiliar:
        return Reason.UNFAMILIAR
    if threshold is None:
        return Reason.PRECISION_UNREACHABLE
    if disagreement:
        return Reason.DISAGREEMENT
    return Reason.LOW_CONFIDENCE if best.confidence < threshold else None


def _disagree(scores: Scores) -> bool:
    if len(scores.by_modality) < 2:
        return False
    values = list(scores.by_modality.values())
    differ = len({int(v.argmax()) for v in values}) > 1
    return differ and all(float(v.max()) > DISAGREEMENT_CONFIDENCE for v in values)
