"""From scores to a prediction: order, decision, disagreement, prediction set."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from models.decision.calibration import Familiarity
from models.decision.prediction import Action, Prediction, Reason, Scores
from models.listing import Evidence, Modality
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from tests.models.tiny_version import CODES, OWN_THRESHOLD, UNREACHABLE

PREPARED = {
    evidence: Prepared(
        evidence, None if evidence is Evidence.IMAGE else {}, Evidence.TITLE, np.empty(0, np.uint8), ("image_tiny",)
    )
    for evidence in Evidence
}


def scores(*fused: float, text: list[float] | None = None, image: list[float] | None = None) -> Scores:
    by_modality = (
        {Modality.TEXT: text or list(fused), Modality.IMAGE: image} if image else {Modality.TEXT: text or fused}
    )
    return Scores(np.float32(fused), {modality: np.float32(values) for modality, values in by_modality.items()})


def conclude(
    predictor: Predictor, given: Scores, precision: float | None = None, *, evidence: Evidence = Evidence.TITLE
) -> Prediction:
    return predictor.conclude(PREPARED[evidence], given, precision=precision)


@pytest.mark.parametrize(
    ("fused", "precision", "reason", "threshold"),
    [
        ([0.1, 0.75, 0.1, 0.05], None, None, 0.7),
        ([0.1, 0.65, 0.2, 0.05], None, Reason.LOW_CONFIDENCE, 0.7),
        ([0.1, 0.66, 0.2, 0.04], 0.85, None, 0.65),
        ([0.1, 0.75, 0.1, 0.05], 0.91, None, 0.725),
        ([0.1, 0.75, 0.1, 0.05], 0.95, None, 0.75),
        ([0.1, 0.74, 0.1, 0.06], 0.95, Reason.LOW_CONFIDENCE, 0.75),
        ([0, 1, 0, 0], UNREACHABLE, Reason.PRECISION_UNREACHABLE, None),
        ([0, 1, 0, 0], 0.991, Reason.PRECISION_UNREACHABLE, None),
        ([0.9, 0.1, 0, 0], 0.8, Reason.LOW_CONFIDENCE, OWN_THRESHOLD),
        ([0.9995, 0, 0, 0.0005], 0.99, None, OWN_THRESHOLD),
        ([1, 0, 0, 0], UNREACHABLE, Reason.PRECISION_UNREACHABLE, None),
    ],
)
def test_decisions(
    tiny_predictor: Predictor,
    fused: list[float],
    precision: float | None,
    reason: Reason | None,
    threshold: float | None,
) -> None:
    decision = conclude(tiny_predictor, scores(*fused), precision).decision
    assert decision.action is (Action.REVIEW if reason else Action.ACCEPT)
    assert decision.reason is reason
    assert decision.threshold == threshold
    assert decision.precision == (precision or 0.9)


@pytest.mark.parametrize(
    ("text", "image", "disagreement"),
    [
        ([0.1, 0.6, 0.2, 0.1], [0.1, 0.1, 0.6, 0.2], True),
        ([0.1, 0.6, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], False),
        ([0.1, 0.6, 0.2, 0.1], [0.3, 0.1, 0.5, 0.1], False),
        ([0.3, 0.4, 0.2, 0.1], [0.1, 0.1, 0.6, 0.2], False),
    ],
)
def test_text_and_photo_disagree_when_each_is_sure_of_something_else(
    tiny_predictor: Predictor, text: list[float], image: list[float], disagreement: bool
) -> None:
    given = scores(0.05, 0.9, 0.03, 0.02, text=text, image=image)
    prediction = conclude(tiny_predictor, given, evidence=Evidence.BOTH)
    assert prediction.disagreement is disagreement
    assert prediction.decision.reason is (Reason.DISAGREEMENT if disagreement else None)
    assert prediction.decision.threshold == 0.7


def test_reasons_have_an_order(tiny_predictor: Predictor) -> None:
    """What can never be accepted comes first, then disagreement, then low confidence."""
    given = scores(0.3, 0.4, 0.2, 0.1, text=[0.1, 0.6, 0.2, 0.1], image=[0.1, 0.1, 0.6, 0.2])
    assert conclude(tiny_predictor, given, evidence=Evidence.BOTH).decision.reason is Reason.DISAGREEMENT
    unreachable = conclude(tiny_predictor, given, UNREACHABLE, evidence=Evidence.BOTH)
    assert unreachable.decision.reason is Reason.PRECISION_UNREACHABLE
    assert unreachable.disagreement


def test_an_unfamiliar_listing_goes_to_review_with_a_capped_confidence(tiny_predictor: Predictor) -> None:
    """Before every other reason, and whatever the precision; the order of the categories stays, the set holds all."""
    fitted = tiny_predictor.calibration.cases[Evidence.TITLE]
    known = Familiarity(scales={Modality.TEXT: 1.0}, threshold=2.0, false_alarms=0.05, confidence=0.3)
    cases = {**tiny_predictor.calibration.cases, Evidence.TITLE: fitted.model_copy(update={"familiarity": known})}
    predictor = copy.copy(tiny_predictor)
    predictor.decider = replace(tiny_predictor.decider, calibration=replace(tiny_predictor.calibration, cases=cases))
    given = scores(0.02, 0.9, 0.03, 0.05)
    familiar = conclude(predictor, given)
    assert familiar.decision.action is Action.ACCEPT
    for precision in (None, UNREACHABLE):
        prediction = conclude(predictor, replace(given, unfamiliar=True), precision)
        assert prediction.decision.action is Action.REVIEW
        assert prediction.decision.reason is Reason.UNFAMILIAR
        assert prediction.confidence == pytest.approx(0.3, abs=1e-6)
        assert [entry.code for entry in prediction.predictions] == [entry.code for entry in familiar.predictions]
        assert prediction.by_modality[Modality.TEXT] == prediction.predictions
        assert familiar.prediction_set.codes == (CODES[1],)
        assert prediction.prediction_set.codes == (CODES[1], CODES[3], CODES[2], CODES[0])


def test_ties_go_by_class_index(tiny_predictor: Predictor) -> None:
    prediction = tiny_predictor.conclude(PREPARED[Evidence.TITLE], scores(0.25, 0.25, 0.25, 0.25), top_k=4)
    assert [entry.code for entry in prediction.predictions] == list(CODES[:4])
    assert prediction.prediction_set.codes == CODES[:4]
    prediction = tiny_predictor.conclude(PREPARED[Evidence.TITLE], scores(0.1, 0.4, 0.1, 0.4), top_k=3)
    assert [entry.code for entry in prediction.predictions] == [CODES[1], CODES[3], CODES[0]]


def test_the_prediction_set_holds_what_reaches_the_floor(tiny_predictor: Predictor) -> None:
    assert conclude(tiny_predictor, scores(0.07, 0.5, 0.06, 0.37)).prediction_set.codes == (CODES[1], CODES[3])
    everything = conclude(tiny_predictor, scores(0.07, 0.5, 0.06, 0.37)).prediction_set
    assert everything.coverage == 0.95
    assert conclude(tiny_predictor, scores(0.05, 0.05, 0.06, 0.84)).prediction_set.codes == (CODES[3],)


def test_a_prediction_says_what_it_was_made_from(tiny_predictor: Predictor) -> None:
    given = scores(0.1, 0.2, 0.3, 0.4, text=[0.4, 0.3, 0.2, 0.1], image=[0.1, 0.4, 0.3, 0.2])
    prediction = tiny_predictor.conclude(PREPARED[Evidence.BOTH], given, top_k=2)
    assert prediction.evidence is Evidence.BOTH
    assert prediction.modalities == (Modality.TEXT, Modality.IMAGE)
    assert prediction.warnings == ("image_tiny",)
    assert prediction.version == tiny_predictor.version
    assert (prediction.code, prediction.confidence) == (CODES[3], pytest.approx(0.4))
    assert [entry.code for entry in prediction.predictions] == [CODES[3], CODES[2]]
    found = {modality: [entry.code for entry in entries] for modality, entries in prediction.by_modality.items()}
    assert found == {Modality.TEXT: [CODES[0], CODES[1]], Modality.IMAGE: [CODES[1], CODES[2]]}
