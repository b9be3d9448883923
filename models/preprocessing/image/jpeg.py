"""The structure of a JPEG: segments up to the first scan, and the scans.

Stray bytes between segments are passed over, as libjpeg and browsers do. The decoder never sees those ahead of the
first scan: Pillow walks them byte by byte in Python (docs/decisions/0020). It also joins EXIF segments in quadratic
time, and libjpeg visits the whole picture once per scan, however few bytes a scan has.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from models.errors import ImageCorrupt, ImageTooLarge, ImageUnsupported
from models.preprocessing.image.limits import MAX_BLOCKS, ImageStructure, check_memory, check_size

MAX_JPEG_TABLE_BYTES = 256 * 1024
"""Tables ahead of a JPEG's first scan: encoders write under 2 kB, and Pillow parses quantisation tables in Python."""
MAX_JPEG_SCANS = 128
"""Scans of a JPEG: encoders write 10 to 20 in a progressive file."""
MAX_JPEG_SCAN_PIXELS = 400_000_000
"""Scans x pixels: 16 scans at 25 Mpx. Each scan visits the whole picture, even if it changes nothing."""
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff])")
"""0xFF before 0xFF is filling, and before 0x00 it is data."""
_SOF_PROGRESSIVE, _SOI, _EOI, _SOS, _APP0, _APP1, _APP14 = 0xC2, 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
_JPEG_FRAMES = frozenset({0xC0, 0xC1, _SOF_PROGRESSIVE})
"""Start of a baseline, extended sequential or progressive picture, all Huffman-coded."""
_JPEG_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""Start of a lossless, hierarchical or arithmetic-coded picture; browsers do not show them either."""
_JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
"""TEM and RST0 to RST7: without a length, and without a meaning ahead of a scan."""
_JPEG_KEPT = {0xC4: b"", 0xDB: b"", 0xDD: b"", _APP0: b"JFIF\x00", _APP14: b"Adobe"}
"""Segments to keep by how they begin: DHT, DQT, DRI, and the two that say what the components mean (YCbCr, RGB, CMYK
or YCCK)."""


@dataclass(frozen=True, slots=True)
class _JpegFrame:
    """`coefficient_bytes`: the picture as 16-bit DCT coefficients, which libjpeg keeps if there are several scans."""

    width: int
    height: int
    components: int
    progressive: bool
    coefficient_bytes: int

    @classmethod
    def read(cls, payload: bytes, *, progressive: bool) -> _JpegFrame:
        precision, height, width, components = struct.unpack_from(">BHHB", payload)
        if precision != 8 or components not in (1, 3, 4):
            raise ImageUnsupported(
                "The JPEG image has other than 8 bits per sample, or other than 1, 3 or 4 components."
            )
        check_size(width, height)
        factors = [divmod(payload[7 + 3 * component], 16) for component in range(components)]
        if not all(1 <= across <= 4 and 1 <= down <= 4 for across, down in factors):
            raise ImageCorrupt
        columns = -(-width // (8 * max(across for across, _ in factors)))
        rows = -(-height // (8 * max(down for _, down in factors)))
        blocks = columns * rows * sum(across * down for across, down in factors)
        return cls(width, height, components, progressive, coefficient_bytes=blocks * 64 * 2)


def read_jpeg(data: bytes) -> ImageStructure:
    """ITU-T T.81, annex B: the segments up to the first scan, and the scans up to the end marker.

    Raises `ImageTooLarge`, `ImageUnsupported` or `ImageCorrupt`; `struct.error` or `IndexError` if the file ends inside
    a header.
    """
    head = [b"\xff\xd8"]
    frame: _JpegFrame | None = None
    exif = b""
    for marker, start, end in _jpeg_segments(data):
        payload = data[start + 4 : end]
        if marker in _JPEG_FRAMES and frame is None:
            frame = _JpegFrame.read(payload, progressive=marker == _SOF_PROGRESSIVE)
            head.append(data[start:end])
        elif marker in _JPEG_OTHER_FRAMES:
            raise ImageUnsupported("The JPEG image is neither baseline nor progressive.")
        elif marker in _JPEG_FRAMES or (marker == _SOS and frame is None):
            raise ImageCorrupt
        elif marker in _JPEG_KEPT and payload.startswith(_JPEG_KEPT[marker]):
            head.append(data[start:end])
        elif marker == _APP1 and payload.startswith(b"Exif\x00\x00") and not exif:
            exif = payload[6:]
        elif marker == _SOS and frame is not None:
            scans = _jpeg_scans(data, start, frame, several=frame.progressive or payload[0] < frame.components)
            if sum(map(len, head)) > MAX_JPEG_TABLE_BYTES:
                raise ImageCorrupt
            return ImageStructure("JPEG", b"".join([*head, scans]), frame.width, frame.height, exif)
    raise ImageCorrupt


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment; `ImageCorrupt` where no other segment can follow."""
    end = 2
    for _ in range(MAX_BLOCKS):
        match = _JPEG_MARKER.search(data, end)
        if match is None or match[1][0] in (_SOI, _EOI):
            raise ImageCorrupt
        start, end = match.span()
        if match[1][0] in _JPEG_BARE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, start + 2)
        end = start + 2 + length
        if length < 2 or end > len(data):
            raise ImageCorrupt
        yield match[1][0], start, end


def _jpeg_scans(data: bytes, start: int, frame: _JpegFrame, *, several: bool) -> memoryview:
    # In pixel data 0xFF is followed by 0x00 or a restart marker, so these byte pairs are markers wherever they are.
    end = data.find(bytes([0xFF, _EOI]), start)
    if end < 0:
        raise ImageCorrupt
    scans = data.count(bytes([0xFF, _SOS]), start, end)
    if scans > MAX_JPEG_SCANS or scans * frame.width * frame.height > MAX_JPEG_SCAN_PIXELS:
        raise ImageTooLarge
    if several:  # a single one is decoded row by row, at the reduced size that `decode` asks for
        check_memory(frame.coefficient_bytes + len(data))
    return memoryview(data)[start : end + 2]
