"""Methods of fusion side by side, on the listings that a version is calibrated on.

Every method that learns anything is cross-fitted: a listing's answer comes from a fit that has not seen it. Then each
gets one temperature, as a version's fused answers do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.arrays import Floats, Integers
from models.decision.calibration import EvidenceCalibration
from models.decision.fusion import Fusion
from models.listing import Evidence
from training.calibration.calibrate import calibrated_log_probabilities
from training.calibration.fusion import (
    CLASSES,
    COMMON,
    FOLDS,
    IMAGE,
    LISTINGS_PER_CLASS,
    MEAN,
    SHRINKAGES,
    TEXT,
    cross_fit_weights,
    folds,
)
from training.calibration.temperature import calibrated, fit_temperature, negative_log_likelihood
from training.evaluation.intervals import f1_estimates, share_estimate
from training.evaluation.metrics import expected_calibration_error
from training.evaluation.predictions import LabelledLogits

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse penalties (`C` of scikit-learn) that stacking tries, on the folds that the shrinkage is chosen on."""
LEAST = 1e-6
"""Probabilities are cut here before and after stacking: anything smaller is as hopeless."""


def compare_fusions(
    labelled: LabelledLogits, cases: Mapping[Evidence, EvidenceCalibration], *, seed: int
) -> list[dict[str, Any]]:
    """One entry for each method, both single networks first, as JSON types; empty without listings that have both.

    `name`, `n`, `accuracy` and both F1 with intervals, `nll` in nats, `ece`, `classes` that occur and `classes_held`:
    in how many of them F1 is at or above that of the better network. `detail` says what was chosen.
    """
    log_text, log_image = calibrated_log_probabilities(labelled, cases)
    both = np.isfinite(log_text).all(1) & np.isfinite(log_image).all(1)
    log_text, log_image, labels = log_text[both], log_image[both], labelled.labels[both]
    if not len(labels):
        return []
    entries: list[dict[str, Any]] = []
    single: list[NDArray[np.float64]] = []
    for name, scores, detail in _methods(log_text, log_image, labels, seed):
        confusion = confusion_matrix(labels, scores.argmax(1), labels=np.arange(scores.shape[1]))
        class_scores = 2 * confusion.diagonal() / np.maximum(confusion.sum(0) + confusion.sum(1), 1)
        if name in (TEXT, IMAGE):
            single.append(class_scores)
        occurring = confusion.sum(1) > 0
        settled = calibrated(scores, fit_temperature(scores, labels))
        f1_weighted, f1_macro = f1_estimates(confusion)
        entries.append(
            {
                "name": name,
                "detail": detail,
                "n": len(labels),
                "accuracy": share_estimate(int(confusion.trace()), len(labels)),
                "f1_weighted": f1_weighted,
                "f1_macro": f1_macro,
                "nll": negative_log_likelihood(settled, labels),
                "ece": expected_calibration_error(labels, np.exp(settled)),
                "classes": int(occurring.sum()),
                "classes_held": int((occurring & (class_scores >= np.max(single, axis=0))).sum()),
            }
        )
    return entries


def stack(log_text: Floats, log_image: Floats, labels: Integers, *, seed: int) -> tuple[Floats, float]:
    """Cross-fitted log-probabilities [N, C] of a multinomial logistic regression on both networks', and its `C`.

    N is at least `FOLDS`. A category that a fold's fit has not seen keeps the mean of both networks' probabilities.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.maximum(np.concatenate([log_text, log_image], axis=1), np.log(LEAST))
    mean = Fusion.mean(log_text.shape[1]).fuse(log_text, log_image)
    answers = np.repeat(mean[None], len(STRENGTHS), axis=0)
    with threadpool_limits(1):  # matrices are tiny
        for fitted_on, held in folds(labels, seed):
            if len(set(labels[fitted_on].tolist())) < 2:
                continue  # nothing to tell apart: the mean stays
            for choice, strength in enumerate(STRENGTHS):
                fitted = LogisticRegression(C=strength, max_iter=1000).fit(features[fitted_on], labels[fitted_on])
                left = 1 - np.exp(np.delete(mean[held], fitted.classes_, axis=1)).sum(1, keepdims=True)
                known = np.log(np.maximum(fitted.predict_proba(features[held]) * left, LEAST))
                answers[choice][np.ix_(held, fitted.classes_)] = known
    best = int(np.argmin([negative_log_likelihood(scores, labels) for scores in answers]))
    return answers[best], STRENGTHS[best]


def _methods(log_text: Floats, log_image: Floats, labels: Integers, seed: int) -> Iterator[tuple[str, Floats, str]]:
    classes = log_text.shape[1]
    yield TEXT, log_text, ""
    yield IMAGE, log_image, ""
    yield MEAN, Fusion.mean(classes).fuse(log_text, log_image), "nothing is learned"
    if len(labels) < FOLDS:
        return
    held_out = cross_fit_weights(log_text, log_image, labels, SHRINKAGES, seed=seed)
    yield COMMON, held_out[0], "2 numbers"
    best = 1 + int(np.argmin([negative_log_likelihood(answers, labels) for answers in held_out[1:]]))
    few = f"; too few listings to ship, {LISTINGS_PER_CLASS} per category are asked for"
    few = few if len(labels) < LISTINGS_PER_CLASS * classes else ""
    yield CLASSES, held_out[best], f"{3 * classes} numbers, shrinkage {SHRINKAGES[best - 1]:g}{few}"
    stacked, strength = stack(log_text, log_image, labels, seed=seed)
    yield "stacking", stacked, f"{classes * (2 * classes + 1)} numbers, C {strength:g}; never shipped"
