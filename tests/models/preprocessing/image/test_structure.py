"""What is refused, and what is left out of the file that the decoder sees."""

from __future__ import annotations

import io

import pytest
from PIL import Image, PngImagePlugin

from models.errors import ImageCorrupt, ImageUnsupported
from models.preprocessing.image.decode import decode_image
from models.preprocessing.image.structure import read_structure
from tests.models.pictures import HEADER, VALID, changed, chunk, encode, orientation_block, picture, png, riff


@pytest.mark.parametrize(
    "data",
    [
        b"a text file named photo.jpg",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        b"<!DOCTYPE html><html></html>",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(100),
        b"\x80\x04\x95" + bytes(20),
        b"8BPS\0\x01" + bytes(30),
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30),
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\xff",
        b"\0" * 1_000,
        encode(picture(), "TIFF"),
        encode(picture(), "BMP"),
        encode(picture(), "ICO"),
        encode(picture(), "PPM"),
        encode(picture(), "AVIF"),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_other_content(data: bytes) -> None:
    with pytest.raises(ImageUnsupported):
        decode_image(data, 64, 64)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA])
def test_jpeg_that_is_neither_baseline_nor_progressive(marker: int) -> None:
    with pytest.raises(ImageUnsupported):
        decode_image(VALID["jpeg"].replace(b"\xff\xc0\0\x11\x08", bytes([0xFF, marker]) + b"\0\x11\x08"), 64, 64)


def test_twelve_bit_jpeg() -> None:
    with pytest.raises(ImageUnsupported):
        decode_image(VALID["jpeg"].replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"), 64, 64)


@pytest.mark.parametrize("name", [name for name in VALID if "animated" not in name])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_truncated(name: str, share: float) -> None:
    data = VALID[name]
    tail = 2 if name == "gif" else 1  # a GIF's last byte says only that no frame follows
    cut = min(max(12, int(len(data) * share)), len(data) - tail)
    with pytest.raises(ImageCorrupt):
        decode_image(data[:cut], 64, 64)


@pytest.mark.parametrize("name", ["png, animated", "webp, animated"])
def test_truncated_behind_the_first_frame(name: str) -> None:
    with pytest.raises(ImageCorrupt):
        decode_image(VALID[name][:-3], 64, 64)


FRAME = VALID["jpeg"][VALID["jpeg"].index(b"\xff\xc0") :][:19]
LOSSLESS = VALID["webp, lossless"][20:]
CORRUPT = {
    "jpeg, junk between markers": lambda: VALID["jpeg"][:20] + b"junk" + VALID["jpeg"][20:],
    "jpeg, two frames": lambda: VALID["jpeg"][:20] + FRAME + VALID["jpeg"][20:],
    "jpeg, no frame": lambda: changed("jpeg", b"\xff\xc0\0\x11", b"\xff\xfe\0\x11"),
    "jpeg, end ahead of the scan": lambda: VALID["jpeg"][:20] + b"\xff\xd9",
    "jpeg, no width": lambda: changed("jpeg", b"\0\x11\x08\0\xc8\0\xc8", b"\0\x11\x08\0\xc8\0\0"),
    "jpeg, no height": lambda: changed("jpeg", b"\0\x11\x08\0\xc8\0\xc8", b"\0\x11\x08\0\0\0\xc8"),
    "jpeg, no sampling": lambda: changed("jpeg", b"\x03\x01\x22\0", b"\x03\x01\x00\0"),
    "png, no width": lambda: png(0, 8, 8, 2, bytes(8)),
    "png, pixel data with a wrong checksum": lambda: HEADER[:-13] + b"\0" + HEADER[-12:],
    "png, header not first": lambda: HEADER[:8] + chunk(b"tEXt", b"a\0b") + HEADER[8:],
    "png, two headers": lambda: HEADER[:33] + HEADER[8:],
    "png, unknown critical chunk": lambda: png(8, 8, 8, 2, bytes(192), before=chunk(b"ABCD", b"")),
    "png, odd kind of chunk": lambda: png(8, 8, 8, 2, bytes(192), before=chunk(b"a\0cd", b"")),
    "png, unknown colour type": lambda: png(8, 8, 8, 5, bytes(192)),
    "png, unknown depth": lambda: png(8, 8, 3, 2, bytes(192)),
    "png, no palette": lambda: png(8, 8, 8, 3, bytes(64)),
    "png, no pixels": lambda: HEADER[:33] + chunk(b"IEND", b""),
    "png, only an end": lambda: HEADER[:8] + chunk(b"IEND", b""),
    "png, too few rows": lambda: png(8, 80, 8, 2, bytes(80 * 12)),
    "png, chunk longer than the file": lambda: HEADER[:33] + b"\x7f\xff\xff\xffIDAT" + HEADER[41:],
    "gif, no image": lambda: VALID["gif"][:13] + b";",
    "gif, junk ahead of the image": lambda: b"GIF89a" + bytes(7) + b"junk",
    "webp, no picture": lambda: riff((b"VP8X", bytes(10))),
    "webp, no chunk": lambda: riff(),
    "webp, unknown chunk": lambda: riff((b"VP9 ", bytes(10))),
    "webp, canvas smaller than the picture": lambda: riff((b"VP8X", bytes(10)), (b"VP8L", LOSSLESS)),
    "webp, chunk longer than the file": lambda: b"RIFF\x14\0\0\0WEBPVP8 \xff\xff\xff\x7f" + bytes(8),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt(name: str) -> None:
    with pytest.raises(ImageCorrupt):
        decode_image(CORRUPT[name](), 64, 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_metadata_never_reaches_the_decoder(kind: str) -> None:
    bare = read_structure(encode(picture(), kind, quality=90))
    options = {"exif": orientation_block(1) + b"SECRET", "icc_profile": b"SECRET" * 9, "xmp": b"SECRET"}
    if kind == "PNG":
        options = {"exif": options["exif"], "pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_text("SECRET", "SECRET")
    data = encode(picture(), kind, quality=90, **options)
    assert b"SECRET" in data
    structure = read_structure(data)
    assert b"SECRET" not in structure.stream
    assert structure.exif.endswith(b"SECRET")
    with Image.open(io.BytesIO(structure.stream)) as left, Image.open(io.BytesIO(bare.stream)) as right:
        assert left.tobytes() == right.tobytes()


@pytest.mark.parametrize("name", [name for name in VALID if "animated" in name])
def test_further_frames_never_reach_the_decoder(name: str) -> None:
    with Image.open(io.BytesIO(VALID[name])) as image:
        assert image.n_frames == 3
    with Image.open(io.BytesIO(read_structure(VALID[name]).stream)) as image:
        assert image.n_frames == 1
