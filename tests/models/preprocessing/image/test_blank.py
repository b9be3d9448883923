"""Photos that show nothing, and those that show little."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.preprocessing.image.decode import WARNING_BLANK, decode_image
from tests.models.pictures import VALID, encode

SIZE = (500, 500)
NOISE = np.random.default_rng(0).normal(0, 6, (*SIZE, 3))


def levels(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.broadcast_to(values, (*SIZE, 3)).clip(0, 255).astype(np.uint8))


def drawn(colour: object, mode: str = "RGB", ground: object = "white") -> Image.Image:
    """A word and a line around it."""
    image = Image.new(mode, SIZE, ground)
    draw = ImageDraw.Draw(image)
    draw.text((120, 200), "Piscine", fill=colour, font_size=60)
    draw.rectangle((100, 180, 400, 300), outline=colour)
    return image


BLANK = {
    **{
        f"{colour}, {kind}": encode(Image.new("RGB", SIZE, colour), kind)
        for colour in ("white", "black", "grey", "#fafafa", "navy")
        for kind in ("JPEG", "PNG", "WEBP", "GIF")
    },
    "one pixel": encode(Image.new("RGB", (1, 1), "red"), "PNG"),
    "one row": encode(Image.new("RGB", (500, 1), "red"), "PNG"),
    "transparent": encode(Image.new("RGBA", SIZE, (9, 9, 9, 0)), "PNG"),
    "transparent, palette": encode(Image.new("P", SIZE, 0), "GIF", transparency=0),
    "white on transparent": encode(drawn((255, 255, 255, 255), "RGBA", (0, 0, 0, 0)), "PNG"),
    "white on transparent, WebP": encode(drawn((255, 255, 255, 255), "RGBA", (0, 0, 0, 0)), "WEBP"),
    "nearly white on white": encode(drawn((252, 252, 252)), "PNG"),
    "noise": encode(levels(245 + NOISE), "JPEG", quality=60),
    "change of shade": encode(levels(np.linspace(170, 255, 500)[:, None]), "JPEG"),
    "a speck of dust": encode(levels(np.where(np.arange(250_000).reshape(500, 500, 1) == 99_999, 0, 250)), "JPEG"),
}
SHOWN = {
    **VALID,
    "black on white": encode(drawn("black"), "JPEG"),
    "light grey on white": encode(drawn((190, 190, 190)), "JPEG"),
    "black on transparent": encode(drawn((0, 0, 0, 255), "RGBA", (0, 0, 0, 0)), "PNG"),
    "two colours": encode(levels(np.where(np.arange(500)[:, None, None] < 250, 30, 60)), "JPEG"),
}


@pytest.mark.parametrize("side", [32, 250])
@pytest.mark.parametrize("name", BLANK)
def test_blank(name: str, side: int) -> None:
    assert WARNING_BLANK in decode_image(BLANK[name], side, side).warnings


@pytest.mark.parametrize("side", [32, 250])
@pytest.mark.parametrize("name", SHOWN)
def test_not_blank(name: str, side: int) -> None:
    assert WARNING_BLANK not in decode_image(SHOWN[name], side, side).warnings


def test_the_white_around_a_photo_is_no_part_of_it() -> None:
    assert WARNING_BLANK in decode_image(encode(Image.new("RGB", (500, 100), "black"), "PNG"), 250, 250).warnings
