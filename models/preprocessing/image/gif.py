"""The structure of a GIF: its first image, and the extension that names the transparent colour."""

from __future__ import annotations

import struct

from models.errors import ImageCorrupt
from models.preprocessing.image.limits import MAX_BLOCKS, ImageStructure, check_size

_GIF_EXTENSION, _GIF_IMAGE, _GIF_GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9


def read_gif(data: bytes) -> ImageStructure:
    """GIF89a: the first image, and of the extensions ahead of it the one that names its transparent colour.

    Raises `ImageTooLarge` or `ImageCorrupt`; `struct.error` or `IndexError` if the file ends inside a header.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _colour_table_bytes(flags)
    head, control = data[:position], b""
    for _ in range(MAX_BLOCKS):
        kind = data[position]
        if kind == _GIF_IMAGE:
            break
        if kind != _GIF_EXTENSION:  # junk, or the end without an image
            raise ImageCorrupt
        end = _after_sub_blocks(data, position + 2)
        if data[position + 1] == _GIF_GRAPHIC_CONTROL:
            control = data[position:end]
        position = end
    else:
        raise ImageCorrupt
    left, top, across, down, flags = struct.unpack_from("<HHHHB", data, position + 1)
    # Pillow, like browsers, widens the canvas to the first frame.
    width, height = max(width, left + across), max(height, top + down)
    check_size(width, height)
    end = _after_sub_blocks(data, position + 11 + _colour_table_bytes(flags))
    stream = b"".join([head, control, memoryview(data)[position:end], b";"])
    return ImageStructure("GIF", stream, width, height, animated=_has_another_frame(data, end))


def _colour_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    while length := data[position]:
        position += length + 1
    return position + 1


def _has_another_frame(data: bytes, position: int) -> bool:
    try:
        for _ in range(MAX_BLOCKS):
            if data[position] != _GIF_EXTENSION:
                return data[position] == _GIF_IMAGE
            position = _after_sub_blocks(data, position + 2)
    except IndexError:  # the first frame is whole: that is enough
        pass
    return False
