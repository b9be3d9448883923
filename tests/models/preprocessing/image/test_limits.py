"""Limits, and bombs: small files that would cost a trusting decoder much time or memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from models.errors import ImageCorrupt, ImageError, ImageTooLarge
from models.preprocessing.image.decode import decode_image
from models.preprocessing.image.limits import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE
from tests.models.pictures import END, HEADER, VALID, changed, chunk, encode, pixels, png, riff

ROOT = Path(__file__).resolve().parents[4]
QUICK = 5.0
"""Seconds: generous for a shared machine; what these files did to a plain `Image.open` was 10 to 50 times as much."""


def test_too_many_bytes() -> None:
    padded = VALID["jpeg"] + bytes(MAX_IMAGE_BYTES - len(VALID["jpeg"]))
    assert (pixels(padded) == pixels(VALID["jpeg"])).all()
    with pytest.raises(ImageTooLarge):
        decode_image(padded + b"\0", 64, 64)


def declared(width: int, height: int, kind: str) -> bytes:
    """A small file that says it is `width` x `height`."""
    if kind == "PNG":
        return png(width, height, 1, 0, bytes(height))
    if kind == "GIF":
        return VALID["gif"][:6] + struct.pack("<HH", width, height) + VALID["gif"][10:]
    if kind == "WEBP":
        return riff((b"VP8X", bytes(4) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]))
    return changed("jpeg", b"\0\x11\x08\0\xc8\0\xc8", b"\0\x11\x08" + struct.pack(">HH", height, width))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(5_001, 5_000), (30_000, 30_000), (MAX_IMAGE_SIDE + 1, 10), (10, MAX_IMAGE_SIDE + 1)])
def test_declared_size_over_the_limits(kind: str, size: tuple[int, int]) -> None:
    data = declared(*size, kind)
    started = time.perf_counter()
    with pytest.raises(ImageTooLarge):
        decode_image(data, 64, 64)
    assert time.perf_counter() - started < 0.5


def test_thirty_thousand_square_in_a_few_kilobytes() -> None:
    compressor = zlib.compressobj(9)
    rows = b"".join(compressor.compress(bytes(3_751 * 1_000)) for _ in range(30)) + compressor.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
    bomb = HEADER[:8] + header + chunk(b"IDAT", rows) + END
    assert len(bomb) < 120_000
    with pytest.raises(ImageTooLarge):
        decode_image(bomb, 64, 64)


@pytest.mark.parametrize("size", [(5_000, 5_000), (MAX_IMAGE_SIDE, 2), (2, MAX_IMAGE_SIDE)])
def test_the_largest_that_are_allowed(size: tuple[int, int]) -> None:
    assert (pixels(encode(Image.new("1", size, 1), "PNG")) == 255).all()
    assert (pixels(encode(Image.new("L", size, 255), "JPEG")) == 255).all()


def jpeg_with(filling: bytes, *, end: bytes = b"") -> bytes:
    """The head of a JPEG, tables and frame included, and something else where the scan should be."""
    return VALID["jpeg"][: VALID["jpeg"].index(b"\xff\xda")] + filling + end


def scans(side: int, count: int) -> bytes:
    data = encode(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + b"\xff\xd9"


IDAT = chunk(b"IDAT", zlib.compress(bytes(30_100)))
START = HEADER[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0))
TEXT = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(1_000_000), 9))
PROFILE = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(50_000_000), 9))
FLOODS: dict[str, tuple[Callable[[], bytes], type[ImageError] | None]] = {
    "jpeg, zeros behind the head": (lambda: jpeg_with(bytes(5_000_000)), ImageCorrupt),
    "jpeg, zeros behind the head and an end": (lambda: jpeg_with(bytes(5_000_000), end=b"\xff\xd9"), ImageCorrupt),
    "jpeg, zeros in the scan": (lambda: VALID["jpeg"][:-400] + bytes(5_000_000), ImageCorrupt),
    "jpeg, fill bytes": (lambda: jpeg_with(b"\xff" * 5_000_000), ImageCorrupt),
    "jpeg, EXIF segments": (lambda: jpeg_with(b"\xff\xe1\0\x08Exif\0\0" * 500_000), ImageCorrupt),
    "jpeg, comments": (lambda: jpeg_with(b"\xff\xfe\0\x02" * 1_250_000), ImageCorrupt),
    "jpeg, tables": (lambda: jpeg_with((b"\xff\xdb\0\x43\0" + b"\1" * 64) * 60_000, end=b"\xff\xda"), ImageCorrupt),
    "jpeg, scans of a small picture": (lambda: scans(100, 200), ImageTooLarge),
    "jpeg, scans of a large picture": (lambda: scans(3_000, 60), ImageTooLarge),
    "jpeg, twice the usual scans": (lambda: scans(3_000, 10), None),
    "png, 200 zTXt": (lambda: START + TEXT * 100 + IDAT + TEXT * 100 + END, None),
    "png, iCCP": (lambda: START + PROFILE + IDAT + END, None),
    "png, empty chunks": (lambda: START + chunk(b"IDAT", b"") * 500_000 + END, ImageCorrupt),
    "png, many chunks": (lambda: START + chunk(b"IDAT", b"") * 50_000 + IDAT + END, None),
    "png, more data than rows": (lambda: START + chunk(b"IDAT", zlib.compress(bytes(100_000_000), 9)) + END, None),
    "gif, sub-blocks of one byte": (lambda: VALID["gif"][:13] + b"!\xfe" + b"\1a" * 2_500_000, ImageCorrupt),
    "gif, extensions": (lambda: b"GIF89a" + bytes(7) + b"!\xfe\0" * 1_600_000, ImageCorrupt),
    "webp, chunks": (lambda: riff((b"VP8X", bytes(10)), *[(b"junk", b"")] * 500_000), ImageCorrupt),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_end_quickly(name: str) -> None:
    make, error = FLOODS[name]
    data = make()
    started = time.perf_counter()
    if error is None:
        decode_image(data, 64, 64)
    else:
        with pytest.raises(error):
            decode_image(data, 64, 64)
    assert time.perf_counter() - started < QUICK


def heaviest(folder: Path) -> None:
    """Files at the limits, each the most its format may cost."""
    compressor = zlib.compressobj(1)
    rows = b"".join(compressor.compress((b"\4" + bytes(20_000)) * 50) for _ in range(100)) + compressor.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 5_000, 5_000, 8, 6, 0, 0, 0))
    (folder / "rgba").write_bytes(HEADER[:8] + header + chunk(b"IDAT", rows) + END)
    (folder / "text").write_bytes(START + TEXT * 100 + IDAT + TEXT * 100 + END)
    (folder / "profile").write_bytes(START + PROFILE + IDAT + END)
    (folder / "webp").write_bytes(encode(Image.new("RGB", (3_000, 3_000), "red"), "WEBP", lossless=True, method=0))
    flat = Image.new("RGB", (5_000, 4_600), "red")
    (folder / "progressive").write_bytes(encode(flat, "JPEG", subsampling=0, progressive=True, quality=50))
    (folder / "gif").write_bytes(encode(Image.new("L", (5_000, 5_000)), "GIF", transparency=0))


MEASURE = """
import json, pathlib, sys, time
from models.preprocessing.image.decode import decode_image

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

*files, small = [pathlib.Path(name).read_bytes() for name in sys.argv[1:]]
decode_image(small, 224, 224)
before, seconds = peak(), []
for data in files:
    started = time.perf_counter()
    decode_image(data, 224, 224)
    seconds.append(time.perf_counter() - started)
print(json.dumps([peak() - before, max(seconds)]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_the_heaviest_files_stay_within_the_stated_memory(tmp_path: Path) -> None:
    heaviest(tmp_path)
    files = sorted(tmp_path.iterdir())
    (tmp_path / "small").write_bytes(VALID["jpeg"])
    command = [sys.executable, "-c", MEASURE, *map(str, files), str(tmp_path / "small")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120)
    memory, seconds = json.loads(done.stdout)
    assert memory <= 150_000_000
    assert seconds < QUICK


@pytest.mark.parametrize(
    "data",
    [
        lambda: encode(Image.new("RGB", (3_200, 3_200), "red"), "WEBP", lossless=True, method=0),
        lambda: encode(Image.new("RGB", (5_000, 5_000), "red"), "JPEG", subsampling=0, progressive=True),
        lambda: png(5_000, 5_000, 16, 6, bytes(5_000)),
    ],
    ids=["webp", "progressive jpeg", "16-bit png"],
)
def test_formats_that_need_more_per_pixel_have_lower_limits(data: Callable[[], bytes]) -> None:
    with pytest.raises(ImageTooLarge):
        decode_image(data(), 64, 64)
