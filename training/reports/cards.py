"""A listing as a card on a page: a small photo, its title, the beginning of its description."""

from __future__ import annotations

import base64
import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from models.catalogue.csv_file import FIRST_ROW
from models.errors import ImageError
from models.preprocessing.image.decode import decode_image
from models.preprocessing.image.limits import ImageStructure
from models.preprocessing.image.structure import read_structure
from models.preprocessing.text.clean import MAX_CHARACTERS, plain_text
from models.taxonomy import Taxonomy
from training.reports.rendering import cut
from training.reports.tables import category_name

TITLE_CHARACTERS = 140
EXCERPT_CHARACTERS = 160
NO_CATEGORY = "(no category)"
SIDE = 96
"""Pixels of a thumbnail's longer side."""
QUALITY = 72
"""JPEG quality: about 2.5 kB a product photo."""
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Card:
    """The content of a card. `photo` is a data URI, empty when there is none; `image` the photo's file name."""

    row: int
    listing_id: str
    title: str
    excerpt: str
    category: str
    photo: str
    image: str


def card(row: pd.Series, taxonomy: Taxonomy, thumbnails: Thumbnails) -> Card:
    """A row of `Catalogue.rows` as a card."""
    return Card(
        row=int(row["row"]) + FIRST_ROW,
        listing_id=row["listing_id"],
        title=shortened(row["designation"], TITLE_CHARACTERS),
        excerpt=shortened(row["description"], EXCERPT_CHARACTERS),
        category=named(row["category"], taxonomy),
        photo=thumbnails.uri(row["image"]),
        image=PurePath(row["image"]).name,
    )


def named(code: str, taxonomy: Taxonomy) -> str:
    """Code and name of a category that the taxonomy may not have."""
    return category_name(code, taxonomy) if code else NO_CATEGORY


def shortened(markup: str, characters: int) -> str:
    """The readable beginning of a text; of markup without readable text the beginning as it is."""
    return cut(plain_text(markup[:MAX_CHARACTERS]) or " ".join(markup[: 4 * characters].split()), characters)


def upright_pixels(data: bytes, structure: ImageStructure, side: int) -> NDArray[np.uint8]:
    """The photo as uint8 [H, W, 3] with its longer side `side`, nothing around it. Raises ImageError."""
    width, height = _upright_size(structure)
    scale = side / max(width, height)
    width, height = (min(side, max(1, round(length * scale))) for length in (width, height))
    top, left = (side - height) // 2, (side - width) // 2
    pixels: NDArray[np.uint8] = decode_image(data, side, side).pixels
    return pixels[top : top + height, left : left + width]


def thumbnail(data: bytes, side: int = SIDE, quality: int = QUALITY) -> bytes:
    """The photo as a JPEG whose longer side has at most `side` pixels. Raises ImageError."""
    structure = read_structure(data)
    pixels = upright_pixels(data, structure, min(side, max(structure.width, structure.height)))
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


class Thumbnails:
    """Thumbnails as data URIs, until a page has as many bytes of them as it may hold."""

    def __init__(self, budget: int) -> None:
        self.left = budget
        self.refused = 0
        self._known: dict[str, str] = {}

    def uri(self, path: str) -> str:
        """The photo as a data URI; empty when there is none, it cannot be read, or the page is full."""
        if not path or path in self._known:
            uri = self._known.get(path, "")
        else:
            uri = ""
            with suppress(OSError, ImageError):
                uri = "data:image/jpeg;base64," + base64.b64encode(thumbnail(Path(path).read_bytes())).decode()
            self._known[path] = uri
        if len(uri) > self.left:
            self.refused += 1
            return ""
        self.left -= len(uri)
        return uri


def _upright_size(structure: ImageStructure) -> tuple[int, int]:
    """Width and height after the EXIF orientation, which `decode_image` applies."""
    size, turned = (structure.width, structure.height), False
    if structure.exif:
        exif = Image.Exif()
        with suppress(OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):  # of a damaged block
            exif.load(structure.exif)
            turned = exif.get(_ORIENTATION_TAG) in (5, 6, 7, 8)
    return size[::-1] if turned else size
