"""Hostile photos: mutated real ones, floods, bombs, other formats, pieces in the wrong order; one for each seed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

from PIL import Image

from tests.models.pictures import END, GREY, SMALL, VALID, chunk, encode, orientation_block, picture, png, riff

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BYTES = 12_000_000
"""A little over the service's limit for a photo."""
SIZES = (0, 1, 2, 8, 255, 256, 4000, 5000, 5001, 12_000, 12_001, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)


@cache
def _real() -> tuple[bytes, ...]:
    return (*VALID.values(), *GREY.values(), *SMALL)


def image(chance: Random) -> bytes:
    """One photo, hostile in one way or another; now and then one that is right."""
    return chance.choice(KINDS)(chance)[:MOST_BYTES]


def _right(chance: Random) -> bytes:
    return chance.choice(_real())


def _mutated(chance: Random) -> bytes:
    data = bytearray(_right(chance))
    for _ in range(chance.choice((1, 1, 2, 5, 40))):
        position = chance.randrange(len(data))
        change = chance.randrange(5)
        if change == 0:
            data[position] ^= 1 << chance.randrange(8)
        elif change == 1:
            data[position : position + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
        elif change == 2:
            del data[position : position + chance.randrange(1, 40)]
        elif change == 3:
            data[position:position] = chance.randbytes(chance.randrange(1, 40))
        else:
            data[position:position] = data[position : position + chance.randrange(1, 200)]
        if not data:
            break
    return bytes(data)


def _head_mutated(chance: Random) -> bytes:
    data = bytearray(_right(chance))
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(min(64, len(data)))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(data)


def _cut(chance: Random) -> bytes:
    data = _right(chance)
    return data[: chance.randrange(len(data))]


def _with_tail(chance: Random) -> bytes:
    return _right(chance) + chance.choice((b"\0" * 50_000, chance.randbytes(1000), _right(chance), _zip_bomb()))


def _spliced(chance: Random) -> bytes:
    first, second = _right(chance), _right(chance)
    return first[: chance.randrange(len(first))] + second[chance.randrange(len(second)) :]


def _behind_a_signature(chance: Random) -> bytes:
    jpeg, gif, webp = (
        (b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
        (b"GIF87a", b"GIF89a"),
        (b"RIFF\0\0\0\0WEBP", b"RIFF"),
    )
    starts = (SIGNATURE, *jpeg, *gif, *webp)
    return chance.choice(starts) + chance.randbytes(chance.choice((0, 1, 7, 100, 5000)))


def _odd_png(chance: Random) -> bytes:
    """Any size, depth and colour over pixel data that may not fit, with right checksums, chunks in any order."""
    size = struct.pack(">II", chance.choice(SIZES), chance.choice(SIZES))
    header = size + bytes((chance.choice((1, 2, 4, 8, 16, 0, 3, 255)), chance.choice((0, 2, 3, 4, 6, 1, 7, 255))))
    header += bytes((chance.choice((0, 0, 0, 1)), chance.choice((0, 0, 0, 9)), chance.choice((0, 0, 1, 2))))
    raw = zlib.compress(bytes(chance.choice((0, 10, 1000, 200_000, 3_000_000))), 9)
    pieces = [chunk(b"IHDR", header)]
    for _ in range(chance.randrange(5)):
        kind = chance.choice(
            (b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"abCD")
        )
        pieces.append(chunk(kind, chance.choice((b"", bytes(768), chance.randbytes(30), b"x\0\0" + raw))))
    pieces += [chunk(b"IDAT", raw)] * chance.choice((0, 1, 1, 1, 2))
    if chance.random() < 0.2:
        chance.shuffle(pieces)
    return SIGNATURE + b"".join(pieces) + chance.choice((END, END, b""))


def _text_bombs(chance: Random) -> bytes:
    bomb = zlib.compress(bytes(chance.choice((1_000_000, 8_000_000))), 9)
    kind, prefix = chance.choice(((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")))
    return png(8, 8, 8, 2, bytes(192), before=chunk(kind, prefix + bomb) * chance.choice((1, 20)))


def _many_chunks(chance: Random) -> bytes:
    piece = chunk(chance.choice((b"tEXt", b"abCD", b"IDAT", b"PLTE")), b"")
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + piece * 30_000 + END


@cache
def _large(kind: str, mode: str, width: int, height: int) -> bytes:
    options = {"JPEG": {"quality": 10}, "PNG": {"compress_level": 9}, "WEBP": {"quality": 1, "method": 0}, "GIF": {}}
    return encode(Image.new(mode, (width, height)), kind, **options[kind])


def _of_any_shape(chance: Random) -> bytes:
    shapes = ((1, 1), (1, 3000), (3000, 1), (12_000, 2), (2, 12_000), (12_001, 1), (4000, 4000), (31, 33), (16_000, 16))
    width, height = chance.choice(shapes)
    kind = chance.choice(("JPEG", "PNG", "GIF", "WEBP", "PNG"))
    mode = {"JPEG": ("L", "RGB", "CMYK"), "PNG": ("1", "L", "P", "RGB", "LA"), "GIF": ("P",), "WEBP": ("RGB",)}[kind]
    if kind == "WEBP" and max(width, height) > 16_383:
        width = 16_383
    return _large(kind, chance.choice(mode), width, height)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", min(65_535, len(content) + 2)) + content


def _odd_jpeg(chance: Random) -> bytes:
    """A JPEG with segments added, doubled, dropped or moved, and junk between them."""
    data = _real()[chance.randrange(5)]
    scan = data.index(b"\xff\xda")
    pieces, position = [], 2
    while position < scan:
        length = struct.unpack_from(">H", data, position + 2)[0]
        pieces.append(data[position : position + 2 + length])
        position += 2 + length
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(pieces) + 1)
        change = chance.randrange(6)
        if change == 0:
            pieces.insert(
                place, _segment(chance.choice((0xE1, 0xFE, 0xDD, 0xC4, 0xDB, 0xCC, 0xF0)), chance.randbytes(20))
            )
        elif change == 1 and pieces:
            pieces.insert(place, chance.choice(pieces)[:20_000] * chance.choice((1, 2, 500)))
        elif change == 2 and len(pieces) > 1:
            pieces.pop(chance.randrange(len(pieces)))
        elif change == 3:
            chance.shuffle(pieces)
        elif change == 4:
            pieces.insert(place, chance.choice((b"\0", b"\xff", b"\0" * 1000, b"\xff" * 1000)))
        else:
            pieces.insert(
                place, _segment(0xE1, b"Exif\0\0" + chance.choice((orientation_block(6)[6:], b"II*\0\xff\xff\xff\xff")))
            )
    return b"\xff\xd8" + b"".join(pieces) + data[scan:]


def _jpeg_flood(chance: Random) -> bytes:
    data = VALID["jpeg"] if chance.random() < 0.5 else VALID["jpeg, progressive"]
    scan = data.index(b"\xff\xda")
    flood = chance.choice((b"\0" * 3_000_000, b"\xff" * 1_000_000, data[scan:-2] * 100, b"\xff\xd0" * 300_000))
    place = chance.choice((2, scan, len(data) - 2))
    return data[:place] + flood + data[place:]


def _odd_gif(chance: Random) -> bytes:
    size = struct.pack("<HH", chance.choice((0, 1, 8, 5000, 65_535)), chance.choice((0, 1, 8, 5000, 65_535)))
    body = (
        b"GIF89a"
        + size
        + bytes((chance.choice((0, 0x80, 0xF7, 0xFF)), 0, 0))
        + chance.randbytes(chance.choice((0, 6, 768)))
    )
    for _ in range(chance.choice((0, 1, 3, 2000))):
        body += chance.choice((b"!\xf9\x04\x01\0\0\0\0", b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b"!\xfe\x05hello\0"))
    for _ in range(chance.choice((0, 1, 2, 200))):
        box = struct.pack("<HHHH", 0, 0, chance.choice((0, 8, 65_535)), chance.choice((0, 8, 65_535)))
        body += b"," + box + b"\0" + bytes((chance.choice((0, 2, 8, 12, 255)),)) + b"\x03" + chance.randbytes(3) + b"\0"
    return body + chance.choice((b";", b""))


def _odd_webp(chance: Random) -> bytes:
    data = chance.choice([photo for photo in _real() if photo[:4] == b"RIFF"])
    kind = data[12:16]
    (length,) = struct.unpack_from("<I", data, 16)
    first = (kind, data[20 : 20 + length])
    extra = [
        (chance.choice((b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"VP8 ", b"VP8L")), chance.randbytes(10))
    ]
    pieces = [first, *extra * chance.choice((1, 3, 500))]
    chance.shuffle(pieces)
    body = riff(*pieces)
    return body[:4] + struct.pack("<I", chance.choice((len(body) - 8, 0, 2**32 - 1, 7))) + body[8:]


UNSUPPORTED = {
    "text": b"this is no photo, whatever its name says",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "html": b"<!doctype html><title>x</title>",
    "pdf": b"%PDF-1.7\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "program": b"\x7fELF",
    "zip": b"PK\x03\x04" + b"\0" * 50,
    "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
    "tiff": encode(Image.new("RGB", (8, 8)), "TIFF"),
    "psd": b"8BPS\x00\x01" + b"\0" * 50,
}
"""Content that is answered with 415 `image_unsupported`."""


def _foreign(chance: Random) -> bytes:
    """Other formats, whatever they claim to be."""
    kind = chance.choice(("TIFF", "BMP", "ICO", "PPM", "TGA", "JPEG2000", "AVIF", "PCX", "DDS", "ICNS"))
    try:
        return encode(picture(64, 64), kind)
    except (KeyError, OSError):
        return chance.choice((*UNSUPPORTED.values(), _zip_bomb()))


def bomb(side: int) -> bytes:
    """A PNG that declares a square of one bit a pixel, and a few rows of it."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((side // 8 + 1) * 100), 9)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + END


@cache
def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(5_000_000))
    return stream.getvalue()


def _bytes(chance: Random) -> bytes:
    return chance.choice((b"", b"\0", b"\xff" * 10, chance.randbytes(chance.choice((1, 100, 30_000)))))


KINDS: tuple[Callable[[Random], bytes], ...] = (
    _right, *[_mutated] * 6, *[_head_mutated] * 3, *[_cut] * 3, _with_tail, *[_spliced] * 2, *[_behind_a_signature] * 2,
    *[_odd_png] * 4, _text_bombs, _many_chunks, *[_of_any_shape] * 2, *[_odd_jpeg] * 4, _jpeg_flood, *[_odd_gif] * 2,
    *[_odd_webp] * 2, *[_foreign] * 2, _bytes,
)  # fmt: skip
"""Each as often as it is listed."""
