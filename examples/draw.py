"""Draws the example photos: a pool, a book and a chair on white, as in a shop. `python examples/draw.py`"""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIZE = 1000
LEFT, RIGHT, TOP, RIM, DEPTH = 90, 910, 380, 150, 210


def draw_pool() -> Image.Image:
    """A round garden pool with a ladder, RGB 500x500."""
    photo = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(photo)
    pen.ellipse((LEFT - 30, TOP + DEPTH - 40, RIGHT + 40, TOP + 2 * RIM + DEPTH + 40), fill=(225, 228, 230))
    photo = photo.filter(ImageFilter.GaussianBlur(18))
    pen = ImageDraw.Draw(photo)
    _wall(pen)
    _water(pen)
    _legs(pen)
    _ladder(pen)
    return _finished(photo)


def _wall(pen: ImageDraw.ImageDraw) -> None:
    for x in range(LEFT, RIGHT):
        side = (x - LEFT) / (RIGHT - LEFT) * 2 - 1
        light = 0.62 + 0.38 * math.cos(side * 1.2 + 0.3)
        drop = RIM * math.sqrt(max(0.0, 1 - side * side))
        pen.line((x, TOP + RIM, x, TOP + RIM + drop + DEPTH), fill=tuple(int(c * light) for c in (70, 130, 190)))


def _water(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((LEFT, TOP, RIGHT, TOP + 2 * RIM), fill=(205, 212, 218), outline=(150, 160, 170), width=4)
    for step in range(60):
        inset = 22 + step * 2
        shade = step / 60
        colour = (int(90 + 80 * shade), int(185 + 45 * shade), int(225 + 20 * shade))
        pen.ellipse((LEFT + inset, TOP + inset * 0.4 + 6, RIGHT - inset, TOP + 2 * RIM - inset * 0.4), fill=colour)
    for row in range(9):
        y = TOP + 60 + row * 24
        for wave in range(14):
            x = LEFT + 110 + wave * 46 + (row % 2) * 20
            if ((x - 500) / 360) ** 2 + ((y - TOP - RIM) / 120) ** 2 < 1:
                pen.arc((x, y, x + 38, y + 14), 190, 350, fill=(235, 250, 255), width=3)


def _legs(pen: ImageDraw.ImageDraw) -> None:
    for angle in range(20, 161, 20):
        x = 500 - 410 * math.cos(math.radians(angle))
        y = TOP + RIM + RIM * math.sin(math.radians(angle))
        pen.line((x, y, x, y + DEPTH + 8), fill=(232, 236, 240), width=14)
        pen.line((x + 6, y, x + 6, y + DEPTH + 8), fill=(170, 178, 186), width=3)


def _ladder(pen: ImageDraw.ImageDraw) -> None:
    for x in (640, 720):
        pen.line((x, TOP - 70, x, TOP + 2 * RIM + DEPTH - 20), fill=(245, 247, 250), width=16)
        pen.line((x + 8, TOP - 70, x + 8, TOP + 2 * RIM + DEPTH - 20), fill=(150, 156, 164), width=4)
    pen.arc((632, TOP - 110, 730, TOP - 20), 180, 360, fill=(190, 196, 204), width=14)
    for step in range(7):
        y = TOP + 170 + step * 52
        pen.line((640, y, 724, y), fill=(120, 128, 138), width=12)


def draw_book() -> Image.Image:
    """An old hardcover book with a title in bars, RGB 500x500."""
    photo = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(photo)
    pen.polygon([(250, 90), (740, 90), (770, 120), (770, 920), (280, 920), (250, 890)], fill=(225, 215, 190))
    pen.rectangle((240, 80, 740, 890), fill=(122, 34, 38))
    pen.rectangle((240, 80, 280, 890), fill=(92, 22, 26))
    pen.rectangle((310, 130, 710, 840), outline=(214, 178, 96), width=6)
    for row, width in enumerate((300, 220, 260)):
        pen.rectangle((510 - width // 2, 220 + row * 70, 510 + width // 2, 255 + row * 70), fill=(214, 178, 96))
    pen.ellipse((430, 500, 590, 660), outline=(214, 178, 96), width=8)
    pen.polygon([(510, 520), (560, 630), (460, 630)], fill=(214, 178, 96))
    pen.rectangle((440, 760, 580, 785), fill=(214, 178, 96))
    return _finished(photo)


def draw_chair() -> Image.Image:
    """A wooden chair with a grey seat, RGB 500x500."""
    photo = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(photo)
    wood, dark = (176, 124, 76), (138, 94, 54)
    for x in (330, 650):
        pen.line((x, 120, x, 900), fill=wood, width=34)
    for y in (160, 260, 360):
        pen.line((330, y, 650, y), fill=dark, width=40)
    pen.polygon([(310, 520), (670, 520), (740, 620), (240, 620)], fill=(150, 156, 164))
    pen.polygon([(240, 620), (740, 620), (740, 660), (240, 660)], fill=(112, 118, 126))
    for x in (258, 720):
        pen.line((x, 655, x, 940), fill=wood, width=36)
    pen.line((258, 800, 720, 800), fill=dark, width=22)
    return _finished(photo)


def _finished(photo: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(1.2)).resize((SIZE // 2, SIZE // 2), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for draw in (draw_pool, draw_book, draw_chair):
        draw().save(Path(__file__).with_name(f"{draw.__name__.removeprefix('draw_')}.jpg"), quality=90)
