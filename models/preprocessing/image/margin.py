"""Cutting away the white around a product: many catalogue photos are a small product on a large white canvas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are just outside."""
WHITE_FROM = 243
"""A pixel with all three channels at least this bright is margin; JPEG leaves clean white paper at 250 and more."""
BORDER = 0.04
"""White that stays on each side, as a share of the product's longer side: the product never touches the edge."""


def crop_margin(pixels: Pixels, height: int, width: int) -> Pixels:
    """The product in uint8 pixels [H, W, 3], centred on a white square with a `BORDER`, resized to [height, width, 3].

    The square is as large as the longer side of the smallest box that holds every pixel which is not white, so the
    aspect ratio stays and the product fills the picture. A photo without white edges comes back with the border alone;
    one without any product, as it is. Bilinear, as the decoding itself.
    """
    box = _product_box(pixels)
    if box is None:
        picture = Image.fromarray(pixels)
    else:
        left, top, right, bottom = box
        side = _side(box)
        picture = Image.new("RGB", (side, side), "white")
        product = Image.fromarray(pixels[top:bottom, left:right])
        picture.paste(product, ((side - product.width) // 2, (side - product.height) // 2))
    return np.array(picture.resize((width, height), Resampling.BILINEAR))


def shown_box(pixels: Pixels) -> Box:
    """The part of uint8 pixels [H, W, 3] that `crop_margin` shows, in their coordinates; it may reach beyond them."""
    box = _product_box(pixels)
    if box is None:
        return (0, 0, pixels.shape[1], pixels.shape[0])
    left, top, right, bottom = box
    side = _side(box)
    left, top = left - (side - (right - left)) // 2, top - (side - (bottom - top)) // 2
    return (left, top, left + side, top + side)


def _side(box: Box) -> int:
    left, top, right, bottom = box
    return max(1, int(max(right - left, bottom - top) * (1 + 2 * BORDER)))


def _product_box(pixels: Pixels) -> Box | None:
    """The box of all pixels that are not white; None when all are."""
    height, width, channels = pixels.shape
    # Rows of numbers, not of pixels, are compared much faster; channels only matter within the rows that are left.
    product = pixels.reshape(height, width * channels) < WHITE_FROM
    rows = np.flatnonzero(product.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(product[rows[0] : rows[-1] + 1].any(axis=0)) // channels
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
