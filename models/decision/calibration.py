"""From logits to decisions, for each kind of evidence: calibration, familiarity, thresholds and prediction sets.

- Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks"), p = softmax(logits / T), then beta
  calibration of the best category's probability (Kull et al. 2017, "Beta calibration"). Neither changes which
  category is the most likely.
- A listing is unfamiliar, so probably of no category, when the energy of its logits, logsumexp(logits), is low (Liu et
  al. 2020, "Energy-based out-of-distribution detection").
- A threshold for a precision is the lowest confidence from which the calibration listings' precision is, with a
  finite-sample lower bound, at least that precision; `training.calibration.calibrate` computes it.
- Prediction sets are split-conformal (Sadinle et al. 2019, "least ambiguous set-valued classifiers"): every category
  whose probability is at least its floor, and always the most likely one. Floors of single categories make the promise
  hold for the listings of each of them (label-conditional, or Mondrian, conformal prediction: Vovk 2012).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, with_config

from models.arrays import Floats
from models.errors import VersionRefused
from models.listing import Evidence, Modality

FILE_NAME = "calibration.json"
PRECISION_MIN, PRECISION_MAX = 0.80, 0.995
"""Range of the precision that a caller may ask for."""
PRECISIONS = (0.80, 0.85, 0.90, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Precisions that versions carry thresholds for; a request in between uses the next higher one: the promise holds."""

Confidence = Annotated[float, Field(ge=0, le=1)]

UNCHANGED = (1.0, 1.0, 0.0)
"""The `shape` that leaves every confidence as it is."""
LEAST_CONTRAST = 0.05
"""Least share of the differences between categories that capping a confidence leaves, so that their order stays."""


class Familiarity(BaseModel):
    """The test for listings that are out of the catalogue.

    A listing's score is the sum of `scales[m]` times the energy of its logits over the modalities m that it has; below
    `threshold` it is unfamiliar. `false_alarms` is the share of calibration listings that are, `confidence` the share
    of those whose best category was right: an upper bound of what an unfamiliar listing's category deserves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    scales: dict[Modality, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    threshold: float
    false_alarms: Confidence
    confidence: Confidence

    def unfamiliar(self, logits: Mapping[Modality, Floats]) -> bool:
        """Whether a listing with these raw logits [C] of each of its modalities is unfamiliar."""
        return sum(scale * float(energy(logits[modality])) for modality, scale in self.scales.items()) < self.threshold

    def capped(self, probabilities: Floats) -> Floats:
        """Probabilities [C] mixed with equal ones until none is above `confidence`; their order stays."""
        even = np.float32(1 / len(probabilities))
        best = probabilities.max()
        if best <= max(self.confidence, even):
            return probabilities
        kept = max((self.confidence - even) / (best - even), LEAST_CONTRAST)
        return np.asarray(even + np.float32(kept) * (probabilities - even), np.float32)


class EvidenceCalibration(BaseModel):
    """The calibration of one kind of evidence, fitted on its calibration listings.

    `shape` holds the beta calibration's a, b and c. `thresholds[i]` is the confidence in 0..1 that `precisions[i]` asks
    for, None when none promises it; `class_thresholds` replaces it for the categories (by code) that had enough
    calibration listings of their own, as `class_floors` does `set_floor`. Without `familiarity` no listing is
    unfamiliar.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    temperature: float = Field(gt=0.01, lt=100)
    shape: tuple[
        Annotated[float, Field(ge=0, le=100)],
        Annotated[float, Field(ge=0, le=100)],
        Annotated[float, Field(ge=-100, le=100)],
    ] = UNCHANGED
    listings: int = Field(ge=0)
    thresholds: list[Confidence | None]
    class_thresholds: dict[str, list[Confidence | None]]
    set_floor: float = Field(ge=0, le=1)
    class_floors: dict[str, Confidence] = Field(default_factory=dict)
    familiarity: Familiarity | None = None

    def log_probabilities(self, logits: Floats) -> Floats:
        """Calibrated log-probabilities [..., C] of logits (or log-probabilities) [..., C]."""
        scaled = log_softmax(logits / np.float32(self.temperature))
        return scaled if self.shape == UNCHANGED else reshaped(scaled, self.shape)


def energy(logits: Floats) -> Floats:
    """log(sum(exp(logits))) over the last axis: [...] of [..., C]."""
    highest = logits.max(axis=-1)
    return np.asarray(highest + np.log(np.exp(logits - highest[..., None]).sum(axis=-1)), np.float32)


class BestAndRest(NamedTuple):
    """Of log-probabilities [..., C]: `best` index, its `top` log-probability, that of the `rest` together, and half of
    its lead over the next, by which `top` may move. All [..., 1].
    """

    best: NDArray[np.intp]
    top: Floats
    rest: Floats
    lead: Floats


def best_and_rest(log_probabilities: Floats) -> BestAndRest:
    """Compare the best category of log-probabilities [..., C], C at least 2, with the others."""
    best = log_probabilities.argmax(axis=-1)[..., None]
    top = np.take_along_axis(log_probabilities, best, -1)
    others = log_probabilities.copy()
    np.put_along_axis(others, best, -np.inf, -1)
    lead = (top - others.max(axis=-1, keepdims=True)) / 2
    return BestAndRest(best, top, energy(others)[..., None], lead)


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities [..., C] of logits [..., C], computed without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


def reshaped(log_probabilities: Floats, shape: Sequence[float]) -> Floats:
    """Beta calibration of the best category's probability p in log-probabilities [..., C]; the others share the rest.

    Kull et al. 2017: logit p becomes a log p - b log(1 - p) + c. It moves by at most half of the best category's lead
    over the next, in nats, so that the best stays the best and a listing on the border of two has one answer.
    """
    a, b, c = (np.float32(value) for value in shape)
    best, top, rest, lead = best_and_rest(log_probabilities)
    moved = log_probabilities.copy()
    np.put_along_axis(moved, best, top + np.clip((a - 1) * top - (b - 1) * rest + c, -lead, lead), -1)
    return log_softmax(moved)


@with_config(ConfigDict(extra="forbid", allow_inf_nan=False))
@dataclass(frozen=True)
class Calibration:
    """The contents of `calibration.json`. `precisions` ascend; `coverage` is that of the prediction sets."""

    precisions: Annotated[tuple[float, ...], Field(min_length=1)]
    default_precision: Annotated[float, Field(ge=PRECISION_MIN, le=PRECISION_MAX)]
    coverage: Annotated[float, Field(gt=0.5, lt=1)]
    cases: dict[Evidence, EvidenceCalibration]

    def threshold(self, evidence: Evidence, code: str, precision: float) -> float | None:
        """The confidence from which a listing filed under `code` is accepted at `precision`; None when never."""
        position = bisect_left(self.precisions, precision - 1e-9)
        if position == len(self.precisions):
            return None
        fitted = self.cases[evidence]
        return fitted.class_thresholds.get(code, fitted.thresholds)[position]

    def prediction_set(self, evidence: Evidence, probabilities: Floats, codes: Sequence[str] = ()) -> NDArray[np.intp]:
        """Class indices of the prediction set of probabilities [C], most likely first; never empty.

        `codes` are the categories by class index; without them none has a floor of its own.
        """
        fitted = self.cases[evidence]
        order = np.argsort(-probabilities, kind="stable")
        floors = [fitted.class_floors.get(code, fitted.set_floor) for code in codes] or fitted.set_floor
        inside = (probabilities >= np.asarray(floors, np.float32))[order]
        inside[0] = True
        return order[inside]

    @staticmethod
    def read(folder: Path) -> Calibration:
        """Read `calibration.json`. Raises VersionRefused when it is malformed."""
        try:
            calibration = _FILE.validate_json((folder / FILE_NAME).read_bytes())
        except (OSError, ValidationError) as error:
            raise VersionRefused(f"{FILE_NAME} is malformed") from error
        tables = [
            table
            for fitted in calibration.cases.values()
            for table in (fitted.thresholds, *fitted.class_thresholds.values())
        ]
        precisions = calibration.precisions
        if list(precisions) != sorted(precisions) or any(len(table) != len(precisions) for table in tables):
            raise VersionRefused(f"{FILE_NAME} has a threshold table of the wrong length")
        return calibration

    def write(self, folder: Path) -> None:
        """Write `calibration.json` into a version folder."""
        (folder / FILE_NAME).write_bytes(_FILE.dump_json(self, indent=1) + b"\n")


_FILE = TypeAdapter(Calibration)
