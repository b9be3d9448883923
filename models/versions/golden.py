"""Golden listings: a few inputs with the version's answers when it was published, replayed whenever it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import VersionRefused
from models.listing import Listing
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy

FILE_NAME = "golden.jsonl"
IMAGE_FOLDER = "golden"
TOLERANCE = {"f32": 2e-3, "bf16": 8e-2, "int8": 2e-1}
"""Largest difference of any probability from the published one, by the precision the networks run in. Published answers
are float32; bf16 keeps 8 bits of mantissa, so a logit of 10 moves by up to 0.04 in each layer that touches it. Other
processors add up in another order, so a version asks for bf16 only if its golden listings use up at most half of the
tolerance (`training.publishing.precision`, docs/decisions/0021)."""
REFERENCE_TOLERANCE = 5e-2
"""The tolerance of the Keras networks: published answers come from the compiled ones, whose weights are rounded to
float16 (`training.fitting.export`)."""


class _GoldenLine(BaseModel):
    """`probabilities` are keyed by category code, in class-index order, so that a reordered taxonomy shows."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    designation: str
    description: str
    image: str | None
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False)
class GoldenListing:
    """A listing and its published fused probabilities, float32 [C]."""

    listing: Listing
    probabilities: NDArray[np.float32]


def read_golden(folder: Path) -> list[GoldenListing]:
    """Read a version's golden listings. Raises VersionRefused when there are none, or they are malformed or for another
    taxonomy than the folder's.
    """
    codes = Taxonomy.read(folder / TAXONOMY).codes
    try:
        # Not `splitlines`: titles may hold characters that it takes for line ends and JSON does not escape.
        lines = (folder / FILE_NAME).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        parsed = [_GoldenLine.model_validate_json(line) for line in lines if line]
        golden = [
            GoldenListing(
                Listing(line.designation, line.description, _read_image(folder, line.image)),
                np.asarray(list(line.probabilities.values()), np.float32),
            )
            for line in parsed
        ]
    except (OSError, ValueError, ValidationError) as error:
        raise VersionRefused(f"{FILE_NAME} is malformed") from error
    if not golden:
        raise VersionRefused(f"{FILE_NAME} is empty")
    if any(tuple(line.probabilities) != codes for line in parsed):
        raise VersionRefused(f"{FILE_NAME} was made for other categories, or for another order of them")
    return golden


def write_golden(folder: Path, golden: Sequence[GoldenListing]) -> None:
    """Write golden listings into a version folder that has its taxonomy, photos as files of their own."""
    codes = Taxonomy.read(folder / TAXONOMY).codes
    (folder / IMAGE_FOLDER).mkdir(exist_ok=True)
    lines = []
    for number, entry in enumerate(golden):
        name = None
        if entry.listing.image is not None:
            name = f"{IMAGE_FOLDER}/{number:02d}.jpg"
            (folder / name).write_bytes(entry.listing.image)
        line = _GoldenLine(
            designation=entry.listing.designation,
            description=entry.listing.description,
            image=name,
            probabilities={code: round(float(p), 6) for code, p in zip(codes, entry.probabilities, strict=True)},
        )
        lines.append(line.model_dump_json())
    (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def check_golden(golden: Sequence[GoldenListing], answers: Sequence[NDArray[np.float32]], tolerance: float) -> None:
    """Compare today's probabilities with the published ones. Raises VersionRefused where they differ or are NaN."""
    for number, (entry, answer) in enumerate(zip(golden, answers, strict=True)):
        if answer.shape != entry.probabilities.shape:
            raise VersionRefused(f"golden listing {number} has another number of classes")
        difference = float(np.abs(answer - entry.probabilities).max())
        if not difference <= tolerance:  # also true for NaN
            raise VersionRefused(f"golden listing {number} differs by {difference:.4f}, more than {tolerance}")


def _read_image(folder: Path, name: str | None) -> bytes | None:
    if name is None:
        return None
    if Path(name).parent != Path(IMAGE_FOLDER):
        raise ValueError("a golden photo lies outside its folder")
    return (folder / name).read_bytes()
