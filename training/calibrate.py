"""The last fit of a run: fusion, temperatures, acceptance thresholds and prediction sets.

All are learned from the calibration listings, which the networks' fits have not seen. The fusion, of many numbers, is
judged on cross-fitted answers: each listing's comes from a fusion that was fitted without it. A temperature is a single
number, has too little room to flatter itself, and is fitted on the whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import PRECISION_MAX, PRECISION_MIN, PRECISIONS, Calibration, CaseCalibration
from models.fusion import Fusion, Method
from models.listing import Case
from models.predictor import DISAGREEMENT_CONFIDENCE
from training.errors import ConfigError, PublishRefused
from training.evaluation import Floats, LabelledLogits
from training.fusion_fit import FittedFusion, fit_fusion
from training.metrics import expected_calibration_error
from training.temperature import calibrated, fit_temperature, negative_log_likelihood
from training.thresholds import threshold_table

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

DESCRIBED_MIN = 100
"""With fewer described listings the TEXT case is calibrated on all listings with text."""


@dataclass(frozen=True)
class CaseSummary:
    """How one case's calibration went, on its `listings`.

    Mean negative log-likelihood in nats before and after its temperature, expected calibration error (0..1, 15 bins
    of equal mass) after it, and accuracy; for `both` from cross-fitted answers.
    """

    listings: int
    temperature: float
    nll_before: float
    nll_after: float
    ece: float
    accuracy: float


@dataclass(frozen=True)
class FusionSummary:
    """Accuracies (0..1) of the fusion, cross-fitted, and of each network alone, on the listings with text and photo.

    `shrinkage` is the strength that cross-validation chose for the weights per class, None when classes share their
    weights. `gain` is the fusion's accuracy less that of the better network.
    """

    method: Method
    shrinkage: float | None
    listings: int
    accuracy: float
    text_accuracy: float
    image_accuracy: float
    gain: float


@dataclass(frozen=True)
class CalibrationSummary:
    """What to tell people about a calibration. Cases without listings, and a fusion without any, are left out."""

    cases: Mapping[Case, CaseSummary]
    fusion: FusionSummary | None

    @property
    def fused_gain(self) -> float | None:
        """The fusion's accuracy less that of the better network on the same listings; None when none has both."""
        return None if self.fusion is None else self.fusion.gain


def calibrate(
    answers: LabelledLogits, codes: Sequence[str], *, method: Method, precision: float, coverage: float, seed: int
) -> tuple[Fusion, Calibration, CalibrationSummary]:
    """Fit all of `fusion.json` and `calibration.json` on the calibration listings' logits.

    `codes` are the categories by class index, `precision` (0.80..0.995) the version's default one, `coverage`
    (above 0.5, below 1) that of its prediction sets. A case gets an entry when the version has the networks for it.
    Where no listing can vouch for it, nothing is accepted and the prediction set is what can be derived, at worst
    every category. The same arguments give the same answer. Raises ConfigError when `precision` or `coverage` is
    out of range, ValueError when logits and `codes` differ in the number of classes.
    """
    _check(answers, codes, precision, coverage)
    fitter = _Fitter(codes, coverage)
    if answers.text is not None:
        title = answers.text if answers.title is None else answers.title
        seen = _present(answers.text)
        described = seen & answers.described
        if described.sum() < DESCRIBED_MIN:
            described = seen
        fitter.single(Case.TEXT, answers.text, answers.labels, described)
        fitter.single(Case.TITLE, title, answers.labels, _present(title), otherwise=Case.TEXT)
    if answers.image is not None:
        fitter.single(Case.IMAGE, answers.image, answers.labels, _present(answers.image))
    fusion, summary = Fusion.mean(len(codes)), None
    if answers.text is not None and answers.image is not None:
        fusion, summary = _both(fitter, answers, answers.text, answers.image, method, seed)
    calibration = Calibration(PRECISIONS, precision, coverage, fitter.cases)
    return fusion, calibration, CalibrationSummary(fitter.summaries, summary)


def fusable(answers: LabelledLogits, temperatures: Mapping[Case, float]) -> tuple[Floats, Floats, Labels]:
    """What a fusion is learned from: calibrated log-probabilities [N, C] of text and photo, and labels [N].

    Of the listings that have both. Raises ValueError when the version has not both networks.
    """
    text, image = answers.text, answers.image
    if text is None or image is None:
        raise ValueError("a fusion needs two networks")
    rows = _present(text) & _present(image)
    log_text = np.where(
        answers.described[rows, None],
        calibrated(text[rows], temperatures[Case.TEXT]),
        calibrated(text[rows], temperatures[Case.TITLE]),
    )
    return log_text, calibrated(image[rows], temperatures[Case.IMAGE]), answers.labels[rows]


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


def prediction_set_floor(probabilities: Floats, labels: Labels, coverage: float) -> float:
    """The probability from which a category joins the prediction set, so that sets hold the label with `coverage`.

    Split conformal prediction (Sadinle et al. 2019): of N listings, the ceil((N + 1) coverage)-th largest
    probability of the label; 0, so every category, when N is too small. The promise is for the mean over
    calibrations and unseen listings.
    """
    rank = math.ceil((len(labels) + 1) * coverage - 1e-9)
    if rank > len(labels):
        return 0.0
    of_labels = probabilities[np.arange(len(labels)), labels]
    return float(np.sort(of_labels)[len(labels) - rank])


class _Fitter:
    """Collects what is learned, case by case."""

    def __init__(self, codes: Sequence[str], coverage: float) -> None:
        self.codes = codes
        self.coverage = coverage
        self.cases: dict[Case, CaseCalibration] = {}
        self.summaries: dict[Case, CaseSummary] = {}

    def single(self, case: Case, logits: Floats, labels: Labels, rows: Mask, *, otherwise: Case | None = None) -> None:
        """Calibrate a case of one network on `rows`; without any it takes the temperature of the case `otherwise`."""
        if rows.any():
            self.fit(case, logits[rows], labels[rows])
        else:
            self.never(case, 1.0 if otherwise is None else self.cases[otherwise].temperature, 0.0)

    def fit(self, case: Case, logits: Floats, labels: Labels, acceptable: Mask | None = None) -> None:
        """Calibrate a case on logits (or log-probabilities) [N, C], N at least 1.

        Thresholds are fitted on `acceptable` listings (default: all), as only those can be accepted.
        """
        temperature = fit_temperature(logits, labels)
        log_probabilities = calibrated(logits, temperature)
        probabilities = np.exp(log_probabilities)
        kept = slice(None) if acceptable is None else acceptable
        table = threshold_table(probabilities[kept], labels[kept], PRECISIONS)
        self.cases[case] = CaseCalibration(
            temperature=temperature,
            listings=len(labels),
            thresholds=table.pooled,
            class_thresholds={self.codes[label]: values for label, values in table.by_class.items()},
            set_floor=prediction_set_floor(probabilities, labels, self.coverage),
        )
        self.summaries[case] = CaseSummary(
            listings=len(labels),
            temperature=temperature,
            nll_before=negative_log_likelihood(calibrated(logits, 1.0), labels),
            nll_after=negative_log_likelihood(log_probabilities, labels),
            ece=expected_calibration_error(labels, probabilities),
            accuracy=_accuracy(probabilities, labels),
        )

    def never(self, case: Case, temperature: float, set_floor: float) -> None:
        """A case without calibration listings: always for a human to look at."""
        self.cases[case] = CaseCalibration(
            temperature=temperature,
            listings=0,
            thresholds=[None] * len(PRECISIONS),
            class_thresholds={},
            set_floor=set_floor,
        )


def _both(
    fitter: _Fitter, answers: LabelledLogits, text: Floats, image: Floats, method: Method, seed: int
) -> tuple[Fusion, FusionSummary | None]:
    """Fit the fusion on the listings with text and photo, and calibrate what it says, as `Predictor` will compute it.

    Without any such listing the probabilities are averaged. The label's mean probability is at least half of the
    text's and half of the photo's, so half of the higher floor of the two is a floor that keeps the coverage.
    """
    rows = _present(text) & _present(image)
    cases = fitter.cases
    if not rows.any():
        text_floor = min(cases[Case.TEXT].set_floor, cases[Case.TITLE].set_floor)
        fitter.never(Case.BOTH, 1.0, max(text_floor, cases[Case.IMAGE].set_floor) / 2)
        return Fusion.mean(text.shape[1]), None
    log_text, log_image, labels = fusable(answers, {case: fitted.temperature for case, fitted in cases.items()})
    fitted = fit_fusion(log_text, log_image, labels, method=method, seed=seed)
    fitter.fit(Case.BOTH, fitted.cross_fitted, labels, ~_disagree(log_text, log_image))
    return fitted.fusion, _summary(fitted, log_text, log_image, labels)


def _summary(fitted: FittedFusion, log_text: Floats, log_image: Floats, labels: Labels) -> FusionSummary:
    fused, text, image = (_accuracy(scores, labels) for scores in (fitted.cross_fitted, log_text, log_image))
    return FusionSummary(
        method=fitted.fusion.method,
        shrinkage=fitted.shrinkage,
        listings=len(labels),
        accuracy=fused,
        text_accuracy=text,
        image_accuracy=image,
        gain=fused - max(text, image),
    )


def _disagree(log_text: Floats, log_image: Floats) -> Mask:
    """Of N listings, those that `Predictor` never accepts because text and photo disagree."""
    differ = log_text.argmax(1) != log_image.argmax(1)
    sure = [np.exp(scores).max(1) > DISAGREEMENT_CONFIDENCE for scores in (log_text, log_image)]
    return np.asarray(differ & sure[0] & sure[1])


def _present(logits: Floats) -> Mask:
    return np.asarray(np.isfinite(logits).all(1))


def _accuracy(scores: Floats, labels: Labels) -> float:
    return float((scores.argmax(1) == labels).mean())


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
