"""Photos in every format and mode that is read, pieces to build odd ones from, and what to compare pixels with."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from models.preprocessing.image.decode import decode_image


def picture(width: int = 200, height: int = 200) -> Image.Image:
    """A smooth picture in which no two corners are alike."""
    across, down = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    channels = [across + 0 * down, 0 * across + down, (1 - across) * down]
    return Image.fromarray((np.stack(channels, axis=-1) * 255).astype(np.uint8))


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


END = chunk(b"IEND", b"")


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *, before: bytes = b"") -> bytes:
    """A PNG of unfiltered `rows`, with further chunks ahead of its pixel data."""
    stride = len(rows) // height
    data = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + END


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(struct.pack("<4sI", kind, len(c)) + c + b"\0" * (len(c) % 2) for kind, c in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def orientation_block(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def pixels(data: bytes, height: int = 64, width: int = 64) -> np.ndarray:
    decoded = decode_image(data, height, width).pixels
    assert decoded.shape == (height, width, 3)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    return decoded.astype(np.int16)


def difference(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left - right).mean())


def plain(image: Image.Image, height: int = 64, width: int = 64) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)).astype(np.int16)


def animation(kind: str) -> bytes:
    frames = [picture(), Image.new("RGB", (200, 200), "red"), Image.new("RGB", (200, 200), "blue")]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:])


VALID = {
    "jpeg": encode(picture(), "JPEG", quality=90),
    "jpeg, progressive": encode(picture(), "JPEG", quality=90, progressive=True),
    "jpeg, RGB inside": encode(picture(), "JPEG", quality=90, keep_rgb=True),
    "jpeg, CMYK": encode(picture().convert("CMYK"), "JPEG", quality=95),
    "jpeg, with everything": encode(
        picture(), "JPEG", quality=90, exif=orientation_block(1), icc_profile=bytes(100_000), comment=b"x", dpi=(72, 72)
    ),
    "png": encode(picture(), "PNG"),
    "png, RGBA": encode(picture().convert("RGBA"), "PNG"),
    "png, 16-bit RGB": png(200, 200, 16, 2, (np.asarray(picture()).astype(np.uint16) * 257).astype(">u2").tobytes()),
    "webp": encode(picture(), "WEBP", quality=90),
    "webp, lossless": encode(picture(), "WEBP", lossless=True),
    "webp, alpha": encode(picture().convert("RGBA"), "WEBP", quality=90, exact=True, exif=orientation_block(1)),
    "gif": encode(picture(), "GIF"),
    "gif, animated": animation("GIF"),
    "webp, animated": animation("WEBP"),
    "png, animated": animation("PNG"),
}
GREY = {
    "jpeg": encode(picture().convert("L"), "JPEG", quality=90),
    "png": encode(picture().convert("L"), "PNG"),
    "png, alpha": encode(picture().convert("LA"), "PNG"),
    "png, 16 bits": png(
        200, 200, 16, 0, (np.asarray(picture().convert("L")).astype(np.uint16) * 257).astype(">u2").tobytes()
    ),
    "gif": encode(picture().convert("L"), "GIF"),
    "webp": encode(picture().convert("L"), "WEBP", lossless=True),
}

HEADER = png(8, 8, 8, 2, bytes(192))
"""A whole PNG of 8 x 8; its signature and header chunk are the first 33 bytes."""

SMALL = [
    encode(picture(40, 30), "JPEG", exif=orientation_block(6)),
    encode(picture(40, 30), "JPEG", progressive=True),
    encode(picture(40, 30).convert("CMYK"), "JPEG"),
    encode(picture(40, 30), "PNG"),
    encode(picture(40, 30).convert("LA"), "PNG"),
    encode(picture(40, 30).convert("P"), "PNG", transparency=bytes(range(256))),
    GREY["png, 16 bits"],
    encode(picture(40, 30), "WEBP"),
    encode(picture(40, 30).convert("RGBA"), "WEBP", lossless=True),
    encode(picture(40, 30), "GIF", transparency=3),
    animation("GIF"),
    animation("WEBP"),
    animation("PNG"),
]


def changed(name: str, before: bytes, after: bytes) -> bytes:
    assert VALID[name].count(before) == 1
    return VALID[name].replace(before, after)
