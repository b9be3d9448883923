"""The last fit of a run: fusion, calibrated confidences, familiarity, acceptance thresholds and prediction sets.

All are learned from the calibration listings, which the networks' fits have not seen. The fusion, of many numbers, is
judged on cross-fitted predictions: each listing's comes from a fusion that was fitted without it. A confidence has four
numbers at most and is fitted on the whole; what the summary says of it is cross-fitted too.

Labels may be of several kinds (`training.calibration.label_reliability`). Evidence with enough listings of trusted
label sources is calibrated on these alone; text with a photo then takes imputed photos, of the most similar listing of
the category that has one. Other evidence is calibrated on all listings, where doubtful labels count as right with their
probability only: else errors that text network and text models share would pass for right predictions. Weighing
listings by that probability instead would choose the easy ones (docs/decisions/0028). A photo that is right where the
vote is wrong counts as wrong, which errs on the safe side.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sklearn.metrics import accuracy_score

from models.arrays import Floats, Integers, Mask, Positions
from models.decision.calibration import PRECISION_MAX, PRECISION_MIN, PRECISIONS, Calibration, EvidenceCalibration
from models.decision.decide import DISAGREEMENT_CONFIDENCE
from models.decision.fusion import Fusion
from models.listing import Evidence, Modality
from training.calibration.evidence import CalibrationSample, EvidenceFitter
from training.calibration.fusion import fit_fusion
from training.calibration.label_reliability import LabelReliability, describe_sources
from training.calibration.summary import CalibrationSummary, FusionSummary, ImputationCheck, summarise_fusion
from training.config.run import FALSE_ALARMS, FusionMethod
from training.errors import ConfigError
from training.evaluation.predictions import LabelledLogits

DESCRIBED_MIN = 100
"""With fewer described listings TEXT is calibrated on all listings with text."""


def calibrate(
    labelled: LabelledLogits,
    codes: Sequence[str],
    *,
    method: FusionMethod,
    precision: float,
    coverage: float,
    seed: int,
    reliability: LabelReliability | None = None,
    false_alarms: float = FALSE_ALARMS,
) -> tuple[Fusion, Calibration, CalibrationSummary]:
    """Fit all of `fusion.json` and `calibration.json` on the calibration listings' logits.

    `codes` are the categories by class index, `precision` (0.80..0.995) the version's default one, `coverage`
    (above 0.5, below 1) that of its prediction sets; `reliability` (default: all labels alike) says how far labels are
    believed, `false_alarms` the share of the catalogue's own listings that may be called unfamiliar. Evidence gets an
    entry when the version has the networks for it. Evidence without calibration listings is never accepted, and its
    prediction set is what can be derived, at worst every category. The result depends on the arguments alone. Raises
    ConfigError when `precision` or `coverage` is out of range, ValueError when logits and `codes` differ in the number
    of classes.
    """
    _check(labelled, codes, precision, coverage)
    reliability = reliability or LabelReliability()
    certainty = reliability.certainty(labelled.sources, labelled.shares)
    offered = PRECISIONS[bisect_left(PRECISIONS, precision - 1e-9)]
    fitter = EvidenceFitter(codes, offered, coverage, false_alarms, seed, certainty)
    if labelled.text is not None:
        title = labelled.text if labelled.title is None else labelled.title
        described = _described_rows(labelled, present(labelled.text), reliability)
        titled = _trusted_rows(labelled, present(title), reliability)
        fitter.fit_network(Evidence.TEXT, labelled.text, labelled, described)
        fitter.fit_network(Evidence.TITLE, title, labelled, titled, otherwise=Evidence.TEXT)
        fitter.share_thresholds(Evidence.TEXT, Evidence.TITLE)
    if labelled.image is not None:
        photographed = _trusted_rows(labelled, present(labelled.image), reliability)
        fitter.fit_network(Evidence.IMAGE, labelled.image, labelled, photographed)
    fusion, summary = Fusion.mean(len(codes)), None
    if labelled.text is not None and labelled.image is not None:
        raw = {Modality.TEXT: labelled.text, Modality.IMAGE: labelled.image}
        fusion, summary = _fit_both(fitter, labelled, raw, method, reliability)
    calibration = Calibration(PRECISIONS, precision, coverage, fitter.calibrations)
    return fusion, calibration, CalibrationSummary(fitter.summaries, summary)


def calibrated_log_probabilities(
    labelled: LabelledLogits, calibrations: Mapping[Evidence, EvidenceCalibration]
) -> tuple[Floats, Floats]:
    """Calibrated log-probabilities of text and photo, [N, C] each, as `Predictor` fuses them.

    Rows of NaN where there is no such evidence. Raises ValueError when the version has not both networks.
    """
    text, image = labelled.text, labelled.image
    if text is None or image is None:
        raise ValueError("a fusion needs two networks")
    log_text = np.where(
        labelled.described[:, None],
        calibrations[Evidence.TEXT].log_probabilities(text),
        calibrations[Evidence.TITLE].log_probabilities(text),
    )
    return log_text, calibrations[Evidence.IMAGE].log_probabilities(image)


def _trusted_rows(labelled: LabelledLogits, rows: Mask, reliability: LabelReliability) -> Mask:
    """The trusted ones of `rows`, or all of them where these are too few."""
    trusted = reliability.enough(labelled.sources, rows)
    return rows if trusted is None else trusted


def _described_rows(labelled: LabelledLogits, rows: Mask, reliability: LabelReliability) -> Mask:
    """The described ones of `rows`, trusted ones first, filled up with titles where they are too few."""
    described = rows & labelled.described
    for candidates in (described, rows):
        trusted = reliability.enough(labelled.sources, candidates)
        if trusted is not None and trusted.sum() >= DESCRIBED_MIN:
            return trusted
    return described if described.sum() >= DESCRIBED_MIN else rows


def _fit_both(
    fitter: EvidenceFitter,
    labelled: LabelledLogits,
    raw: Mapping[Modality, Floats],
    method: FusionMethod,
    reliability: LabelReliability,
) -> tuple[Fusion, FusionSummary | None]:
    """Fit the fusion on the listings with text and photo, and calibrate its output as `Predictor` will compute it.

    Without any such listing the probabilities are averaged. The label's mean probability is at least half of the
    text's and half of the photo's, so half of the higher floor of the two is a floor that keeps the coverage.
    """
    log_text, log_image = calibrated_log_probabilities(labelled, fitter.calibrations)
    labels, rows = labelled.labels, present(log_text) & present(log_image)
    if not rows.any():
        lowest = {
            evidence: min(fitted.set_floor, *fitted.class_floors.values(), 1)
            for evidence, fitted in fitter.calibrations.items()
        }
        floor = max(min(lowest[Evidence.TEXT], lowest[Evidence.TITLE]), lowest[Evidence.IMAGE]) / 2
        fitter.accept_nothing(Evidence.BOTH, floor)
        return Fusion.mean(log_text.shape[1]), None
    fitted = fit_fusion(log_text[rows], log_image[rows], labels[rows], method=method, seed=fitter.seed)
    summary = summarise_fusion(fitted, log_text[rows], log_image[rows], labels[rows])
    trusted = reliability.enough(labelled.sources, rows)
    trusted_texts = reliability.enough(labelled.sources, present(log_text))
    imputed = ""
    if trusted is None and trusted_texts is not None:
        texts, photos = _impute_photos(log_text, labels, np.flatnonzero(trusted_texts), np.flatnonzero(rows))
        fused = fitted.fusion.fuse(log_text[texts], log_image[photos])
        imputed = ", photos borrowed"
        check = _check_imputation(fitted.fusion, log_text[rows], log_image[rows], labels[rows])
        summary = replace(summary, borrowing=check)
    else:
        kept = rows if trusted is None else trusted
        texts = photos = np.flatnonzero(kept)
        fused = fitted.cross_fitted[kept[rows]]
    networks = {Modality.TEXT: raw[Modality.TEXT][texts], Modality.IMAGE: raw[Modality.IMAGE][photos]}
    disagreement = disagree(log_text[texts], log_image[photos])
    basis = describe_sources(labelled.sources[texts]) + imputed
    sample = CalibrationSample(texts, fused, labels[texts], fitter.certainty[texts], networks, disagreement, basis)
    fitter.fit(Evidence.BOTH, sample)
    return fitted.fusion, summary


def _impute_photos(
    log_text: Floats, labels: Integers, texts: Positions, donors: Positions
) -> tuple[Positions, Positions]:
    """Rows of the texts whose category a donor has, and of the donors whose photos stand in for theirs."""
    nearest = nearest_donors(log_text[texts], labels[texts], log_text[donors], labels[donors])
    imputed = nearest != NO_DONOR
    return texts[imputed], donors[nearest[imputed]]


def _check_imputation(fusion: Fusion, log_text: Floats, log_image: Floats, labels: Integers) -> ImputationCheck | None:
    """Accuracy with own and with imputed photos on listings that have one; None when no two share a category."""
    donors = nearest_other_listings(log_text, labels)
    rows = np.flatnonzero(donors != NO_DONOR)
    if not len(rows):
        return None
    fused = (fusion.fuse(log_text[rows], log_image[photos]) for photos in (rows, donors[rows]))
    own, imputed = (float(accuracy_score(labels[rows], scores.argmax(1))) for scores in fused)
    return ImputationCheck(len(rows), own, imputed)


def disagree(log_text: Floats, log_image: Floats) -> Mask:
    """Mask bool [N] of the listings that `Predictor` never accepts because text and photo disagree."""
    differ = log_text.argmax(1) != log_image.argmax(1)
    sure = [np.exp(scores).max(1) > DISAGREEMENT_CONFIDENCE for scores in (log_text, log_image)]
    return np.asarray(differ & sure[0] & sure[1])


def present(logits: Floats) -> Mask:
    """Mask bool [N] of the listings whose logits [N, C] are there."""
    return np.asarray(np.isfinite(logits).all(1))


def _check(labelled: LabelledLogits, codes: Sequence[str], precision: float, coverage: float) -> None:
    problems = []
    if not PRECISION_MIN <= precision <= PRECISION_MAX:
        problems.append(f"decision.precision: goes from {PRECISION_MIN:.2f} to {PRECISION_MAX}")
    if not 0.5 < coverage < 1:
        problems.append("decision.coverage: must be more than 0.5 and less than 1")
    if problems:
        raise ConfigError(problems)
    for logits in (labelled.text, labelled.title, labelled.image):
        if logits is not None and logits.shape != (len(labelled.labels), len(codes)):
            raise ValueError(f"logits are {logits.shape}, not {(len(labelled.labels), len(codes))}")


NO_DONOR = -1


def nearest_donors(log_text: Floats, labels: Integers, donor_text: Floats, donor_labels: Integers) -> Integers:
    """For each of N listings the position of the donor of its category with the most similar text: int64 [N].

    `log_text` [N, C] and `donor_text` [M, C] are log-probabilities; `NO_DONOR` where no donor has the category.
    """
    chosen = np.full(len(labels), NO_DONOR, np.int64)
    for label in np.unique(labels):
        rows, donors = np.flatnonzero(labels == label), np.flatnonzero(donor_labels == label)
        if len(donors):
            chosen[rows] = donors[_affinity(log_text[rows], donor_text[donors]).argmax(1)]
    return chosen


def nearest_other_listings(log_text: Floats, labels: Integers) -> Integers:
    """For each of N listings the position of the most similar other listing of its category: int64 [N] or NO_DONOR."""
    chosen = np.full(len(labels), NO_DONOR, np.int64)
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
