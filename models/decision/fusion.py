"""Late fusion: one distribution from the text network's and the image network's calibrated log-probabilities.

`mean` averages the two probability vectors.
`weighted` is a log-linear pool: log p(c) = w_text[c] * log p_text(c) + w_image[c] * log p_image(c) + bias[c] - log Z
(Genest and Zidek 1986, "Combining probability distributions"), with weights per class learned on the calibration split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from models.arrays import Floats
from models.decision.calibration import log_softmax
from models.errors import VersionRefused
from models.listing import Modality

FILE_NAME = "fusion.json"

Method = Literal["mean", "weighted"]


class _FusionFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    method: Method
    text: list[float]
    image: list[float]
    bias: list[float]


@dataclass(frozen=True, eq=False)
class Fusion:
    """`text`, `image` and `bias` are float32 [C]; `mean` ignores them."""

    method: Method
    text: Floats
    image: Floats
    bias: Floats

    @classmethod
    def mean(cls, classes: int) -> Fusion:
        """The unweighted average of probabilities."""
        half = np.full(classes, 0.5, np.float32)
        return cls("mean", half, half, np.zeros(classes, np.float32))

    @classmethod
    def alone(cls, modality: Modality, classes: int) -> Fusion:
        """One network decides, and the other has no say where a listing has both."""
        weights = {known: np.full(classes, known is modality, np.float32) for known in Modality}
        return cls("weighted", weights[Modality.TEXT], weights[Modality.IMAGE], np.zeros(classes, np.float32))

    def fuse(self, log_text: Floats, log_image: Floats) -> Floats:
        """Fused log-probabilities [B, C] of log-probabilities [B, C] and [B, C]; each row's probabilities sum to 1."""
        if self.method == "mean":
            return np.asarray(np.logaddexp(log_text, log_image) - np.float32(np.log(2.0)), dtype=np.float32)
        return log_softmax(self.text * log_text + self.image * log_image + self.bias)

    @classmethod
    def read(cls, folder: Path, classes: int) -> Fusion:
        """Read `fusion.json`. Raises VersionRefused when it is malformed or made for another number of classes."""
        try:
            parsed = _FusionFile.model_validate_json((folder / FILE_NAME).read_bytes())
        except (OSError, ValidationError) as error:
            raise VersionRefused(f"{FILE_NAME} is malformed") from error
        with np.errstate(over="ignore"):
            arrays = [np.asarray(values, np.float32) for values in (parsed.text, parsed.image, parsed.bias)]
        if any(array.shape != (classes,) for array in arrays):
            raise VersionRefused(f"{FILE_NAME} is for another number of classes")
        if not all(np.isfinite(array).all() for array in arrays):
            raise VersionRefused(f"{FILE_NAME} has a number that float32 cannot hold")
        return cls(parsed.method, *arrays)

    def write(self, folder: Path) -> None:
        """Write `fusion.json` into a version folder."""
        document = _FusionFile(
            method=self.method, text=self.text.tolist(), image=self.image.tolist(), bias=self.bias.tolist()
        )
        (folder / FILE_NAME).write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
