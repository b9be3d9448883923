"""The last fit of a run: fusion, calibrated confidences, familiarity, acceptance thresholds and prediction sets.

All are learned from the calibration listings, which the networks' fits have not seen. The fusion, of many numbers, is
judged on cross-fitted answers: each listing's comes from a fusion that was fitted without it. A confidence has four
numbers at most and is fitted on the whole; what is told of it is cross-fitted too.

Labels may be of several kinds (`training.calibration.label_reliability`). A case with enough listings of trusted label
sources is calibrated on these alone, text and photo together with borrowed photos (`training.calibration.calibrate`). A
case without is calibrated on all, where doubtful labels count as right with their probability only: else errors that
text network and text models share would pass for right answers. Weighing listings by it instead would choose the easy
ones: of the challenge's voted titles the text network is right in 96 % where the vote is unanimous and in 81 % over
all, of the true ones in 73 %. A photo that is right where the vote is wrong counts as wrong, which errs on the safe
side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.decision.calibration import PRECISION_MAX, PRECISION_MIN, PRECISIONS, Calibration, EvidenceCalibration
from models.decision.decide import DISAGREEMENT_CONFIDENCE
from models.decision.fusion import Fusion, Method
from models.listing import Evidence, Modality
from training.calibration.evidence import CalibrationSample, EvidenceFitter
from training.calibration.fusion import fit_fusion
from training.calibration.label_reliability import LabelReliability, basis
from training.calibration.summary import BorrowingCheck, CalibrationSummary, FusionSummary, accuracy, summarise_fusion
from training.config.run import FALSE_ALARMS
from training.errors import ConfigError, PublishRefused
from training.evaluation.predictions import Floats, LabelledLogits

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

DESCRIBED_MIN = 100
"""With fewer described listings the TEXT case is calibrated on all listings with text."""


def calibrate(
    answers: LabelledLogits,
    codes: Sequence[str],
    *,
    method: Method,
    precision: float,
    coverage: float,
    seed: int,
    trust: LabelReliability | None = None,
    false_alarms: float = FALSE_ALARMS,
) -> tuple[Fusion, Calibration, CalibrationSummary]:
    """Fit all of `fusion.json` and `calibration.json` on the calibration listings' logits.

    `codes` are the categories by class index, `precision` (0.80..0.995) the version's default one, `coverage`
    (above 0.5, below 1) that of its prediction sets; `trust` (default: all labels alike) says how far labels are
    believed, `false_alarms` which share of the catalogue's own listings may be called unfamiliar. A case gets an entry
    when the version has the networks for it. Where no listing can vouch for it, nothing is accepted and the prediction
    set is what can be derived, at worst every category. The same arguments give the same answer. Raises ConfigError
    when `precision` or `coverage` is out of range, ValueError when logits and `codes` differ in the number of classes.
    """
    _check(answers, codes, precision, coverage)
    trust = trust or LabelReliability()
    fitter = EvidenceFitter(codes, coverage, false_alarms, seed, trust.certainty(answers.sources, answers.shares))
    if answers.text is not None:
        title = answers.text if answers.title is None else answers.title
        fitter.single(Evidence.TEXT, answers.text, answers, _described(answers, present(answers.text), trust))
        fitter.single(
            Evidence.TITLE, title, answers, _believed(answers, present(title), trust), otherwise=Evidence.TEXT
        )
        fitter.share(Evidence.TEXT, Evidence.TITLE)
    if answers.image is not None:
        fitter.single(Evidence.IMAGE, answers.image, answers, _believed(answers, present(answers.image), trust))
    fusion, summary = Fusion.mean(len(codes)), None
    if answers.text is not None and answers.image is not None:
        raw = {Modality.TEXT: answers.text, Modality.IMAGE: answers.image}
        fusion, summary = _both(fitter, answers, raw, method, trust)
    calibration = Calibration(PRECISIONS, precision, coverage, fitter.cases)
    return fusion, calibration, CalibrationSummary(fitter.summaries, summary)


def fusable(answers: LabelledLogits, cases: Mapping[Evidence, EvidenceCalibration]) -> tuple[Floats, Floats]:
    """Calibrated log-probabilities of text and photo, [N, C] each, as `Predictor` fuses them.

    Rows of NaN where there is no such evidence. Raises ValueError when the version has not both networks.
    """
    text, image = answers.text, answers.image
    if text is None or image is None:
        raise ValueError("a fusion needs two networks")
    log_text = np.where(
        answers.described[:, None],
        cases[Evidence.TEXT].log_probabilities(text),
        cases[Evidence.TITLE].log_probabilities(text),
    )
    return log_text, cases[Evidence.IMAGE].log_probabilities(image)


def refuse_worse_fusion(summary: CalibrationSummary) -> None:
    """Raises PublishRefused when the fusion, cross-fitted, is less accurate than one of its networks alone."""
    fusion = summary.fusion
    if fusion is None or fusion.gain >= 0:
        return
    name, better = max(("text", fusion.text_accuracy), ("photo", fusion.image_accuracy), key=lambda named: named[1])
    raise PublishRefused(
        f"Text and photo together are right on {fusion.accuracy:.2%} of {fusion.listings} calibration listings, "
        f"{name} alone on {better:.2%}: such a version is only published with --force."
    )


def _believed(answers: LabelledLogits, rows: Mask, trust: LabelReliability) -> Mask:
    """What of `rows` to calibrate on: the trusted ones, or all where these are too few."""
    trusted = trust.enough(answers.sources, rows)
    return rows if trusted is None else trusted


def _described(answers: LabelledLogits, rows: Mask, trust: LabelReliability) -> Mask:
    """The same for texts with a description, filled up with titles where they are too few."""
    described = rows & answers.described
    for trusted in (trust.enough(answers.sources, described), trust.enough(answers.sources, rows)):
        if trusted is not None and trusted.sum() >= DESCRIBED_MIN:
            return trusted
    return described if described.sum() >= DESCRIBED_MIN else rows


def _both(
    fitter: EvidenceFitter,
    answers: LabelledLogits,
    raw: Mapping[Modality, Floats],
    method: Method,
    trust: LabelReliability,
) -> tuple[Fusion, FusionSummary | None]:
    """Fit the fusion on the listings with text and photo, and calibrate what it says, as `Predictor` will compute it.

    Without any such listing the probabilities are averaged. The label's mean probability is at least half of the
    text's and half of the photo's, so half of the higher floor of the two is a floor that keeps the coverage.
    """
    log_text, log_image = fusable(answers, fitter.cases)
    labels, rows = answers.labels, present(log_text) & present(log_image)
    if not rows.any():
        lowest = {
            evidence: min(fitted.set_floor, *fitted.class_floors.values(), 1)
            for evidence, fitted in fitter.cases.items()
        }
        fitter.never(Evidence.BOTH, max(min(lowest[Evidence.TEXT], lowest[Evidence.TITLE]), lowest[Evidence.IMAGE]) / 2)
        return Fusion.mean(log_text.shape[1]), None
    fitted = fit_fusion(log_text[rows], log_image[rows], labels[rows], method=method, seed=fitter.seed)
    summary = summarise_fusion(fitted, log_text[rows], log_image[rows], labels[rows])
    own = trust.enough(answers.sources, rows)
    alone = trust.enough(answers.sources, present(log_text))
    told = ""
    if own is None and alone is not None:
        texts, photos = _borrow(log_text, labels, np.flatnonzero(alone), np.flatnonzero(rows))
        fused = fitted.fusion.fuse(log_text[texts], log_image[photos])
        told = ", photos borrowed"
        summary = replace(
            summary, borrowing=_check_borrowing(fitted.fusion, log_text[rows], log_image[rows], labels[rows])
        )
    else:
        kept = rows if own is None else own
        texts = photos = np.flatnonzero(kept)
        fused = fitted.cross_fitted[kept[rows]]
    networks = {Modality.TEXT: raw[Modality.TEXT][texts], Modality.IMAGE: raw[Modality.IMAGE][photos]}
    disagreement = disagree(log_text[texts], log_image[photos])
    told = basis(answers.sources[texts]) + told
    sample = CalibrationSample(texts, fused, labels[texts], fitter.certainty[texts], networks, disagreement, told)
    fitter.fit(Evidence.BOTH, sample)
    return fitted.fusion, summary


def _borrow(log_text: Floats, labels: Labels, texts: Places, donors: Places) -> tuple[Places, Places]:
    """Rows of texts, less those of categories that no donor has, and of the photos lent to them."""
    chosen = nearest_donors(log_text[texts], labels[texts], log_text[donors], labels[donors])
    found = chosen != NONE
    return texts[found], donors[chosen[found]]


def _check_borrowing(fusion: Fusion, log_text: Floats, log_image: Floats, labels: Labels) -> BorrowingCheck | None:
    """What borrowing changes on listings that have a photo of their own; None when no two share a category."""
    others = nearest_others(log_text, labels)
    found = others != NONE
    if not found.any():
        return None
    text, kept = log_text[found], labels[found]
    own, borrowed = fusion.fuse(text, log_image[found]), fusion.fuse(text, log_image[others[found]])
    return BorrowingCheck(len(kept), accuracy(own, kept), accuracy(borrowed, kept))


def disagree(log_text: Floats, log_image: Floats) -> Mask:
    """Of N listings, those that `Predictor` never accepts because text and photo disagree."""
    differ = log_text.argmax(1) != log_image.argmax(1)
    sure = [np.exp(scores).max(1) > DISAGREEMENT_CONFIDENCE for scores in (log_text, log_image)]
    return np.asarray(differ & sure[0] & sure[1])


def present(logits: Floats) -> Mask:
    """Which of N listings have logits [N, C]."""
    return np.asarray(np.isfinite(logits).all(1))


def _check(answers: LabelledLogits, codes: Sequence[str], precision: float, coverage: float) -> None:
    problems = []
    if not PRECISION_MIN <= precision <= PRECISION_MAX:
        problems.append(f"decision.precision: goes from {PRECISION_MIN:.2f} to {PRECISION_MAX}")
    if not 0.5 < coverage < 1:
        problems.append("decision.coverage: must be more than 0.5 and less than 1")
    if problems:
        raise ConfigError(problems)
    for logits in (answers.text, answers.title, answers.image):
        if logits is not None and logits.shape != (len(answers.labels), len(codes)):
            raise ValueError(f"logits are {logits.shape}, not {(len(answers.labels), len(codes))}")


NONE = -1


def nearest_donors(log_text: Floats, labels: Labels, donor_text: Floats, donor_labels: Labels) -> NDArray[np.int64]:
    """For each of N listings the number of the donor of its category with the most similar text: int64 [N].

    `log_text` [N, C] and `donor_text` [M, C] are log-probabilities; `NONE` where no donor has the category.
    """
    chosen = np.full(len(labels), NONE, np.int64)
    for label in np.unique(labels):
        rows, donors = np.flatnonzero(labels == label), np.flatnonzero(donor_labels == label)
        if len(donors):
            chosen[rows] = donors[_affinity(log_text[rows], donor_text[donors]).argmax(1)]
    return chosen


def nearest_others(log_text: Floats, labels: Labels) -> NDArray[np.int64]:
    """The same among N listings themselves, none being its own donor."""
    chosen = np.full(len(labels), NONE, np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            affinity = _affinity(log_text[rows], log_text[rows])
            np.fill_diagonal(affinity, -np.inf)
            chosen[rows] = rows[affinity.argmax(1)]
    return chosen


def _affinity(first: Floats, second: Floats) -> Floats:
    """Bhattacharyya coefficients [N, M] of log-probabilities: 1 less the squared Hellinger distance."""
    return np.asarray(np.exp(first / 2) @ np.exp(second / 2).T, np.float32)
