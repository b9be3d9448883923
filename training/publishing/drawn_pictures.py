"""Pictures of no product, drawn: landscapes, skylines, pages of text, floor plans, colour gradients, noise and blanks.

Nothing but NumPy and Pillow's own shapes and font, so that the same number of pictures is the same everywhere.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 500
QUALITY = 90
"""Pixels of a side, and of JPEG: as sellers' photos."""
OCTAVES = 6

Floats = NDArray[np.float64]
Random = np.random.Generator


def draw_pictures(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """`count` pictures as (kind, JPEG of 500x500), the kinds in turn."""
    kinds = list(KINDS.items())
    for number in range(count):
        kind, draw = kinds[number % len(kinds)]
        picture = draw(np.random.default_rng([seed, number]))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=QUALITY)
        yield kind, stream.getvalue()


def draw_landscape(random: Random) -> Image.Image:
    """Sky with clouds, two or three ranges of hills, and a meadow, sand or water in front."""
    sky = _blend((90, 140, 210), (225, 235, 245), np.linspace(0, 1, SIZE)[:, None] * np.ones((1, SIZE)))
    clouds = np.clip(_fractal(random) * 2 - 0.9, 0, 1)[..., None]
    pixels = sky * (1 - clouds) + 250 * clouds
    height = np.arange(SIZE)[:, None]
    horizon = random.uniform(0.35, 0.55)
    ranges = int(random.integers(2, 4))
    for distance in range(ranges, 0, -1):
        ridge = (horizon + 0.12 * (ranges - distance) - 0.18 * _ridge(random)) * SIZE
        colour = _blend((70, 95, 70), (150, 170, 195), np.full((SIZE, SIZE), distance / (ranges + 1)))
        pixels = np.where((height > ridge)[..., None], colour * (0.8 + 0.4 * _fractal(random)[..., None]), pixels)
    ground = np.array([(86, 125, 55), (205, 185, 140), (60, 105, 140)][int(random.integers(3))])
    shore = (horizon + 0.25 + 0.03 * _ridge(random)) * SIZE
    grain = (0.7 + 0.6 * _fractal(random))[..., None]
    return _picture(np.where((height > shore)[..., None], ground * grain, pixels))


def draw_skyline(random: Random) -> Image.Image:
    """House fronts with lit windows under an evening sky."""
    dusk = _blend((40, 50, 110), (240, 160, 110), np.linspace(0, 1, SIZE)[:, None] * np.ones((1, SIZE)))
    picture = _picture(dusk)
    pen = ImageDraw.Draw(picture)
    left = -20
    while left < SIZE:
        width, top = int(random.integers(45, 110)), int(random.integers(90, 330))
        shade = int(random.integers(25, 80))
        pen.rectangle((left, top, left + width, SIZE), fill=(shade, shade, shade + 12))
        for y in range(top + 12, SIZE - 10, 24):
            for x in range(left + 8, left + width - 12, 18):
                lit = random.random() < 0.45
                pen.rectangle((x, y, x + 9, y + 13), fill=(250, 220, 130) if lit else (shade + 20,) * 3)
        left += width + int(random.integers(0, 8))
    return picture


def draw_page(random: Random) -> Image.Image:
    """A screen of text: a headline, paragraphs of made-up words and a button."""
    dark = random.random() < 0.3
    picture = Image.new("RGB", (SIZE, SIZE), (28, 30, 34) if dark else (252, 252, 252))
    pen, ink = ImageDraw.Draw(picture), (225, 225, 225) if dark else (30, 30, 30)
    accent = tuple(int(value) for value in random.integers(30, 200, 3))
    pen.rectangle((0, 0, SIZE, 46), fill=accent)
    pen.text((18, 12), _words(random, 3).title(), font=ImageFont.load_default(20), fill="white")
    for line in range(int(random.integers(12, 20))):
        pen.text((22, 66 + 20 * line), _words(random, 9)[:64], font=ImageFont.load_default(13), fill=ink)
    pen.rounded_rectangle((22, 450, 170, 484), 6, fill=accent)
    pen.text((44, 458), _words(random, 1).upper(), font=ImageFont.load_default(14), fill="white")
    return picture


def draw_floor_plan(random: Random) -> Image.Image:
    """Rooms of a flat in black lines on white, with their areas."""
    picture = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(picture)

    def room(left: int, top: int, right: int, bottom: int, depth: int) -> None:
        wide = right - left > bottom - top
        if depth == 0 or max(right - left, bottom - top) < 150:
            pen.rectangle((left, top, right, bottom), outline="black", width=6)
            pen.arc((right - 40, bottom - 40, right + 40, bottom + 40), 180, 270, fill="gray", width=2)
            area = (right - left) * (bottom - top) / 7000
            pen.text((left + 16, top + 14), f"{area:.1f} m2", font=ImageFont.load_default(15), fill="black")
            return
        share = random.uniform(0.35, 0.65)
        if wide:
            middle = int(left + share * (right - left))
            room(left, top, middle, bottom, depth - 1)
            room(middle, top, right, bottom, depth - 1)
        else:
            middle = int(top + share * (bottom - top))
            room(left, top, right, middle, depth - 1)
            room(left, middle, right, bottom, depth - 1)

    room(40, 40, SIZE - 40, SIZE - 40, 3)
    return picture


def draw_gradient(random: Random) -> Image.Image:
    """One colour that turns into another."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    share = np.clip(0.5 + x * np.cos(angle) + y * np.sin(angle), 0, 1)
    first, second = random.integers(0, 256, (2, 3))
    return _picture(_blend(tuple(first), tuple(second), share))


def draw_noise(random: Random) -> Image.Image:
    """Coloured noise, of single pixels or of blobs."""
    side = int(random.choice([SIZE, 100, 25]))
    noise = random.integers(0, 256, (side, side, 3)).astype(np.float64)
    return _picture(noise).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def draw_clouds(random: Random) -> Image.Image:
    """A texture: fractal clouds between two colours, as of marble, lawn or rust."""
    first, second = random.integers(0, 256, (2, 3))
    return _picture(_blend(tuple(first), tuple(second), _fractal(random)))


def draw_blank(random: Random) -> Image.Image:
    """Next to nothing: one colour, vignetted as by a finger on the lens."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    light = 1 - random.uniform(0, 1.2) * (x**2 + y**2)
    picture = _picture(random.integers(0, 256, 3) * light[..., None] + random.normal(0, 3, (SIZE, SIZE, 1)))
    return picture.filter(ImageFilter.GaussianBlur(1))


KINDS: dict[str, Callable[[Random], Image.Image]] = {
    "landscape": draw_landscape,
    "skyline": draw_skyline,
    "page of text": draw_page,
    "floor plan": draw_floor_plan,
    "gradient": draw_gradient,
    "noise": draw_noise,
    "texture": draw_clouds,
    "blank": draw_blank,
}


def _fractal(random: Random) -> Floats:
    """Fractal value noise [SIZE, SIZE] in 0..1: random grids of doubling fineness and halving weight."""
    total = np.zeros((SIZE, SIZE))
    for octave in range(OCTAVES):
        grid = Image.fromarray(random.random((2 + 2**octave, 2 + 2**octave)).astype(np.float32))
        total += np.asarray(grid.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float64) / 2**octave
    total -= total.min()
    return np.asarray(total / total.max(), np.float64)


def _ridge(random: Random) -> Floats:
    """A line of hills [SIZE] in 0..1."""
    return np.asarray(_fractal(random)[int(random.integers(SIZE))], np.float64)


def _blend(first: tuple[int, ...], second: tuple[int, ...], share: Floats) -> Floats:
    """Colours [H, W, 3] between two, by `share` [H, W] of the second."""
    return np.asarray(np.array(first) * (1 - share[..., None]) + np.array(second) * share[..., None], np.float64)


def _picture(pixels: Floats) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _words(random: Random, count: int) -> str:
    letters = np.array(list("aeioubcdlmnprst"))
    return " ".join("".join(random.choice(letters, int(random.integers(2, 9)))) for _ in range(count))
