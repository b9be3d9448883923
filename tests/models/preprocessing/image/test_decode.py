"""Odd but right photos, and where they come to lie in the pixels asked for."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from models.preprocessing.image.decode import REDUCING_GAP, WARNING_ANIMATED, WARNING_BLANK, WARNING_TINY, decode_image
from tests.models.pictures import GREY, VALID, chunk, difference, encode, orientation_block, picture, pixels, plain, png

# Odd but right -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALID)
def test_every_format_gives_the_picture(name: str) -> None:
    tolerance = 6 if "gif" in name else 3  # a palette has 256 colours
    assert difference(pixels(VALID[name]), plain(picture())) < tolerance


@pytest.mark.parametrize("name", GREY)
def test_grey_in_every_format(name: str) -> None:
    assert difference(pixels(GREY[name]), plain(picture().convert("L"))) < 2


def test_one_bit() -> None:
    half = Image.new("1", (100, 100))
    half.paste(1, (50, 0, 100, 100))
    decoded = pixels(encode(half, "PNG"))
    assert (decoded[:, :30] == 0).all()
    assert (decoded[:, 34:] == 255).all()


def test_inverted_cmyk_is_not_a_negative() -> None:
    red = encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in red
    assert difference(pixels(red), np.array([255, 0, 0])) < 6


@pytest.mark.parametrize("colour", ["RGBA", "LA", "webp"])
def test_transparency_is_put_on_white(colour: str) -> None:
    image = Image.new("RGBA", (90, 90), (0, 0, 0, 0))
    image.paste((0, 0, 0, 128), (30, 0, 60, 90))
    image.paste((0, 0, 0, 255), (60, 0, 90, 90))
    data = (
        encode(image, "WEBP", lossless=True, exact=True) if colour == "webp" else encode(image.convert(colour), "PNG")
    )
    decoded = pixels(data, 90, 90)
    assert (decoded[:, :30] == 255).all()
    assert (abs(decoded[:, 30:60] - 127) <= 1).all()
    assert (decoded[:, 60:] == 0).all()


def test_hidden_colour_does_not_bleed_into_edges() -> None:
    image = Image.new("RGBA", (640, 640), (255, 0, 0, 0))  # red that is not to be seen
    image.paste((0, 0, 0, 255), (0, 0, 333, 640))
    decoded = pixels(encode(image, "PNG"))
    assert (decoded[..., 0] == decoded[..., 1]).all()


def palette_image() -> Image.Image:
    image = Image.new("P", (80, 80), 0)
    image.putpalette([10, 20, 30, 0, 0, 255, 200, 0, 0])
    image.paste(1, (20, 0, 40, 80))
    image.paste(2, (40, 0, 80, 80))
    return image


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palette_with_a_transparent_colour(kind: str) -> None:
    decoded = pixels(encode(palette_image(), kind, transparency=0), 80, 80)
    assert decoded[40, [10, 30, 60]].tolist() == [[255, 255, 255], [0, 0, 255], [200, 0, 0]]


def test_palette_with_alpha() -> None:
    decoded = pixels(encode(palette_image(), "PNG", transparency=bytes([255, 0, 128])), 80, 80)
    assert decoded[40, [10, 30]].tolist() == [[10, 20, 30], [255, 255, 255]]
    assert difference(decoded[40, 60], np.array([227, 127, 127])) <= 1


@pytest.mark.parametrize(
    ("depth", "colour", "pixel", "transparent", "expected"),
    [
        (2, 0, b"\x55", 1, 255),
        (2, 0, b"\x55", 2, 85),
        (4, 0, b"\x11", 1, 255),
        (4, 0, b"\x11", 15, 17),
        (8, 0, b"\x40", 0x40, 255),
        (16, 0, b"\x40\x10", 0x4010, 255),
        (16, 0, b"\x40\x10", 0x4011, 64),
        (8, 2, b"\x40\x40\x40", 0x40, 255),
        (8, 2, b"\x40\x40\x40", 0x41, 64),
        (16, 2, b"\x40\x10" * 3, 0x4010, 255),
        (16, 2, b"\x40\x10" * 3, 0x1040, 64),
    ],
)
def test_one_transparent_colour_at_every_depth(
    depth: int, colour: int, pixel: bytes, transparent: int, expected: int
) -> None:
    samples = 3 if colour == 2 else 1
    row = pixel * (40 if depth >= 8 else 40 * depth // 8)
    data = png(40, 40, depth, colour, row * 40, before=chunk(b"tRNS", struct.pack(">H", transparent) * samples))
    assert (pixels(data) == expected).all()


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65_535, 256).astype(">u2"), (256, 1))
    decoded = pixels(png(256, 256, 16, 0, ramp.tobytes()), 256, 256)
    assert difference(decoded[0, :, 0], np.arange(256)) < 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(120, 200), (200, 120)])
def test_exif_orientation(kind: str, orientation: int, shape: tuple[int, int]) -> None:
    upright = picture(width=shape[1], height=shape[0])
    # The transposition that undoes an orientation is its own inverse, except for the two quarter turns.
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = upright.transpose(stored[orientation]) if orientation in stored else upright
    turned = pixels(encode(image, kind, exif=orientation_block(orientation)), 48, 64)
    assert difference(turned, pixels(encode(upright, kind), 48, 64)) < 2


TIFF = b"II*\0\x08\0\0\0"


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0MM\0*",
        b"Exif\0\0" + b"II*\0\xff\xff\xff\xff",
        b"Exif\0\0" + TIFF + b"\xff\xff",
        b"Exif\0\0" + TIFF + b"\xff\xff" + b"\x01\x01\x03\0\x01\0\0\0\x06\0\0\0" * 5_000,
        *(b"Exif\0\0" + TIFF + struct.pack("<HHHIHH", 1, 0x0112, 3, 1, value, 0) for value in (0, 9, 65_535)),
        b"Exif\0\0" + TIFF + struct.pack("<HHHI", 1, 0x0112, 3, 0xFFFFFFFF),
        b"Exif\0\0" + TIFF + struct.pack("<HHHI4s", 1, 0x0112, 2, 5, b"\x06\xff\xff\xff"),
    ],
    ids=range(10),
)
def test_hostile_exif_is_ignored(exif: bytes) -> None:
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    data = VALID["jpeg"][:2] + segment + VALID["jpeg"][2:]
    assert (pixels(data) == pixels(VALID["jpeg"])).all()


@pytest.mark.parametrize("name", VALID)
def test_only_animations_are_said_to_be_animated(name: str) -> None:
    decoded = decode_image(VALID[name], 64, 64)
    assert decoded.warnings == ((WARNING_ANIMATED,) if "animated" in name else ())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_one_pixel(kind: str) -> None:
    decoded = decode_image(encode(Image.new("RGB", (1, 1), (40, 80, 120)), kind), 32, 32)
    assert difference(decoded.pixels.astype(np.int16), np.array([40, 80, 120])) < 4
    assert decoded.warnings == (WARNING_TINY, WARNING_BLANK)


# Geometry ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("width", "height", "inside"),
    [
        (400, 200, (slice(16, 48), slice(None))),
        (200, 400, (slice(None), slice(16, 48))),
        (20, 10, (slice(16, 48), slice(None))),
        (300, 300, (slice(None), slice(None))),
        (6_400, 10, (slice(31, 32), slice(None))),  # never thinner than a pixel
    ],
)
def test_padding_is_white_and_even(kind: str, width: int, height: int, inside: tuple[slice, slice]) -> None:
    decoded = pixels(encode(Image.new("RGB", (width, height), "black"), kind))
    frame = np.full_like(decoded, 255)
    frame[inside] = 0
    assert (decoded == frame).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 300), (224, 224), (333, 222)])
def test_any_target(height: int, width: int) -> None:
    for data in VALID.values():
        pixels(data, height, width)


@pytest.mark.parametrize("side", [400, 500, 1_000, 3_000])
@pytest.mark.parametrize("progressive", [False, True])
def test_reduced_jpeg_decoding_is_close_to_full_decoding(side: int, progressive: bool) -> None:
    generator = np.random.default_rng(side)
    rough = Image.fromarray(generator.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    photo = rough.resize((side, side), Image.Resampling.BICUBIC)
    data = encode(photo, "JPEG", quality=90, progressive=progressive)
    with Image.open(io.BytesIO(data)) as full:
        assert difference(pixels(data, 224, 224), plain(full, 224, 224)) < 1.5


@pytest.mark.parametrize("size", [(500, 400), (1_501, 999), (3_000, 720), (9_000, 3)])
def test_bands_join_without_a_seam(size: tuple[int, int]) -> None:
    """The banded way gives, pixel for pixel, what Pillow gives for the whole picture put on white."""
    photo = picture(*size).convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(size))
    white = Image.new("RGB", size, "white")
    white.paste(photo, (0, 0), photo)
    scale = 100 / max(size)
    fitted = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    expected = np.asarray(white.resize(fitted, Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP))
    decoded = decode_image(encode(photo, "PNG", compress_level=1), fitted[1], fitted[0]).pixels
    assert (decoded == expected).all()


@pytest.mark.parametrize(("height", "width"), [(0, 10), (10, -1)])
def test_a_target_without_pixels_is_the_callers_mistake(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        decode_image(VALID["jpeg"], height, width)
