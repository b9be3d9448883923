"""Draws all pictures: `python -m examples.samples [NAME...]`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from examples.samples import games, garden, home, leisure, paper, toys
from examples.samples.sketch import Sketch

FOLDER = Path(__file__).resolve().parents[2] / "service" / "samples" / "images"
PICTURES: Mapping[str, Callable[[Sketch], None]] = {
    **paper.PICTURES,
    **games.PICTURES,
    **toys.PICTURES,
    **leisure.PICTURES,
    **home.PICTURES,
    **garden.PICTURES,
}
QUALITIES = (82, 74, 66, 58)
MAX_BYTES = 24_000
"""Of a JPEG: the first quality that fits is taken."""


def drawn(name: str) -> Image.Image:
    """The picture of that name, RGB 480x480."""
    sheet = Sketch()
    PICTURES[name](sheet)
    return sheet.finished()


def encoded(picture: Image.Image) -> bytes:
    """As JPEG of at most `MAX_BYTES`, or of the lowest quality."""
    for quality in QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= MAX_BYTES:
            break
    return stream.getvalue()


if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        (FOLDER / f"{name}.jpg").write_bytes(encoded(drawn(name)))
