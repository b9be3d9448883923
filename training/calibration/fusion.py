"""Choosing how text and photo are fused, and fitting the weight of each network for each category.

Cross-fitted log loss chooses between either network alone, the mean of both, one learned weight for each network, and
learned weights for each category. So fusion is as good as the better network alone, as far as the listings can show.

What is learned is `models.decision.fusion.Fusion` "weighted", a log-linear pool; its negative log-likelihood is convex
in the weights. With a few thousand listings and 3 C numbers to learn, each category's weights are shrunk towards the
mean of all categories' weights, which is learned with them, and the bias towards 0: a category with few listings gets
the common weights. The strength of the shrinkage is chosen by the same log loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.arrays import Doubles, Floats, Integers, Positions
from models.decision.fusion import Fusion
from models.listing import Modality
from training.calibration.temperature import calibrated, fit_temperature, negative_log_likelihood
from training.config.run import FusionMethod

FOLDS = 5
LISTINGS_PER_CLASS = 10
"""Weights per class are tried from this many listings per class on average; below it only common weights are
learned."""
SHRINKAGES = (100.0, 25.0, 6.0, 1.5)
"""Tried strengths: the inverse variance, around the common weights, that the weights of the classes are assumed to
have."""
COMMON_WEIGHT, COMMON_PRIOR = 0.5, 1.0
"""The common weights are assumed to be N(0.5, 1 / 1.0): at 0.5 and 0.5 two networks that agree are neither
amplified nor damped. It keeps a dozen separable listings from sending the weights to infinity and is nothing
against hundreds."""
TEXT, IMAGE, MEAN = "text alone", "photo alone", "mean"
COMMON, CLASSES = "one weight per network", "weights per category"
"""The choices, simplest first."""
LEARNED = (COMMON, CLASSES)


@dataclass(frozen=True, eq=False)
class FittedFusion:
    """A fusion, and its cross-fitted predictions.

    `cross_fitted` float32 [N, C] are fused log-probabilities of the N listings that it was fitted on, each from a
    fusion fitted without the listing. `shrinkage` is the chosen strength, None when no class has weights of its own.
    `losses` are the cross-fitted log losses (nats) of all choices, each at its best temperature; `choice` names the one
    that was taken.
    """

    fusion: Fusion
    cross_fitted: Floats
    shrinkage: float | None
    choice: str
    losses: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class _FusionInputs:
    text: Doubles
    image: Doubles
    labels: Integers

    @classmethod
    def of(cls, log_text: Floats, log_image: Floats, labels: Integers) -> _FusionInputs:
        return cls(log_text.astype(np.float64), log_image.astype(np.float64), labels)


def fit_fusion(
    log_text: Floats, log_image: Floats, labels: Integers, *, method: FusionMethod, seed: int
) -> FittedFusion:
    """Fit on calibrated log-probabilities [N, C] of both networks and class indices [N], N at least 1.

    "best" takes the choice of the smallest cross-fitted log loss, "weighted" the better of the learned ones. Fewer than
    `FOLDS` listings choose nothing and give the mean. The result depends on the arguments alone.
    """
    classes = log_text.shape[1]
    fusions = {
        TEXT: Fusion.alone(Modality.TEXT, classes),
        IMAGE: Fusion.alone(Modality.IMAGE, classes),
        MEAN: Fusion.mean(classes),
    }
    held_out = {choice: fusion.fuse(log_text, log_image) for choice, fusion in fusions.items()}
    shrinkages: tuple[float, ...] = ()
    best = 0
    if len(labels) >= FOLDS:
        shrinkages = SHRINKAGES if len(labels) >= LISTINGS_PER_CLASS * classes else ()
        learned = cross_fit_weights(log_text, log_image, labels, shrinkages, seed=seed)
        held_out[COMMON] = learned[0]
        if shrinkages:
            best = 1 + int(np.argmin([negative_log_likelihood(scores, labels) for scores in learned[1:]]))
            held_out[CLASSES] = learned[best]
    losses = {choice: _loss(scores, labels) for choice, scores in held_out.items()}
    allowed = {"mean": (MEAN,), "weighted": LEARNED, "best": tuple(losses)}[method] if len(labels) >= FOLDS else (MEAN,)
    choice = min((choice for choice in losses if choice in allowed), key=losses.__getitem__)
    if choice in LEARNED:
        strengths = shrinkages[:best] if choice == CLASSES else ()
        with threadpool_limits(1):
            fusions[choice] = _fusion(_path(_FusionInputs.of(log_text, log_image, labels), strengths)[-1])
    shrinkage = shrinkages[best - 1] if choice == CLASSES else None
    return FittedFusion(fusions[choice], held_out[choice], shrinkage, choice, losses)


def _loss(scores: Floats, labels: Integers) -> float:
    """The log loss at the best temperature, which the version's confidence will have as well."""
    return negative_log_likelihood(calibrated(scores, fit_temperature(scores, labels)), labels)


def cross_fit_weights(
    log_text: Floats, log_image: Floats, labels: Integers, shrinkages: tuple[float, ...], *, seed: int
) -> Floats:
    """Fused log-probabilities of listings by weights fitted without them: float32 [1 + S, N, C].

    First by common weights, then by weights per class at each of S falling shrinkages. N is at least `FOLDS`.
    """
    held_out = np.empty((1 + len(shrinkages), *log_text.shape), np.float32)
    with threadpool_limits(1):  # the optimiser's own matrices are tiny: more threads only wait for each other
        for fitted_on, held in folds(labels, seed):
            inputs = _FusionInputs.of(log_text[fitted_on], log_image[fitted_on], labels[fitted_on])
            for choice, weights in enumerate(_path(inputs, shrinkages)):
                held_out[choice, held] = _fusion(weights).fuse(log_text[held], log_image[held])
    return held_out


def folds(labels: Integers, seed: int) -> Iterator[tuple[Positions, Positions]]:
    """(Rows to fit on, rows held out), five times; each class is spread evenly over the folds."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    for fold in range(FOLDS):
        held = np.zeros(len(labels), bool)
        held[by_class[fold::FOLDS]] = True
        yield np.flatnonzero(~held), np.flatnonzero(held)


def _fusion(weights: Doubles) -> Fusion:
    text, image, bias = weights.astype(np.float32)
    return Fusion("weighted", text, image, bias)


def _path(inputs: _FusionInputs, shrinkages: tuple[float, ...]) -> list[Doubles]:
    """Weights [3, C] (text, image, bias): the common ones, then at each shrinkage, starting from the ones before."""
    path = [_fit_common(inputs)]
    for shrinkage in shrinkages:
        path.append(_fit_classes(inputs, shrinkage, path[-1]))
    return path


def _fit_common(inputs: _FusionInputs) -> Doubles:
    classes = inputs.text.shape[1]

    def expand(common: Doubles) -> Doubles:
        weights = np.zeros((3, classes))
        weights[:2] = common[:, None]
        return weights

    def objective(common: Doubles) -> tuple[float, Doubles]:
        loss, gradient = _likelihood(expand(common), inputs)
        away = common - COMMON_WEIGHT
        return loss + COMMON_PRIOR * float(away @ away) / 2, gradient[:2].sum(1) + COMMON_PRIOR * away

    fitted = minimize(objective, np.full(2, COMMON_WEIGHT), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 2)
    return expand(fitted.x)


def _fit_classes(inputs: _FusionInputs, shrinkage: float, start: Doubles) -> Doubles:
    classes = start.shape[1]

    def objective(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(3, classes)
        loss, gradient = _likelihood(weights, inputs)
        common = weights[:2].mean(1, keepdims=True)
        spread = weights - np.vstack([common, [[0.0]]])  # the bias is shrunk towards 0
        away = common - COMMON_WEIGHT
        penalty = shrinkage * float((spread**2).sum()) / 2 + COMMON_PRIOR * float((away**2).sum()) / 2
        gradient += shrinkage * spread
        gradient[:2] += COMMON_PRIOR * away / classes
        return loss + penalty, gradient.ravel()

    bounds = [(0, None)] * (2 * classes) + [(None, None)] * classes
    fitted = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(fitted.x, np.float64).reshape(3, classes)


def _likelihood(weights: Doubles, inputs: _FusionInputs) -> tuple[float, Doubles]:
    """Negative log-likelihood, summed over listings, and its gradient by the weights [3, C]."""
    scores = inputs.text * weights[0]
    scores += inputs.image * weights[1]
    scores += weights[2]
    scores -= scores.max(1, keepdims=True)
    rows = np.arange(len(inputs.labels))
    own = scores[rows, inputs.labels]
    odds = np.exp(scores, out=scores)
    total = odds.sum(1, keepdims=True)
    loss = float(np.log(total).sum() - own.sum())
    residual = np.divide(odds, total, out=odds)
    residual[rows, inputs.labels] -= 1
    by_text, by_image = (np.einsum("nc,nc->c", residual, scores) for scores in (inputs.text, inputs.image))
    return loss, np.stack([by_text, by_image, residual.sum(0)])
