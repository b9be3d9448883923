"""Toys, figures and models."""

from __future__ import annotations

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    DARK_WOOD,
    GOLD,
    GREY,
    ORANGE,
    PINK,
    RED,
    SILVER,
    WHITE,
    WOOD,
    YELLOW,
    Colour,
    Sketch,
    shade,
)


def robot_figure(sheet: Sketch) -> None:
    """A robot on a stand."""
    sheet.ground(50, 92, 26, 3)
    sheet.oval(50, 89, 24, 5, BLACK)
    for x in (40, 60):
        sheet.box(x - 5, 60, x + 5, 86, (90, 110, 150), round_=2)
        sheet.box(x - 7, 80, x + 7, 88, RED, round_=2)
    sheet.box(33, 32, 67, 62, RED, round_=4)
    sheet.box(40, 38, 60, 50, YELLOW, round_=2)
    sheet.disc(50, 44, 4, (110, 200, 230))
    for x, end in ((26, 20), (74, 80)):
        sheet.disc(x, 36, 6, SILVER)
        sheet.line([(x, 38), (end, 56)], (90, 110, 150), 6)
        sheet.disc(end, 60, 5.5, RED)
    sheet.box(40, 12, 60, 31, SILVER, round_=4)
    sheet.box(43, 18, 57, 23, (40, 60, 90), round_=2)
    for x in (46.5, 53.5):
        sheet.disc(x, 20.5, 1.6, (120, 230, 240))
    for x in (40, 60):
        sheet.line([(x, 16), (x + (x - 50) * 0.5, 6)], GREY, 1.4)


def keyring(sheet: Sketch) -> None:
    """A cat in a space suit on a key ring."""
    sheet.ground(50, 92, 20, 3)
    sheet.ring(50, 16, 12, 12, SILVER, 2.2)
    for y in (28, 33):
        sheet.ring(50, y, 2.4, 3.4, GREY, 1.2)
    sheet.oval(50, 76, 15, 15, WHITE)
    sheet.oval(50, 76, 15, 15, (226, 230, 238))
    for x in (33, 67):
        sheet.oval(x, 72, 5, 8, (226, 230, 238))
    for x in (42, 58):
        sheet.oval(x, 89, 6, 4, (120, 130, 150))
    sheet.disc(50, 52, 19, (196, 220, 236))
    sheet.poly([(36, 48), (38, 37), (46, 44)], ORANGE)
    sheet.poly([(64, 48), (62, 37), (54, 44)], ORANGE)
    sheet.oval(50, 54, 14, 12, ORANGE)
    for x in (44, 56):
        sheet.oval(x, 52, 2, 3, BLACK)
    sheet.poly([(48, 57), (52, 57), (50, 59.6)], PINK)
    for side in (-1, 1):
        for y in (57, 60):
            sheet.line([(50 + side * 5, y), (50 + side * 13, y - 1)], CREAM, 0.5)
    sheet.ring(50, 52, 20, 20, SILVER, 2)
    sheet.box(45, 73, 55, 80, RED, round_=1)


def miniature_knight(sheet: Sketch) -> None:
    """An unpainted knight on a round base."""
    grey = (168, 170, 174)
    sheet.ground(50, 93, 28, 3)
    sheet.oval(50, 89, 24, 5, (90, 92, 96))
    sheet.oval(50, 87, 24, 5, (120, 122, 126))
    for x in (43, 58):
        sheet.box(x - 4.5, 60, x + 4.5, 87, grey, round_=2)
        sheet.box(x - 6, 81, x + 6, 87, shade(grey, 0.85), round_=2)
    sheet.poly([(36, 34), (64, 34), (67, 66), (33, 66)], grey)
    sheet.poly([(64, 32), (74, 46), (72, 84), (64, 66)], shade(grey, 0.75))
    sheet.line([(34, 38), (26, 54)], grey, 7)
    sheet.line([(66, 38), (74, 50)], grey, 7)
    sheet.box(39, 10, 61, 33, grey, round_=6)
    sheet.box(41, 19, 59, 22.4, (70, 72, 76))
    for x in (46, 50, 54):
        sheet.box(x - 0.6, 25, x + 0.6, 30, (90, 92, 96), flat=True)
    sheet.poly([(50, 10), (46, 2), (58, 4)], shade(grey, 0.85))
    sheet.line([(26, 12), (26, 78)], shade(grey, 0.9), 3)
    sheet.line([(19, 60), (33, 60)], shade(grey, 0.7), 3)
    sheet.poly([(66, 44), (86, 44), (85, 62), (76, 74), (67, 62)], shade(grey, 1.1))
    sheet.box(75, 47, 77.4, 68, shade(grey, 0.75))
    sheet.box(69, 54, 83, 56.4, shade(grey, 0.75))


def _die(sheet: Sketch, x: float, y: float, size: float, corners: int, digit: str, colour: Colour) -> None:
    from math import cos, pi, sin

    points = [
        (x + size * cos(2 * pi * n / corners - pi / 2), y + size * sin(2 * pi * n / corners - pi / 2))
        for n in range(corners)
    ]
    sheet.ground(x, y + size * 0.9, size * 0.9, 2)
    sheet.poly(points, colour)
    inner = [(x + (px - x) * 0.6, y + (py - y) * 0.6) for px, py in points]
    for (px, py), (ix, iy) in zip(points, inner, strict=True):
        sheet.line([(px, py), (ix, iy)], shade(colour, 0.65), 0.5)
    sheet.poly(inner, shade(colour, 1.25))
    sheet.words(x, y, digit, GOLD, size * 0.55)


def dice_set(sheet: Sketch) -> None:
    """Seven dice and their bag."""
    sheet.ground(72, 58, 20, 4)
    sheet.poly([(56, 26), (88, 26), (94, 54), (86, 60), (58, 60), (50, 54)], (88, 36, 86))
    sheet.poly([(58, 26), (52, 12), (66, 18), (72, 8), (79, 18), (92, 12), (86, 26)], (112, 52, 110))
    sheet.line([(56, 26), (88, 26)], GOLD, 1.6)
    green = (40, 126, 92)
    for x, y, size, corners, digit in (
        (22, 28, 13, 3, "4"),
        (36, 50, 12, 4, "6"),
        (16, 58, 11, 6, "8"),
        (34, 78, 12, 5, "12"),
        (58, 80, 13, 6, "20"),
        (80, 78, 11, 4, "10"),
        (56, 62, 8, 4, "00"),
    ):
        _die(sheet, x, y, size, corners, digit, green)


def teddy(sheet: Sketch) -> None:
    """A brown bear."""
    fur = (160, 106, 62)
    sheet.ground(50, 93, 30, 4)
    for x in (32, 68):
        sheet.disc(x, 17, 9, fur)
        sheet.disc(x, 18, 5, (212, 166, 120))
    for x in (24, 76):
        sheet.oval(x, 60, 8, 15, fur)
    sheet.oval(50, 66, 24, 25, fur)
    sheet.oval(50, 70, 14, 16, (212, 166, 120))
    for x in (32, 68):
        sheet.oval(x, 87, 11, 8, fur)
        sheet.oval(x, 88, 6, 4.5, (212, 166, 120))
    sheet.disc(50, 32, 22, fur)
    sheet.oval(50, 40, 11, 8.6, (222, 182, 140))
    sheet.oval(50, 36, 4, 2.8, BLACK)
    sheet.arc(50, 40, 4, 3.4, 20, 160, BLACK, 0.8)
    for x in (41, 59):
        sheet.disc(x, 29, 2.4, BLACK)
        sheet.disc(x - 0.7, 28.3, 0.8, WHITE)
    sheet.poly([(50, 54), (38, 49), (38, 59)], RED)
    sheet.poly([(50, 54), (62, 49), (62, 59)], RED)
    sheet.disc(50, 54, 3, shade(RED, 0.8))


def toy_truck(sheet: Sketch) -> None:
    """A wooden tipper truck."""
    sheet.ground(50, 80, 42, 4)
    sheet.box(10, 60, 90, 70, WOOD, round_=2)
    sheet.poly([(8, 30), (60, 30), (56, 60), (16, 60)], YELLOW)
    sheet.poly([(8, 30), (60, 30), (59, 36), (10, 36)], shade(YELLOW, 0.85))
    for x in (22, 34, 46):
        sheet.line([(x, 38), (x + 0.6, 58)], shade(YELLOW, 0.8), 1)
    sheet.box(64, 34, 88, 62, RED, round_=4)
    sheet.box(72, 38, 85, 48, (204, 230, 240), round_=2)
    sheet.disc(87, 58, 2.6, YELLOW)
    for x in (24, 44, 76):
        sheet.disc(x, 71, 9.4, BLACK)
        sheet.disc(x, 71, 5, WOOD)
        sheet.disc(x, 71, 1.6, DARK_WOOD)


def drone(sheet: Sketch) -> None:
    """A quadcopter with a camera."""
    sheet.ground(50, 88, 30, 3)
    for x, y in ((14, 34), (86, 34), (24, 62), (76, 62)):
        sheet.line([(50, 50), (x, y)], (70, 72, 78), 4.4)
    for x, y, wide in ((14, 30, 13), (86, 30, 13), (24, 58, 15), (76, 58, 15)):
        sheet.box(x - 2.6, y, x + 2.6, y + 8, BLACK, round_=1)
        sheet.oval(x, y - 1, wide, 2.2, (196, 200, 206))
        sheet.disc(x, y - 1, 1.6, RED)
    sheet.oval(50, 50, 20, 11, (236, 238, 242))
    sheet.oval(50, 46, 13, 5, (90, 96, 106))
    sheet.box(41, 58, 59, 72, BLACK, round_=4)
    sheet.disc(50, 65, 5, (60, 70, 96))
    sheet.disc(48.6, 63.6, 1.6, (190, 210, 230))
    for x in (34, 66):
        sheet.line([(x, 58), (x + (x - 50) * 0.35, 82)], GREY, 2)
        sheet.line([(x + (x - 50) * 0.35 - 6, 82), (x + (x - 50) * 0.35 + 6, 82)], GREY, 2)


def model_plane(sheet: Sketch) -> None:
    """A model of a fighter plane."""
    olive = (106, 118, 82)
    sheet.ground(50, 90, 34, 3)
    sheet.poly([(46, 40), (4, 62), (4, 68), (46, 60)], olive)
    sheet.poly([(54, 40), (96, 62), (96, 68), (54, 60)], olive)
    sheet.poly([(47, 74), (30, 84), (30, 88), (50, 84), (70, 88), (70, 84), (53, 74)], olive)
    sheet.oval(50, 48, 6.4, 40, shade(olive, 1.08))
    sheet.oval(50, 40, 3.6, 9, (170, 206, 226))
    sheet.line([(50, 66), (50, 88)], shade(olive, 0.7), 1.6)
    for x in (20, 80):
        sheet.disc(x, 60, 5, BLUE)
        sheet.disc(x, 60, 3.4, WHITE)
        sheet.disc(x, 60, 1.7, RED)
    sheet.oval(50, 9, 4, 3, RED)
    sheet.oval(50, 8.4, 20, 1.2, (90, 90, 96))


PICTURES = {
    "robot-figure": robot_figure,
    "keyring": keyring,
    "miniature-knight": miniature_knight,
    "dice-set": dice_set,
    "teddy": teddy,
    "toy-truck": toy_truck,
    "drone": drone,
    "model-plane": model_plane,
}
