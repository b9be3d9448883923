"""The limits of photos in every format, and the structure that is known to be within them.

Limits of one format alone are in its module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.errors import ImageCorrupt, ImageTooLarge

MAX_IMAGE_BYTES = 10 * 1024 * 1024
"""Bytes of the file: a 24 Mpx camera JPEG has 5 to 10 MB, a catalogue's 500 x 500 photo about 50 kB."""
MAX_IMAGE_PIXELS = 25_000_000
"""Width x height: just above the usual 24 Mpx sensors; 100 MB at Pillow's four bytes per pixel."""
MAX_IMAGE_SIDE = 12_000
"""Width or height in pixels: panoramas and scans pass, longer strips are no product photos."""
MAX_DECODING_BYTES = 145_000_000
"""Estimated memory of one decoding: the 150 MB promised for a photo, less what is not estimated. It binds where the
decoder takes more than four bytes per pixel: WebP may have about 9 Mpx, and JPEG in several scans without chroma
subsampling about 23 Mpx."""
MAX_BLOCKS = 65_536
"""Markers, chunks or extension blocks in a file. Encoders write PNG data in blocks of 1 kB at least, which makes 10,000
in the largest file; the cap keeps the walk under 0.1 s."""
MAX_EXIF_BYTES = 65_536
"""EXIF that is read: as much as one JPEG segment can hold."""


@dataclass(frozen=True, slots=True)
class ImageStructure:
    """The declarations of a photo's bytes, within all limits.

    `stream` is the first picture as a clean file of the same format. `width` and `height` are in pixels as stored,
    before the orientation in `exif` (a TIFF block, perhaps damaged; empty if there is none) is applied. `animated`
    says that the file held further frames.
    """

    format: Literal["JPEG", "PNG", "GIF", "WEBP"]
    stream: bytes
    width: int
    height: int
    exif: bytes = b""
    animated: bool = False


def check_size(width: int, height: int) -> None:
    """Raise `ImageCorrupt` if there is no pixel, `ImageTooLarge` if a side or the area is over its limit."""
    if width < 1 or height < 1:
        raise ImageCorrupt
    if width > MAX_IMAGE_SIDE or height > MAX_IMAGE_SIDE or width * height > MAX_IMAGE_PIXELS:
        raise ImageTooLarge


def check_memory(decoding_bytes: int) -> None:
    """Raise `ImageTooLarge` if the estimate is over `MAX_DECODING_BYTES`."""
    if decoding_bytes > MAX_DECODING_BYTES:
        raise ImageTooLarge
