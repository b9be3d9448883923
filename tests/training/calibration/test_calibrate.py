from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from models.arrays import Floats
from models.decision.calibration import PRECISIONS, Calibration
from models.decision.fusion import Fusion
from models.decision.prediction import Action, Reason
from models.listing import Evidence, Modality
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from tests.training.synthetic_logits import labelled_logits
from training.calibration.calibrate import calibrate, calibrated_log_probabilities
from training.calibration.label_reliability import LabelReliability, Reliability
from training.calibration.summary import CalibrationSummary
from training.calibration.thresholds import precision_bound, threshold_table
from training.errors import ConfigError
from training.evaluation.metrics import expected_calibration_error
from training.evaluation.predictions import LabelledLogits

Result = tuple[Fusion, Calibration, CalibrationSummary]


def codes(classes: int) -> list[str]:
    return [str(40 + 10 * label) for label in range(classes)]


def run(answers: LabelledLogits, classes: int, **changes: Any) -> Result:
    options: dict[str, Any] = {"method": "weighted", "precision": 0.95, "coverage": 0.9, "seed": 7}
    return calibrate(answers, codes(classes), **(options | changes))


def without(answers: LabelledLogits, rows: slice, *evidence: str) -> LabelledLogits:
    """A copy whose `rows` lack some evidence."""
    changed: dict[str, np.ndarray] = {}
    for name in evidence:
        logits = getattr(answers, name).copy()
        logits[rows] = np.nan
        changed[name] = logits
    return replace(answers, **changed)


@dataclass
class Recorded:
    """Stands for the networks: says the logits that are written in the prepared listing."""

    by_modality: dict[Modality, None]

    def logits(self, prepared: list[Prepared]) -> list[dict[Modality, np.ndarray]]:
        answers = []
        for listing in prepared:
            said = {Modality.TEXT: listing.text and listing.text["said"], Modality.IMAGE: listing.pixels}
            answers.append({modality: value for modality, value in said.items() if value is not None})
        return answers


def served(result: Result, classes: int) -> Predictor:
    """The Predictor that serves what was learned, on recorded logits."""
    networks = Recorded(dict.fromkeys(Modality))
    manifest, taxonomy = SimpleNamespace(version="recorded"), SimpleNamespace(codes=codes(classes))
    parts: list[Any] = [manifest, taxonomy, None, networks, result[0], result[1]]
    return Predictor(*parts)


def prepared(answers: LabelledLogits, evidence: Evidence) -> list[Prepared]:
    """Every listing of `answers`, reduced to `evidence`."""
    shown = []
    for row, described in enumerate(answers.described):
        said = {Evidence.TITLE: answers.title, Evidence.IMAGE: None}.get(evidence, answers.text)
        text = None if said is None else {"said": said[row]}
        pixels = cast(Any, answers.image)[row] if evidence in (Evidence.IMAGE, Evidence.BOTH) else None
        text_evidence = (
            Evidence.TEXT if evidence is Evidence.TEXT or (evidence is Evidence.BOTH and described) else Evidence.TITLE
        )
        shown.append(Prepared(evidence, text, text_evidence, pixels, ()))
    return shown


def fused_answers(fusion: Fusion, calibration: Calibration, answers: LabelledLogits) -> tuple[Floats, Floats, Floats]:
    """Log-probabilities of text and photo, and fused probabilities, of all listings at once."""
    log_text, log_image = calibrated_log_probabilities(answers, calibration.cases)
    return (
        log_text,
        log_image,
        np.exp(calibration.cases[Evidence.BOTH].log_probabilities(fusion.fuse(log_text, log_image))),
    )


@pytest.mark.parametrize("evidence", list(Evidence))
def test_what_was_learned_is_what_the_predictor_serves(evidence: Evidence) -> None:
    """With "mean", nothing is cross-fitted: the listings calibrated on meet the promises exactly, as served."""
    classes = 5
    answers = labelled_logits(1, 700, classes)
    if evidence is Evidence.TEXT:
        answers = replace(answers, described=np.ones(700, bool))
    result = run(answers, classes, method="mean")
    predictor = served(result, classes)
    listings = prepared(answers, evidence)
    scores = predictor.score(listings)
    probabilities = np.stack([score.fused for score in scores])
    summary = result[2].cases[evidence]
    assert float((probabilities.argmax(1) == answers.labels).mean()) == summary.accuracy
    nll = -np.log(probabilities[np.arange(700), answers.labels]).mean()
    assert float(nll) == pytest.approx(summary.nll_after, rel=1e-4)

    names = np.array(codes(classes))[answers.labels]
    concluded = [predictor.conclude(*pair, precision=0.9) for pair in zip(listings, scores, strict=True)]
    sets = [set(answer.prediction_set.codes) for answer in concluded]
    for label in np.unique(names):
        own = names == label
        covered = sum(label in members for members, mine in zip(sets, own, strict=True) if mine)
        whole = sum(len(members) == classes for members, mine in zip(sets, own, strict=True) if mine)
        surplus = covered - np.ceil((own.sum() + 1) * 0.9)
        assert 0 <= surplus < 9 + whole, (
            "a few more: the most likely category is in each set, and all are in those of unfamiliar listings"
        )
    accepted = np.array([answer.decision.action is Action.ACCEPT for answer in concluded])
    right = np.array([answer.code for answer in concluded]) == names
    if accepted.any():
        assert precision_bound((accepted & right).sum(keepdims=True), accepted.sum(keepdims=True))[0] >= 0.9
    assert accepted.mean() > {Evidence.IMAGE: 0.0, Evidence.TITLE: 0.2}.get(evidence, 0.4)


def test_temperatures_are_those_of_the_networks() -> None:
    _, calibration, summary = run(labelled_logits(2, 4000, 6, temperatures=(2.0, 0.7)), 6)
    temperatures = {evidence: entry.temperature for evidence, entry in calibration.cases.items()}
    assert temperatures[Evidence.TEXT] == pytest.approx(2.0, rel=0.1)
    assert temperatures[Evidence.TITLE] == pytest.approx(2.0, rel=0.1)
    assert temperatures[Evidence.IMAGE] == pytest.approx(0.7, rel=0.1)
    assert temperatures[Evidence.BOTH] == pytest.approx(1.0, rel=0.1)
    for entry in summary.cases.values():
        assert entry.nll_after <= entry.nll_before + 1e-6
        assert entry.ece < 0.04


def test_enough_true_labels_make_votes_unneeded_and_borrow_their_photos() -> None:
    """Half of the listings are voted, with photos; half true, without. Every third vote is wrong."""
    classes, listings = 4, 2400
    answers = labelled_logits(20, listings, classes, text=2.0, image=1.5)
    voted = np.arange(listings) % 2 == 0
    wrong = voted & (np.arange(listings) % 6 == 0)
    assert answers.image is not None
    mixed = replace(
        answers,
        labels=np.where(wrong, (answers.labels + 1) % classes, answers.labels),
        sources=np.where(voted, "vote", "true"),
        image=np.where(voted[:, None], answers.image, np.nan),
    )
    fusion, calibration, summary = run(mixed, classes, reliability=LabelReliability(("true",)))
    assert {evidence: entry.basis for evidence, entry in summary.cases.items()} == {
        Evidence.TEXT: "800 true",
        Evidence.TITLE: "1,200 true",
        Evidence.IMAGE: "1,200 vote",
        Evidence.BOTH: "1,200 true, photos borrowed",
    }
    assert summary.fusion is not None
    assert summary.fusion.borrowing is not None
    assert summary.fusion.borrowing.listings == 1200
    log_text, _, probabilities = fused_answers(fusion, calibration, answers)
    assert (probabilities.argmax(1) == answers.labels).mean() > (log_text.argmax(1) == answers.labels).mean()
    truth = expected_calibration_error(answers.labels, np.exp(log_text))
    assert truth < 0.035, "the text's confidence means what it says of true labels"
    naive = run(mixed, classes)
    untrusting = expected_calibration_error(
        answers.labels, np.exp(calibrated_log_probabilities(answers, naive[1].cases)[0])
    )
    assert untrusting > 2 * truth


def test_votes_that_repeat_the_text_s_errors_do_not_loosen_thresholds() -> None:
    """The votes are what the text says best, and so the network seems never wrong, until their doubt is told."""
    classes, listings = 4, 3000
    answers = labelled_logits(21, listings, classes, text=2.0, image=None)
    assert answers.title is not None
    assert answers.text is not None
    alone = replace(answers, title=answers.text, described=np.zeros(listings, bool))
    votes = answers.text.argmax(1)
    right = float((votes == answers.labels).mean())
    voted = replace(alone, labels=votes, sources=np.full(listings, "vote"))
    achieved = {}
    for name, reliability in (
        ("believed", LabelReliability()),
        ("doubted", LabelReliability((), 500, {"vote": Reliability(right, 1.0)})),
    ):
        _, calibration, _ = run(voted, classes, reliability=reliability)
        probabilities = np.exp(calibration.cases[Evidence.TITLE].log_probabilities(answers.text))
        limits = [calibration.threshold(Evidence.TITLE, code, 0.9) or np.inf for code in codes(classes)]
        accepted = probabilities.max(1) >= np.array(limits)[probabilities.argmax(1)]
        achieved[name] = (votes == answers.labels)[accepted].mean() if accepted.any() else 1.0
    assert achieved["believed"] < 0.85
    assert achieved["doubted"] >= 0.9


def test_few_descriptions_share_thresholds_with_titles() -> None:
    answers = labelled_logits(22, 2000, 4)
    few = replace(answers, described=np.arange(2000) < 200)
    _, calibration, summary = run(few, 4)
    text = calibration.cases[Evidence.TEXT]
    assert text.listings == 200
    assert summary.cases[Evidence.TEXT].basis.endswith("; thresholds and sets also from 2,000 of title")
    assert text.thresholds[4] is not None
    assert calibration.cases[Evidence.TITLE].thresholds != text.thresholds


@pytest.mark.slow
def test_the_fused_promises_hold_on_unseen_listings() -> None:
    """Thresholds and sets come from cross-fitted answers, so they must hold for the fusion that is served."""
    classes, seeds, precision = 4, 12, 0.9
    unseen = labelled_logits(10_000, 20_000, classes, text=2.0, image=1.5)
    rows = np.arange(20_000)
    kept, coverage = [], []
    for seed in range(seeds):
        fusion, calibration, _ = run(labelled_logits(seed, 400, classes, text=2.0, image=1.5), classes)
        log_text, log_image, probabilities = fused_answers(fusion, calibration, unseen)
        limits = np.array([calibration.threshold(Evidence.BOTH, code, precision) or np.inf for code in codes(classes)])
        predicted = probabilities.argmax(1)
        contradicted = log_text.argmax(1) != log_image.argmax(1)
        contradicted &= (log_text.max(1) > np.log(0.5)) & (log_image.max(1) > np.log(0.5))
        accepted = (probabilities.max(1) >= limits[predicted]) & ~contradicted
        assert accepted.mean() > 0.3
        kept.append((predicted == unseen.labels)[accepted].mean() >= precision)
        coverage.append((probabilities[rows, unseen.labels] >= calibration.cases[Evidence.BOTH].set_floor).mean())
    assert np.mean(kept) >= 0.8
    assert np.mean(coverage) == pytest.approx(0.9, abs=0.015)


def test_thresholds_are_fitted_on_what_can_be_accepted() -> None:
    """Listings whose text and photo disagree go to review whatever the confidence, so they must not count."""
    classes = 4
    answers = labelled_logits(16, 1500, classes, text=2.0, image=2.0)
    result = run(answers, classes, method="mean")
    predictor = served(result, classes)
    listings = prepared(answers, Evidence.BOTH)
    scores = predictor.score(listings)
    concluded = [predictor.conclude(*pair) for pair in zip(listings, scores, strict=True)]
    strange = [answer.decision.reason is Reason.UNFAMILIAR for answer in concluded]
    agreed = ~np.array([answer.disagreement for answer in concluded]) & ~np.array(strange)
    assert sum(strange) == 74, "a twentieth of 1,501, less the one at the threshold"
    probabilities = np.stack([score.fused for score in scores])
    fitted = result[1].cases[Evidence.BOTH].thresholds
    assert fitted == threshold_table(probabilities[agreed], answers.labels[agreed], PRECISIONS).pooled
    assert fitted != threshold_table(probabilities, answers.labels, PRECISIONS).pooled


def test_only_cases_that_the_networks_can_meet_are_there() -> None:
    text_only = run(labelled_logits(4, 300, 4, image=None), 4)
    assert text_only[1].cases.keys() == text_only[2].cases.keys() == {Evidence.TEXT, Evidence.TITLE}
    image_only = run(labelled_logits(4, 300, 4, text=None), 4)
    assert image_only[1].cases.keys() == {Evidence.IMAGE}
    assert image_only[2].fusion is None
    assert image_only[0].method == "mean"


def test_without_a_listing_that_has_both_nothing_fused_is_accepted() -> None:
    classes = 5
    answers = labelled_logits(6, 800, classes)
    apart = without(without(answers, slice(0, 400), "image"), slice(400, 800), "text", "title")
    result = run(apart, classes)
    both = result[1].cases[Evidence.BOTH]
    assert result[0].method == "mean"
    assert both.listings == 0
    assert set(both.thresholds) == {None}
    assert Evidence.BOTH not in result[2].cases
    assert result[2].fusion is None
    predictor = served(result, classes)
    listings = prepared(answers, Evidence.BOTH)
    concluded = [predictor.conclude(*pair) for pair in zip(listings, predictor.score(listings), strict=True)]
    names = np.array(codes(classes))[answers.labels]
    assert np.mean([name in a.prediction_set.codes for a, name in zip(concluded, names, strict=True)]) >= 0.9
    assert np.mean([len(a.prediction_set.codes) for a in concluded]) < classes, "the sets still say something"


def test_few_descriptions_are_filled_up_with_titles() -> None:
    answers = labelled_logits(7, 600, 4)
    few = replace(answers, described=np.arange(600) < 99)
    enough = replace(answers, described=np.arange(600) < 100)
    assert run(few, 4)[1].cases[Evidence.TEXT].listings == 600
    assert run(enough, 4)[1].cases[Evidence.TEXT].listings == 100


def test_text_and_title_are_scaled_by_their_own_temperature_before_fusing() -> None:
    """Descriptions ten times as loud as titles: with one temperature for both the fusion would lose."""
    answers = labelled_logits(8, 1200, 5)
    assert answers.text is not None
    assert answers.title is not None
    loud = answers.text * np.where(answers.described, 10, 1)[:, None].astype(np.float32)
    quiet = run(answers, 5)[2]
    calibrated_apart = run(
        replace(answers, text=loud, title=np.where(answers.described[:, None], answers.title, loud)), 5
    )[2]
    assert quiet.fusion is not None
    assert calibrated_apart.fusion is not None
    assert calibrated_apart.fusion.accuracy == pytest.approx(quiet.fusion.accuracy, abs=0.015)


@pytest.mark.parametrize("listings", [1, 4, 5, 12])
@pytest.mark.parametrize("method", ["weighted", "mean"])
def test_tiny_catalogues_get_a_calibration_that_can_be_written(listings: int, method: str, tmp_path: Path) -> None:
    answers = labelled_logits(9, listings, 4)
    absent = replace(answers, labels=np.where(answers.labels == 3, 0, answers.labels))
    fusion, calibration, summary = run(absent, 4, method=method)
    calibration.write(tmp_path)
    fusion.write(tmp_path)
    assert Calibration.read(tmp_path) == calibration
    np.testing.assert_array_equal(Fusion.read(tmp_path, 4).text, fusion.text)
    assert calibration.threshold(Evidence.BOTH, "40", 0.95) is None, "a dozen listings cannot show 0.95"
    assert summary.cases[Evidence.BOTH].listings == listings


def test_no_listings_at_all_promise_nothing(tmp_path: Path) -> None:
    _, calibration, summary = run(labelled_logits(9, 0, 4), 4)
    calibration.write(tmp_path)
    assert Calibration.read(tmp_path).cases.keys() == set(Evidence)
    assert all(set(entry.thresholds) == {None} and entry.set_floor == 0 for entry in calibration.cases.values())
    assert summary == CalibrationSummary({}, None)


def test_untitled_listings_lend_titles_their_temperature() -> None:
    answers = without(labelled_logits(10, 300, 4), slice(None), "title")
    cases = run(replace(answers, described=np.ones(300, bool)), 4)[1].cases
    assert cases[Evidence.TITLE].temperature == cases[Evidence.TEXT].temperature
    assert set(cases[Evidence.TITLE].thresholds) == {None}


def test_classes_that_can_stand_alone_are_named_by_their_code() -> None:
    classes = 3
    answers = labelled_logits(11, 2500, classes)
    assert answers.text is not None
    weak = answers.labels.copy()
    flipped = np.flatnonzero((answers.text.argmax(1) == 1) & (np.arange(2500) % 5 < 2))
    weak[flipped] = 2
    _, calibration, _ = run(replace(answers, labels=weak), classes)
    text = calibration.cases[Evidence.TEXT]
    assert set(text.class_thresholds) <= set(codes(classes))
    assert calibration.threshold(Evidence.TEXT, "50", 0.8) is None, "two fifths of what is predicted 50 is wrong"
    assert calibration.threshold(Evidence.TEXT, "40", 0.8) is not None


@pytest.mark.parametrize(("option", "value"), [("precision", 0.7), ("precision", 0.999), ("coverage", 0.5)])
def test_options_out_of_range_are_a_config_error(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"^decision.{option}: "):
        run(labelled_logits(14, 50, 4), 4, **{option: value})


def test_logits_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"logits are \(50, 4\), not \(50, 5\)"):
        run(labelled_logits(15, 50, 4), 5)
