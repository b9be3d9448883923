"""Traits of photos: size, format and white margin. Pixels are not kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import ImageError
from models.preprocessing.image.structure import read_structure
from training.reports.cards import upright_pixels

MEASURED_SIDE = 128
"""Margins are measured on the photo scaled to this longer side, in pixels."""
WHITE = 240
"""Level of 255 that all three channels of a white pixel reach; JPEG keeps a white ground above it."""
WHITE_LINE = 0.98
"""Share of white pixels from which a row or column counts as margin."""
MARGIN_BINS = 10


@dataclass(frozen=True, slots=True)
class PhotoTraits:
    """One photo. `width` and `height` are in pixels as stored, `size` in bytes.

    `margin` is the share of its area outside the smallest box around what is not white (1 for a blank photo);
    `bordered` tells whether there is margin on all four sides.
    """

    format: str
    width: int
    height: int
    size: int
    margin: float
    bordered: bool


def photo_traits(path: Path) -> PhotoTraits | None:
    """The traits of one photo; None when it cannot be read."""
    try:
        data = path.read_bytes()
        structure = read_structure(data)
        margin, bordered = white_margin(upright_pixels(data, structure, MEASURED_SIDE))
    except (OSError, ImageError):
        return None
    return PhotoTraits(structure.format, structure.width, structure.height, len(data), margin, bordered)


def white_margin(pixels: NDArray[np.uint8]) -> tuple[float, bool]:
    """The share of uint8 [H, W, 3] that is white margin, and whether it is on all four sides."""
    white = (pixels >= WHITE).all(axis=2)
    rows, columns = (np.flatnonzero(white.mean(axis=axis) < WHITE_LINE) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return 1.0, True
    height, width = white.shape
    content = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    sides = (rows[0] > 0, rows[-1] < height - 1, columns[0] > 0, columns[-1] < width - 1)
    return 1.0 - float(content) / (height * width), bool(all(sides))


def traits_of(photos: pd.Series) -> pd.DataFrame:
    """The traits of photos, given as paths; indexed as they are, without those that cannot be read."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = tqdm(pool.map(photo_traits, map(Path, photos)), "photos", total=len(photos), unit="photo")
        traits = {row: traits for row, traits in zip(photos.index, results, strict=True) if traits is not None}
    columns = [field.name for field in fields(PhotoTraits)]
    return pd.DataFrame(list(traits.values()), list(traits), columns)


def margin_bins(margins: Sequence[float]) -> list[tuple[str, int]]:
    """The number of photos with a margin in each tenth of the area."""
    counts = np.histogram(margins, MARGIN_BINS, (0, 1))[0]
    step = 100 // MARGIN_BINS
    return [(f"{low * step}–{(low + 1) * step} %", int(count)) for low, count in enumerate(counts)]


def most_frequent(values: pd.Series, most: int = 8) -> list[tuple[str, int]]:
    """The most frequent values with their counts, the others added up."""
    counts = values.value_counts()
    top = [(str(value), int(count)) for value, count in counts.head(most).items()]
    rest = int(counts.iloc[most:].sum())
    return [*top, (f"{len(counts) - most:,} others", rest)] if rest else top
