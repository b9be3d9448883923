"""From probabilities to decisions: temperatures, acceptance thresholds and prediction sets, one set for each case.

- Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks"): p = softmax(log p / T).
- A threshold for a precision is the lowest confidence from which the calibration listings' precision is, with a
  finite-sample lower bound, at least that precision; `training.calibrate` computes it.
- Prediction sets are split-conformal (Sadinle et al. 2019, "least ambiguous set-valued classifiers"): every category
  whose probability is at least `set_floor`, and always the most likely one.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import VersionRefused
from models.listing import Case

FILE_NAME = "calibration.json"
PRECISION_MIN, PRECISION_MAX = 0.80, 0.995
"""Range of the precision that a caller may ask for."""
PRECISIONS = (0.80, 0.85, 0.90, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Precisions that versions carry thresholds for; a request in between uses the next higher one: the promise holds."""

Confidence = Annotated[float, Field(ge=0, le=1)]


class CaseCalibration(BaseModel):
    """What was learned on the calibration listings of one case.

    `thresholds[i]` is the confidence in 0..1 that `precisions[i]` asks for, None when none promises it;
    `class_thresholds` replaces it for the categories (by code) that had enough calibration listings of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    temperature: float = Field(gt=0.01, lt=100)
    listings: int = Field(ge=0)
    thresholds: list[Confidence | None]
    class_thresholds: dict[str, list[Confidence | None]]
    set_floor: float = Field(ge=0, le=1)


class _CalibrationFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    precisions: list[float] = Field(min_length=1)
    default_precision: float = Field(ge=PRECISION_MIN, le=PRECISION_MAX)
    coverage: float = Field(gt=0.5, lt=1)
    cases: dict[Case, CaseCalibration]


@dataclass(frozen=True)
class Calibration:
    """The contents of `calibration.json`. `precisions` ascend; `coverage` is that of the prediction sets."""

    precisions: tuple[float, ...]
    default_precision: float
    coverage: float
    cases: dict[Case, CaseCalibration]

    def threshold(self, case: Case, code: str, precision: float) -> float | None:
        """The confidence from which a listing filed under `code` is accepted at `precision`; None when never."""
        position = bisect_left(self.precisions, precision - 1e-9)
        if position == len(self.precisions):
            return None
        fitted = self.cases[case]
        return fitted.class_thresholds.get(code, fitted.thresholds)[position]

    def prediction_set(self, case: Case, probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
        """Class indices of the prediction set of probabilities [C], most likely first; never empty."""
        order = np.argsort(-probabilities, kind="stable")
        size = max(1, int((probabilities >= self.cases[case].set_floor).sum()))
        return order[:size]

    @classmethod
    def read(cls, folder: Path) -> Calibration:
        """Read `calibration.json`. Raises VersionRefused when it is malformed."""
        try:
            parsed = _CalibrationFile.model_validate_json((folder / FILE_NAME).read_bytes())
        except (OSError, ValidationError) as error:
            raise VersionRefused(f"{FILE_NAME} is malformed") from error
        tables = [
            table for case in parsed.cases.values() for table in (case.thresholds, *case.class_thresholds.values())
        ]
        if parsed.precisions != sorted(parsed.precisions) or any(len(t) != len(parsed.precisions) for t in tables):
            raise VersionRefused(f"{FILE_NAME} has a threshold table of the wrong length")
        return cls(tuple(parsed.precisions), parsed.default_precision, parsed.coverage, dict(parsed.cases))

    def write(self, folder: Path) -> None:
        """Write `calibration.json` into a version folder."""
        document = _CalibrationFile(
            precisions=list(self.precisions),
            default_precision=self.default_precision,
            coverage=self.coverage,
            cases=self.cases,
        )
        (folder / FILE_NAME).write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
