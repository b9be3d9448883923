"""The structure of a WebP: the chunks of its first frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from models.errors import ImageCorrupt
from models.preprocessing.image.limits import MAX_BLOCKS, MAX_EXIF_BYTES, ImageStructure, check_memory, check_size

_WEBP_CHUNKS = frozenset({b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"})
_WEBP_ALPHA_AND_ANIMATION = 0x12
"""Flags of the extended header that stay true when the metadata is left out."""

_WEBP_BYTES_PER_PIXEL = 16
"""libwebp's decoder keeps two RGBA canvases, Pillow copies one and unpacks it into another."""


def read_webp(data: bytes) -> ImageStructure:
    """RFC 9649: the chunks of the first frame.

    Raises `ImageTooLarge` or `ImageCorrupt`; `struct.error` or `IndexError` if the file ends inside a header.
    """
    kept: list[bytes | memoryview] = []
    exif, frames = b"", 0
    size: tuple[int, int] | None = None
    for kind, payload in _webp_chunks(data):
        if size is None:
            size = _webp_size(kind, payload)
            check_size(*size)
        if kind == b"EXIF":
            exif = bytes(payload[:MAX_EXIF_BYTES])
        elif kind == b"ANMF":
            frames += 1
        if kind in _WEBP_CHUNKS and frames <= 1:
            content = payload
            if kind == b"VP8X":
                content = memoryview(bytes([payload[0] & _WEBP_ALPHA_AND_ANIMATION]) + bytes(payload[1:]))
            kept += [struct.pack("<4sI", kind, len(content)), content, b"\0" * (len(content) % 2)]
    if size is None:
        raise ImageCorrupt
    check_memory(size[0] * size[1] * _WEBP_BYTES_PER_PIXEL + 3 * len(data))  # Pillow's plugin copies the file twice
    body = b"".join([b"WEBP", *kept])
    stream = struct.pack("<4sI", b"RIFF", len(body)) + body
    return ImageStructure("WEBP", stream, *size, exif, animated=frames > 1)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(data)
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = riff_size + 8
    if end > len(data):
        raise ImageCorrupt
    start = 12
    for _ in range(MAX_BLOCKS):
        if start >= end:
            return
        kind, length = struct.unpack_from("<4sI", data, start)
        if start + 8 + length > end:
            raise ImageCorrupt
        yield kind, view[start + 8 : start + 8 + length]
        start += 8 + length + length % 2
    raise ImageCorrupt


def _webp_size(kind: bytes, payload: memoryview) -> tuple[int, int]:
    """Width and height by the first chunk: the extended header's canvas, or a lone lossy or lossless picture.

    libwebp refuses frames that are not inside the canvas.
    """
    if kind == b"VP8X":
        (canvas,) = struct.unpack_from("<Q", bytes(payload[4:10]) + b"\0\0")
        return (canvas & 0xFFFFFF) + 1, (canvas >> 24) + 1
    if kind == b"VP8 " and bytes(payload[3:6]) == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", payload, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and payload[0] == 0x2F:
        (bits,) = struct.unpack_from("<I", payload, 1)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    raise ImageCorrupt
