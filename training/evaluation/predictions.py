"""The arrays that calibration and evaluation work on: logits and predictions of labelled listings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Doubles, Floats, Integers, Mask
from models.listing import Evidence


@dataclass(frozen=True, eq=False)
class LabelledLogits:
    """Raw logits of N labelled listings, for calibration.

    `labels` int64 [N] are class indices; `sources` str [N] the label source ("" when the catalogue names none) and
    `shares` float64 [N] the label's share of votes (1.0 where not given). `text` float32 [N, C] are the text network's
    logits of all the text of the listing, `title` those of its designation alone, `image` those of its photo; rows of
    NaN where there is no such evidence. `described` bool [N] says whether the listing has a description. A modality
    without a network is None.
    """

    labels: Integers
    sources: NDArray[np.str_]
    shares: Doubles
    described: Mask
    text: Floats | None
    title: Floats | None
    image: Floats | None

    @classmethod
    def joined(cls, parts: Sequence[LabelledLogits]) -> LabelledLogits:
        """The listings of all parts; where only some parts have a modality's logits, the others' are NaN."""
        joined: dict[str, NDArray[Any] | None] = {}
        for field in fields(cls):
            arrays = [getattr(part, field.name) for part in parts]
            known = next((array for array in arrays if array is not None), None)
            if known is None:
                joined[field.name] = None
                continue
            filled = [
                np.full((len(part.labels), *known.shape[1:]), np.nan, known.dtype) if array is None else array
                for part, array in zip(parts, arrays, strict=True)
            ]
            joined[field.name] = np.concatenate(filled)
        return cls(**joined)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Predictions:
    """The serving Predictor's predictions for N labelled listings with one kind of evidence.

    `rows` int64 [N] are row numbers of the catalogue, `labels` int64 [N] class indices, `probabilities` float32 [N,
    C] calibrated, capped where `unfamiliar`; `thresholds` float64 [P, N] the confidence that each of `precisions` asks
    for the predicted category, NaN when none promises it; `disagreement` and `unfamiliar` bool [N]; `covered` bool [N]
    whether the prediction set held the label and `set_sizes` int64 [N] its size.
    """

    evidence: Evidence
    rows: Integers
    labels: Integers
    probabilities: Floats
    precisions: tuple[float, ...]
    thresholds: Doubles
    disagreement: Mask
    unfamiliar: Mask
    covered: Mask
    set_sizes: Integers

    def accepted(self, precision: float) -> Mask:
        """Bool [N]: filed without a human at `precision`, one of `precisions`."""
        threshold = self.thresholds[self.precisions.index(precision)]
        review = self.disagreement | self.unfamiliar
        return np.asarray((self.probabilities.max(1) >= threshold) & ~review, bool)

    def only(self, rows: Collection[int]) -> Predictions:
        """The predictions for some of the rows."""
        kept = np.flatnonzero(np.isin(self.rows, list(rows)))
        return replace(self, **{name: getattr(self, name).take(kept, axis) for name, axis in _LISTING_AXES.items()})

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """The listings of all parts, at least one, which have the same evidence and precisions."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts], axis) for name, axis in _LISTING_AXES.items()
        }
        return replace(parts[0], **arrays)


_LISTING_AXES = {
    field.name: 1 if field.name == "thresholds" else 0
    for field in fields(Predictions)
    if field.name not in ("evidence", "precisions")
}
"""The axis of the listings in each array of `Predictions`."""


Cohorts = Mapping[str, Mapping[Evidence, Predictions]]
"""Predictions for evaluated sets of listings, by the set's name ("true labels", "votes") and by evidence."""


@dataclass(frozen=True)
class LearningCurve:
    """One fit: values after each epoch, loss in nats, accuracy in 0..1; `seconds` the whole fit took."""

    network: str
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    seconds: float

    def then(self, later: LearningCurve) -> LearningCurve:
        """One curve of this fit and a later one of the same network."""
        return LearningCurve(
            self.network,
            self.train_loss + later.train_loss,
            self.validation_loss + later.validation_loss,
            self.validation_accuracy + later.validation_accuracy,
            round(self.seconds + later.seconds, 1),
        )
