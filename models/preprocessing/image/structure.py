"""The structure of an encoded photo, read from its bytes before any decoder sees them.

Decoders trust their input, and a small file can cost them half a minute or hundreds of megabytes
(docs/decisions/0020). So `read_structure` walks the container first, in linear time, refuses what no camera or editor
writes, and builds a clean file of the first picture and the data that its pixels depend on. Colour profiles, comments,
thumbnails and EXIF never reach the decoder.
"""

from __future__ import annotations

import struct

from models.errors import ImageCorrupt, ImageEmpty, ImageTooLarge, ImageUnsupported
from models.preprocessing.image.gif import read_gif
from models.preprocessing.image.jpeg import read_jpeg
from models.preprocessing.image.limits import MAX_IMAGE_BYTES, ImageStructure
from models.preprocessing.image.png import PNG_SIGNATURE, read_png
from models.preprocessing.image.webp import read_webp


def read_structure(data: bytes) -> ImageStructure:
    """Walk the bytes of a photo once; its format is decided by content alone.

    Raises `ImageEmpty`, `ImageTooLarge`, `ImageUnsupported` or `ImageCorrupt`. No pixel is decoded, and no more memory
    is taken than two copies of the bytes.
    """
    if not data:
        raise ImageEmpty
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return read_jpeg(data)
        if data.startswith(PNG_SIGNATURE):
            return read_png(data)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return read_gif(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return read_webp(data)
    except (struct.error, IndexError) as error:  # the file ends inside a header
        raise ImageCorrupt from error
    raise ImageUnsupported
