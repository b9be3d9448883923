"""Photos that show nothing: one colour all over, noise on it, or a slow change of shade as scanners leave it."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PIL.Image import Resampling

CELLS = 32
"""Cells on a side: large enough that noise and compression cancel out within, small enough for a thin outline."""
SMALLEST_STEP = 5
"""Levels of 255 between neighbouring cells, in any channel, that something shows by."""


def is_blank(photo: Image.Image) -> bool:
    """Whether no cell of an RGB photo differs from its neighbours by `SMALLEST_STEP`."""
    small = photo.resize((min(CELLS, photo.width), min(CELLS, photo.height)), Resampling.BOX)
    cells = np.asarray(small, np.int16)
    return all(not (np.abs(np.diff(cells, axis=axis)) >= SMALLEST_STEP).any() for axis in (0, 1))
