"""The structure of a PNG: its header and the chunks that its pixels depend on.

Pillow inflates every zTXt and iCCP chunk (docs/decisions/0020), and does not verify the checksums of pixel data.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from models.errors import ImageCorrupt, ImageTooLarge
from models.preprocessing.image.limits import MAX_BLOCKS, MAX_EXIF_BYTES, ImageStructure, check_memory, check_size

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""The first bytes of every PNG."""
MAX_INFLATED_BYTES = 100_000_000
"""Raw rows of a PNG, interlaced ones counted one and a half times: undoing the row filters runs at 100 MB/s at worst.
25 Mpx of 8-bit RGBA are just inside; of 16-bit RGBA, 12.5 Mpx."""
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_PNG_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
"""Samples per pixel of each colour type."""


@dataclass(frozen=True, slots=True)
class _PngHeader:
    """`depth` in bits per sample, `colour` as in `_PNG_CHANNELS`."""

    width: int
    height: int
    depth: int
    colour: int

    @classmethod
    def read(cls, payload: memoryview) -> _PngHeader:
        if len(payload) != 13:
            raise ImageCorrupt
        header = cls(*struct.unpack_from(">IIBB", payload))
        if header.colour not in _PNG_CHANNELS:
            raise ImageCorrupt
        check_size(header.width, header.height)
        inflated = header.height * -(-header.width * header.depth * _PNG_CHANNELS[header.colour] // 8)
        interlaced = payload[12] != 0
        if inflated * (1.5 if interlaced else 1) > MAX_INFLATED_BYTES:
            raise ImageTooLarge
        return header

    @property
    def decoder_bytes(self) -> int:
        """Pillow's memory for the pixels: four bytes each, one for palette images and grey, two for 16-bit grey."""
        pixel_bytes = max(1, self.depth // 8) if self.colour in (_GREY, _PALETTE) else 4
        return self.width * self.height * pixel_bytes


def read_png(data: bytes) -> ImageStructure:
    """W3C PNG, chapter 5. All pixel data becomes one chunk: Pillow reads chunk by chunk in Python.

    Raises `ImageTooLarge` or `ImageCorrupt`; `struct.error` or `IndexError` if the file ends inside a header.
    """
    chunks = _png_chunks(data)
    kind, payload = next(chunks, (b"", memoryview(b"")))
    if kind != b"IHDR":
        raise ImageCorrupt
    header = _PngHeader.read(payload)
    kept = {b"IHDR": bytes(payload)}
    pixels: list[memoryview] = []
    exif, animated = b"", False
    for kind, payload in chunks:
        if kind == b"IDAT":
            pixels.append(payload)
        elif kind in _PNG_CHUNKS:  # each once, and ahead of the pixel data
            if kind in kept or pixels:
                raise ImageCorrupt
            kept[kind] = bytes(payload)
        elif kind == b"eXIf":
            exif = bytes(payload[:MAX_EXIF_BYTES])
        elif kind == b"fdAT":
            animated = True
    if not pixels or (header.colour == _PALETTE and b"PLTE" not in kept):
        raise ImageCorrupt
    check_memory(header.decoder_bytes + len(data))
    if b"tRNS" in kept:
        kept[b"tRNS"] = _transparency_for_pillow(kept[b"tRNS"], header)
    kept |= {b"IDAT": b"".join(pixels), b"IEND": b""}
    return ImageStructure("PNG", _png_file(kept), header.width, header.height, exif, animated)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each chunk up to IEND, which must be there.

    The checksums of chunks that matter are verified here.
    """
    view = memoryview(data)
    start = len(PNG_SIGNATURE)
    for _ in range(MAX_BLOCKS):
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        payload = view[start + 8 : end]
        if kind in _PNG_CHUNKS:
            if _png_checksum(kind, payload) != checksum:
                raise ImageCorrupt
        elif not kind.isalpha() or kind[:1].isupper():  # upper case: needed to show the image, and unknown
            raise ImageCorrupt
        if kind == b"IEND":
            return
        yield kind, payload
        start = end + 4
    raise ImageCorrupt


def _png_checksum(kind: bytes, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(kind))


def _png_file(chunks: Mapping[bytes, bytes]) -> bytes:
    parts = [PNG_SIGNATURE]
    for kind, content in chunks.items():
        parts += [struct.pack(">I4s", len(content), kind), content, struct.pack(">I", _png_checksum(kind, content))]
    return b"".join(parts)


def _transparency_for_pillow(content: bytes, header: _PngHeader) -> bytes:
    """The tRNS chunk in the terms of Pillow's pixels.

    Pillow spreads grey of 2 and 4 bits over 0..255 and keeps the high byte of 16-bit RGB, but takes tRNS as it is.
    """
    if header.colour == _PALETTE:
        return content[:256]
    samples = struct.unpack_from(f">{_PNG_CHANNELS[header.colour]}H", content)
    highest = (1 << header.depth) - 1
    samples = tuple(sample & highest for sample in samples)
    if header.colour == _GREY and header.depth in (2, 4):
        samples = tuple(sample * 255 // highest for sample in samples)
    elif header.colour == _RGB and header.depth == 16:
        samples = tuple(sample >> 8 for sample in samples)
    return struct.pack(f">{len(samples)}H", *samples)
