"""A white sheet to draw products on: shapes with a soft light from above left, in a unit square of 100 by 100."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

SIDE = 960
"""Pixels while drawing; the picture has half of them."""
Colour = tuple[int, int, int]
Point = tuple[float, float]

BLACK: Colour = (38, 38, 42)
GREY: Colour = (150, 154, 160)
SILVER: Colour = (205, 209, 214)
WHITE: Colour = (250, 250, 250)
CREAM: Colour = (240, 230, 205)
WOOD: Colour = (190, 140, 88)
DARK_WOOD: Colour = (132, 88, 50)
RED: Colour = (200, 52, 46)
ORANGE: Colour = (232, 130, 44)
YELLOW: Colour = (244, 200, 66)
GREEN: Colour = (74, 146, 84)
TEAL: Colour = (46, 142, 148)
BLUE: Colour = (52, 104, 180)
NAVY: Colour = (34, 52, 96)
PURPLE: Colour = (116, 74, 158)
PINK: Colour = (232, 150, 172)
SKIN: Colour = (242, 204, 172)
GOLD: Colour = (206, 168, 86)


class Sketch:
    """One picture in the making."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (SIDE, SIDE), "white")

    def finished(self) -> Image.Image:
        """The picture, RGB 480x480."""
        half = (SIDE // 2, SIDE // 2)
        return self._image.filter(ImageFilter.GaussianBlur(0.9)).resize(half, Image.Resampling.LANCZOS)

    def ground(self, x: float, y: float, across: float, down: float = 4) -> None:
        """A soft shadow on the ground."""
        mask = self._mask(lambda pen: pen.ellipse(_box(x - across, y - down, x + across, y + down), fill=90))
        self._image.paste((120, 124, 130), mask=mask.filter(ImageFilter.GaussianBlur(14)))

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        *,
        round_: float = 0,
        flat: bool = False,
    ) -> None:
        """A rectangle, its corners rounded by `round_`."""
        radius = round_ * SIDE / 100
        self._fill(lambda pen: pen.rounded_rectangle(_box(left, top, right, bottom), radius, fill=255), colour, flat)

    def oval(self, x: float, y: float, across: float, down: float, colour: Colour, *, flat: bool = False) -> None:
        """An ellipse around a point."""
        self._fill(lambda pen: pen.ellipse(_box(x - across, y - down, x + across, y + down), fill=255), colour, flat)

    def disc(self, x: float, y: float, radius: float, colour: Colour, *, flat: bool = False) -> None:
        """A circle."""
        self.oval(x, y, radius, radius, colour, flat=flat)

    def ring(self, x: float, y: float, across: float, down: float, colour: Colour, width: float) -> None:
        """The outline of an ellipse."""
        box = _box(x - across, y - down, x + across, y + down)
        self._fill(lambda pen: pen.ellipse(box, outline=255, width=_px(width)), colour, False)

    def poly(self, points: Sequence[Point], colour: Colour, *, flat: bool = False) -> None:
        """A polygon."""
        scaled = [(x * SIDE / 100, y * SIDE / 100) for x, y in points]
        self._fill(lambda pen: pen.polygon(scaled, fill=255), colour, flat)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line with round ends and corners."""
        pen = ImageDraw.Draw(self._image)
        scaled = [(x * SIDE / 100, y * SIDE / 100) for x, y in points]
        pen.line(scaled, fill=colour, width=_px(width), joint="curve")
        for x, y in (scaled[0], scaled[-1]):
            radius = width * SIDE / 200
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def arc(
        self, x: float, y: float, across: float, down: float, start: float, end: float, colour: Colour, width: float
    ) -> None:
        """A part of an ellipse's outline, in degrees clockwise from the right."""
        steps = [start + (end - start) * step / 48 for step in range(49)]
        points = [(x + across * math.cos(math.radians(a)), y + down * math.sin(math.radians(a))) for a in steps]
        self.line(points, colour, width)

    def star(self, x: float, y: float, radius: float, colour: Colour, *, points: int = 5, inner: float = 0.42) -> None:
        """A star with a point at the top."""
        corners = [
            (radius if step % 2 == 0 else radius * inner, math.pi * step / points - math.pi / 2)
            for step in range(2 * points)
        ]
        self.poly([(x + r * math.cos(a), y + r * math.sin(a)) for r, a in corners], colour)

    def words(self, x: float, y: float, text: str, colour: Colour, size: float, *, turn: float = 0) -> None:
        """A line of letters around a point, turned counter-clockwise by degrees."""
        font = ImageFont.load_default(size * SIDE / 100)
        left, top, right, bottom = font.getbbox(text)
        mask = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
        ImageDraw.Draw(mask).text((4 - left, 4 - top), text, fill=255, font=font)
        mask = mask.rotate(turn, expand=True, resample=Image.Resampling.BICUBIC)
        corner = (int(x * SIDE / 100 - mask.width / 2), int(y * SIDE / 100 - mask.height / 2))
        self._image.paste(colour, corner, mask)

    def turned(self, degrees: float, draw: Callable[[Sketch], None], *, x: float = 50, y: float = 50) -> None:
        """Draw something on a sheet of its own, and put it here turned counter-clockwise around a point."""
        other = Sketch()
        other._image = Image.new("RGB", (SIDE, SIDE), (255, 0, 255))
        draw(other)
        shape = Image.new("L", (SIDE, SIDE))
        shape.paste(255, mask=_not_empty(other._image))
        centre = (x * SIDE / 100, y * SIDE / 100)
        turned = other._image.rotate(degrees, Image.Resampling.BICUBIC, center=centre, fillcolor=(255, 0, 255))
        mask = shape.rotate(degrees, Image.Resampling.BICUBIC, center=centre).filter(ImageFilter.MinFilter(3))
        self._image.paste(turned, mask=mask)

    def _mask(self, draw: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
        mask = Image.new("L", (SIDE, SIDE))
        draw(ImageDraw.Draw(mask))
        return mask

    def _fill(self, draw: Callable[[ImageDraw.ImageDraw], None], colour: Colour, flat: bool) -> None:
        mask = self._mask(draw)
        box = mask.getbbox()
        if box is None:
            return
        if flat:
            self._image.paste(colour, mask=mask)
            return
        width, height = box[2] - box[0], box[3] - box[1]
        light = Image.linear_gradient("L").rotate(24, Image.Resampling.BILINEAR).crop((58, 58, 198, 198))
        light = light.resize((width, height), Image.Resampling.BILINEAR)
        tinted = ImageOps.colorize(light, shade(colour, 1.16), shade(colour, 0.82), mid=colour)
        self._image.paste(tinted, box[:2], mask.crop(box))


def shade(colour: Colour, factor: float) -> Colour:
    """Lighter (over 1) or darker."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def _not_empty(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    is_key = [
        channel.point(lambda value, key=key: 255 if value == key else 0)
        for channel, key in ((red, 255), (green, 0), (blue, 255))
    ]
    both = Image.composite(is_key[0], Image.new("L", image.size), is_key[1])
    return ImageOps.invert(Image.composite(both, Image.new("L", image.size), is_key[2]))


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    scale = SIDE / 100
    return left * scale, top * scale, right * scale, bottom * scale


def _px(width: float) -> int:
    return max(1, round(width * SIDE / 100))
