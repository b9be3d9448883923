"""A prediction: the answer for one listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.errors import PykutenError
from models.listing import Evidence, Modality, PhotoFacts


class Action(StrEnum):
    """The action to take on a listing."""

    ACCEPT = "accept"
    """File it without a human."""
    REVIEW = "review"
    """Show it to a person."""


class Reason(StrEnum):
    """Why a listing goes to review."""

    UNFAMILIAR = "unfamiliar"
    """It probably belongs to none of the categories."""
    LOW_CONFIDENCE = "low_confidence"
    """The confidence is below the category's threshold for the requested precision."""
    DISAGREEMENT = "disagreement"
    """Text and photo are each confident in different categories."""
    PRECISION_UNREACHABLE = "precision_unreachable"
    """No threshold of this version promises the requested precision for this category and evidence."""


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """A category's code and its calibrated probability in 0..1."""

    code: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Decision:
    """`threshold` is the confidence that `precision` asks for, in 0..1; None when no threshold promises it."""

    action: Action
    precision: float
    threshold: float | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class PredictionSet:
    """Categories that hold the true one with probability of at least `coverage`; never empty, most likely first.

    All of the version's for an unfamiliar listing.
    """

    codes: tuple[str, ...]
    coverage: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one listing; `predictions` has `top_k` entries, most likely first, ties by class index.

    `photo` describes the photo file (the first of several), for logs; None without a photo. `photos` is how many were
    read: `by_modality` has the answer to the average of their logits.
    """

    predictions: tuple[CategoryScore, ...]
    decision: Decision
    prediction_set: PredictionSet
    evidence: Evidence
    modalities: tuple[Modality, ...]
    by_modality: dict[Modality, tuple[CategoryScore, ...]]
    disagreement: bool
    warnings: tuple[str, ...]
    version: str
    photo: PhotoFacts | None = None
    photos: int = 0

    @property
    def code(self) -> str:
        """The most likely category."""
        return self.predictions[0].code

    @property
    def confidence(self) -> float:
        """The probability of the most likely category, in 0..1."""
        return self.predictions[0].confidence


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Calibrated probabilities of one listing: `fused` and each of `by_modality` are float32 [C] and sum to 1.

    `unfamiliar`: the listing is probably of no category, and `Predictor.conclude` caps its confidence.
    """

    fused: NDArray[np.float32]
    by_modality: Mapping[Modality, NDArray[np.float32]]
    unfamiliar: bool = False


Answer = Prediction | PykutenError
Answers = list[Answer]
"""One answer for each listing, in their order."""
