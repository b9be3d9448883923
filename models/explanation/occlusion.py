"""A photo with a part of it covered, to see which parts a prediction rests on (Zeiler and Fergus, Visualizing and
Understanding Convolutional Networks, ECCV 2014).

The grid lies over the whole upright photo, as people see it, but the network's own pixels are covered: if the white
around the product is cut away first, covering a part of the file would move the cut, and the answer would be about the
new framing instead of the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from models.preprocessing.image.decode import decode_image
from models.preprocessing.image.margin import WHITE_FROM, shown_box
from models.preprocessing.settings import ImagePreprocessing

Pixels = NDArray[np.uint8]
Cell = tuple[int, int]
"""Row and column."""

MAX_CELLS = 36
"""Cells that are covered, one pass of the network each: about a second of one core."""
FEWEST_ALONG, MOST_ALONG = 6, 12
"""Cells along the photo's longer side: more where a small product leaves most of the photo empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Occlusion:
    """A grid over a photo. `pixels` is the network's uint8 [H, W, 3] of the whole photo, `colour` what covers it, and
    `cells` those cells of the grid, by row and column, that show the network something; others need not be covered.
    """

    pixels: Pixels
    rows: int
    columns: int
    colour: Pixels
    cells: Mapping[Cell, tuple[slice, slice]]

    @classmethod
    def of(cls, photo: bytes, pixels: Pixels, config: ImagePreprocessing) -> Occlusion:
        """The grid for a photo that was prepared as `pixels`. Raises as `decode_image`."""
        canvas = config.margin_canvas
        decoded = decode_image(photo, canvas or config.height, canvas or config.width)
        left, top, right, bottom = decoded.box or (0, 0, decoded.pixels.shape[1], decoded.pixels.shape[0])
        shown = shown_box(decoded.pixels) if canvas else (0, 0, config.width, config.height)
        across, down = config.width / (shown[2] - shown[0]), config.height / (shown[3] - shown[1])
        extent = (
            (left - shown[0]) * across,
            (top - shown[1]) * down,
            (right - shown[0]) * across,
            (bottom - shown[1]) * down,
        )
        colour = _edge_colour(decoded.pixels[top:bottom, left:right])
        for along in range(MOST_ALONG, FEWEST_ALONG - 1, -1):
            rows, columns = _shape(along, right - left, bottom - top)
            cells = _cells(pixels, rows, columns, extent, colour)
            if len(cells) <= MAX_CELLS:
                break
        return cls(pixels, rows, columns, colour, cells)

    def covered(self, cell: Cell) -> Pixels:
        """The pixels with one of `cells` covered."""
        pixels = self.pixels.copy()
        pixels[self.cells[cell]] = self.colour
        return pixels


def _shape(along: int, width: int, height: int) -> tuple[int, int]:
    """Rows and columns of nearly square cells."""
    if height > width:
        return along, max(1, round(along * width / height))
    return max(1, round(along * height / width)), along


def _cells(
    pixels: Pixels, rows: int, columns: int, extent: tuple[float, float, float, float], colour: Pixels
) -> dict[Cell, tuple[slice, slice]]:
    left, top, right, bottom = extent
    height, width, _ = pixels.shape
    ys = np.clip(np.rint(np.linspace(top, bottom, rows + 1)), 0, height).astype(int).tolist()
    xs = np.clip(np.rint(np.linspace(left, right, columns + 1)), 0, width).astype(int).tolist()
    differs = np.abs(pixels.astype(np.int16) - colour).max(axis=2) > 255 - WHITE_FROM
    inside = np.zeros_like(differs)  # scaling has mixed the photo's outermost pixels with its surroundings
    inside[max(0, ceil(top) + 1) : max(0, floor(bottom) - 1), max(0, ceil(left) + 1) : max(0, floor(right) - 1)] = True
    differs &= inside
    cells = {}
    for row in range(rows):
        for column in range(columns):
            part = slice(ys[row], ys[row + 1]), slice(xs[column], xs[column + 1])
            if differs[part].any():
                cells[row, column] = part
    return cells


def _edge_colour(photo: Pixels) -> Pixels:
    """The photo's usual colour along its edges; white for a product on white."""
    edges = np.concatenate([photo[0], photo[-1], photo[:, 0], photo[:, -1]])
    colour = np.median(edges, axis=0)
    return np.full(3, 255, np.uint8) if colour.min() >= WHITE_FROM else np.rint(colour).astype(np.uint8)
